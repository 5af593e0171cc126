"""The eight conclusions of the reference report, each put to held-out figures. See `claims` in data/reference.yaml.

A paired t test over the seeds decides between two settings, since both meet the same images in the same order.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from lib.cache import Arrays
from lib.observe import below, final, gap, largest_rise
from lib.runs import Run
from lib.show import percent
from lib.stats import paired_p

HOLDS, FAILS, OPEN = "holds", "does not hold", "cannot be told apart from chance"
SIGNIFICANT = 0.05


class Verdict(NamedTuple):
    """A claim's words, HOLDS, FAILS or OPEN, and the number that decides."""

    claim: str
    verdict: str
    number: str


def judge(first: np.ndarray, second: np.ndarray) -> tuple[str, str]:
    """HOLDS if `first` (n_seeds,) is above `second` by more than chance, FAILS if below; and the difference as text."""
    p, difference = paired_p(first, second), float(np.mean(first - second))
    verdict = OPEN if p >= SIGNIFICANT else HOLDS if difference > 0 else FAILS
    return verdict, f"{100 * difference:+.2f} ± {100 * np.std(first - second, ddof=1):.2f} points, $p {below(p)}$"


def all_of(*verdicts: str) -> str:
    """The verdict on a claim of several parts: one part that fails is enough."""
    return FAILS if FAILS in verdicts else OPEN if OPEN in verdicts else HOLDS


def of(condition: bool) -> str:
    return HOLDS if condition else FAILS


def test_claims(words: Sequence[str], runs: Sequence[Run], spread: Mapping[str, Arrays]) -> list[Verdict]:
    """Judge the claims for the reference's four settings, in its order: `runs` and the `spread` over seeds of each."""
    large, plain, mild, strong = runs
    by = [spread[run.setting.name] for run in runs]
    gaps = [s["train"] - s["val"] for s in by]
    less_gap, less_gap_text = judge(gaps[1], gaps[2])
    costs, costs_text = judge(by[1]["test"], by[2]["test"])
    falls, falls_text = judge(by[1]["test"], by[3]["test"])
    smooth = [float(s["smoothness"].mean()) for s in by]
    best = all_of(*(judge(by[1]["test"], other["test"])[0] for other in (by[0], by[2], by[3])))
    helps, helps_text = judge(by[2]["test"], by[1]["test"])
    numbers = [
        (of(final(large, "train", "accuracy") <= large.history["train"]["accuracy"][0]),
         f"the cost jumps by up to {percent(largest_rise(large), 0)}, but the training accuracy rises from"
         f" {percent(large.history['train']['accuracy'][0])} to {percent(final(large, 'train', 'accuracy'))}"),
        (all_of(of(smooth[1] > smooth[0]), of(largest_rise(plain) < 0.01)),
         f"smoothness {smooth[1]:.2f}, against {smooth[0]:.2f} at the larger step; largest rise of the cost"
         f" {percent(largest_rise(plain), 1)}"),
        (of(gap(plain) < 0.02), f"{100 * gaps[1].mean():.2f} ± {100 * gaps[1].std(ddof=1):.2f} points between training and validation"),
        (less_gap, f"the gap shrinks by {less_gap_text}"),
        (all_of(costs, of(smooth[2] > smooth[1])), f"test accuracy {costs_text}; smoothness {smooth[2]:.2f} against {smooth[1]:.2f}"),
        (all_of(falls, of(smooth[3] == max(smooth)), of(gaps[3].mean() < gaps[2].mean())),
         f"test accuracy lower by {falls_text}; smoothness {smooth[3]:.2f}; gap {100 * gaps[3].mean():.2f} points"),
        (best, f"λ = 0 against λ = 0.1: test accuracy {costs_text}"),
        (all_of(less_gap, helps, falls), f"λ = 0.1 against λ = 0: test accuracy {helps_text}; λ = 1 is lower"),
    ]  # fmt: skip
    return [Verdict(claim, verdict, number) for claim, (verdict, number) in zip(words, numbers, strict=True)]
