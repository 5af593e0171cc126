"""The network and its mathematics: pure functions of arrays, for one network or for a stack of them.

Letters: N images, D pixels, K classes, M networks in a stack. X (N, D) holds one image per row, y (N,) the labels.
One network has W (D, K), b (K,) and scores S (N, K); a stack has W (D, M, K), b (M, K) and S (N, M, K). The same code
serves both: np.tensordot(X, W, 1) is one matrix product either way, and a stack reads the images once.

The objective does not penalise the bias (assignment, equations 1 to 6):

    S = X W + b,   P = softmax(S),   loss = mean over the images of -log P[y],   cost = loss + lam * sum of W squared

The optional part replaces softmax and its loss by K sigmoids and the mean of their K binary cross-entropies: `BCE`.
Comments at line ends give the shapes for one network. A stack has one more axis, M, before the K classes.
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
    """Draw W ~ N(0, sigma²) and set b = 0 (assignment, exercise 1.2).

    W is drawn in the course's shape (K, d), then transposed, so that a seed gives the same network as in the course.
    """
    W = sigma * rng.standard_normal((K, d))
    return Network(np.ascontiguousarray(W.T, dtype), np.zeros(K, dtype))


def stack(nets: Sequence[Network]) -> Network:
    """Combine M networks into one stack: W (D, M, K), b (M, K)."""
    return Network(np.stack([net.W for net in nets], 1), np.stack([net.b for net in nets], 0))


def member(net: Network, m: int) -> Network:
    """Return the network at index m of a stack."""
    return Network(np.ascontiguousarray(net.W[:, m]), net.b[m])


# Forward


def scores(X: np.ndarray, net: Network) -> np.ndarray:
    """Return the scores S = X W + b (course, equation 1): (N, K), or (N, M, K) for a stack."""
    S = np.tensordot(X, net.W, 1)  # (N, D) times (D, K)
    S += net.b  # (K,) to each row
    return S


def softmax(S: np.ndarray) -> np.ndarray:
    """Return P = exp(S) / sum of exp(S) over the classes (course, equation 2), in the shape of S.

    Each row is shifted by its maximum first. That changes nothing, but prevents overflow.
    """
    P, _ = shifted_exp(S)  # (N, K)
    P /= total(P)[..., None]  # (N, 1)
    return P


def sigmoid(S: np.ndarray) -> np.ndarray:
    """Return P = 1 / (1 + exp(-S)) for each class, in the shape of S. Only exp(-|S|) is used: it cannot overflow."""
    small = small_exp(-np.abs(S))  # (N, K)
    return np.where(S >= 0, 1, small) / (1 + small)


# Losses


def cross_entropy(S: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return -log P[y], with P = softmax(S) (course, equations 3 and 6): (N,), or (N, M) for a stack.

    This is log(sum of exp(S)) - S[y]. It is computed from the scores because log(softmax(S)) is -inf where P
    underflows.
    """
    exponentials, top = shifted_exp(S)  # (N, K) and (N,)
    return np.log(total(exponentials)) + top - at_label(S, y)


def binary_cross_entropy(S: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the mean over k of -log P[y] and, for k != y, -log(1 - P[k]), with P = sigmoid(S) (assignment, 2.2).

    -log(1 - P) = log(1 + exp(S)) = max(S, 0) + log(1 + exp(-|S|)), and -log P is that minus S.
    """
    softplus = np.maximum(S, 0) + np.log1p(small_exp(-np.abs(S)))  # (N, K)
    return (total(softplus) - at_label(S, y)) / S.shape[-1]


class Loss(NamedTuple):
    """Functions that turn scores into probabilities and into the loss of each image.

    The gradient of one image's loss with respect to its scores is (P - one_hot(y)) / terms(K) for both losses below.
    """

    probabilities: Callable[[np.ndarray], np.ndarray]  # S to P
    of_image: Callable[[np.ndarray, np.ndarray], np.ndarray]  # S and y to the loss of each image
    terms: Callable[[int], int]  # K to the number of terms whose mean is an image's loss


SOFTMAX = Loss(softmax, cross_entropy, lambda K: 1)
BCE = Loss(sigmoid, binary_cross_entropy, lambda K: K)
LOSSES = {"softmax": SOFTMAX, "bce": BCE}


def apply_network(X: np.ndarray, net: Network, loss: Loss = SOFTMAX) -> np.ndarray:
    """Return the probabilities P of each class for each image: (N, K), or (N, M, K) for a stack."""
    return loss.probabilities(scores(X, net))


def compute_loss(S: np.ndarray, y: np.ndarray, loss: Loss = SOFTMAX) -> np.ndarray:
    """Return the mean loss of the scores S, given the labels y: (), or (M,) for a stack."""
    return loss.of_image(S, y).mean(0, dtype=np.float64)


def compute_cost(S: np.ndarray, y: np.ndarray, net: Network, lam: ArrayLike, loss: Loss = SOFTMAX) -> np.ndarray:
    """Return loss + lam * sum of W squared (course, equation 5): (), or (M,) for a stack. `lam` is a scalar or (M,)."""
    return compute_loss(S, y, loss) + penalty(net, lam)


def penalty(net: Network, lam: ArrayLike) -> np.ndarray:
    """Return lam * sum of W squared: (), or (M,) for a stack."""
    return np.asarray(lam) * np.square(net.W).sum((0, -1), dtype=np.float64)


def compute_accuracy(S: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the fraction, in [0, 1], of images whose label has the highest score: (), or (M,) for a stack."""
    labels = y.reshape(-1, *[1] * (S.ndim - 2))  # (N,), or (N, 1) for a stack
    return (S.argmax(-1) == labels).mean(0)


# Backward


def backward_pass(
    X: np.ndarray, y: np.ndarray, P: np.ndarray, net: Network, lam: ArrayLike, loss: Loss = SOFTMAX
) -> Network:
    """Return the gradient of the cost in W and b, given P = apply_network(X, net, loss) (course, equations 10 and 11).

    G = (P - one_hot(y)) / (N * terms) is the gradient of the mean loss in the scores. The gradient in W is
    X^T G + 2 lam W, and the gradient in b is the sum of the rows of G.
    """
    G = P.copy()  # (N, K)
    G[np.arange(len(y)), ..., y] -= 1
    G /= len(y) * loss.terms(G.shape[-1])
    W = np.tensordot(X.T, G, 1)  # (D, N) times (N, K)
    W += 2 * per_network(lam, net.b) * net.W  # (D, K)
    return Network(W, G.sum(0))
