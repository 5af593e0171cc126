"""Train the procedure of each mistake, and evaluate it as the student who made it would."""

from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from itertools import product

import numpy as np

from lib import cifar10
from lib.assignment import BATCHES
from lib.doctor.mistakes import EPOCHS, HORSE, N_BATCH, PROCEDURES, RIGHT, SEEDS, SETTINGS, SPLITS, BySplit, Procedure
from lib.model import Network, compute_accuracy, init_network, scores, stack
from lib.runs.cache import Arrays, Progress, cached
from lib.train import epoch_orders, mini_batch_gd


class Seen:
    """An `on_epoch` that records the accuracy on each split, as this student takes it, after `epochs`: (n, 4) each."""

    def __init__(self, procedure: Procedure, X: BySplit, y: BySplit, epochs: Collection[int]) -> None:
        self.procedure, self.X, self.y, self.epochs = procedure, X, y, epochs
        self.record: dict[str, list[np.ndarray]] = {split: [] for split in X}

    def __call__(self, epoch: int, net: Network) -> None:
        for split in self.record if epoch in self.epochs else ():
            answers = self.procedure.answers(scores(self.X[split], net))
            self.record[split].append(compute_accuracy(answers, self.y[split]))

    def as_arrays(self) -> Arrays:
        return {split: np.array(accuracies) for split, accuracies in self.record.items()}


def train(*, mistake: str, seed: int, progress: Progress = iter) -> Arrays:
    """What the student with this mistake sees of SETTINGS, trained as one stack, and the horse's templates, (D, 4).

    Where one split gets a fresh network, it is that split alone: the others are as in the right procedure.
    """
    procedure = PROCEDURES[mistake]
    X, y = load(procedure.prepare)
    source = procedure.fresh or "train"
    epochs = EPOCHS if seed == SEEDS[0] else EPOCHS[-1:]
    seen = Seen(procedure, {source: X[source]} if procedure.fresh else X, y, epochs)
    net = init_network(np.random.default_rng(seed), d=X[source].shape[1], sigma=procedure.sigma)
    eta, lam = np.array(SETTINGS).T
    orders = progress(epoch_orders(np.random.default_rng(seed), len(y[source]), EPOCHS[-1]))
    net = mini_batch_gd(
        X[source], procedure.labels(y[source]), stack([net] * len(SETTINGS)),
        eta=eta, lam=lam, n_batch=N_BATCH, orders=orders, on_epoch=seen, backward=procedure.backward,
    )  # fmt: skip
    return seen.as_arrays() | {"horse": net.W[..., HORSE]}


@lru_cache(maxsize=1)  # most students prepare them alike
def load(prepare: Callable[[BySplit], BySplit]) -> tuple[BySplit, BySplit]:
    """X (N, D), as this student prepares it, and y (N,) of each split."""
    batches = {split: cifar10.load_batch(batch) for split, batch in BATCHES.items()}
    X = prepare({split: images for split, (images, _) in batches.items()})
    return X, {split: y for split, (_, y) in batches.items()}


def train_all(seeds: Sequence[int] = SEEDS, progress: Progress = iter) -> dict[str, list[Arrays]]:
    """What each student sees, by the name of the mistake, one entry a seed. Kept on disk: nothing is trained twice."""
    found: dict[str, list[Arrays]] = {name: [] for name in PROCEDURES}
    for name, seed in progress(list(product(PROCEDURES, seeds))):
        trained_as = next(other for other, procedure in PROCEDURES.items() if procedure == PROCEDURES[name])
        own = cached(f"mistake@{trained_as}@{seed}", train, mistake=trained_as, seed=seed)
        found[name].append(own if name == RIGHT else found[RIGHT][seeds.index(seed)] | own)
    return found


def signature(seen: Sequence[Arrays]) -> dict[str, dict[str, list[float]]]:
    """The final accuracy on each split, in the order of SETTINGS: mean and deviation over the seeds, and each."""
    final = {split: np.array([arrays[split][-1] for arrays in seen]) for split in SPLITS}  # (n_seeds, 4) each
    return {
        split: {"mean": each.mean(0).tolist(), "sd": each.std(0, ddof=1).tolist(), "seeds": each.tolist()}
        for split, each in final.items()
    }
