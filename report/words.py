"""How numbers, runs and findings become words: Markdown that a notebook shows as part of a sentence or a table."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from lib.runs.run import FAR, Run

DAGGER = " † Training oscillates and amplifies rounding: these figures come out differently on another machine."


class Finding(NamedTuple):
    """A sentence that the results decide: `yes` if `holds`, else `no`. results.json keeps `holds` under `key`."""

    key: str
    holds: bool
    yes: str
    no: str

    def __str__(self) -> str:
        return self.yes if self.holds else self.no


Sentences = list[str | Finding]
Caption = tuple[str, str, str]  # label, caption and alt text of a figure, as `show.figure` takes them
Table = tuple[list[str], list[list[str]], str, str]  # header, rows, label and caption, as `show.table` takes them


def increasing(key: str, values: Sequence[float], sentence: str) -> Finding:
    """Make the finding that each of `values` is above the one before. If it is false, it says so in the same words."""
    holds = all(a < b for a, b in pairwise(values))
    return Finding(key, holds, sentence, f"This does not hold throughout: {sentence[0].lower()}{sentence[1:]}")


# Numbers


def percent(fraction: float, digits: int = 2) -> str:
    """0.4517 as "45.17 %", with a space that does not break."""
    return f"{100 * fraction:.{digits}f}\u00a0%"


def scientific(x: float) -> str:
    """1.09e-15 as Markdown's $1.09 \\times 10^{-15}$."""
    mantissa, exponent = f"{x:.2e}".split("e")
    return f"${mantissa} \\times 10^{{{int(exponent)}}}$" if x else "$0$"


def listing(values: Sequence[float], form: str = "{:.2f}") -> str:
    """Numbers separated by commas, each in the format `form`."""
    return ", ".join(form.format(value) for value in values)


def mean_and_sd(fractions: np.ndarray) -> str:
    """Accuracies (n,) over seeds as "39.11 ± 0.15", in per cent."""
    return f"{100 * fractions.mean():.2f} ± {100 * fractions.std(ddof=1):.2f}"


def signed(differences: np.ndarray) -> str:
    """The mean of differences of accuracies (n,) as "+0.25" or "−0.25", in percentage points."""
    return f"{100 * differences.mean():+.2f}".replace("-", "−")


def p_value(p: float) -> str:
    """A p value with its relation: "= 0.38", or "< 0.001"."""
    return f"= {p:.2g}" if p >= 0.001 else "< 0.001"


# Runs


def marked_title(run: Run) -> str:
    """The setting's title for a table. It is marked if the run diverged, or with a dagger if it oscillates."""
    return run.setting.title + divergence_note(run) + (" †" if run.oscillates else "")


def dagger_note(runs: Sequence[Run]) -> str:
    """What the dagger means, for the caption of a table that shows one."""
    return DAGGER if any(run.oscillates for run in runs) else ""


def divergence_note(run: Run) -> str:
    """In which epoch the run diverged, to follow its title; nothing if it did not."""
    return f", diverged in epoch {run.diverged}" if run.diverged else ""


def on_divergence(run: Run) -> str:
    """A paragraph on a run that diverged."""
    cost = run.history["train"]["cost"][(run.diverged or 0) - 1]
    reached = f"{cost:.3g}, more than {FAR} times that of the first weights" if np.isfinite(cost) else "not finite"
    return (
        f"With {run.setting.title} training **diverged in epoch {run.diverged}**: the training cost after it is"
        f" {reached}. Its figures say nothing about the setting but that the step is too long."
    )


def rise_in_words(run: Run) -> str:
    """By how much the training cost rises at most from one epoch to the next."""
    return f"up to {percent(run.largest_rise, 2)}" if run.largest_rise else "nothing: it falls in every epoch"


def value_or_range(runs: Sequence[Run], field: str) -> str:
    """The value of a setting's field: "40", or "20 to 40" if the runs differ in it."""
    values = [getattr(run.setting, field) for run in runs]
    return f"{min(values)}" if min(values) == max(values) else f"{min(values)} to {max(values)}"
