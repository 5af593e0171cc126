"""Prepare the data: standardise pixels, encode labels one-hot, mirror images."""

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import DTypeLike

# X[:, FLIP] mirrors each image left to right: pixel (colour, row, column) moves to (colour, row, 31 - column).
FLIP = np.arange(3072).reshape(3, 32, 32)[:, :, ::-1].reshape(-1)


class Standardiser(NamedTuple):
    """Mean and standard deviation of each pixel, scaled to [0, 1], over the fitted images: (D,), float64 each.

    Fit it on the training images alone, then apply it to every split, so that held-out images have no influence.
    """

    mean: np.ndarray
    std: np.ndarray

    @classmethod
    def fit(cls, images: np.ndarray) -> Self:
        """Fit on images uint8 (N, D). The sums are integers, so they are exact in any order and on any machine."""
        n = len(images)
        total = images.sum(0, dtype=np.int64)
        squares = np.einsum("nd,nd->d", images, images, dtype=np.int64, casting="unsafe")
        std = np.sqrt(n * squares - total**2) / (255 * n)
        return cls(total / (255 * n), np.where(std > 0, std, 1))  # a constant pixel becomes 0, not 0/0

    def apply(self, images: np.ndarray, dtype: DTypeLike = np.float32) -> np.ndarray:
        """Standardise images uint8 (N, D); return X (N, D)."""
        X = np.divide(images, 255, dtype=dtype)
        X -= self.mean.astype(dtype)
        X /= self.std.astype(dtype)
        return X


def one_hot(y: np.ndarray, K: int = 10, dtype: DTypeLike = np.float32) -> np.ndarray:
    """Encode labels (N,) in 0..K-1 as rows (N, K) with a single 1."""
    return np.eye(K, dtype=dtype)[y]
