"""The network and its mathematics: pure functions of arrays, for one network or for a stack of them.

Letters: N images, D pixels, K classes, M networks in a stack. X (N, D) holds one image a row, y (N,) its labels.
One network has W (D, K), b (K,) and scores S (N, K); a stack has W (D, M, K), b (M, K) and S (N, M, K). The same code
serves both: np.tensordot(X, W, 1) is one matrix product either way, and a stack reads the images once.

The objective, with the bias left out of the penalty (assignment, equations 1 to 6):

    S = X W + b,   P = softmax(S),   loss = mean over the images of -log P[y],   cost = loss + lam * sum of W squared

The optional part replaces softmax and its loss by K sigmoids and the mean of their K binary cross-entropies: `BCE`.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from lib.assignment import SIGMA
from lib.rows import at_label, per_network, shifted_exp, small_exp, total


class Network(NamedTuple):
    """Weights W (D, K) and biases b (K,), or a stack of M: W (D, M, K), b (M, K). Gradients have the same form."""

    W: np.ndarray
    b: np.ndarray


def init_network(
    rng: np.random.Generator, d: int = 3072, K: int = 10, sigma: float = SIGMA, dtype: DTypeLike = np.float32
) -> Network:
    """W ~ N(0, sigma²) and b = 0 (assignment, exercise 1.2).

    Drawn as the course draws it, (K, d), and transposed: the same seed gives the same network.
    """
    W = sigma * rng.standard_normal((K, d))
    return Network(np.ascontiguousarray(W.T, dtype), np.zeros(K, dtype))


def stack(nets: Sequence[Network]) -> Network:
    """M networks as one stack: W (D, M, K), b (M, K)."""
    return Network(np.stack([net.W for net in nets], 1), np.stack([net.b for net in nets], 0))


def member(net: Network, m: int) -> Network:
    """The network at place m of a stack."""
    return Network(np.ascontiguousarray(net.W[:, m]), net.b[m])


def scores(X: np.ndarray, net: Network) -> np.ndarray:
    """S = X W + b (course, equation 1): (N, K), or (N, M, K) for a stack."""
    S = np.tensordot(X, net.W, 1)
    S += net.b
    return S


def softmax(S: np.ndarray) -> np.ndarray:
    """P = exp(S) / sum of exp(S) over the classes (course, equation 2), in the shape of S.

    Each row is shifted by its maximum first, which changes nothing but keeps exp from overflowing.
    """
    P, _ = shifted_exp(S)
    P /= total(P)[..., None]
    return P


def sigmoid(S: np.ndarray) -> np.ndarray:
    """P = 1 / (1 + exp(-S)), each class by itself, in the shape of S. From exp(-|S|), which cannot overflow."""
    small = small_exp(-np.abs(S))
    return np.where(S >= 0, 1, small) / (1 + small)


def cross_entropy(S: np.ndarray, y: np.ndarray) -> np.ndarray:
    """-log P[y] of the softmax of S (course, equations 3 and 6), in the shape of S without its classes.

    It is log(sum of exp(S)) - S[y]. Taken from the scores, since log(softmax(S)) is -inf where P underflows.
    """
    exponentials, top = shifted_exp(S)
    return np.log(total(exponentials)) + top - at_label(S, y)


def binary_cross_entropy(S: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The mean over the classes of -log P[y] and of -log(1 - P[k]) for k != y, with P = sigmoid(S) (assignment, 2.2).

    -log(1 - P) = log(1 + exp(S)) = max(S, 0) + log(1 + exp(-|S|)), and -log P is less than that by S.
    """
    softplus = np.maximum(S, 0) + np.log1p(small_exp(-np.abs(S)))
    return (total(softplus) - at_label(S, y)) / S.shape[-1]


class Loss(NamedTuple):
    """What the scores mean and what a network pays for them.

    For either, the gradient of one image's loss in its scores is (P - one_hot(y)) / terms(K).
    """

    probabilities: Callable[[np.ndarray], np.ndarray]  # S to P
    of_image: Callable[[np.ndarray, np.ndarray], np.ndarray]  # S and y to the loss of each image
    terms: Callable[[int], int]  # of how many terms the loss of an image is the mean, for K classes


SOFTMAX = Loss(softmax, cross_entropy, lambda K: 1)
BCE = Loss(sigmoid, binary_cross_entropy, lambda K: K)
LOSSES = {"softmax": SOFTMAX, "bce": BCE}


def apply_network(X: np.ndarray, net: Network, loss: Loss = SOFTMAX) -> np.ndarray:
    """The probabilities P of each class for each image: (N, K), or (N, M, K) for a stack."""
    return loss.probabilities(scores(X, net))


def compute_loss(S: np.ndarray, y: np.ndarray, loss: Loss = SOFTMAX) -> np.ndarray:
    """Mean loss of the scores S against the labels y: (), or (M,) for a stack."""
    return loss.of_image(S, y).mean(0, dtype=np.float64)


def compute_cost(S: np.ndarray, y: np.ndarray, net: Network, lam: ArrayLike, loss: Loss = SOFTMAX) -> np.ndarray:
    """Loss plus lam * sum of W squared (course, equation 5): (), or (M,) for a stack, with `lam` a scalar or (M,)."""
    return compute_loss(S, y, loss) + penalty(net, lam)


def penalty(net: Network, lam: ArrayLike) -> np.ndarray:
    """lam * sum of W squared: (), or (M,) for a stack."""
    return np.asarray(lam) * np.square(net.W).sum((0, -1), dtype=np.float64)


def compute_accuracy(S: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The fraction, in [0, 1], of images whose highest score is that of their label: (), or (M,) for a stack."""
    return (S.argmax(-1) == y.reshape(-1, *[1] * (S.ndim - 2))).mean(0)


def backward_pass(
    X: np.ndarray, y: np.ndarray, P: np.ndarray, net: Network, lam: ArrayLike, loss: Loss = SOFTMAX
) -> Network:
    """The gradient of the cost in W and b, from P = apply_network(X, net, loss) (course, equations 10 and 11).

    The gradient of the mean loss in the scores is G = (P - one_hot(y)) / (N * terms); hence X^T G + 2 lam W and the
    sum of G.
    """
    G = P.copy()
    G[np.arange(len(y)), ..., y] -= 1
    G /= len(y) * loss.terms(G.shape[-1])
    gradient = Network(np.tensordot(X.T, G, 1), G.sum(0))
    if np.any(lam):  # else it is a pass over W for nothing
        np.add(gradient.W, 2 * per_network(lam, net.b) * net.W, out=gradient.W)
    return gradient


def per_score(value: ArrayLike, net: Network) -> np.ndarray:
    """A scalar as it is; one value for each network, (M,), as (M, K), which W is quicker to multiply by than (M, 1)."""
    array = np.asarray(value, net.W.dtype)
    return np.repeat(array[:, None], net.b.shape[-1], axis=1) if array.size > 1 else array
