"""The right procedure of training and evaluating, and the mistakes that students make, each a change of it.

What comes out is what the student would see, so `lib.guards`, which protects real runs, is left out.
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
EPOCHS = (1, 2, 4, 8, 16, N_EPOCHS)  # after which the first seed's curve is drawn
HORSE = cifar10.CLASSES.index("horse")  # the class whose templates are drawn: two heads, if all is well

Array = np.ndarray
BySplit = Mapping[str, Array]


# How the images, uint8 (N, D) of each split, become inputs X (N, D).


def per_pixel(images: BySplit) -> BySplit:
    """Standardise the right way: each pixel by its mean and deviation over the training images."""
    standardiser = Standardiser.fit(images["train"])
    return {split: standardiser.apply(x) for split, x in images.items()}


def bytes_as_they_are(images: BySplit) -> BySplit:
    return {split: x.astype(np.float32) for split, x in images.items()}


def not_normalised(images: BySplit) -> BySplit:
    return {split: np.divide(x, 255, dtype=np.float32) for split, x in images.items()}


def by_one_mean(images: BySplit) -> BySplit:
    """Standardise by one mean and one deviation of all pixels of the training images together."""
    X = not_normalised(images)
    mean, std = X["train"].mean(dtype=np.float64), X["train"].std(dtype=np.float64)
    return {split: ((x - mean) / std).astype(np.float32) for split, x in X.items()}


def per_image(images: BySplit) -> BySplit:
    """Standardise along the wrong axis: each image by the mean and deviation of its pixels."""
    return {split: Standardiser.fit(x.T).apply(x.T).T.copy() for split, x in images.items()}


def per_split(images: BySplit) -> BySplit:
    """Standardise each split by the means and deviations of its images."""
    return {split: Standardiser.fit(x).apply(x) for split, x in images.items()}


# How the gradient of a batch is taken; the right way is lib.model.backward_pass.


def summed(X: Array, y: Array, P: Array, net: Network, lam: Any, loss: Loss) -> Network:
    """Sum over the batch instead of averaging; the penalty's part is right."""
    n = len(y)
    mean = backward_pass(X, y, P, net, np.asarray(lam) / n, loss)
    return Network(n * mean.W, n * mean.b)


def with_penalty_times(factor: float, X: Array, y: Array, P: Array, net: Network, lam: Any, loss: Loss) -> Network:
    """Multiply the penalty's part, 2 lam W, by `factor`."""
    return backward_pass(X, y, P, net, factor * np.asarray(lam), loss)


def bias_penalised(X: Array, y: Array, P: Array, net: Network, lam: Any, loss: Loss) -> Network:
    right = backward_pass(X, y, P, net, lam, loss)
    return Network(right.W, right.b + 2 * np.asarray(lam, net.b.dtype)[..., None] * net.b)


def from_softmax_over_images(X: Array, y: Array, P: Array, net: Network, lam: Any, loss: Loss) -> Network:
    return backward_pass(X, y, softmax_over_images(scores(X, net)), net, lam, loss)


def softmax_over_images(S: Array) -> Array:
    """Make each column sum to 1, over the images, instead of each row, over the classes."""
    return softmax(S.swapaxes(0, -1)).swapaxes(0, -1)


def over_images_in_double(S: Array) -> Array:
    """Answer in double precision, as students do: in single, most values would be too small to tell apart."""
    return softmax_over_images(S.astype(np.float64))


def unchanged(array: Array) -> Array:
    return array


def of_the_batch_before(y: Array) -> Array:
    return np.roll(y, N_BATCH)


class Procedure(NamedTuple):
    """How a network is trained and evaluated. The defaults are the right way."""

    prepare: Callable[[BySplit], BySplit] = per_pixel
    sigma: float = SIGMA
    labels: Callable[[Array], Array] = unchanged  # as the training loop reads them
    backward: Backward = backward_pass
    answers: Callable[[Array], Array] = unchanged  # of scores: the class with the largest is the answer
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
    "pixels-scrambled": Procedure(),  # the pictures of the weights are drawn wrongly; the network is right
}
