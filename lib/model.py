"""The network and its mathematics: pure functions of arrays, for one network or for a stack of them.

Letters: N images, D pixels, K classes, M networks in a stack. X (N, D) holds one image a row, y (N,) its labels.
One network has W (D, K), b (K,) and scores S (N, K); a stack has W (D, M, K), b (M, K) and S (N, M, K). The same code
serves both: np.tensordot(X, W, 1) is one matrix product either way, and a stack reads the images once.

The objective, with the bias left out of the penalty (assignment, equations 1 to 6):

    S = X W + b,   P = softmax(S),   loss = mean over the images of -log P[y],   cost = loss + lam * sum of W squared
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike


class Network(NamedTuple):
    """Weights W (D, K) and biases b (K,), or a stack of M: W (D, M, K), b (M, K). Gradients have the same form."""

    W: np.ndarray
    b: np.ndarray


def init_network(
    rng: np.random.Generator, d: int = 3072, K: int = 10, sigma: float = 0.01, dtype: DTypeLike = np.float32
) -> Network:
    """W ~ N(0, sigma²) and b = 0 (assignment, exercise 1.2).

    Drawn as the course draws it, (K, d), and transposed: the same seed gives the same network.
    """
    W = sigma * rng.standard_normal((K, d))
    return Network(np.ascontiguousarray(W.T, dtype), np.zeros(K, dtype))


def stack(nets: Sequence[Network]) -> Network:
    """M networks as one stack: W (D, M, K), b (M, K)."""
    return Network(np.stack([net.W for net in nets], 1), np.stack([net.b for net in nets], 0))


def scores(X: np.ndarray, net: Network) -> np.ndarray:
    """S = X W + b (course, equation 1): (N, K), or (N, M, K) for a stack."""
    S = np.tensordot(X, net.W, 1)
    S += net.b
    return S


def softmax(S: np.ndarray) -> np.ndarray:
    """P = exp(S) / sum of exp(S) over the classes (course, equation 2), in the shape of S.

    Each row is shifted by its maximum first, which changes nothing but keeps exp from overflowing.
    """
    P = S - S.max(-1, keepdims=True)
    np.exp(P, out=P)
    P /= P.sum(-1, keepdims=True)
    return P


def apply_network(X: np.ndarray, net: Network) -> np.ndarray:
    """The probabilities P of each class for each image: (N, K), or (N, M, K) for a stack."""
    return softmax(scores(X, net))


def compute_loss(S: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Mean cross-entropy of the scores S against the labels y (course, equations 3 and 6): (), or (M,) for a stack.

    -log P[y] = log(sum of exp(S)) - S[y]. Taken from the scores, since log(softmax(S)) is -inf where P underflows.
    """
    top = S.max(-1)
    log_sum = np.log(np.exp(S - top[..., None]).sum(-1))
    return (log_sum + top - S[np.arange(len(y)), ..., y]).mean(0, dtype=np.float64)


def compute_cost(S: np.ndarray, y: np.ndarray, net: Network, lam: ArrayLike) -> np.ndarray:
    """Loss plus lam * sum of W squared (course, equation 5): (), or (M,) for a stack, with `lam` a scalar or (M,)."""
    return compute_loss(S, y) + np.asarray(lam) * np.square(net.W).sum((0, -1), dtype=np.float64)


def compute_accuracy(S: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The fraction, in [0, 1], of images whose highest score is that of their label: (), or (M,) for a stack."""
    return (S.argmax(-1) == y.reshape(-1, *[1] * (S.ndim - 2))).mean(0)


def backward_pass(X: np.ndarray, y: np.ndarray, P: np.ndarray, net: Network, lam: ArrayLike) -> Network:
    """The gradient of the cost in W and b, from P = apply_network(X, net) (course, equations 10 and 11).

    The gradient of the mean loss in the scores is G = (P - one_hot(y)) / N; hence X^T G + 2 lam W and the sum of G.
    """
    G = P.copy()
    G[np.arange(len(y)), ..., y] -= 1
    G /= len(y)
    penalty = 2 * np.asarray(lam, net.W.dtype)[..., None] * net.W
    return Network(np.tensordot(X.T, G, 1) + penalty, G.sum(0))
