"""From bytes to inputs: standardised pixels, one-hot labels, mirrored images."""

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import DTypeLike

# X[:, FLIP] mirrors each image left to right: (colour, row, column) takes the place of (colour, row, 31 - column).
FLIP = np.arange(3072).reshape(3, 32, 32)[:, :, ::-1].reshape(-1)


class Standardiser(NamedTuple):
    """Per-pixel mean and standard deviation, (D,) each in float64, of the images it was fitted on, scaled to [0, 1].

    Fit it on the training images alone and apply it to every split: anything else would leak (assignment, 1.1).
    """

    mean: np.ndarray
    std: np.ndarray

    @classmethod
    def fit(cls, images: np.ndarray) -> Self:
        """Fit on images uint8 (N, D). The sums are integers, hence exact, whatever the order or the machine."""
        n = len(images)
        total = images.sum(0, dtype=np.int64)
        squares = np.einsum("nd,nd->d", images, images, dtype=np.int64, casting="unsafe")
        std = np.sqrt(n * squares - total**2) / (255 * n)
        return cls(total / (255 * n), np.where(std > 0, std, 1))  # a pixel that never changes becomes 0, not 0/0

    def apply(self, images: np.ndarray, dtype: DTypeLike = np.float32) -> np.ndarray:
        """Standardise images uint8 (N, D) into X (N, D)."""
        X = np.divide(images, 255, dtype=dtype)
        X -= self.mean.astype(dtype)
        X /= self.std.astype(dtype)
        return X


def one_hot(y: np.ndarray, K: int = 10, dtype: DTypeLike = np.float32) -> np.ndarray:
    """Labels (N,) in 0..K-1 as rows (N, K) with a single 1."""
    return np.eye(K, dtype=dtype)[y]
