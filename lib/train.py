"""Mini-batch gradient descent, the order of the images in each epoch, and the history of loss, cost and accuracy.

Letters as in `lib.model`: N images, D pixels, K classes, M networks in a stack.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import repeat
from operator import getitem

import numpy as np
from numpy.typing import ArrayLike

from lib.guards import Split, refuse_held_out
from lib.model import (
    SOFTMAX,
    Loss,
    Network,
    apply_network,
    backward_pass,
    compute_accuracy,
    compute_loss,
    penalty,
    scores,
)
from lib.rows import per_network

OnEpoch = Callable[[int, Network], None]  # called with the epoch, from 1, and the network
Take = Callable[[np.ndarray, np.ndarray], np.ndarray]  # X (N, D) and a batch's indices to the batch's inputs
# Has the signature of lib.model.backward_pass. The returned gradient is overwritten.
Backward = Callable[[np.ndarray, np.ndarray, np.ndarray, Network, ArrayLike, Loss], Network]


def epoch_orders(rng: np.random.Generator, n: int, n_epochs: int) -> Iterator[np.ndarray]:
    """Yield the order of the n images for each epoch. Each order permutes the previous one."""
    order = np.arange(n)
    for _ in range(n_epochs):
        order = order[rng.permutation(n)]
        yield order


def mini_batch_gd(
    X: np.ndarray,
    y: np.ndarray,
    net: Network,
    *,
    eta: ArrayLike,
    lam: ArrayLike,
    n_batch: int,
    orders: Iterable[np.ndarray],
    on_epoch: OnEpoch | None = None,
    loss: Loss = SOFTMAX,
    take: Take = getitem,
    decay: Iterable[ArrayLike] = repeat(1),
    momentum: ArrayLike = 0.0,
    backward: Backward = backward_pass,
) -> Network:
    """Train on X (N, D), y (N,), starting from `net`, which stays unchanged. Return the trained network.

    Each epoch takes the images in the next of `orders`, `n_batch` at a time, and steps down the gradient of the cost.
    For a stack, `eta`, `lam` and `momentum` are scalars or (M,), one for each network. `on_epoch(epoch, net)` is called
    after each epoch, with epochs counted from 1 and the network read-only. Source: assignment, exercise 1.8.

    The optional part uses `loss`; `take(X, batch)`, which makes a batch's inputs, e.g. augmented ones (`lib.augment`);
    `decay`, eta's factor in each epoch, at least as many factors as orders (`lib.schedules`); and `momentum`, the share
    of the previous update that is added to each update (Polyak, 1964). A caller replaces `backward` to make a mistake
    on purpose (chapter 8) or to watch each step (the exploring window).
    """
    refuse_held_out(X)
    net = Network(net.W.copy(), net.b.copy())
    previous = Network(np.zeros_like(net.W), np.zeros_like(net.b)) if np.any(momentum) else None
    share = per_network(momentum, net.b)
    for epoch, (order, factor) in enumerate(zip(orders, decay, strict=False), 1):
        step = per_network(np.multiply(eta, factor), net.b)
        for start in range(0, len(order), n_batch):
            batch = order[start : start + n_batch]  # (n_batch,)
            X_batch, y_batch = take(X, batch), y[batch]  # (n_batch, D), (n_batch,)
            P = apply_network(X_batch, net, loss)  # (n_batch, K)
            descend(net, backward(X_batch, y_batch, P, net, lam, loss), step, share, previous)
        if on_epoch:
            on_epoch(epoch, read_only(net))
    return net


def descend(net: Network, gradient: Network, step: np.ndarray, share: np.ndarray, previous: Network | None) -> None:
    """Step down the gradient, which is overwritten; with momentum, add `share` of the previous update.

    `net` and `previous` change in place, so that no array as large as W is allocated.
    """
    for weights, slope, update in zip(net, gradient, previous or gradient, strict=True):
        slope *= step
        if previous:
            update *= share
            update += slope
        weights -= update


def read_only(net: Network) -> Network:
    """Return read-only views of the network's arrays."""
    views = Network(net.W.view(), net.b.view())
    for view in views:
        view.flags.writeable = False
    return views


def evaluate(X: np.ndarray, y: np.ndarray, net: Network, lam: ArrayLike, loss: Loss = SOFTMAX) -> dict[str, np.ndarray]:
    """Return loss, cost and accuracy of `net` on one split: () each, or (M,) for a stack. The weights are read-only."""
    net = read_only(net)
    S = scores(X, net)  # (N, K)
    mean_loss = compute_loss(S, y, loss)
    return {"loss": mean_loss, "cost": mean_loss + penalty(net, lam), "accuracy": compute_accuracy(S, y)}


class History:
    """An `on_epoch` callback that records loss, cost and accuracy on each split after every epoch.

    `history["train"]["loss"]` has one entry per epoch: (n_epochs,), or (n_epochs, M) for a stack.
    """

    def __init__(self, splits: Mapping[str, Split], lam: ArrayLike, loss: Loss = SOFTMAX) -> None:
        self.splits, self.lam, self.loss = splits, lam, loss
        self.record: dict[str, dict[str, list[np.ndarray]]] = {
            name: {"loss": [], "cost": [], "accuracy": []} for name in splits
        }

    def __call__(self, epoch: int, net: Network) -> None:
        for name, (X, y) in self.splits.items():
            for measure, value in evaluate(X, y, net, self.lam, self.loss).items():
                self.record[name][measure].append(value)

    def replace_last(self, net: Network) -> None:
        """Replace the values of the last epoch with those of `net`."""
        for measures in self.record.values():
            for values in measures.values():
                values.pop()
        self(0, net)

    def __getitem__(self, name: str) -> dict[str, np.ndarray]:
        """Return each measure on split `name` as an array (n_epochs,), or (n_epochs, M) for a stack."""
        return {measure: np.array(values) for measure, values in self.record[name].items()}
