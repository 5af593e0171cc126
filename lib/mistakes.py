"""Mistakes that students make, each injected on purpose into the right procedure, trained and evaluated.

A `Procedure` is how a student works. The right one is `Procedure()`; every mistake changes one field of it. What comes
out is what that student would see, so `lib.guards`, which protects real runs, is left out here. What each mistake is
and where to look for it stands in `lib.advice`.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache, partial
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from lib import cifar10
from lib.cache import Arrays, Progress, cached
from lib.errors import expect_none, report_progress, run_command
from lib.experiment import BATCHES
from lib.model import Loss, Network, backward_pass, compute_accuracy, init_network, scores, softmax, stack
from lib.preprocess import Standardiser
from lib.train import Backward, epoch_orders, mini_batch_gd

SETTINGS = ((0.1, 0.0), (0.001, 0.0), (0.001, 0.1), (0.001, 1.0))  # eta, lam: the assignment's, in its order
SEEDS = (42, 43)
EPOCHS = (1, 2, 4, 8, 16, 40)  # after which the first seed's curve is drawn; training ends with the last
N_BATCH = 100
SPLITS = tuple(BATCHES)  # train, val, test
HORSE = cifar10.CLASSES.index("horse")  # the class whose templates are kept: two heads, if all is well

BySplit = Mapping[str, np.ndarray]


# How the images, uint8 (N, D) of each split, become inputs X (N, D).


def per_pixel(images: BySplit) -> BySplit:
    """The right way: each pixel by its own mean and deviation over the training images."""
    standardiser = Standardiser.fit(images["train"])
    return {split: standardiser.apply(own) for split, own in images.items()}


def bytes_as_they_are(images: BySplit) -> BySplit:
    return {split: own.astype(np.float32) for split, own in images.items()}


def not_normalised(images: BySplit) -> BySplit:
    return {split: np.divide(own, 255, dtype=np.float32) for split, own in images.items()}


def by_one_mean(images: BySplit) -> BySplit:
    """One mean and one deviation for all pixels of the training images together."""
    X = not_normalised(images)
    mean, std = X["train"].mean(dtype=np.float64), X["train"].std(dtype=np.float64)
    return {split: ((own - mean) / std).astype(np.float32) for split, own in X.items()}


def per_image(images: BySplit) -> BySplit:
    """The wrong axis: each image by its own mean and deviation."""
    return {split: Standardiser.fit(own.T).apply(own.T).T.copy() for split, own in images.items()}


def per_split(images: BySplit) -> BySplit:
    """Each split by its own means and deviations."""
    return {split: Standardiser.fit(own).apply(own) for split, own in images.items()}


# How the gradient of a batch is taken; the right way is lib.model.backward_pass.


def summed(X: np.ndarray, y: np.ndarray, P: np.ndarray, net: Network, lam: Any, loss: Loss) -> Network:
    """The sum over the batch, not the mean; the penalty's part is right."""
    n = len(y)
    mean = backward_pass(X, y, P, net, np.asarray(lam) / n, loss)
    return Network(n * mean.W, n * mean.b)


def with_penalty_times(
    factor: float, X: np.ndarray, y: np.ndarray, P: np.ndarray, net: Network, lam: Any, loss: Loss
) -> Network:
    """The penalty's part, 2 lam W, times `factor`."""
    return backward_pass(X, y, P, net, factor * np.asarray(lam), loss)


def bias_penalised(X: np.ndarray, y: np.ndarray, P: np.ndarray, net: Network, lam: Any, loss: Loss) -> Network:
    right = backward_pass(X, y, P, net, lam, loss)
    return Network(right.W, right.b + 2 * np.asarray(lam, net.b.dtype)[..., None] * net.b)


def from_softmax_over_images(
    X: np.ndarray, y: np.ndarray, P: np.ndarray, net: Network, lam: Any, loss: Loss
) -> Network:
    return backward_pass(X, y, softmax_over_images(scores(X, net)), net, lam, loss)


def softmax_over_images(S: np.ndarray) -> np.ndarray:
    """Each column sums to 1, over the images, instead of each row, over the classes."""
    return softmax(S.swapaxes(0, -1)).swapaxes(0, -1)


def over_images_in_double(S: np.ndarray) -> np.ndarray:
    """Double precision, as students have it: in single, most of these would be too small to tell apart."""
    return softmax_over_images(S.astype(np.float64))


def unchanged(array: np.ndarray) -> np.ndarray:
    return array


def of_the_batch_before(y: np.ndarray) -> np.ndarray:
    return np.roll(y, N_BATCH)


class Procedure(NamedTuple):
    """How a network is trained and evaluated: the right way, but for the fields that say otherwise."""

    prepare: Callable[[BySplit], BySplit] = per_pixel
    sigma: float = 0.01
    labels: Callable[[np.ndarray], np.ndarray] = unchanged  # as the training loop reads them
    backward: Backward = backward_pass
    answers: Callable[[np.ndarray], np.ndarray] = unchanged  # from scores to what the answer is the largest of
    fresh: str = ""  # a split that gets a network of its own, trained on it, before it is evaluated


RIGHT = "right"
PROCEDURES = {
    RIGHT: Procedure(),
    "sigma-1": Procedure(sigma=1.0),
    "sigma-0.1": Procedure(sigma=0.1),
    "bytes": Procedure(prepare=bytes_as_they_are),
    "not-normalised": Procedure(prepare=not_normalised),
    "one-mean": Procedure(prepare=by_one_mean),
    "per-image": Procedure(prepare=per_image),
    "per-split": Procedure(prepare=per_split),
    "summed": Procedure(backward=summed),
    "half-penalty": Procedure(backward=partial(with_penalty_times, 0.5)),
    "no-penalty": Procedure(backward=partial(with_penalty_times, 0.0)),
    "bias-penalised": Procedure(backward=bias_penalised),
    "labels-shifted": Procedure(labels=of_the_batch_before),
    "softmax-over-images": Procedure(backward=from_softmax_over_images, answers=over_images_in_double),
    "trained-on-validation": Procedure(fresh="val"),
    "trained-on-test": Procedure(fresh="test"),
    "pixels-scrambled": Procedure(),  # the pictures of the weights are drawn wrongly; the network is right
}


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


def main(arguments: list[str]) -> None:
    expect_none(arguments)
    train_all(progress=report_progress("mistakes"))


if __name__ == "__main__":
    run_command(main)
