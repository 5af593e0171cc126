"""One setting from start to end: which batch is which split, train, evaluate, read the test split once."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from lib import cifar10, runs
from lib.model import init_network, scores
from lib.preprocess import Standardiser
from lib.runs import Run
from lib.settings import Setting
from lib.train import History, Split, epoch_orders, evaluate, mini_batch_gd

BATCHES = {"train": "data_batch_1", "val": "data_batch_2", "test": "test_batch"}  # assignment, exercise 1.1


def load_splits(dtype: DTypeLike = np.float32) -> dict[str, Split]:
    """X (N, D) and y (N,) of the splits train, val and test, standardised with the statistics of train alone."""
    loaded = {split: cifar10.load_batch(batch) for split, batch in BATCHES.items()}
    standardiser = Standardiser.fit(loaded["train"][0])
    return {split: (standardiser.apply(images, dtype), y) for split, (images, y) in loaded.items()}


def train_setting(setting: Setting, progress: Callable[[Iterable[Any]], Iterable[Any]] = iter) -> Run:
    """Train one setting as the reference does: a generator for the weights, a second of the same seed for the orders.

    `progress` wraps the epochs: pass a tqdm to watch them go by.
    """
    splits = load_splits(setting.dtype)
    X, y = splits["train"]
    net = init_network(np.random.default_rng(setting.seed), d=X.shape[1], dtype=setting.dtype)
    orders = epoch_orders(np.random.default_rng(setting.seed), len(X), setting.n_epochs)
    history = History({split: splits[split] for split in ("train", "val")}, setting.lam)
    net = mini_batch_gd(
        X, y, net, eta=setting.eta, lam=setting.lam, n_batch=setting.n_batch, orders=progress(orders), on_epoch=history
    )
    test = evaluate(*splits["test"], net, setting.lam)
    return Run(
        setting=setting,
        history={split: history[split] for split in runs.SPLITS},
        net=net,
        test={measure: float(test[measure]) for measure in ("loss", "accuracy")},
        test_scores=scores(splits["test"][0], net),
    )


def get_run(setting: Setting, progress: Callable[[Iterable[Any]], Iterable[Any]] = iter) -> Run:
    """The run of a setting: the one on disk if it is up to date, else a new one, which is kept."""
    return runs.load(setting) or runs.save(train_setting(setting, progress))
