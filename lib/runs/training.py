"""Train settings: several as one stack, which reads the images only once, or a single one, which gives a run."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from operator import getitem
from typing import NamedTuple

import numpy as np

from lib.augment import RandomViews
from lib.averages import Average, final_network
from lib.guards import check_plausible
from lib.model import LOSSES, Network, backward_pass, init_network, member, scores, stack
from lib.runs.cache import Progress, cached
from lib.runs.run import SPLITS, Run
from lib.runs.settings import Setting
from lib.runs.snapshots import Snapshots
from lib.runs.splits import Splits, load_splits
from lib.schedules import plateau_decay, step_decay
from lib.train import Backward, History, OnEpoch, epoch_orders, evaluate, mini_batch_gd


class Trained(NamedTuple):
    """A trained stack of M networks and its history: `history[split][measure]` is (n_epochs, M).

    The last entry of the history describes the returned networks, even if these are averages.
    """

    net: Network
    history: History


def train_stack(
    settings: Sequence[Setting],
    splits: Splits,
    evaluate_on: Iterable[str] = ("train", "val"),
    progress: Progress = iter,
    on_epoch: OnEpoch | None = None,
    *,
    history: History | None = None,
    backward: Backward = backward_pass,
) -> Trained:
    """Train M settings with the same `stack_key`. After every epoch, evaluate them on the splits `evaluate_on`.

    As in the reference report, one generator draws the weights, and a second one with the same seed draws the orders of
    the images. A third one, with another seed, draws the views. `progress` wraps the orders of the epochs: tqdm shows a
    bar, and an iterator that yields fewer orders ends the training early. `on_epoch(epoch, net)` gets the stack after
    each epoch, and the initial stack as epoch 0. To read the history during training, pass a `history`.
    """
    first, n_epochs = settings[0], settings[0].n_epochs
    if any(setting.stack_key != first.stack_key for setting in settings):
        raise ValueError("the settings of a stack need the same loss and the same batches")
    (X, y), loss = splits.train, LOSSES[first.loss]
    eta, lam, momentum = (np.array([getattr(s, field) for s in settings]) for field in ("eta", "lam", "momentum"))
    net = stack([init_network(np.random.default_rng(first.seed), d=X.shape[1], dtype=first.dtype)] * len(settings))
    plateaus = ["val"] if any(setting.decay == "plateau" for setting in settings) else []
    names = dict.fromkeys([*evaluate_on, *plateaus])
    record = history or History({name: getattr(splits, name) for name in names}, lam, loss)
    average = Average(n_epochs // 2 + 1 if any(setting.average for setting in settings) else n_epochs)
    views = RandomViews(np.random.default_rng([first.seed, 1]), flips=first.flips, shifts=first.shifts)

    def after_epoch(epoch: int, net: Network) -> None:
        for observer in (record, average, on_epoch):
            if observer:
                observer(epoch, net)

    if on_epoch:
        on_epoch(0, net)
    net = mini_batch_gd(
        X, y, net, eta=eta, lam=lam, momentum=momentum, n_batch=first.n_batch, loss=loss,
        orders=progress(epoch_orders(np.random.default_rng(first.seed), len(y), n_epochs)),
        decay=zip(*(decay_of(setting, record, m) for m, setting in enumerate(settings)), strict=False),
        take=views if first.flips or first.shifts else getitem, on_epoch=after_epoch, backward=backward,
    )  # fmt: skip
    if any(setting.average or setting.mirror for setting in settings):
        nets = ((member(net, m), member(average.net, m), setting) for m, setting in enumerate(settings))
        net = stack([final_network(*both, averaged=s.average, mirrored=s.mirror) for *both, s in nets])
        record.replace_last(net)
    return Trained(net, record)


def decay_of(setting: Setting, history: History, m: int) -> Iterator[float]:
    """Return eta's factor in each epoch for the network at index m of a stack."""
    if setting.decay == "plateau":
        return plateau_decay(lambda: float(history.record["val"]["loss"][-1][m]))
    return step_decay(setting.n_epochs) if setting.decay == "step" else repeat(1.0)


def train_setting(setting: Setting, progress: Progress = iter) -> Run:
    """Train one setting and evaluate it. Raises GuardError if a held-out accuracy is implausible."""
    splits = load_splits(setting.dtype, setting.train_on)
    n, n_val, sealed = len(splits.train[1]), len(splits.val[1]), splits.test
    snapshots = Snapshots(setting.n_epochs)
    trained, record = train_stack([setting], splits, progress=progress, on_epoch=snapshots)
    net = member(trained, 0)
    history = {split: {m: values[:, 0] for m, values in record[split].items()} for split in SPLITS}
    del splits, record  # makes room for the test images
    X_test, y_test = sealed.open()
    figures = evaluate(X_test, y_test, net, setting.lam, LOSSES[setting.loss])
    test = {measure: float(figures[measure]) for measure in ("loss", "accuracy")}
    reached = float(history["train"]["accuracy"][-1])
    check_plausible(reached, n, float(history["val"]["accuracy"][-1]), n_val, "validation")
    check_plausible(reached, n, test["accuracy"], len(y_test), "test")
    return Run(setting, history, net, test, scores(X_test, net), snapshots.film(net))


def run_arrays(setting: Setting, progress: Progress) -> dict[str, np.ndarray]:
    return train_setting(setting, progress).as_arrays()


def get_run(setting: Setting, progress: Progress = iter) -> Run:
    """Load the run of a setting from the cache, or train and cache it. The setting's name makes no difference."""
    return Run.from_arrays(setting, cached(setting.file_stem, run_arrays, progress, setting=setting))
