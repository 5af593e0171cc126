"""Schedules of the step size: the factor by which eta is multiplied in each epoch."""

import math
from collections.abc import Callable, Iterator

FACTOR = 0.1  # the course divides eta by 10


def step_decay(n_epochs: int, steps: int = 3) -> Iterator[float]:
    """Yield eta's factor for each epoch. It falls to a tenth after each of `steps` equal parts of the training."""
    return (FACTOR ** (min(steps, n_epochs) * epoch // n_epochs) for epoch in range(n_epochs))


def plateau_decay(latest_loss: Callable[[], float], patience: int = 3) -> Iterator[float]:
    """Yield eta's factor for each epoch. It falls to a tenth after `patience` epochs without a new lowest loss.

    `latest_loss()` is called after each epoch, before the next factor is yielded.
    """
    best, waited, factor = math.inf, 0, 1.0
    while True:
        yield factor
        loss = latest_loss()
        best, waited = (loss, 0) if loss < best else (best, waited + 1)
        if waited == patience:
            factor, waited = factor * FACTOR, 0
