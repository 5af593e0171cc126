"""The eight conclusions of the reference report, each put to held-out figures. See `claims` in data/reference.yaml.

Two settings are ranked by McNemar's test on the test images. Over seeds alone the same images would be counted again
and again: that tells what training does, not what other images would say.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from lib import published
from lib.runs.cache import Arrays
from lib.runs.run import Run
from lib.runs.settings import Setting
from lib.stats import SIGNIFICANT, paired_p
from report.words import mean_and_sd, p_value, percent, rise_in_words

HOLDS, FAILS, OPEN = "holds", "does not hold", "cannot be told apart from chance"
SMALL_GAP = 0.02  # what a reader would call a small lead of training over validation


class Verdict(NamedTuple):
    """A claim's words, HOLDS, FAILS or OPEN, and the number that decides."""

    claim: str
    verdict: str
    number: str


def reference_settings() -> list[Setting]:
    """The reference's four settings."""
    pairs = [(float(own["eta"]), float(own["lam"])) for own in published.read()["reference_report"]["settings"]]
    return [Setting(name=f"eta{eta:g}-lam{lam:g}", eta=eta, lam=lam) for eta, lam in pairs]


def judge_test(first: Run, second: Run, y: np.ndarray, spread: Mapping[str, Arrays]) -> tuple[str, str]:
    """Is `first` better on the test images y (N,)? HOLDS or FAILS only if McNemar's test says so; and the figures."""
    p = first.p_same(second, y)
    ahead = first.test["accuracy"] > second.test["accuracy"]
    accuracies = " and ".join(percent(run.test["accuracy"]) for run in (first, second))
    seeds = " and ".join(mean_and_sd(spread[run.setting.name]["test"]) for run in (first, second))
    return OPEN if p >= SIGNIFICANT else of(ahead), f"{accuracies} on test ($p {p_value(p)}$); over seeds {seeds}"


def judge_seeds(first: np.ndarray, second: np.ndarray) -> tuple[str, str]:
    """Is `first` (n_seeds,) above `second` by more than chance, by a paired t test? And the difference."""
    p = paired_p(first, second)
    verdict = of(first.mean() > second.mean()) if p < SIGNIFICANT else OPEN
    return verdict, f"{points(first - second)} ($p {p_value(p)}$)"


def points(values: np.ndarray) -> str:
    """Mean and standard deviation over the seeds, (n_seeds,) fractions, in percentage points."""
    return f"{mean_and_sd(values)} points"


def all_of(*verdicts: str) -> str:
    """The verdict on a claim of several parts: one part that fails is enough."""
    return FAILS if FAILS in verdicts else OPEN if OPEN in verdicts else HOLDS


def of(condition: bool) -> str:
    return HOLDS if condition else FAILS


def judge_all(words: Sequence[str], runs: Sequence[Run], spread: Mapping[str, Arrays], y: np.ndarray) -> list[Verdict]:
    """Judge the claims on the reference's four settings, in its order: a run of each, the `spread`, the test labels."""
    large, plain, mild, strong = runs
    by = [spread[run.setting.name] for run in runs]
    gaps = [figures["train"] - figures["val"] for figures in by]
    smooth = [float(figures["smoothness"].mean()) for figures in by]
    narrows, by_how_much = judge_seeds(gaps[1], gaps[2])
    plain_ahead, plain_and_mild = judge_test(plain, mild, y, spread)
    mild_ahead, _ = judge_test(mild, plain, y, spread)
    strong_behind, mild_and_strong = judge_test(mild, strong, y, spread)
    learnt, (lowest, nothing) = large.history["train"]["accuracy"], large.lowest_loss
    decisions = [
        (
            of(learnt[-1] <= learnt[0]),
            f"The cost does fluctuate, by up to {percent(large.largest_rise, 0)} an epoch. But training accuracy rises"
            f" from {percent(learnt[0])} to {percent(learnt[-1])}: it learns. Its loss stays finite; it is never below"
            f" {lowest:.2f}, and to know nothing costs {nothing:.2f}.",
        ),
        (
            all_of(of(smooth[1] > smooth[0]), of(plain.is_steady)),
            f"Convergence is stable: the cost rises by {rise_in_words(plain)}. But smoothness is {smooth[1]:.2f}, at"
            f" the larger step {smooth[0]:.2f}. “More defined” is not measured.",
        ),
        (
            of(gaps[1].mean() < SMALL_GAP),
            f"Training is ahead of validation by {points(gaps[1])}; we would call {100 * SMALL_GAP:g} small.",
        ),
        (narrows, f"The gap is smaller by {by_how_much}."),
        (
            all_of(plain_ahead, of(smooth[2] > smooth[1])),
            f"{plain_and_mild}. Smoothness rises from {smooth[1]:.2f} to {smooth[2]:.2f}.",
        ),
        (
            all_of(strong_behind, of(smooth[3] == max(smooth)), of(gaps[3].mean() < gaps[2].mean())),
            f"{mild_and_strong}. Smoothness is {smooth[3]:.2f}, the gap {points(gaps[3])}.",
        ),
        (all_of(*(judge_test(plain, other, y, spread)[0] for other in (large, mild, strong))), f"{plain_and_mild}."),
        (all_of(narrows, mild_ahead, strong_behind), f"The gap narrows by {by_how_much}; but {plain_and_mild}."),
    ]
    return [Verdict(claim, verdict, number) for claim, (verdict, number) in zip(words, decisions, strict=True)]


def first_apart(first: np.ndarray, second: np.ndarray, by: float = 0.01) -> int:
    """The first epoch, counted from 1, after which two accuracies (n_epochs,) differ by more than `by`; 0 if none."""
    apart = np.flatnonzero(abs(first - second) > by)
    return int(apart[0]) + 1 if len(apart) else 0
