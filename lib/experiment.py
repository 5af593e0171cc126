"""One setting from start to end: which batch is which split, train, evaluate, read the test split once."""

from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from lib import cifar10, runs
from lib.cache import Progress, cached
from lib.guards import HeldOut, Sealed, check_disjoint, check_plausible
from lib.model import init_network, scores
from lib.preprocess import Standardiser
from lib.runs import Run
from lib.settings import Setting
from lib.train import History, Split, epoch_orders, evaluate, mini_batch_gd

BATCHES = {"train": "data_batch_1", "val": "data_batch_2", "test": "test_batch"}  # assignment, exercise 1.1


class Splits(NamedTuple):
    """X (N, D) and y (N,) of the training and of the validation split, and the sealed test split."""

    train: Split
    val: Split
    test: Sealed


def load_splits(dtype: DTypeLike = np.float32) -> Splits:
    """The splits, standardised with the statistics of train alone. Raises GuardError if two of them share an image."""
    loaded = {split: cifar10.load_batch(batch) for split, batch in BATCHES.items()}
    check_disjoint({split: images for split, (images, _) in loaded.items()})
    standardiser = Standardiser.fit(loaded["train"][0])

    def prepare(split: str) -> Split:
        images, y = loaded[split]
        return standardiser.apply(images, dtype), y

    def hold_out(split: str) -> Split:
        X, y = prepare(split)
        return X.view(HeldOut), y

    return Splits(prepare("train"), hold_out("val"), Sealed(lambda: hold_out("test")))


def train_setting(setting: Setting, progress: Progress = iter) -> Run:
    """Train one setting as the reference does: a generator for the weights, a second of its seed for the orders.

    `progress` wraps the epochs: pass a tqdm to watch. Raises GuardError if a held-out figure cannot be one.
    """
    splits = load_splits(setting.dtype)
    X, y = splits.train
    net = init_network(np.random.default_rng(setting.seed), d=X.shape[1], dtype=setting.dtype)
    orders = epoch_orders(np.random.default_rng(setting.seed), len(y), setting.n_epochs)
    history = History({"train": splits.train, "val": splits.val}, setting.lam)
    net = mini_batch_gd(
        X, y, net, eta=setting.eta, lam=setting.lam, n_batch=setting.n_batch, orders=progress(orders), on_epoch=history
    )
    X_test, y_test = splits.test.open()
    figures = evaluate(X_test, y_test, net, setting.lam)
    test = {measure: float(figures[measure]) for measure in ("loss", "accuracy")}
    reached = float(history["train"]["accuracy"][-1])
    check_plausible(reached, len(y), float(history["val"]["accuracy"][-1]), len(splits.val[1]), "validation")
    check_plausible(reached, len(y), test["accuracy"], len(y_test), "test")
    return Run(setting, {split: history[split] for split in runs.SPLITS}, net, test, scores(X_test, net))


def run_arrays(setting: Setting, progress: Progress) -> dict[str, np.ndarray]:
    return train_setting(setting, progress).as_arrays()


def get_run(setting: Setting, progress: Progress = iter) -> Run:
    """The run of a setting: the one on disk if it is up to date, else a new one, which is kept."""
    return Run.from_arrays(setting, cached(setting.name, run_arrays, progress, setting=setting))
