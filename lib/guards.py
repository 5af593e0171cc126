"""Rules that keep held-out figures honest, active in every run; a broken one stops it with a sentence on where to look.

One more rule is in `lib.train`: whoever evaluates a network gets its weights read-only.
"""

import hashlib
from collections.abc import Callable, Mapping

import numpy as np

from lib.command import InputError
from lib.stats import proportions_p

Split = tuple[np.ndarray, np.ndarray]  # X (N, D), y (N,)
UNLIKELY = 1e-4  # p value: of honest runs without any lead of training, so many are stopped by chance


class GuardError(InputError):
    """A run broke a rule that keeps its held-out figures honest."""


def check_disjoint(splits: Mapping[str, np.ndarray]) -> None:
    """Raise GuardError if one image, byte for byte, is in two of the splits, uint8 (N, D) each."""
    seen: dict[bytes, str] = {}
    for split, images in splits.items():
        own = {hashlib.blake2b(image, digest_size=16).digest() for image in np.ascontiguousarray(images)}
        for image in own & seen.keys():
            raise GuardError(
                f"an image of the {split} split is in the {seen[image]} split, too: give each its own batch"
            )
        seen |= dict.fromkeys(own, split)


class HeldOut(np.ndarray):
    """Inputs X (N, D) of a held-out split. They can be evaluated on, but `lib.train` refuses to train on them."""


def refuse_held_out(X: np.ndarray) -> None:
    """Raise GuardError if X is of a held-out split: trained on it, a network has only a training accuracy there."""
    if isinstance(X, HeldOut):
        raise GuardError(
            "training on a held-out split: train on the train split, then evaluate the network on this one"
        )


class Sealed:
    """The test split, which opens once. Whoever could look twice could choose by what he saw."""

    def __init__(self, load: Callable[[], Split]) -> None:
        self.load: Callable[[], Split] | None = load

    def open(self) -> Split:
        """X (N, D) and y (N,). Raises GuardError the second time."""
        if self.load is None:
            raise GuardError("the test split has been read already: choose on the validation split, read test once")
        load, self.load = self.load, None
        return load()


def check_plausible(train: float, n_train: int, held_out: float, n_held_out: int, what: str) -> None:
    """Raise GuardError if the accuracy on held-out images is above the training accuracy by more than chance."""
    if held_out > train and proportions_p(train, n_train, held_out, n_held_out) < UNLIKELY:
        raise GuardError(
            f"{what} accuracy {held_out:.2%} is above the training accuracy {train:.2%} by more than chance: was the"
            f" network trained on the {what} images, or is the training figure of another network?"
        )
