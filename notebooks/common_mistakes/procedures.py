"""The right procedure of training and evaluating, and students' mistakes, each a change to that procedure.

The results must be those that the student would see, so `lib.guards`, which protects real runs, is not used.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from lib import cifar10
from lib.assignment import N_BATCH, N_EPOCHS, SIGMA
from lib.doctor.mistakes import RIGHT
from lib.model import Loss, Network, backward_pass, scores, softmax
from lib.preprocess import Standardiser
from lib.train import Backward

SEEDS = (42, 43)
EPOCHS = (1, 2, 4, 8, 16, N_EPOCHS)  # epochs after which the first seed is evaluated, for its curve
HORSE = cifar10.CLASSES.index("horse")  # the class whose templates are drawn; if right, the horse has two heads

Array = np.ndarray
BySplit = Mapping[str, Array]


# These functions turn the images, uint8 (N, D) of each split, into inputs X (N, D).


def per_pixel(images: BySplit) -> BySplit:
    """Standardise correctly: each pixel by its mean and standard deviation over the training images."""
    standardiser = Standardiser.fit(images["train"])
    return {split: standardiser.apply(x) for split, x in images.items()}


def bytes_as_they_are(images: BySplit) -> BySplit:
    return {split: x.astype(np.float32) for split, x in images.items()}


def not_normalised(images: BySplit) -> BySplit:
    return {split: np.divide(x, 255, dtype=np.float32) for split, x in images.items()}


def by_one_mean(images: BySplit) -> BySplit:
    """Standardise by one mean and one standard deviation over all pixels of the training images."""
    X = not_normalised(images)
    mean, std = X["train"].mean(dtype=np.float64), X["train"].std(dtype=np.float64)
    return {split: ((x - mean) / std).astype(np.float32) for split, x in X.items()}


def per_image(images: BySplit) -> BySplit:
    """Standardise along the wrong axis: each image by the mean and standard deviation of its pixels."""
    return {split: Standardiser.fit(x.T).apply(x.T).T.copy() for split, x in images.items()}


def per_split(images: BySplit) -> BySplit:
    """Standardise each split by the means and standard deviations of that split instead of the training split."""
    return {split: Standardiser.fit(x).apply(x) for split, x in images.items()}


# These functions compute the gradient of a batch wrongly. lib.model.backward_pass is right.


def summed(X: Array, y: Array, P: Array, net: Network, lam: Any, loss: Loss) -> Network:
    """Sum the loss's gradient over the batch instead of averaging. The penalty's gradient is right."""
    n = len(y)
    mean = backward_pass(X, y, P, net, np.asarray(lam) / n, loss)
    return Network(n * mean.W, n * mean.b)


def with_penalty_times(factor: float, X: Array, y: Array, P: Array, net: Network, lam: Any, loss: Loss) -> Network:
    """Multiply the penalty's gradient, 2 lam W, by `factor`."""
    return backward_pass(X, y, P, net, factor * np.asarray(lam), loss)


def bias_penalised(X: Array, y: Array, P: Array, net: Network, lam: Any, loss: Loss) -> Network:
    right = backward_pass(X, y, P, net, lam, loss)
    return Network(right.W, right.b + 2 * np.asarray(lam, net.b.dtype)[..., None] * net.b)


def from_softmax_over_images(X: Array, y: Array, P: Array, net: Network, lam: Any, loss: Loss) -> Network:
    return backward_pass(X, y, softmax_over_images(scores(X, net)), net, lam, loss)


def softmax_over_images(S: Array) -> Array:
    """Take the softmax over the images (columns sum to 1) instead of over the classes (rows sum to 1)."""
    return softmax(S.swapaxes(0, -1)).swapaxes(0, -1)


def over_images_in_double(S: Array) -> Array:
    """Use double precision, as students do: in single precision most values would be too small to tell apart."""
    return softmax_over_images(S.astype(np.float64))


def of_the_batch_before(y: Array) -> Array:
    return np.roll(y, N_BATCH)


class Procedure(NamedTuple):
    """How a network is trained and evaluated. The defaults are right."""

    prepare: Callable[[BySplit], BySplit] = per_pixel
    sigma: float = SIGMA
    labels: Callable[[Array], Array] = np.asarray  # which changes nothing; as the training loop reads them
    backward: Backward = backward_pass
    answers: Callable[[Array], Array] = np.asarray  # of scores: the class with the largest is the answer
    fresh: str = ""  # a split on which a new network is trained before this split is evaluated


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
    "pixels-scrambled": Procedure(),  # the network is right, but its weights are drawn wrongly
}
