"""Load the training, validation and test images, standardised. The test split can be read only once."""

from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from lib import assignment, cifar10
from lib.guards import HeldOut, Sealed, Split, check_disjoint
from lib.preprocess import Standardiser
from lib.runs.settings import TrainOn


class Splits(NamedTuple):
    """X (N, D) and y (N,) of the training and the validation split, and the sealed test split."""

    train: Split
    val: Split
    test: Sealed


def load_splits(dtype: DTypeLike = np.float32, train_on: TrainOn = "data_batch_1") -> Splits:
    """Return the splits, standardised with the training statistics. Raises GuardError if two of them share an image."""
    loaded = (
        split_all()
        if train_on == "all"
        else {split: cifar10.load_batch(name) for split, name in assignment.BATCHES.items()}
    )
    check_disjoint({split: images for split, (images, _) in loaded.items()})
    standardiser = Standardiser.fit(loaded["train"][0])

    def prepare(split: str) -> Split:
        images, y = loaded.pop(split)  # frees the bytes, since each split is prepared only once
        return standardiser.apply(images, dtype), y

    def hold_out(split: str) -> Split:
        X, y = prepare(split)
        return X.view(HeldOut), y

    return Splits(prepare("train"), hold_out("val"), Sealed(lambda: hold_out("test")))


def split_all(seed: int = 0) -> dict[str, Split]:
    """Split all five batches into training and N_VAL validation images, as many of each class; add the test images.

    The validation images are drawn with `seed`. Each class must have at least its share of N_VAL images.
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
