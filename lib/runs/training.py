"""From a setting to its figures: which images are which split, train, evaluate, read the test split once.

Settings that share their batches are trained as one stack, which reads the images once for all of them.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import repeat
from operator import getitem
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from lib import cifar10
from lib.augment import RandomViews, mirror_average
from lib.guards import HeldOut, Sealed, Split, check_disjoint, check_plausible
from lib.model import LOSSES, Network, init_network, member, scores, stack
from lib.preprocess import Standardiser
from lib.runs.cache import Progress, cached
from lib.runs.run import SPLITS, Run
from lib.runs.settings import Setting, TrainOn
from lib.runs.snapshots import Snapshots
from lib.schedules import Average, plateau_decay, step_decay
from lib.train import History, epoch_orders, evaluate, mini_batch_gd

BATCHES = {"train": "data_batch_1", "val": "data_batch_2", "test": "test_batch"}  # assignment, exercise 1.1
ALL = [f"data_batch_{number}" for number in range(1, 6)]
N_VAL = 1000  # assignment, exercise 2.1


class Splits(NamedTuple):
    """X (N, D) and y (N,) of the training and of the validation split, and the sealed test split."""

    train: Split
    val: Split
    test: Sealed


def load_splits(dtype: DTypeLike = np.float32, train_on: TrainOn = "data_batch_1") -> Splits:
    """The splits, standardised with the statistics of train alone. Raises GuardError if two of them share an image."""
    loaded = split_all() if train_on == "all" else {split: cifar10.load_batch(name) for split, name in BATCHES.items()}
    check_disjoint({split: images for split, (images, _) in loaded.items()})
    standardiser = Standardiser.fit(loaded["train"][0])

    def prepare(split: str) -> Split:
        images, y = loaded.pop(split)  # each is prepared once, and the bytes are not needed after it
        return standardiser.apply(images, dtype), y

    def hold_out(split: str) -> Split:
        X, y = prepare(split)
        return X.view(HeldOut), y

    return Splits(prepare("train"), hold_out("val"), Sealed(lambda: hold_out("test")))


def split_all(seed: int = 0) -> dict[str, Split]:
    """All five batches less N_VAL validation images, equally many of each class, drawn by `seed`; and test.

    Each class must have at least its share of N_VAL images.
    """
    batches = [cifar10.load_batch(name) for name in ALL]
    images, y = (np.concatenate(arrays) for arrays in zip(*batches, strict=True))
    shuffled = np.random.default_rng(seed).permutation(len(y))
    by_class = shuffled[np.argsort(y[shuffled], kind="stable")]
    first = np.searchsorted(y[by_class], np.arange(len(cifar10.CLASSES)))
    held_out = np.sort(by_class[(first[:, None] + np.arange(N_VAL // len(first))).ravel()])
    train = np.delete(np.arange(len(y)), held_out)
    return {
        "train": (images[train], y[train]),
        "val": (images[held_out], y[held_out]),
        "test": cifar10.load_batch(BATCHES["test"]),
    }


class Trained(NamedTuple):
    """A stack of M networks, trained, and its history: `history[split][measure]`, (n_epochs, M).

    The history ends at the networks that are returned, also where these are not the last iterates but averages.
    """

    net: Network
    history: History


def train_stack(
    alike: Sequence[Setting],
    splits: Splits,
    watch: Iterable[str] = ("train", "val"),
    progress: Progress = iter,
    also: Callable[[int, Network], None] | None = None,
) -> Trained:
    """Train M settings whose `shared()` is the same. `watch` names the splits to evaluate after every epoch.

    As the reference does it: a generator for the weights, a second of the same seed for the orders. The views are drawn
    by a third, of another seed. `progress` wraps the epochs: pass a tqdm to watch. `also(epoch, net)` is called with
    the stack after each epoch, and with the first weights as epoch 0.
    """
    first, n_epochs = alike[0], alike[0].n_epochs
    if any(other.shared() != first.shared() for other in alike):
        raise ValueError("a stack shares its loss and its batches")
    (X, y), loss = splits.train, LOSSES[first.loss]
    eta, lam, momentum = (np.array([getattr(own, field) for own in alike]) for field in ("eta", "lam", "momentum"))
    net = stack([init_network(np.random.default_rng(first.seed), d=X.shape[1], dtype=first.dtype)] * len(alike))
    plateaus = ["val"] if any(own.decay == "plateau" for own in alike) else []
    history = History({split: getattr(splits, split) for split in dict.fromkeys([*watch, *plateaus])}, lam, loss)
    average = Average(n_epochs // 2 + 1 if any(own.average for own in alike) else n_epochs)
    views = RandomViews(np.random.default_rng([first.seed, 1]), flips=first.flips, shifts=first.shifts)

    def on_epoch(epoch: int, net: Network) -> None:
        history(epoch, net)
        average(epoch, net)
        if also:
            also(epoch, net)

    if also:
        also(0, net)
    net = mini_batch_gd(
        X, y, net, eta=eta, lam=lam, momentum=momentum, n_batch=first.n_batch, loss=loss,
        orders=progress(epoch_orders(np.random.default_rng(first.seed), len(y), n_epochs)),
        decay=zip(*(decay_of(own, history, m) for m, own in enumerate(alike)), strict=False),
        take=views if first.flips or first.shifts else getitem, on_epoch=on_epoch,
    )  # fmt: skip
    if any(own.average or own.mirror for own in alike):
        net = stack([kept(own, member(net, m), member(average.net, m)) for m, own in enumerate(alike)])
        history.replace_last(net)
    return Trained(net, history)


def decay_of(setting: Setting, history: History, m: int) -> Iterator[float]:
    """Eta's factor in each epoch for the network at place m of a stack."""
    if setting.decay == "plateau":
        return plateau_decay(lambda: float(history.record["val"]["loss"][-1][m]))
    return step_decay(setting.n_epochs) if setting.decay == "step" else repeat(1.0)


def kept(setting: Setting, last: Network, average: Network) -> Network:
    """The network that the setting asks for: the last iterate or the average, as it is or with its mirror image."""
    net = average if setting.average else last
    return mirror_average(net) if setting.mirror else net


def train_setting(setting: Setting, progress: Progress = iter) -> Run:
    """Train one setting and evaluate it. Raises GuardError if a held-out figure cannot be one."""
    splits = load_splits(setting.dtype, setting.train_on)
    n, n_val, sealed = len(splits.train[1]), len(splits.val[1]), splits.test
    snapshots = Snapshots(setting.n_epochs)
    stacked, record = train_stack([setting], splits, progress=progress, also=snapshots)
    net = member(stacked, 0)
    history = {split: {m: values[:, 0] for m, values in record[split].items()} for split in SPLITS}
    del splits, record  # the test images take the others' place in memory
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
    """The run of a setting, whatever its name: the one on disk if it is up to date, else a new one, which is kept."""
    return Run.from_arrays(setting, cached(setting.content, run_arrays, progress, setting=setting))
