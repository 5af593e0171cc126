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
    if train_on == "all":
        loaded = split_all()
    else:
        loaded = {split: cifar10.load_batch(name) for split, name in assignment.BATCHES.items()}
    check_disjoint({split: images for split, (images, _) in loaded.items()})
    standardiser = Standardiser.fit(loaded["train"][0])

    def prepare(split: str) -> Split:
        images, y = loaded.pop(split)  # each is prepared once, and the bytes are not needed after it
        X = standardiser.apply(images, dtype)
        return X if split == "train" else X.view(HeldOut), y

    return Splits(prepare("train"), prepare("val"), Sealed(lambda: prepare("test")))


def split_all(seed: int = 0) -> dict[str, Split]:
    """Split all five batches into training and N_VAL validation images, as many of each class; add the test images.

    The validation images are drawn with `seed`. Each class must have at least its share of N_VAL images.
    """
    batches = [cifar10.load_batch(name) for name in assignment.ALL_BATCHES]
    images, y = (np.concatenate(arrays) for arrays in zip(*batches, strict=True))
    shuffled = np.random.default_rng(seed).permutation(len(y))
    n_each, labels = assignment.N_VAL // len(cifar10.CLASSES), range(len(cifar10.CLASSES))
    held_out = np.sort(np.concatenate([shuffled[y[shuffled] == label][:n_each] for label in labels]))
    train = np.delete(np.arange(len(y)), held_out)
    return {
        "train": (images[train], y[train]),
        "val": (images[held_out], y[held_out]),
        "test": cifar10.load_batch(assignment.BATCHES["test"]),
    }
