"""Softmax regression on CIFAR-10, written for a reader. Each module says in its first line what it is for."""
