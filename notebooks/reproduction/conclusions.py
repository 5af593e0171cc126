"""Judge the reference report's eight conclusions by accuracies on held-out images: `claims` in data/reference.yaml.

McNemar's test on the test images ranks two settings. More seeds do not replace it: they use the same images, so they
show how training varies, not how results would vary with other images.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from lib.stats import SIGNIFICANT, paired_p
from notebooks.reproduction.reference import Case
from report.words import mean_and_sd, p_value, percent, rise_in_words

HOLDS, FAILS, OPEN = "holds", "does not hold", "cannot be told apart from chance"
SMALL_GAP = 0.02  # a smaller lead of training over validation counts as small


class Verdict(NamedTuple):
    """A claim's text, its verdict (HOLDS, FAILS or OPEN), and the numbers that decide."""

    claim: str
    verdict: str
    number: str


def judge_test(first: Case, second: Case, y: np.ndarray) -> tuple[str, str]:
    """Return the verdict (McNemar's test) on whether `first` is better on the test images y (N,), and its numbers."""
    p = first.run.p_same(second.run, y)
    ahead = first.run.test["accuracy"] > second.run.test["accuracy"]
    accuracies = " and ".join(percent(case.run.test["accuracy"]) for case in (first, second))
    seeds = " and ".join(mean_and_sd(case.seeds["test"]) for case in (first, second))
    verdict = OPEN if p >= SIGNIFICANT else verdict_on(ahead)
    return verdict, f"{accuracies} on test ($p {p_value(p)}$); over seeds {seeds}"


def judge_seeds(first: np.ndarray, second: np.ndarray) -> tuple[str, str]:
    """Return the verdict (by a paired t test) on whether `first` (n_seeds,) is above `second`, and the difference."""
    p = paired_p(first, second)
    verdict = verdict_on(first.mean() > second.mean()) if p < SIGNIFICANT else OPEN
    return verdict, f"{mean_and_sd(first - second)} points ($p {p_value(p)}$)"


def all_of(*verdicts: str) -> str:
    """Return the verdict on a claim of several parts, which fails if one part fails."""
    return FAILS if FAILS in verdicts else OPEN if OPEN in verdicts else HOLDS


def verdict_on(condition: bool) -> str:
    return HOLDS if condition else FAILS


def judge_all(claims: Sequence[str], cases: Sequence[Case], y: np.ndarray) -> list[Verdict]:
    """Judge the reference's claims on its four settings. `cases` are in its order; y (N,) are the test labels."""
    large, plain, mild, strong = cases
    gaps = [case.seeds["train"] - case.seeds["val"] for case in cases]
    smooth = [float(case.seeds["smoothness"].mean()) for case in cases]
    narrows, narrowing = judge_seeds(gaps[1], gaps[2])
    plain_ahead, plain_and_mild = judge_test(plain, mild, y)
    mild_ahead, _ = judge_test(mild, plain, y)
    strong_behind, mild_and_strong = judge_test(mild, strong, y)
    learnt, (lowest, nothing) = large.run.history["train"]["accuracy"], large.run.lowest_loss
    decisions = [
        (
            verdict_on(learnt[-1] <= learnt[0]),
            f"The cost does fluctuate, by up to {percent(large.run.largest_rise, 0)} an epoch. But training accuracy rises from {percent(learnt[0])} to {percent(learnt[-1])}: it learns. Its loss stays finite; it is never below {lowest:.2f}, and to know nothing costs {nothing:.2f}.",
        ),
        (
            all_of(verdict_on(smooth[1] > smooth[0]), verdict_on(plain.run.is_steady)),
            f"Convergence is stable: the cost rises by {rise_in_words(plain.run)}. But smoothness is {smooth[1]:.2f}, at the larger step {smooth[0]:.2f}. “More defined” is not measured.",
        ),
        (
            verdict_on(gaps[1].mean() < SMALL_GAP),
            f"Training is ahead of validation by {mean_and_sd(gaps[1])} points; we would call {100 * SMALL_GAP:g} small.",
        ),
        (narrows, f"The gap is smaller by {narrowing}."),
        (
            all_of(plain_ahead, verdict_on(smooth[2] > smooth[1])),
            f"{plain_and_mild}. Smoothness rises from {smooth[1]:.2f} to {smooth[2]:.2f}.",
        ),
        (
            all_of(strong_behind, verdict_on(smooth[3] == max(smooth)), verdict_on(gaps[3].mean() < gaps[2].mean())),
            f"{mild_and_strong}. Smoothness is {smooth[3]:.2f}, the gap {mean_and_sd(gaps[3])} points.",
        ),
        (all_of(*(judge_test(plain, other, y)[0] for other in (large, mild, strong))), f"{plain_and_mild}."),
        (all_of(narrows, mild_ahead, strong_behind), f"The gap narrows by {narrowing}; but {plain_and_mild}."),
    ]
    return [Verdict(claim, verdict, number) for claim, (verdict, number) in zip(claims, decisions, strict=True)]


def first_apart(first: np.ndarray, second: np.ndarray, by: float = 0.01) -> int:
    """Return the first epoch (from 1) after which two accuracies (n_epochs,) differ by more than `by`; 0 if none."""
    apart = np.flatnonzero(abs(first - second) > by)
    return int(apart[0]) + 1 if len(apart) else 0
