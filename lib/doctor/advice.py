"""Each mistake of `lib.doctor.mistakes` in words: what was done, where to look, which picture shows it best."""

from typing import NamedTuple


class Advice(NamedTuple):
    """`picture`: "template", "scrambled", or the split whose accuracies are drawn; `setting`: its place in SETTINGS."""

    did: str
    look: str
    picture: str
    setting: int


SIGMA = "σ\u00a0=\u00a0"  # with spaces that do not break

ADVICE = {
    "sigma-1": Advice(
        f"initial weights with {SIGMA}1",
        "The call that draws W: the standard deviation is 0.01. A generator's plain `standard_normal` has 1.",
        "template",
        1,
    ),
    "sigma-0.1": Advice(
        f"initial weights with {SIGMA}0.1",
        "The call that draws W: the standard deviation is 0.01, and .01 is easily read as .1.",
        "template",
        1,
    ),
    "bytes": Advice(
        "pixels left at 0 to 255",
        "Where the images are read: print the smallest and the largest input. Divide by 255, then standardise.",
        "test",
        1,
    ),
    "not-normalised": Advice(
        "pixels from 0 to 1, not standardised",
        "Where the inputs are made: over the training images, each pixel's mean must be 0 and its deviation 1.",
        "test",
        1,
    ),
    "one-mean": Advice(
        "one mean and deviation for all pixels",
        "The shape of the mean: (3072,), one for each pixel, not a single number.",
        "test",
        3,
    ),
    "per-image": Advice(
        "mean over the wrong axis",
        "The `axis` of the mean: it runs over the images. Its shape must be (3072,), not (10000,).",
        "test",
        3,
    ),
    "per-split": Advice(
        "each split by its own mean",
        "Where validation and test are standardised: with mean and deviation of the training images.",
        "test",
        1,
    ),
    "summed": Advice(
        "gradient summed, not averaged",
        "The division by the size of the batch, in the gradients of W and of b. The gradient check finds it.",
        "test",
        1,
    ),
    "half-penalty": Advice(
        "the factor 2 of 2λW lost",
        "The gradient check with λ > 0. With λ = 0 it cannot see this.",
        "test",
        3,
    ),
    "no-penalty": Advice(
        "penalty in the cost, but not in the gradient",
        "Do the settings with different λ give the same figures? Then the gradient check with λ > 0.",
        "template",
        3,
    ),
    "bias-penalised": Advice(
        "b penalised like W",
        "The gradient check of b, with λ > 0 and with b far from 0: at b = 0 it cannot see this.",
        "test",
        3,
    ),
    "labels-shifted": Advice(
        "labels of the batch before",
        "The slices of the mini-batch: images and labels need the same indices. Show an image with its label.",
        "train",
        1,
    ),
    "softmax-over-images": Advice(
        "softmax over the images, not over the classes",
        "The `axis` of the softmax: the probabilities of one image must add up to 1.",
        "test",
        1,
    ),
    "trained-on-validation": Advice(
        "validation curve from training on validation",
        "How often the training function is called: once for a setting. Evaluation must not train.",
        "val",
        1,
    ),
    "trained-on-test": Advice(
        "test accuracy from training on test",
        "How often the training function is called: once for a setting. Evaluation must not train.",
        "test",
        1,
    ),
    "pixels-scrambled": Advice(
        "templates reshaped to 32\u00a0×\u00a032\u00a0×\u00a03",
        "The reshape before drawing: (3, 32, 32) first, since the colour planes follow each other, then transpose.",
        "scrambled",
        3,
    ),
}
