"""Sentences and captions on the data and on the untrained network."""

from collections.abc import Mapping

import numpy as np

from lib.assignment import BATCHES
from lib.cifar10 import CLASSES
from report.words import Caption, Finding, Sentences, percent

SAMPLES = (
    "fig-samples",
    "The first ten training images of each class.",
    f"A grid of small photographs, ten to a row, one row for each class: {', '.join(CLASSES)}.",
)
NORMALISATION = (
    "fig-normalisation",
    "Mean and standard deviation (lightest where largest) of each pixel over the training images, and the distribution of the values of the three colours before and after normalisation.",
    "Two blurred images, the mean photograph and the standard deviation of each pixel, and two groups of histograms: before normalisation between 0 and 1, afterwards centred on zero.",
)


def on_photographs(batches: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> Sentences:
    """Return sentences on the number of photographs and the use of each batch, images (N, D) and labels (N,)."""
    images, n_images = batches[BATCHES["train"]][0], sum(len(y) for _, y in batches.values())
    return [
        f"CIFAR-10 holds {n_images:,} colour photographs of {len(CLASSES)} classes. Each is 32 pixels high and wide.",
        f"With three colours to a pixel that makes $d = {images.shape[1]}$ numbers from 0 to 255.",
        f"The photographs come in {len(batches)} batches of {len(images):,}.",
        "The first trains the network, the second validates it, and `test_batch` tests it. The other three serve the optional part of the assignment alone.",
        "[Figure](#fig-samples) shows the first photographs of each class.",
    ]


def on_balance(counts: Mapping[str, np.ndarray]) -> Sentences:
    """Return sentences on how equal the numbers of images per class are. `counts[batch]` is (K,)."""
    train, test = counts[BATCHES["train"]], counts[BATCHES["test"]]
    yes = f"The test batch holds exactly {test[0]:,} of each."
    no = f"The test batch holds between {test.min():,} and {test.max():,} of each."
    return [
        f"The classes are nearly equally frequent ([Figure](#fig-balance)): the training batch holds between {train.min():,} and {train.max():,} images of each.",
        "Blind guessing is therefore right about one time in ten.",
        Finding("test batch is balanced", np.ptp(test) == 0, yes, no),
    ]


def balance_caption(counts: Mapping[str, np.ndarray]) -> Caption:
    """Return the caption of the figure of the counts."""
    train = counts[BATCHES["train"]]
    caption = "Images of each class in each batch. Orange cells are above the equal share, violet ones below."
    alt = f"A table of counts, six batches by ten classes; the counts of data_batch_1 run from {train.min()} to {train.max()}."
    return "fig-balance", caption, alt


def on_normalisation(pixels: Mapping[str, Mapping[str, float]]) -> Sentences:
    """Return sentences on mean and standard deviation of all pixel values, before and after normalisation."""
    before, train, val = pixels["before"], pixels["train"], pixels["val"]
    return [
        f"Before, the values of the training pixels have the mean {before['mean']:.3f} and the standard deviation {before['sd']:.3f}; after, {abs(train['mean']):.3f} and {train['sd']:.3f}.",
        f"The validation images, normalised with the same numbers, have the mean {val['mean']:.3f} and the standard deviation {val['sd']:.3f}: close to the training images, but not tuned to themselves.",
        "[Figure](#fig-normalisation) shows what is subtracted, what is divided by, and what becomes of the three colours.",
    ]


def on_start(start: Mapping[str, float]) -> Sentences:
    """Return sentences that compare the untrained network's loss and accuracy with guessing."""
    return [
        "These functions can be tried before anything is trained. The weights start as small random numbers, $W_{mk} \\sim N(0, 0.01^2)$, and the biases as zeros.",
        "Such a network knows nothing. A network that knows nothing gives each class the probability $1/K$ and has the loss",
        f"$\\log K = {np.log(len(CLASSES)):.3f}$. Ours starts with the loss {start['loss']:.3f}: its scores are random instead of equal, so it is a little confident, and often wrong.",
        f"It names {percent(start['accuracy'])} of the training images correctly, as a guess would.",
    ]
