"""Which images train, validate and test, standardised; the test split can be read once."""

from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from lib import assignment, cifar10
from lib.guards import HeldOut, Sealed, Split, check_disjoint
from lib.preprocess import Standardiser
from lib.runs.settings import TrainOn


class Splits(NamedTuple):
    """X (N, D) and y (N,) of the training and of the validation split, and the sealed test split."""

    train: Split
    val: Split
    test: Sealed


def load_splits(dtype: DTypeLike = np.float32, train_on: TrainOn = "data_batch_1") -> Splits:
    """The splits, standardised with the statistics of train alone. Raises GuardError if two of them share an image."""
    loaded = (
        split_all()
        if train_on == "all"
        else {split: cifar10.load_batch(name) for split, name in assignment.BATCHES.items()}
    )
    check_disjoint({split: images for split, (images, _) in loaded.items()})
    standardiser = Standardiser.fit(loaded["train"][0])

    def prepare(split: str) -> Split:
        images, y = loaded.pop(split)  # each is prepared once, and the bytes are not needed after it
        return standardiser.apply(images, dtype), y

    def hold_out(split: str) -> Split:
        X, y = prepare(split)
        return X.view(HeldOut), y

    return Splits(prepare("train"), hold_out("val"), Sealed(lambda: hold_out("test")))


def split_all(seed: int = 0) -> dict[str, Split]:
    """All five batches less N_VAL validation images, equally many of each class, drawn by `seed`; and test.

    Each class must have at least its share of N_VAL images.
    """
    batches = [cifar10.load_batch(name) for name in assignment.ALL_BATCHES]
    images, y = (np.concatenate(arrays) for arrays in zip(*batches, strict=True))
    shuffled = np.random.default_rng(seed).permutation(len(y))
    by_class = shuffled[np.argsort(y[shuffled], kind="stable")]
    first = np.searchsorted(y[by_class], np.arange(len(cifar10.CLASSES)))
    held_out = np.sort(by_class[(first[:, None] + np.arange(assignment.N_VAL // len(first))).ravel()])
    train = np.delete(np.arange(len(y)), held_out)
    return {
        "train": (images[train], y[train]),
        "val": (images[held_out], y[held_out]),
        "test": cifar10.load_batch(assignment.BATCHES["test"]),
    }
