"""Is the gradient right? Compared with PyTorch's autograd and with central differences, in float64.

torch takes a second to import, so it is imported only where a gradient is asked of it.
"""

from collections.abc import Callable

import numpy as np

from lib.model import Network, compute_cost, scores

EPS = 1e-6  # of the relative error: below it, a difference counts as absolute


def relative_error(a: Network, n: Network, eps: float = EPS) -> Network:
    """|a - n| / max(eps, |a| + |n|), elementwise in W and b (assignment, section "relative error")."""
    return Network(*(abs(x - z) / np.maximum(eps, abs(x) + abs(z)) for x, z in zip(a, n, strict=True)))


def torch_gradient(X: np.ndarray, y: np.ndarray, net: Network, lam: float) -> Network:
    """The gradient of the cost by PyTorch's automatic differentiation, which knows nothing of our derivation."""
    import torch

    W, b = (torch.tensor(array, requires_grad=True) for array in net)
    loss = torch.nn.functional.cross_entropy(torch.from_numpy(X) @ W + b, torch.from_numpy(y))
    cost = loss + lam * (W**2).sum()
    cost.backward()
    return Network(W.grad.numpy(), b.grad.numpy())


def numerical_gradient(X: np.ndarray, y: np.ndarray, net: Network, lam: float, h: float = 1e-5) -> Network:
    """The gradient of the cost by central differences, (J(w + h) - J(w - h)) / 2h, one parameter at a time."""

    def difference(array: np.ndarray, index: tuple[int, ...]) -> float:
        value, costs = array[index], []
        for shifted in (value + h, value - h):
            array[index] = shifted
            costs.append(compute_cost(scores(X, moved), y, moved, lam))
        array[index] = value
        return (costs[0] - costs[1]) / (2 * h)

    moved = Network(net.W.copy(), net.b.copy())
    return Network(*(np.array([difference(a, i) for i in np.ndindex(a.shape)]).reshape(a.shape) for a in moved))
