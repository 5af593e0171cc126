"""How eta falls over the epochs, and the average of the networks met on the way."""

import math
from collections.abc import Callable, Iterator

import numpy as np

from lib.model import Network

FACTOR = 0.1  # course: divide eta by 10


def step_decay(n_epochs: int, steps: int = 3) -> Iterator[float]:
    """Eta's factor in each epoch: it falls to a tenth after each of `steps` equal parts of the training."""
    return (FACTOR ** (min(steps, n_epochs) * epoch // n_epochs) for epoch in range(n_epochs))


def plateau_decay(latest_loss: Callable[[], float], patience: int = 3) -> Iterator[float]:
    """Eta's factor in each epoch: it falls to a tenth whenever `patience` epochs brought no better loss.

    `latest_loss()` is asked for after each epoch, before the next factor is given.
    """
    best, waited, factor = math.inf, 0, 1.0
    while True:
        yield factor
        loss = latest_loss()
        best, waited = (loss, 0) if loss < best else (best, waited + 1)
        if waited == patience:
            factor, waited = factor * FACTOR, 0


class Average:
    """An `on_epoch` that averages the networks after every epoch from `start` on (Polyak and Juditsky, 1992)."""

    def __init__(self, start: int) -> None:
        self.start, self.count = start, 0
        self.total: Network | None = None

    def __call__(self, epoch: int, net: Network) -> None:
        if epoch >= self.start:
            before = self.total or Network(np.zeros_like(net.W), np.zeros_like(net.b))
            self.total, self.count = Network(before.W + net.W, before.b + net.b), self.count + 1

    @property
    def net(self) -> Network:
        """The average. Raises ValueError before there is any."""
        if self.total is None:
            raise ValueError(f"no network to average yet: the first is that of epoch {self.start}")
        return Network(self.total.W / self.count, self.total.b / self.count)
