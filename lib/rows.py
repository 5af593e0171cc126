"""Row operations over the last axis, the classes. They avoid overflow and are fast for few classes.

S is (N, K), or (N, M, K) for a stack of M networks. A function that returns one value per row returns (N,), or (N, M).
"""

from functools import reduce

import numpy as np
from numpy.typing import ArrayLike


def shifted_exp(S: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return exp(S - top), in the shape of S, and top, the largest entry of each row. The shift prevents overflow."""
    top = largest(S)
    return small_exp(S - top[..., None]), top


def small_exp(x: np.ndarray) -> np.ndarray:
    """Return exp(x) for x <= 0, but at least the square root of the smallest normal number; x is overwritten.

    Callers add the result to 1 or more, so this minimum does not change the sum. Without it, products in the gradient
    would be subnormal numbers, which slow down processors several times.
    """
    np.maximum(x, np.log(np.finfo(x.dtype).tiny) / 2, out=x)
    return np.exp(x, out=x)


def largest(S: np.ndarray) -> np.ndarray:
    """Return S.max(-1), computed class by class, which is several times as fast for few classes."""
    return reduce(np.maximum, np.moveaxis(S, -1, 0))


def total(S: np.ndarray) -> np.ndarray:
    """Return S.sum(-1) by einsum, which is faster for few classes."""
    return np.einsum("...k->...", S)


def at_label(S: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the entry of each row at the image's label y (N,)."""
    return S[np.arange(len(y)), ..., y]


def per_network(value: ArrayLike, like: np.ndarray) -> np.ndarray:
    """Return a scalar unchanged, and one value per network, (M,), as (M, K), so that it multiplies W (D, M, K).

    `like` is the bias b (M, K). Multiplying W by (M, K) is faster than by (M, 1).
    """
    array = np.asarray(value, like.dtype)
    return np.repeat(array[:, None], like.shape[-1], axis=1) if array.size > 1 else array
