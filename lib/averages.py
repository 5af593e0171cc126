"""Average networks: over the epochs of a training, or a network with its mirror image."""

import numpy as np

from lib.model import Network
from lib.preprocess import FLIP


class Average:
    """An `on_epoch` callback that averages the networks of the epochs from `start` on (Polyak and Juditsky, 1992)."""

    def __init__(self, start: int) -> None:
        self.start, self.count = start, 0
        self.total: Network | None = None

    def __call__(self, epoch: int, net: Network) -> None:
        if epoch >= self.start:
            before = self.total or Network(np.zeros_like(net.W), np.zeros_like(net.b))
            self.total, self.count = Network(before.W + net.W, before.b + net.b), self.count + 1

    @property
    def net(self) -> Network:
        """Return the average. Raises ValueError before epoch `start`."""
        if self.total is None:
            raise ValueError(f"no network to average yet: the first is that of epoch {self.start}")
        return Network(self.total.W / self.count, self.total.b / self.count)


def mirror_average(net: Network) -> Network:
    """Average a network, or stack, with its mirror image. This averages the scores of each image and its mirror image.

    The cost is convex. So if training shows every image both ways, the best network is its own mirror image. Training
    with random flips only approaches that network; this average is exactly symmetric.
    """
    return Network((net.W + net.W[FLIP]) / 2, net.b)


def final_network(last: Network, average: Network, *, averaged: bool, mirrored: bool) -> Network:
    """Return the `last` network or, if `averaged`, the `average`; if `mirrored`, average it with its mirror image."""
    net = average if averaged else last
    return mirror_average(net) if mirrored else net
