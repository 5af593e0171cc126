"""Train with each mistake, and evaluate the network as the student who makes the mistake would."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import product

import numpy as np

from lib import cifar10
from lib.assignment import BATCHES, N_BATCH, SETTINGS
from lib.doctor.mistakes import RIGHT
from lib.model import Network, compute_accuracy, init_network, scores, stack
from lib.runs.cache import Arrays, Progress, cached
from lib.train import epoch_orders, mini_batch_gd
from notebooks.common_mistakes.procedures import EPOCHS, HORSE, PROCEDURES, SEEDS, BySplit


def train(*, mistake: str, seed: int, progress: Progress = iter) -> Arrays:
    """Train SETTINGS as one stack with this mistake. Returns accuracies (n, 4) by split, and "horse": templates (D, 4).

    If the procedure trains a new network for one split, only that split is returned: the others have no mistake.
    """
    procedure = PROCEDURES[mistake]
    X, y = load(procedure.prepare)
    source = procedure.fresh or "train"
    epochs = EPOCHS if seed == SEEDS[0] else EPOCHS[-1:]
    accuracies: dict[str, list[np.ndarray]] = {split: [] for split in ([source] if procedure.fresh else X)}

    def evaluate(epoch: int, net: Network) -> None:
        """Record the accuracies that the student sees."""
        for split in accuracies if epoch in epochs else ():
            answers = procedure.answers(scores(X[split], net))
            accuracies[split].append(compute_accuracy(answers, y[split]))

    net = init_network(np.random.default_rng(seed), d=X[source].shape[1], sigma=procedure.sigma)
    eta, lam = np.array(SETTINGS).T
    orders = progress(epoch_orders(np.random.default_rng(seed), len(y[source]), EPOCHS[-1]))
    net = mini_batch_gd(
        X[source], procedure.labels(y[source]), stack([net] * len(SETTINGS)),
        eta=eta, lam=lam, n_batch=N_BATCH, orders=orders, on_epoch=evaluate, backward=procedure.backward,
    )  # fmt: skip
    return {split: np.array(values) for split, values in accuracies.items()} | {"horse": net.W[..., HORSE]}


@lru_cache(maxsize=1)  # most mistakes prepare the images in the same way, one after the other
def load(prepare: Callable[[BySplit], BySplit]) -> tuple[BySplit, BySplit]:
    """Load X (N, D), prepared by `prepare`, and y (N,) of each split."""
    batches = {split: cifar10.load_batch(batch) for split, batch in BATCHES.items()}
    X = prepare({split: images for split, (images, _) in batches.items()})
    return X, {split: y for split, (_, y) in batches.items()}


def train_all(seeds: Sequence[int] = SEEDS, progress: Progress = iter) -> dict[str, list[Arrays]]:
    """Run `train` for each mistake and seed, or load the result from the cache. Returns arrays by mistake and seed."""
    trained: dict[str, list[Arrays]] = {name: [] for name in PROCEDURES}
    for name, seed in progress(list(product(PROCEDURES, seeds))):
        same = next(other for other, procedure in PROCEDURES.items() if procedure == PROCEDURES[name])
        arrays = cached(f"mistake@{same}@{seed}", train, mistake=same, seed=seed)
        trained[name].append(arrays if name == RIGHT else trained[RIGHT][seeds.index(seed)] | arrays)
    return trained
