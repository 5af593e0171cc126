"""One training in a thread of its own, which can be watched, paused and stopped. Knows nothing of widgets.

The loop is `lib.train.mini_batch_gd`. Pausing and stopping happen between two epochs, where the loop asks for the next
order of the images; so a stopped training ends as a complete one does, with the network of its last epoch. Where an
epoch takes long, `glimpse` shows the network within it.
"""

import threading
import time
from collections.abc import Iterable, Iterator
from operator import getitem
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from lib.augment import RandomViews
from lib.command import InputError
from lib.model import LOSSES, Loss, Network, backward_pass, init_network, member, stack
from lib.runs.run import divergence
from lib.runs.settings import Setting
from lib.runs.splits import Splits
from lib.runs.training import decay_of
from lib.train import History, epoch_orders, mini_batch_gd

State = Literal["ready", "training", "paused", "stopped", "complete", "failed"]
GLIMPSE = 0.1  # seconds at most between two networks to look at
Measures = dict[str, dict[str, list[float]]]


class Moment(NamedTuple):
    """What a training has reached: the epochs done, and a network that no later epoch changes."""

    epoch: int
    net: Network


class Training:
    """The training of one setting on the splits. `start` it once; read `state` and `moment` from any thread."""

    def __init__(self, setting: Setting, splits: Splits) -> None:
        if setting.average or setting.mirror:
            raise InputError("average and mirror change the network only at the end: there is nothing to watch")
        self.setting, self.splits = setting, splits
        (X, y), (X_val, y_val) = splits.train, splits.val
        first = init_network(np.random.default_rng(setting.seed), d=X.shape[1], dtype=setting.dtype)
        self.moment = Moment(0, first)
        self.glimpse, self.glimpsed = first, time.monotonic()
        self.history = History({"train": (X, y), "val": (X_val, y_val)}, np.array([setting.lam]), LOSSES[setting.loss])
        self.error = ""
        self.outcome: State = "ready"
        self.stopping, self.going = threading.Event(), threading.Event()
        self.going.set()
        self.thread = threading.Thread(target=self.run, daemon=True, name="training")

    @property
    def state(self) -> State:
        if self.thread.is_alive():
            return "training" if self.going.is_set() else "paused"
        return self.outcome

    @property
    def alive(self) -> bool:
        return self.thread.is_alive()

    def start(self) -> None:
        self.thread.start()

    def pause(self) -> None:
        """Halt after the current epoch, until `go_on` or `stop`."""
        self.going.clear()

    def go_on(self) -> None:
        self.going.set()

    def stop(self) -> None:
        """End after the current epoch. The network and the curves so far stay."""
        self.stopping.set()
        self.going.set()

    def join(self, timeout: float | None = None) -> None:
        """Wait until the training has ended, or for `timeout` seconds."""
        self.thread.join(timeout)

    def curves(self) -> Measures:
        """Loss, cost and accuracy on train and val, one number an epoch."""
        epoch = self.moment.epoch  # the lists may already be an entry longer
        return {
            split: {measure: [float(value[0]) for value in values[:epoch]] for measure, values in measures.items()}
            for split, measures in self.history.record.items()
        }

    @property
    def diverged(self) -> int | None:
        """The epoch in which it diverged, if it has."""
        return divergence(np.array(self.curves()["train"]["cost"]), self.moment.net, self.setting.lam)

    def run(self) -> None:
        try:
            with np.errstate(all="ignore"):  # a step too large overflows; the curves show it
                self.train()
            self.outcome = "stopped" if self.moment.epoch < self.setting.n_epochs else "complete"
        except Exception as error:  # whatever it was, the window says it: a thread has nobody else to tell
            self.error = f"{type(error).__name__}: {error}"
            self.outcome = "failed"

    def train(self) -> None:
        """As `lib.runs.training.train_stack` trains a stack of one, to the last bit; a test holds the two together."""
        own, (X, y) = self.setting, self.splits.train
        eta, lam, momentum = (np.array([value]) for value in (own.eta, own.lam, own.momentum))
        views = RandomViews(np.random.default_rng([own.seed, 1]), flips=own.flips, shifts=own.shifts)
        orders = epoch_orders(np.random.default_rng(own.seed), len(y), own.n_epochs)
        mini_batch_gd(
            X, y, stack([self.moment.net]), eta=eta, lam=lam, momentum=momentum, n_batch=own.n_batch,
            loss=LOSSES[own.loss], orders=self.controlled(orders), take=views if own.flips or own.shifts else getitem,
            decay=((factor,) for factor in decay_of(own, self.history, 0)), on_epoch=self.on_epoch,
            backward=self.backward,
        )  # fmt: skip

    def controlled(self, orders: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """The orders, each when the training is not paused, and no further once it is to stop."""
        for order in orders:
            self.going.wait()
            if self.stopping.is_set():
                return
            yield order

    def on_epoch(self, epoch: int, net: Network) -> None:
        self.history(epoch, net)
        self.moment = Moment(epoch, member(Network(net.W.copy(), net.b.copy()), 0))
        self.glimpse, self.glimpsed = self.moment.net, time.monotonic()

    def backward(
        self, X: np.ndarray, y: np.ndarray, P: np.ndarray, net: Network, lam: ArrayLike, loss: Loss
    ) -> Network:
        """`backward_pass`, and a copy of the network where the last is too old. This sees every step."""
        if time.monotonic() > self.glimpsed + GLIMPSE:
            self.glimpse, self.glimpsed = member(Network(net.W.copy(), net.b.copy()), 0), time.monotonic()
        return backward_pass(X, y, P, net, lam, loss)
