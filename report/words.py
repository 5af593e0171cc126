"""Write numbers, runs and findings as Markdown for the sentences and tables of a notebook."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from lib.runs.run import FAR, Run

DAGGER = " † Training oscillates and amplifies rounding: these figures come out differently on another machine."


class Finding(NamedTuple):
    """A sentence that depends on the results: `yes` if `holds`, else `no`. results.json stores `holds` under `key`."""

    key: str
    holds: bool
    yes: str
    no: str

    def __str__(self) -> str:
        return self.yes if self.holds else self.no


Sentences = list[str | Finding]
Caption = tuple[str, str, str]  # label, caption and alt text of a figure, for `show.figure`
Table = tuple[list[str], list[list[str]], str, str]  # header, rows, label and caption, for `show.table`


def increasing(key: str, values: Sequence[float], sentence: str) -> Finding:
    """Return the finding that each of `values` is above the previous one. If that is false, the finding says so."""
    holds = all(a < b for a, b in pairwise(values))
    return Finding(key, holds, sentence, f"This does not hold throughout: {sentence[0].lower()}{sentence[1:]}")


# Numbers


def percent(fraction: float, digits: int = 2) -> str:
    """Write 0.4517 as "45.17 %" with a non-breaking space."""
    return f"{100 * fraction:.{digits}f}\u00a0%"


def scientific(x: float) -> str:
    """Write 1.09e-15 as $1.09 \\times 10^{-15}$."""
    mantissa, exponent = f"{x:.2e}".split("e")
    return f"${mantissa} \\times 10^{{{int(exponent)}}}$" if x else "$0$"


def listing(values: Sequence[float], form: str = "{:.2f}") -> str:
    """Write numbers in the format `form`, separated by commas."""
    return ", ".join(form.format(value) for value in values)


def mean_and_sd(fractions: np.ndarray) -> str:
    """Write mean and standard deviation of accuracies (n_seeds,) in per cent, as "39.11 ± 0.15"."""
    return f"{100 * fractions.mean():.2f} ± {100 * fractions.std(ddof=1):.2f}"


def signed(differences: np.ndarray) -> str:
    """Write the mean of differences of accuracies (n,) in percentage points, as "+0.25" or "−0.25"."""
    return f"{100 * differences.mean():+.2f}".replace("-", "−")


def p_value(p: float) -> str:
    """Write a p value with its relation sign: "= 0.38" or "< 0.001"."""
    return f"= {p:.2g}" if p >= 0.001 else "< 0.001"


# Runs


def marked_title(run: Run) -> str:
    """Return the setting's title for a table, marked if the run diverged or, with a dagger, if it oscillates."""
    return run.setting.title + divergence_note(run) + (" †" if run.oscillates else "")


def dagger_note(runs: Sequence[Run]) -> str:
    """Explain the dagger for a table's caption; return "" if no run needs one."""
    return DAGGER if any(run.oscillates for run in runs) else ""


def divergence_note(run: Run) -> str:
    """Return a note for after the title that names the epoch in which the run diverged; "" if it did not."""
    return f", diverged in epoch {run.diverged}" if run.diverged else ""


def on_divergence(run: Run) -> str:
    """Return a paragraph on a run that diverged."""
    cost = run.history["train"]["cost"][(run.diverged or 0) - 1]
    reached = f"{cost:.3g}, more than {FAR} times that of the first weights" if np.isfinite(cost) else "not finite"
    return (
        f"With {run.setting.title} training **diverged in epoch {run.diverged}**: the training cost after it is"
        f" {reached}. Its figures say nothing about the setting but that the step is too long."
    )


def rise_in_words(run: Run) -> str:
    """Return the largest rise of the training cost between consecutive epochs, in words."""
    return f"up to {percent(run.largest_rise, 2)}" if run.largest_rise else "nothing: it falls in every epoch"


def value_or_range(runs: Sequence[Run], field: str) -> str:
    """Write a field of the runs' settings: "40" if all have this value, else the range, such as "20 to 40"."""
    values = [getattr(run.setting, field) for run in runs]
    return f"{min(values)}" if min(values) == max(values) else f"{min(values)} to {max(values)}"
