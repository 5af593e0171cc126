"""Random views of the images, mirrored or shifted by a few pixels. A view is an array (D,) of indices, such as FLIP."""

import numpy as np

from lib.preprocess import FLIP


def shifted_views(most: int) -> np.ndarray:
    """Return the V shifts by up to `most` pixels each way, (V, D). X[:, view] is X shifted, with its edges repeated.

    The view in the middle, V // 2, leaves the image unchanged.
    """
    pixels = np.pad(np.arange(3072).reshape(3, 32, 32), ((0, 0), (most, most), (most, most)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(pixels, (3, 32, 32))  # (1, 2 most + 1, 2 most + 1, 3, 32, 32)
    return windows.reshape(-1, 3072)


class RandomViews:
    """A `take` for `lib.train.mini_batch_gd` that draws a random view of each image of a batch.

    Views are drawn uniformly from `shifted_views(shifts)` and, with `flips`, also from their mirror images. Only the
    batch is copied, not the data set.
    """

    def __init__(self, rng: np.random.Generator, *, flips: bool, shifts: int) -> None:
        views = shifted_views(shifts)
        self.rng, self.views = rng, np.concatenate([views, views[:, FLIP]]) if flips else views

    def __call__(self, X: np.ndarray, batch: np.ndarray) -> np.ndarray:
        """Return the inputs (n, 3072) of a batch, given X (N, 3072) and the batch's indices (n,)."""
        if X.shape[1] != self.views.shape[1]:
            raise ValueError(f"views have {self.views.shape[1]} pixels, the inputs have {X.shape[1]}")
        drawn = self.rng.integers(len(self.views), size=len(batch))
        inputs = np.empty((len(batch), X.shape[1]), X.dtype)
        for number in np.unique(drawn):  # all images with the same view at once
            rows = np.flatnonzero(drawn == number)
            inputs[rows] = X[batch[rows]].take(self.views[number], axis=1)
        return inputs
