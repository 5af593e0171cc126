"""Other views of the images: mirrored, moved by a few pixels. A view is an order of the pixels, as FLIP is."""

import numpy as np

from lib.preprocess import FLIP


def shifted_views(most: int) -> np.ndarray:
    """Every shift by up to `most` pixels each way, (V, D): X[:, view] is X moved, its edges repeated into the gap.

    The one in the middle, V // 2, moves nothing.
    """
    pixels = np.pad(np.arange(3072).reshape(3, 32, 32), ((0, 0), (most, most), (most, most)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(pixels, (3, 32, 32))  # (1, 2 most + 1, 2 most + 1, 3, 32, 32)
    return windows.reshape(-1, 3072)


class RandomViews:
    """A `take` for `lib.train.mini_batch_gd` that sees each image of a batch in a view drawn anew each time.

    The view is drawn evenly from `shifted_views(shifts)` and, with `flips`, from their mirror images. The batch is read
    through it: no second data set is kept.
    """

    def __init__(self, rng: np.random.Generator, *, flips: bool, shifts: int) -> None:
        views = shifted_views(shifts)
        self.rng, self.views = rng, np.concatenate([views, views[:, FLIP]]) if flips else views

    def __call__(self, X: np.ndarray, batch: np.ndarray) -> np.ndarray:
        """X (N, 3072) and the indices (n,) of a batch to that batch's inputs (n, 3072)."""
        if X.shape[1] != self.views.shape[1]:
            raise ValueError(f"views are of {self.views.shape[1]} pixels, the inputs have {X.shape[1]}")
        drawn = self.rng.integers(len(self.views), size=len(batch))
        seen = np.empty((len(batch), X.shape[1]), X.dtype)
        for number in np.unique(drawn):  # the images that drew the same view, together
            own = np.flatnonzero(drawn == number)
            seen[own] = X[batch[own]].take(self.views[number], axis=1)
        return seen
