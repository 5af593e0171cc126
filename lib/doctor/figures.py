"""What may be wrong with a student's figures, by comparison with those of known mistakes.

Every cause in report/results.json predicts each figure with a Gaussian. Its mean is the mean over our seeds. Its width
covers the seeds, and a floor for what others do differently: rounding, shuffling, generators. Figures count as
independent, so with many of them the confidence is on the high side.
"""

import json
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lib import paths
from lib.command import InputError
from lib.doctor.advice import ADVICE
from lib.doctor.mistakes import EPOCHS, N_BATCH, RIGHT, SETTINGS, SPLITS

Figures = Mapping[tuple[str, int], float]  # accuracy in per cent, by split and place in SETTINGS
Signatures = Mapping[str, Mapping[str, Mapping[str, Any]]]  # as lib.doctor.mistakes.signature, by name

NONE = "none of these"
PRIOR = {RIGHT: 0.5, NONE: 0.05}  # the mistakes share the rest equally
FLOOR = {"train": 0.4, "val": 0.3, "test": 0.3}  # points
CHAOTIC = 0.1  # at this eta two right runs differ by whole points: over eight seeds, see data/reference.yaml
CHAOTIC_FLOOR = {"train": 4.0, "val": 2.0, "test": 2.0}
RANGE = 50.0  # points: if it is none of these, any accuracy from 0 to 50 % is as likely as another
SHOWN = 0.05  # a cause that is less likely is not named


def predict(signature: Mapping[str, Mapping[str, Any]], split: str) -> tuple[np.ndarray, np.ndarray]:
    """Mean and width, (4,) each in points, of the accuracies that a cause leads to on one split.

    Two or three seeds are few for a deviation: it is pooled over the settings of the small step.
    """
    mean, sd = (100 * np.array(signature[split][key]) for key in ("mean", "sd"))
    chaotic = np.array([eta == CHAOTIC for eta, _ in SETTINGS])
    sd[~chaotic] = np.sqrt(np.square(sd[~chaotic]).mean())
    spread = sd * math.sqrt(1 + 1 / len(signature[split]["seeds"]))  # the mean is uncertain, too
    return mean, np.hypot(spread, np.where(chaotic, CHAOTIC_FLOOR[split], FLOOR[split]))


def log_likelihood(figures: Figures, signature: Mapping[str, Mapping[str, Any]]) -> float:
    """The logarithm of the probability density of the figures, given a cause."""
    total = 0.0
    for split in SPLITS:
        mean, width = predict(signature, split)
        for (_, place), value in (item for item in figures.items() if item[0][0] == split):
            total -= ((value - mean[place]) / width[place]) ** 2 / 2 + math.log(width[place] * math.sqrt(2 * math.pi))
    return total


def posterior(figures: Figures, signatures: Signatures) -> dict[str, float]:
    """The probability of each cause, given the figures, the likeliest first (Bayes' rule)."""
    share = (1 - sum(PRIOR.values())) / (len(signatures) - 1)
    log = {name: math.log(PRIOR.get(name, share)) + log_likelihood(figures, own) for name, own in signatures.items()}
    log[NONE] = math.log(PRIOR[NONE]) - len(figures) * math.log(RANGE)
    top = max(log.values())
    weights = {name: math.exp(value - top) for name, value in log.items()}
    total = sum(weights.values())
    return {name: weights[name] / total for name in sorted(weights, key=weights.__getitem__, reverse=True)}


def distance(
    signature: Mapping[str, Mapping[str, Any]], right: Mapping[str, Mapping[str, Any]], split: str
) -> np.ndarray:
    """By how much a cause moves each accuracy on a split, (4,), in widths of the right one."""
    mean, width = predict(right, split)
    return abs(predict(signature, split)[0] - mean) / width


def alike(signatures: Signatures, places: Collection[tuple[str, int]]) -> list[str]:
    """The mistakes that move none of the figures, by split and place in SETTINGS, by two widths or more."""
    right = signatures[RIGHT]
    return [
        name
        for name in signatures
        if name != RIGHT and all(distance(signatures[name], right, split)[place] < 2 for split, place in places)
    ]


def leave_one_out(signatures: Signatures, split: str = "test") -> dict[str, list[str]]:
    """The likeliest cause of each seed's figures on a split, by their true cause, with means from the other seeds."""
    found: dict[str, list[str]] = {name: [] for name in signatures}
    for name, own in signatures.items():
        for held_out, accuracies in enumerate(own[split]["seeds"]):
            figures = {(split, place): 100 * accuracy for place, accuracy in enumerate(accuracies)}
            others = {cause: without(signature, held_out) for cause, signature in signatures.items()}
            found[name].append(next(iter(posterior(figures, others))))
    return found


def without(signature: Mapping[str, Mapping[str, Any]], seed: int) -> dict[str, dict[str, Any]]:
    """The signature without one of its seeds. The deviations stay: one or two seeds left would give none."""
    rest = {split: own["seeds"][:seed] + own["seeds"][seed + 1 :] for split, own in signature.items()}
    return {
        split: {"mean": np.mean(rest[split], axis=0), "sd": signature[split]["sd"], "seeds": rest[split]}
        for split in rest
    }


def diagnose(figures: Figures, signatures: Signatures) -> list[str]:
    """The diagnosis in lines: 'looks right', or at most three causes with where to look."""
    probability = posterior(figures, signatures)
    causes = [f"{confidence(p):>9}  {advise(name)}" for name, p in list(probability.items())[:3] if p >= SHOWN]
    if next(iter(probability)) != RIGHT:
        return causes
    hidden = [ADVICE[name].did for name in alike(signatures, figures)]
    note = [f"These figures cannot rule out: {'; '.join(hidden)}."] if hidden else []
    return [f"looks right ({confidence(probability[RIGHT])})", *causes[1:], *note]


def advise(name: str) -> str:
    if name == RIGHT:
        return "nothing wrong"
    if name == NONE:
        return "none of the mistakes known here gives such figures. Start with the gradient check."
    return f"{ADVICE[name].did}. {ADVICE[name].look}"


def confidence(p: float) -> str:
    return "over 99 %" if p > 0.99 else f"{100 * p:.0f} %"


# What the user gives


def read_figures(arguments: Sequence[str]) -> Figures:
    """Four numbers, or the path of a results.json. Raises InputError."""
    if len(arguments) == 1:
        return from_results(Path(arguments[0]))
    if len(arguments) != len(SETTINGS):
        raise InputError(f"give a results.json, or {len(SETTINGS)} test accuracies, such as 26.2 38.8 39.2 37.5")
    return from_numbers([number(argument.removesuffix("%"), "a test accuracy") for argument in arguments])


def from_numbers(values: Sequence[float]) -> Figures:
    """The four test accuracies, all in per cent or all as fractions."""
    below = [value for value in values if value <= 1]
    if below and len(below) < len(values):
        raise InputError(f"{below[0]:g} is a fraction and {max(values):g} is in per cent: give all in the same way")
    return {("test", place): 100 * value if below else value for place, value in enumerate(values)}


def number(given: Any, what: str, top: float = 100) -> float:
    try:
        value = math.nan if isinstance(given, bool) else float(given)
    except (TypeError, ValueError, OverflowError):
        value = math.nan
    if not 0 <= value <= top:
        raise InputError(f"{what} must be a number from 0 to {top:g}, got {given!r}")
    return value


def from_results(path: Path) -> Figures:
    """The final accuracies of those of the assignment's settings that the file has."""
    settings = read_json(path).get("settings")
    if not isinstance(settings, dict) or not settings:
        raise InputError(f"{path}: it has no settings: settings.<name>.eta, .lam and .test.accuracy are needed")
    figures: dict[tuple[str, int], float] = {}
    for name, result in settings.items():
        for split, place, given in final_accuracies(result):
            value = number(given, f"{path}: settings.{name}: the accuracy on {split}", 1)
            figures.setdefault((split, place), 100 * value)
    if not any(split == "test" for split, _ in figures):
        known = ", ".join(f"(eta {eta:g}, lam {lam:g})" for eta, lam in SETTINGS)
        raise InputError(
            f"{path}: none of its settings is one of {known}, with a test accuracy after {EPOCHS[-1]} epochs"
        )
    return figures


def final_accuracies(result: Any) -> Iterator[tuple[str, int, Any]]:
    """(split, place in SETTINGS, accuracy) of one setting, or nothing if it is not one of the assignment's."""
    if not isinstance(result, dict) or (result.get("eta"), result.get("lam")) not in SETTINGS:
        return
    if (result.get("n_batch", N_BATCH), result.get("n_epochs", EPOCHS[-1])) != (N_BATCH, EPOCHS[-1]):
        return
    place = SETTINGS.index((result["eta"], result["lam"]))
    test, history = result.get("test"), result.get("history")
    if isinstance(test, dict) and "accuracy" in test:
        yield "test", place, test["accuracy"]
    for split, measures in history.items() if isinstance(history, dict) else ():
        accuracies = measures.get("accuracy") if isinstance(measures, dict) else None
        if split in ("train", "val") and isinstance(accuracies, list) and accuracies:
            yield split, place, accuracies[-1]


def read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; give a results.json, or {len(SETTINGS)} numbers") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not readable as JSON: {error}") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: must hold an object with settings, got {type(content).__name__}")
    return content


def read_signatures(path: Path = paths.REPORT / "results.json") -> Signatures:
    signatures = read_json(path).get("mistakes")
    if not isinstance(signatures, dict) or RIGHT not in signatures:
        raise InputError(f"{path}: it has no signatures of mistakes; run `make report`")
    for name, own in signatures.items():
        if not is_whole(own):
            raise InputError(f"{path}: mistakes.{name} is damaged; run `make report`")
    return signatures


def is_whole(signature: Any) -> bool:
    """Whether it predicts a finite figure for every setting on every split."""
    try:
        predicted = np.array([predict(signature, split) for split in SPLITS])
    except (TypeError, KeyError, ValueError, IndexError, ZeroDivisionError):
        return False
    return predicted.shape == (len(SPLITS), 2, len(SETTINGS)) and bool(np.isfinite(predicted).all())
