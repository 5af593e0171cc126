"""Averages of networks: over the iterates of a training, and of a network with its mirror image."""

import numpy as np

from lib.model import Network
from lib.preprocess import FLIP


class Average:
    """An `on_epoch` that averages the networks after every epoch from `start` on (Polyak and Juditsky, 1992)."""

    def __init__(self, start: int) -> None:
        self.start, self.count = start, 0
        self.total: Network | None = None

    def __call__(self, epoch: int, net: Network) -> None:
        if epoch >= self.start:
            before = self.total or Network(np.zeros_like(net.W), np.zeros_like(net.b))
            self.total, self.count = Network(before.W + net.W, before.b + net.b), self.count + 1

    @property
    def net(self) -> Network:
        """The average. Raises ValueError before there is any."""
        if self.total is None:
            raise ValueError(f"no network to average yet: the first is that of epoch {self.start}")
        return Network(self.total.W / self.count, self.total.b / self.count)


def mirror_average(net: Network) -> Network:
    """The mean of a network, or stack, and its mirror image: its scores are those of an image and its mirror, averaged.

    The cost is convex. So where every image is shown both ways, the best network is its own mirror image. Training with
    random flips only approaches that network; this average has the symmetry exactly.
    """
    return Network((net.W + net.W[FLIP]) / 2, net.b)


def final_network(last: Network, average: Network, *, averaged: bool, mirrored: bool) -> Network:
    """The network that a training returns: its last iterate or the average, as it is or averaged with its mirror."""
    net = average if averaged else last
    return mirror_average(net) if mirrored else net
