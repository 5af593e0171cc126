"""The same training in this project and other libraries: softmax regression, mini-batches of 100, no penalty.

A contender takes the data and a number of epochs, trains and, if `evaluated`, computes loss and accuracy on both splits
after each epoch. It returns its final training accuracy, which shows that it did the work.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from lib.assignment import N_BATCH
from lib.model import Network, init_network, member, stack
from lib.train import History, epoch_orders, mini_batch_gd
from notebooks.improvements.search import STACK

ETA = 0.001


class Data(NamedTuple):
    """The training and the validation split: X (N, D) float32 and y (N,) int64 of each."""

    X: np.ndarray
    y: np.ndarray
    X_val: np.ndarray
    y_val: np.ndarray

    def splits(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        return {"train": (self.X, self.y), "val": (self.X_val, self.y_val)}


def orders(data: Data, n_epochs: int) -> list[np.ndarray]:
    return list(epoch_orders(np.random.default_rng(0), len(data.y), n_epochs))


def ours(data: Data, n_epochs: int, evaluated: bool) -> float:
    """Train one setting with this project."""
    net, history = init_network(np.random.default_rng(0)), History(data.splits() if evaluated else {}, 0.0)
    net = mini_batch_gd(
        data.X, data.y, net, eta=ETA, lam=0, n_batch=N_BATCH, orders=orders(data, n_epochs), on_epoch=history
    )
    return accuracy(data, *net)


def stacked(M: int, data: Data, n_epochs: int, evaluated: bool) -> float:
    """Train M settings with this project, in stacks of the grid search's size that run in parallel."""
    sizes = [min(STACK, M - start) for start in range(0, M, STACK)]
    threads = max(1, (os.cpu_count() or 1) // len(sizes))
    with threadpool_limits(threads, user_api="blas"), ThreadPoolExecutor(len(sizes)) as pool:
        nets = list(pool.map(lambda size: one_stack(size, data, n_epochs, evaluated), sizes))
    return accuracy(data, *member(nets[0], 0))


def one_stack(M: int, data: Data, n_epochs: int, evaluated: bool) -> Network:
    eta, lam = np.full(M, ETA), np.zeros(M)
    net, history = stack([init_network(np.random.default_rng(0))] * M), History(data.splits() if evaluated else {}, lam)
    return mini_batch_gd(
        data.X, data.y, net, eta=eta, lam=lam, n_batch=N_BATCH, orders=orders(data, n_epochs), on_epoch=history
    )


def accuracy(data: Data, W: np.ndarray, b: np.ndarray) -> float:
    return float(((data.X @ W + b).argmax(1) == data.y).mean())


def torch_eager(data: Data, n_epochs: int, evaluated: bool) -> float:
    """Train with PyTorch in the style of its tutorials, on tensors in memory."""
    import torch

    splits = [tuple(map(torch.from_numpy, pair)) for pair in data.splits().values()]
    X, y = splits[0]
    model, loss = torch.nn.Linear(X.shape[1], 10), torch.nn.CrossEntropyLoss()
    optimiser = torch.optim.SGD(model.parameters(), lr=ETA)
    for order in orders(data, n_epochs):
        for batch in torch.from_numpy(order).split(N_BATCH):
            optimiser.zero_grad()
            loss(model(X[batch]), y[batch]).backward()
            optimiser.step()
        evaluate_torch(model, loss, splits if evaluated else [])
    return accuracy(data, model.weight.detach().numpy().T, model.bias.detach().numpy())


def torch_loader(data: Data, n_epochs: int, evaluated: bool) -> float:
    """Train with PyTorch and a shuffling DataLoader."""
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    splits = [tuple(map(torch.from_numpy, pair)) for pair in data.splits().values()]
    loader = DataLoader(TensorDataset(*splits[0]), batch_size=N_BATCH, shuffle=True)
    model, loss = torch.nn.Linear(data.X.shape[1], 10), torch.nn.CrossEntropyLoss()
    optimiser = torch.optim.SGD(model.parameters(), lr=ETA)
    for _ in range(n_epochs):
        for X_batch, y_batch in loader:
            optimiser.zero_grad()
            loss(model(X_batch), y_batch).backward()
            optimiser.step()
        evaluate_torch(model, loss, splits if evaluated else [])
    return accuracy(data, model.weight.detach().numpy().T, model.bias.detach().numpy())


def evaluate_torch(model, loss, splits) -> list[tuple[float, float]]:
    import torch

    with torch.no_grad():
        scores = [(model(X), y) for X, y in splits]
        return [(loss(S, y).item(), (S.argmax(1) == y).float().mean().item()) for S, y in scores]


def jax_jit(data: Data, n_epochs: int, evaluated: bool) -> float:
    """Train with JAX: a compiled step per batch, and a compiled evaluation."""
    import jax
    import jax.numpy as jnp

    X, y, X_val, y_val = map(jnp.asarray, data)  # passed as arguments below: constants in compiled code are slow

    def loss(S, y):
        return -jnp.take_along_axis(jax.nn.log_softmax(S), y[:, None], 1).mean()

    @jax.jit
    def step(net, X, y, batch):
        slope = jax.grad(lambda net: loss(X[batch] @ net[0] + net[1], y[batch]))(net)
        return jax.tree.map(lambda weights, gradient: weights - ETA * gradient, net, slope)

    @jax.jit
    def evaluate(net, X, y):
        S = X @ net[0] + net[1]
        return loss(S, y), (S.argmax(1) == y).mean()

    net = tuple(map(jnp.asarray, init_network(np.random.default_rng(0), d=X.shape[1])))
    for order in orders(data, n_epochs):
        for start in range(0, len(order), N_BATCH):
            net = step(net, X, y, order[start : start + N_BATCH])
        measures = [evaluate(net, *split) for split in ((X, y), (X_val, y_val))] if evaluated else []
        jax.block_until_ready((net, measures))
    return accuracy(data, *map(np.asarray, net))


def scikit_learn(data: Data, n_epochs: int, evaluated: bool) -> float:
    """Train scikit-learn's MLPClassifier without a hidden layer, one epoch per call."""
    from sklearn.metrics import log_loss
    from sklearn.neural_network import MLPClassifier

    model = MLPClassifier(
        (), solver="sgd", learning_rate_init=ETA, momentum=0, alpha=0, batch_size=N_BATCH, random_state=0
    )
    for _ in range(n_epochs):
        model.partial_fit(data.X, data.y, classes=np.arange(10))
        for X, y in data.splits().values() if evaluated else ():
            P = model.predict_proba(X)
            log_loss(y, P, labels=np.arange(10)), (P.argmax(1) == y).mean()
    return accuracy(data, model.coefs_[0], model.intercepts_[0])


def course_style(data: Data, n_epochs: int, evaluated: bool) -> float:
    """Train as the course instructs: float64, an image per column, one-hot labels, a copy of every batch."""
    X, X_val = (np.ascontiguousarray(split.T, np.float64) for split in (data.X, data.X_val))
    Y, Y_val = (np.eye(10)[labels].T for labels in (data.y, data.y_val))
    rng = np.random.default_rng(0)
    W, b = 0.01 * rng.standard_normal((10, len(X))), np.zeros((10, 1))

    def apply(X, W, b):
        e = np.exp(W @ X + b)
        return e / e.sum(axis=0)

    for order in orders(data, n_epochs):
        for start in range(0, len(order), N_BATCH):
            batch = order[start : start + N_BATCH]
            X_batch, Y_batch = X[:, batch], Y[:, batch]
            G = apply(X_batch, W, b) - Y_batch
            W -= ETA * (G @ X_batch.T / len(batch))
            b -= ETA * G.mean(axis=1, keepdims=True)
        for split, labels in ((X, Y), (X_val, Y_val)) if evaluated else ():
            P = apply(split, W, b)
            -np.log((labels * P).sum(axis=0)).mean(), (P.argmax(0) == labels.argmax(0)).mean()
    return accuracy(data, W.T, b[:, 0])
