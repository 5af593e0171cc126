"""Softmax regression on CIFAR-10. The first line of each module says what the module is for."""
