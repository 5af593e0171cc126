"""The templates at a few epochs of a training, kept small, to show how they form. Letters as in `lib.model`."""

from typing import NamedTuple, Self

import numpy as np

from lib.model import Network, member


class Film(NamedTuple):
    """Templates on their own scale each, as a picture shows them: all that is kept of the weights on the way."""

    epochs: np.ndarray  # (n,)
    levels: np.ndarray  # uint8 (n, D, K)

    def strip(self) -> Self:
        """The few frames that fit a page: the epochs 0, 1, 5, 10, 20, 40 as far as they are there, and the last."""
        few = np.isin(self.epochs, (0, 1, 5, 10, 20, 40, self.epochs[-1]))
        return self._replace(epochs=self.epochs[few], levels=self.levels[few])


class Snapshots:
    """An `on_epoch` that keeps the templates of a stack's first network at the epochs of `chosen`."""

    def __init__(self, n_epochs: int) -> None:
        self.levels: dict[int, np.ndarray | None] = dict.fromkeys(chosen(n_epochs))

    def __call__(self, epoch: int, net: Network) -> None:
        if epoch in self.levels:
            self.levels[epoch] = levels(member(net, 0).W)

    def film(self, net: Network) -> Film:
        """What was kept, ending with `net`: what training returns may be an average, not the last iterate."""
        frames = [*list(self.levels.values())[:-1], levels(net.W)]
        return Film(np.array(list(self.levels)), np.stack([frame for frame in frames if frame is not None]))


def chosen(n_epochs: int) -> list[int]:
    """0, 1, 2, 3, 5, 7, 10, 14, 20, 28, 40 and so on, each by √2 the one before; ending with the last epoch."""
    growing = {int(10 * 2 ** (i / 2)) for i in range(-6, 40)}
    return [0, *sorted(epoch for epoch in growing if epoch < n_epochs), n_epochs]


def min_max_scale(W: np.ndarray) -> np.ndarray:
    """Scale W (D, K), or one class (D,), to [0, 1]: from the smallest weight of each class to its largest."""
    low, high = W.min(0), W.max(0)
    return (W - low) / np.where(high > low, high - low, 1)


def levels(W: np.ndarray) -> np.ndarray:
    """W (D, K) in 256 levels from the smallest weight of each class to its largest: uint8 (D, K)."""
    return np.rint(255 * np.nan_to_num(min_max_scale(W))).astype(np.uint8)
