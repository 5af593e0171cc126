"""Train in a separate thread that can be watched, paused and stopped. This module uses no widgets.

`train_stack` trains a stack of one setting. Pausing and stopping wrap its epoch orders, so they take effect between two
epochs, and a stopped training ends with the network of its last epoch. An epoch may take long, so `glimpse` is a recent
copy of the network within an epoch.
"""

import threading
import time
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from lib.command import InputError
from lib.model import LOSSES, Loss, Network, backward_pass, init_network, stack
from lib.runs.run import divergence
from lib.runs.settings import Setting
from lib.runs.splits import Splits
from lib.runs.training import train_stack
from lib.train import History

State = Literal["training", "paused", "stopped", "complete", "failed"]
GLIMPSE = 0.1  # seconds between copies of the network within an epoch


class Moment(NamedTuple):
    """The number of epochs done, and a copy of the network after them."""

    epoch: int
    net: Network


class Training(threading.Thread):
    """A thread that trains one setting on the splits. Read `state` and `moment` from any thread."""

    def __init__(self, setting: Setting, splits: Splits) -> None:
        super().__init__(daemon=True, name="training")
        if setting.average or setting.mirror:
            raise InputError("average and mirror change the network only at the end: there is nothing to watch")
        self.setting, self.splits = setting, splits
        net = init_network(np.random.default_rng(setting.seed), d=splits.train[0].shape[1], dtype=setting.dtype)
        self.on_epoch(0, stack([net]))
        evaluated = {"train": splits.train, "val": splits.val}
        self.history = History(evaluated, np.array([setting.lam]), LOSSES[setting.loss])
        self.error = ""
        self.stopping, self.going = threading.Event(), threading.Event()
        self.going.set()

    @property
    def state(self) -> State:
        if self.is_alive():
            return "training" if self.going.is_set() else "paused"
        if self.error:
            return "failed"
        return "stopped" if self.moment.epoch < self.setting.n_epochs else "complete"

    def pause(self) -> None:
        """Halt after the current epoch, until `resume` or `stop`."""
        self.going.clear()

    def resume(self) -> None:
        self.going.set()

    def stop(self) -> None:
        """End after the current epoch. The network and the curves so far stay."""
        self.stopping.set()
        self.going.set()

    def curves(self) -> dict[str, dict[str, list[float]]]:
        """Return loss, cost and accuracy on train and val, one number per epoch."""
        epoch = self.moment.epoch  # the lists may already have one more epoch
        return {
            split: {measure: [float(value[0]) for value in values[:epoch]] for measure, values in measures.items()}
            for split, measures in self.history.record.items()
        }

    @property
    def diverged(self) -> int | None:
        """The epoch in which training diverged, or None."""
        return divergence(np.array(self.curves()["train"]["cost"]), self.moment.net, self.setting.lam)

    def run(self) -> None:
        try:
            with np.errstate(all="ignore"):  # the weights of a diverged run overflow; its curves show that
                train_stack(
                    [self.setting], self.splits, progress=self.controlled, on_epoch=self.on_epoch,
                    history=self.history, backward=self.backward,
                )  # fmt: skip
        except Exception as error:  # the window shows the error; raised in a thread, it would only be logged
            self.error = f"{type(error).__name__}: {error}"

    def controlled(self, orders: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Yield the epoch orders. Wait while the training is paused; end when it is stopped."""
        for order in orders:
            self.going.wait()
            if self.stopping.is_set():
                return
            yield order

    def on_epoch(self, epoch: int, net: Network) -> None:
        self.look(net)
        self.moment = Moment(epoch, self.glimpse)

    def look(self, net: Network) -> None:
        """Copy the only network of the stack `net` to `glimpse`."""
        self.glimpse, self.glimpsed = Network(net.W[:, 0].copy(), net.b[0].copy()), time.monotonic()

    def backward(
        self, X: np.ndarray, y: np.ndarray, P: np.ndarray, net: Network, lam: ArrayLike, loss: Loss
    ) -> Network:
        """Call `backward_pass` in every training step, and copy the network if the last copy is too old."""
        if time.monotonic() > self.glimpsed + GLIMPSE:
            self.look(net)
        return backward_pass(X, y, P, net, lam, loss)
