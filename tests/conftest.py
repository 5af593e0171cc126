"""Small made-up data. Every dimension differs, so that no axis can stand in for another: N 7, D 5, K 3, M 4."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import ArrayLike

from lib.model import Network


class Problem(NamedTuple):
    """Data and one network, or a stack of M with a lam and an eta for each."""

    X: np.ndarray
    y: np.ndarray
    net: Network
    lam: ArrayLike
    eta: ArrayLike

    def alone(self) -> list["Problem"]:
        """Each network by itself."""
        if self.net.b.ndim == 1:
            return [self]
        nets = [Network(W, b) for W, b in zip(self.net.W.swapaxes(0, 1), self.net.b, strict=True)]
        return [Problem(self.X, self.y, *own) for own in zip(nets, self.lam, self.eta, strict=True)]

    def each(self, function: Callable[["Problem"], object]) -> np.ndarray:
        """function(problem) of each network by itself, put together as a stack puts it together."""
        results = [np.asarray(function(problem)) for problem in self.alone()]
        return results[0] if self.net.b.ndim == 1 else np.stack(results, axis=-2 if results[0].ndim else 0)


def make_problem(stacked: bool) -> Problem:
    rng = np.random.default_rng(1)
    M = (4,) if stacked else ()
    net = Network(rng.standard_normal((5, *M, 3)), rng.standard_normal((*M, 3)))
    lam, eta = (rng.random(4), rng.random(4) / 10) if stacked else (0.7, 0.05)
    return Problem(rng.standard_normal((7, 5)), rng.integers(0, 3, 7), net, lam, eta)


@pytest.fixture(params=[False, True], ids=["one network", "a stack"])
def problem(request: pytest.FixtureRequest) -> Problem:
    return make_problem(request.param)


@pytest.fixture
def single() -> Problem:
    return make_problem(stacked=False)


@pytest.fixture
def stack() -> Problem:
    return make_problem(stacked=True)
