"""Mistakes that students make, each injected on purpose into the right procedure, trained and evaluated.

A `Procedure` is how a student works. The right one is `Procedure()`; every mistake changes one field of it. What comes
out is what that student would see, so `lib.guards`, which protects real runs, is left out here. What each mistake is
and where to look for it stands in `lib.doctor.advice`.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from lib import cifar10
from lib.assignment import BATCHES
from lib.model import Loss, Network, backward_pass, scores, softmax
from lib.preprocess import Standardiser
from lib.train import Backward

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
