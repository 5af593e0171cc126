"""Gradient check: compare our gradient with PyTorch's autograd and with central differences, in float64.

torch takes a second to import, so only the function that needs it imports it.
"""

import os

import numpy as np

from lib import cifar10
from lib.assignment import BATCHES
from lib.guards import Split
from lib.model import LOSSES, Network, apply_network, backward_pass, compute_cost, scores
from lib.preprocess import Standardiser

EPS = 1e-6  # smallest denominator of a relative error
THRESHOLD = {"torch": 1e-9, "numerical": 1e-4}  # maximum error; central differences lose digits


def first_images(n: int) -> Split:
    """Return X (n, D) in float64 and y (n,) of the first n training images, standardised like the training split."""
    images, y = cifar10.load_batch(BATCHES["train"])
    return Standardiser.fit(images).apply(images[:n], np.float64), y[:n]


def relative_error(a: Network, n: Network, eps: float = EPS) -> Network:
    """Return |a - n| / max(eps, |a| + |n|), elementwise in W and b (assignment, section "relative error")."""
    return Network(*(abs(x - z) / np.maximum(eps, abs(x) + abs(z)) for x, z in zip(a, n, strict=True)))


def torch_gradient(X: np.ndarray, y: np.ndarray, net: Network, lam: float, loss: str = "softmax") -> Network:
    """Compute the gradient of the cost by PyTorch's automatic differentiation, independently of our derivation.

    `loss` is a key of `lib.model.LOSSES`. The loss itself is PyTorch's, not ours.
    """
    os.environ.setdefault("MKL_CBWR", "COMPATIBLE")  # makes torch's MKL round the same on every processor
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, one_hot

    W, b = (torch.tensor(array, requires_grad=True) for array in net)
    S, labels = torch.from_numpy(X) @ W + b, torch.from_numpy(y)
    if loss == "softmax":
        value = cross_entropy(S, labels)
    else:
        value = binary_cross_entropy_with_logits(S, one_hot(labels, S.shape[1]).to(S.dtype))
    cost = value + lam * (W**2).sum()
    return Network(*(gradient.numpy() for gradient in torch.autograd.grad(cost, [W, b])))


def numerical_gradient(
    X: np.ndarray, y: np.ndarray, net: Network, lam: float, loss: str = "softmax", h: float = 1e-5
) -> Network:
    """Compute the gradient of the cost by central differences, (J(w + h) - J(w - h)) / 2h, for each parameter w."""

    def difference(array: np.ndarray, index: tuple[int, ...]) -> float:
        value, costs = array[index], []
        for shifted in (value + h, value - h):
            array[index] = shifted
            costs.append(compute_cost(scores(X, moved), y, moved, lam, LOSSES[loss]))
        array[index] = value
        return (costs[0] - costs[1]) / (2 * h)

    moved = Network(net.W.copy(), net.b.copy())
    return Network(*(np.array([difference(a, i) for i in np.ndindex(a.shape)]).reshape(a.shape) for a in moved))


def max_error(a: Network, n: Network) -> tuple[float, float]:
    """Return the largest relative error in W and in b."""
    errors = relative_error(a, n)
    return float(errors.W.max()), float(errors.b.max())


def check(
    X: np.ndarray, y: np.ndarray, net: Network, lam: float, loss: str = "softmax"
) -> dict[str, tuple[float, float]]:
    """Compare `backward_pass` with the two other gradients. Return the largest relative errors in W and b for each."""
    gradient = backward_pass(X, y, apply_network(X, net, LOSSES[loss]), net, lam, LOSSES[loss])
    return {
        "torch": max_error(gradient, torch_gradient(X, y, net, lam, loss)),
        "numerical": max_error(gradient, numerical_gradient(X, y, net, lam, loss)),
    }


def replay_reference(images: np.ndarray, y: np.ndarray, d: int = 10, n: int = 3, seed: int = 42) -> tuple[float, float]:
    """Repeat the gradient check of the reference report, which published (1.09e-15, 9.78e-17) for W and b.

    Rounding depends on the order of operations, so they follow that report: P is exp(log softmax), for example.
    `images` uint8 (N, D), y (N,) are data_batch_1; see `procedure_of_the_reference` in data/reference.yaml.
    """
    rng = np.random.default_rng(seed)
    rng.standard_normal((10, images.shape[1]))  # that report draws the full W first
    net = Network(0.01 * rng.standard_normal((10, d)).T, np.zeros(10))
    pixels = images[:, :d] / 255
    X, y = (pixels[:n] - pixels.mean(0)) / pixels.std(0), y[:n]
    S = scores(X, net)
    S -= S.max(1, keepdims=True)
    P = np.exp(S - np.log(np.exp(S).sum(1, keepdims=True)))
    P[np.arange(n), y] -= 1
    gradient = Network(((1 / n) * P.T @ X).T, (1 / n) * P.sum(0))
    return max_error(gradient, torch_gradient(X, y, net, 0.0))
