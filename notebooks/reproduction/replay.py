"""Trainings as others did them, replayed: on any batch, with their orders of the images, in double precision.

The normalisation is the reference's: mean and standard deviation of data_batch_1, for whatever batch is trained on.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from lib import cifar10, published
from lib.assignment import CHAOTIC_ETA
from lib.model import init_network, stack
from lib.preprocess import Standardiser
from lib.runs.cache import Arrays, Progress, cached
from lib.train import History, epoch_orders, mini_batch_gd

N_EPOCHS, N_BATCH = 40, 100


def same_seed_again(rng: np.random.Generator, seed: int, n: int) -> Iterator[np.ndarray]:
    """The reference's orders: a second generator of the same seed; permutations compound."""
    return epoch_orders(np.random.default_rng(seed), n, N_EPOCHS)


def one_generator(rng: np.random.Generator, seed: int, n: int) -> Iterator[np.ndarray]:
    """The course's orders: the generator that drew the weights draws a permutation of 0 ... n - 1 for every epoch."""
    return (rng.permutation(n) for _ in range(N_EPOCHS))


def unshuffled(rng: np.random.Generator, seed: int, n: int) -> Iterator[np.ndarray]:
    """The order on disk, in every epoch."""
    return (np.arange(n) for _ in range(N_EPOCHS))


ORDERS: dict[str, Callable[[np.random.Generator, int, int], Iterator[np.ndarray]]] = {
    "reference": same_seed_again,
    "course": one_generator,
    "unshuffled": unshuffled,
}


def replay(
    *,
    train_on: str,
    watch: Sequence[str],
    etas: Sequence[float],
    lams: Sequence[float],
    orders: str = "reference",
    seed: int = 42,
    dtype: str = "float64",
    threads: int | None = None,
    progress: Progress = iter,
) -> Arrays:
    """Train a stack of M networks on one batch and watch others: "batch/measure" as (n_epochs, M), for the cache.

    `train_on` and `watch` name batches, `orders` one of ORDERS; `threads` is the number of BLAS threads.
    """
    standardiser = Standardiser.fit(cifar10.load_batch("data_batch_1")[0])
    splits = {
        name: (standardiser.apply(images, dtype), y)
        for name in {train_on, *watch}
        for images, y in [cifar10.load_batch(name)]
    }
    X, y = splits[train_on]
    rng = np.random.default_rng(seed)
    net = stack([init_network(rng, d=X.shape[1], dtype=dtype)] * len(etas))
    history = History({name: splits[name] for name in watch}, np.array(lams))
    with threadpool_limits(threads, user_api="blas"):
        epochs = progress(ORDERS[orders](rng, seed, len(y)))
        mini_batch_gd(
            X, y, net, eta=np.array(etas), lam=np.array(lams), n_batch=N_BATCH, orders=epochs, on_epoch=history
        )
    return {f"{name}/{measure}": values for name in watch for measure, values in history[name].items()}


TRAIN, VAL, TEST = "data_batch_1", "data_batch_2", "test_batch"


def replays() -> dict[str, dict[str, Any]]:
    """The arguments of `replay` for every replay that the report shows, by name."""
    settings = published.read()["reference_report"]["settings"]
    four = {"etas": [float(s["eta"]) for s in settings], "lams": [float(s["lam"]) for s in settings]}
    plain = {"train_on": TRAIN, "etas": [0.001], "lams": [0.0]}
    chaos = {"train_on": TRAIN, "watch": [TRAIN], "etas": [CHAOTIC_ETA], "lams": [0.0], "threads": 1}
    return {
        "as it should be": {"train_on": TRAIN, "watch": [TRAIN, TEST], **four},
        "trained on test": {"train_on": TEST, "watch": [TEST], **four},
        "course": {"watch": [TRAIN, TEST], "orders": "course", **plain},
        "unshuffled": {"watch": [TRAIN, VAL], "orders": "unshuffled", **plain},
        "double precision": chaos,
        "single precision": chaos | {"dtype": "float32"},
        "single precision, two threads": chaos | {"dtype": "float32", "threads": 2},
        "seed 43": chaos | {"dtype": "float32", "seed": 43},
        "seed 44": chaos | {"dtype": "float32", "seed": 44},
    }


def replayed(name: str, progress: Progress = iter) -> Arrays:
    """One of `replays`, from the cache if it is up to date."""
    return cached(f"replay@{name}", replay, progress, **replays()[name])
