"""Diagnose a student's work by comparing its accuracies with those of known mistakes.

Every cause in report/results.json predicts each accuracy with a Gaussian. Its mean is the mean over our seeds. Its
width combines the deviation over the seeds with a floor for what other programs do differently: rounding, shuffling,
random generators. The accuracies are treated as independent, so if there are many, the confidence is too high.
"""

import math
from collections.abc import Collection, Mapping
from operator import itemgetter

import numpy as np

from lib.assignment import CHAOTIC_ETA, SETTINGS
from lib.doctor.accuracies import Accuracies, Signature
from lib.doctor.mistakes import ADVICE, RIGHT
from lib.model import softmax

NONE = "none of these"
PRIOR = {RIGHT: 0.5, NONE: 0.05}  # the mistakes share the rest equally
FLOOR = {"train": 0.4, "val": 0.3, "test": 0.3}  # percentage points
CHAOTIC_FLOOR = {"train": 4.0, "val": 2.0, "test": 2.0}  # over eight seeds, see data/reference.yaml
RANGE = 50.0  # percentage points: if the cause is none of these, all accuracies from 0 to 50 % are equally likely
SHOWN = 0.05  # a cause that is less likely is not named


def predict(signature: Signature, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and width, (4,) each, in percentage points, of the accuracies that a cause leads to on one split.

    Two or three seeds are too few to estimate a deviation, so it is pooled over the settings with the small step.
    """
    mean, sd = 100 * np.array([signature[split].mean, signature[split].sd])
    chaotic = np.array([eta == CHAOTIC_ETA for eta, _ in SETTINGS])
    sd[~chaotic] = np.sqrt(np.square(sd[~chaotic]).mean())
    spread = sd * math.sqrt(1 + 1 / len(signature[split].seeds))  # the mean is uncertain, too
    return mean, np.hypot(spread, np.where(chaotic, CHAOTIC_FLOOR[split], FLOOR[split]))


def log_likelihood(accuracies: Accuracies, signature: Signature) -> float:
    """Return the logarithm of the probability density of the accuracies, given a cause."""
    predicted = [[each[place] for each in predict(signature, split)] for split, place in accuracies]
    mean, width = np.reshape(predicted, (-1, 2)).T
    squared = np.square((np.array([*accuracies.values()]) - mean) / width)
    return -float(np.sum(squared / 2 + np.log(width * math.sqrt(2 * math.pi))))


def posterior(accuracies: Accuracies, signatures: Mapping[str, Signature]) -> dict[str, float]:
    """Return the probability of each cause, given the accuracies, the likeliest first (Bayes' rule)."""
    share = (1 - sum(PRIOR.values())) / (len(signatures) - 1)
    log = {
        name: math.log(PRIOR.get(name, share)) + log_likelihood(accuracies, signature)
        for name, signature in signatures.items()
    }
    log[NONE] = math.log(PRIOR[NONE]) - len(accuracies) * math.log(RANGE)
    probability = dict(zip(log, softmax(np.array([*log.values()])).tolist(), strict=True))
    return dict(sorted(probability.items(), key=itemgetter(1), reverse=True))


def distance(signature: Signature, right: Signature, split: str) -> np.ndarray:
    """Return how far a cause moves each accuracy on a split, (4,), in widths of the prediction without a mistake."""
    mean, width = predict(right, split)
    return abs(predict(signature, split)[0] - mean) / width


def without_trace(signatures: Mapping[str, Signature], places: Collection[tuple[str, int]]) -> list[str]:
    """Return the mistakes that move each accuracy at `places` (split, index in SETTINGS) by less than two widths."""

    def leaves_none(signature: Signature) -> bool:
        return all(distance(signature, signatures[RIGHT], split)[place] < 2 for split, place in places)

    return [name for name, signature in signatures.items() if name != RIGHT and leaves_none(signature)]


def leave_one_out(signatures: Mapping[str, Signature], split: str = "test") -> dict[str, list[str]]:
    """Diagnose each seed from the means of the other seeds. Return the likeliest causes found, by true cause."""
    causes: dict[str, list[str]] = {name: [] for name in signatures}
    for name, signature in signatures.items():
        for seed, fractions in enumerate(signature[split].seeds):
            accuracies = {(split, place): 100 * fraction for place, fraction in enumerate(fractions)}
            others = {cause: {split: each[split].without(seed)} for cause, each in signatures.items()}
            causes[name].append(next(iter(posterior(accuracies, others))))
    return causes


def diagnose(accuracies: Accuracies, signatures: Mapping[str, Signature]) -> list[str]:
    """Return the lines of the diagnosis: 'looks right', or at most three causes, each with where to look."""
    probability = posterior(accuracies, signatures)
    causes = [f"{confidence(p):>9}  {advise(name)}" for name, p in list(probability.items())[:3] if p >= SHOWN]
    if next(iter(probability)) != RIGHT:
        return causes
    hidden = [ADVICE[name].did for name in without_trace(signatures, accuracies)]
    note = [f"These accuracies cannot rule out: {'; '.join(hidden)}."] if hidden else []
    return [f"looks right ({confidence(probability[RIGHT])})", *causes[1:], *note]


def advise(name: str) -> str:
    if name == RIGHT:
        return "nothing wrong"
    if name == NONE:
        return "none of the mistakes known here gives such accuracies. Start with the gradient check."
    return f"{ADVICE[name].did}. {ADVICE[name].look}"


def confidence(p: float) -> str:
    return "over 99 %" if p > 0.99 else f"{100 * p:.0f} %"
