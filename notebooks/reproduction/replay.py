"""Repeat other people's trainings: on any batch, with their orders of the images, in double precision.

Every batch is normalised with mean and standard deviation of data_batch_1, as in the reference.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import repeat
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from lib import cifar10
from lib.assignment import BATCHES, CHAOTIC_ETA, N_BATCH, N_EPOCHS, SETTINGS
from lib.model import init_network, stack
from lib.preprocess import Standardiser
from lib.runs.cache import Arrays, Progress, cached
from lib.train import History, epoch_orders, mini_batch_gd

TRAIN, VAL, TEST = BATCHES.values()

# Each function returns an order of n images per epoch. `rng` was created with `seed` and has drawn the weights.
ORDERS: dict[str, Callable[[np.random.Generator, int, int], Iterator[np.ndarray]]] = {
    # A second generator with the same seed; each order permutes the previous order.
    "reference": lambda rng, seed, n: epoch_orders(np.random.default_rng(seed), n, N_EPOCHS),
    # The generator that drew the weights; each order permutes 0 ... n - 1.
    "course": lambda rng, seed, n: (rng.permutation(n) for _ in range(N_EPOCHS)),
    "unshuffled": lambda rng, seed, n: repeat(np.arange(n), N_EPOCHS),
}


def replay(
    *,
    train_on: str,
    evaluate_on: Sequence[str],
    settings: Sequence[tuple[float, float]],
    orders: str = "reference",
    seed: int = 42,
    dtype: str = "float64",
    threads: int | None = None,
    progress: Progress = iter,
) -> Arrays:
    """Train M settings on a batch and evaluate them. Returns "batch/measure": (n_epochs, M), for the cache.

    `train_on` and `evaluate_on` name batches, `settings` are pairs of eta and lam, `orders` names one of ORDERS, and
    `threads` is the number of BLAS threads.
    """
    standardiser = Standardiser.fit(cifar10.load_batch(TRAIN)[0])
    batches = {name: cifar10.load_batch(name) for name in {train_on, *evaluate_on}}
    splits = {name: (standardiser.apply(images, dtype), y) for name, (images, y) in batches.items()}
    X, y = splits[train_on]
    rng = np.random.default_rng(seed)
    net = stack([init_network(rng, d=X.shape[1], dtype=dtype)] * len(settings))
    eta, lam = np.array(settings).T
    history = History({name: splits[name] for name in evaluate_on}, lam)
    with threadpool_limits(threads, user_api="blas"):
        epochs = progress(ORDERS[orders](rng, seed, len(y)))
        mini_batch_gd(X, y, net, eta=eta, lam=lam, n_batch=N_BATCH, orders=epochs, on_epoch=history)
    return {f"{name}/{measure}": values for name in evaluate_on for measure, values in history[name].items()}


def replays() -> dict[str, dict[str, Any]]:
    """Return the arguments of `replay` for every replay of the report, by name."""
    plain = {"train_on": TRAIN, "settings": [(0.001, 0.0)]}
    chaos = {"train_on": TRAIN, "evaluate_on": [TRAIN], "settings": [(CHAOTIC_ETA, 0.0)], "threads": 1}
    return {
        "as it should be": {"train_on": TRAIN, "evaluate_on": [TRAIN, TEST], "settings": SETTINGS},
        "trained on test": {"train_on": TEST, "evaluate_on": [TEST], "settings": SETTINGS},
        "course": {"evaluate_on": [TRAIN, TEST], "orders": "course", **plain},
        "unshuffled": {"evaluate_on": [TRAIN, VAL], "orders": "unshuffled", **plain},
        "double precision": chaos,
        "single precision": chaos | {"dtype": "float32"},
        "single precision, two threads": chaos | {"dtype": "float32", "threads": 2},
        "seed 43": chaos | {"dtype": "float32", "seed": 43},
        "seed 44": chaos | {"dtype": "float32", "seed": 44},
    }


def replayed(name: str, progress: Progress = iter) -> Arrays:
    """Load the result of one of `replays` from the cache, or compute and cache it."""
    return cached(f"replay@{name}", replay, progress, **replays()[name])
