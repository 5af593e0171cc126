"""Record the templates at a few epochs of a training, to show how they form. Letters as in `lib.model`."""

from typing import NamedTuple, Self

import numpy as np

from lib.model import Network, member


class Film(NamedTuple):
    """The templates at a few epochs, each scaled to 256 levels for a picture. The weights are not recorded."""

    epochs: np.ndarray  # (n,)
    levels: np.ndarray  # uint8 (n, D, K)

    def strip(self) -> Self:
        """Return the frames that fit on a page: those of epochs 0, 1, 5, 10, 20 and 40, if present, and the last."""
        few = np.isin(self.epochs, (0, 1, 5, 10, 20, 40, self.epochs[-1]))
        return self._replace(epochs=self.epochs[few], levels=self.levels[few])


class Snapshots:
    """An `on_epoch` callback that records the templates of a stack's first network at the epochs of `chosen`."""

    def __init__(self, n_epochs: int) -> None:
        self.epochs = chosen(n_epochs)
        self.frames: list[np.ndarray] = []

    def __call__(self, epoch: int, net: Network) -> None:
        if epoch in self.epochs:
            self.frames.append(levels(member(net, 0).W))

    def film(self, net: Network) -> Film:
        """Return the recorded templates, ending with `net`: training may return an average, not the last iterate."""
        return Film(np.array(self.epochs), np.stack([*self.frames[:-1], levels(net.W)]))


def chosen(n_epochs: int) -> list[int]:
    """Return 0, 1, 2, 3, 5, 7, 10, 14, 20, 28, 40 and so on, growing by a factor of √2, and the last epoch."""
    growing = [int(10 * 2 ** (i / 2)) for i in range(-5, 40)]
    return [0, *(epoch for epoch in growing if epoch < n_epochs), n_epochs]


def min_max_scale(W: np.ndarray) -> np.ndarray:
    """Scale W (D, K), or one class (D,), to [0, 1]: from the smallest weight of each class to its largest."""
    low, high = W.min(0), W.max(0)
    return (W - low) / np.where(high > low, high - low, 1)


def levels(W: np.ndarray) -> np.ndarray:
    """Return W (D, K) quantised to 256 levels, from the smallest weight of each class to its largest: uint8 (D, K)."""
    return np.rint(255 * np.nan_to_num(min_max_scale(W))).astype(np.uint8)
