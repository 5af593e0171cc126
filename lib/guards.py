"""Checks that keep validation and test accuracies honest. A failed check stops the run and says where to look.

One more check is in `lib.train`: code that evaluates a network gets read-only weights.
"""

import hashlib
from collections.abc import Callable, Mapping

import numpy as np

from lib.command import InputError
from lib.stats import proportions_p

Split = tuple[np.ndarray, np.ndarray]  # X (N, D), y (N,)
UNLIKELY = 1e-4  # p value: at most this share of honest runs is stopped by chance


class GuardError(InputError):
    """A run failed a check of this module."""


def check_disjoint(splits: Mapping[str, np.ndarray]) -> None:
    """Raise GuardError if two of the splits, uint8 (N, D) each, share an image, byte for byte."""
    seen: dict[bytes, str] = {}
    for split, images in splits.items():
        digests = {hashlib.blake2b(image, digest_size=16).digest() for image in np.ascontiguousarray(images)}
        for digest in digests & seen.keys():
            raise GuardError(f"the {split} and the {seen[digest]} split share an image: give each its own batch")
        seen |= dict.fromkeys(digests, split)


class HeldOut(np.ndarray):
    """Inputs X (N, D) of a held-out split: `lib.train` evaluates networks on them, but does not train on them."""


def refuse_held_out(X: np.ndarray) -> None:
    """Raise GuardError if X is held out: after training on it, its accuracy would be a training accuracy."""
    if isinstance(X, HeldOut):
        raise GuardError("training on a held-out split: train on the train split, evaluate on this one")


class Sealed:
    """The test split, which can be read only once: a second look could influence choices."""

    def __init__(self, load: Callable[[], Split]) -> None:
        self.load: Callable[[], Split] | None = load

    def open(self) -> Split:
        """Return X (N, D) and y (N,). Raises GuardError the second time."""
        if self.load is None:
            raise GuardError("the test split has been read already: choose on the validation split, read test once")
        load, self.load = self.load, None
        return load()


def check_plausible(train: float, n_train: int, held_out: float, n_held_out: int, what: str) -> None:
    """Raise GuardError if a held-out accuracy is above the training accuracy by more than chance allows.

    Accuracies are in [0, 1], of `n_train` and `n_held_out` images; `what` names the held-out split in the message.
    """
    if held_out > train and proportions_p(train, n_train, held_out, n_held_out) < UNLIKELY:
        raise GuardError(
            f"{what} accuracy {held_out:.2%} is above the training accuracy {train:.2%} by more than chance: was the"
            f" network trained on the {what} images, or is the training accuracy another network's?"
        )
