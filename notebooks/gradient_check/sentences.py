"""Sentences, tables and captions on the gradient check, computed from its relative errors."""

from collections.abc import Mapping, Sequence

import numpy as np

from lib.gradcheck import EPS
from report.words import Caption, Finding, Sentences, Table, scientific

Errors = Mapping[tuple[int, float, str], Mapping[str, Sequence[float]]]  # [d, lam, stage][method]: errors of W and of b
SYMBOLS = {"W": "$W$", "b": "$\\mathbf{b}$"}
RIGHT = "right gradient"


def errors_table(errors: Errors, n: int) -> Table:
    """Return the table of errors for each d, lam and stage, measured on n images."""
    methods = {"torch": "PyTorch", "numerical": "differences"}
    header = ["$d$", "$\\lambda$", "network", *(f"{name}, {p}" for name in methods.values() for p in SYMBOLS.values())]
    rows = [
        [f"{d}", f"{lam:g}", stage, *(scientific(error) for method in methods for error in case[method])]
        for (d, lam, stage), case in errors.items()
    ]
    caption = f"Maximal relative error of our gradient on $n = {n}$ images, with $\\varepsilon = 10^{{{np.log10(EPS):.0f}}}$, against PyTorch and against central differences."
    return header, rows, "tab-gradient", caption


def on_errors(worst: Mapping[str, float]) -> Sentences:
    """Return sentences on the largest error of each method."""
    return [
        f"Against PyTorch the largest error in [Table](#tab-gradient) is {scientific(worst['torch'])}: rounding, enlarged where an element of the gradient is itself nearly zero.",
        f"Central differences agree within {scientific(worst['numerical'])}. They are themselves only approximate, since they subtract two nearly equal costs.",
    ]


def mistakes_caption(mistakes: Mapping[str, float], threshold: float, d: int, lam: float) -> Caption:
    """Return the caption of the chart that compares the right gradient with wrong ones."""
    caption = f"Maximal relative error against PyTorch, for $d = {d}$, $\\lambda = {lam:g}$: a right gradient (blue) and wrong ones (orange). The dotted line is the threshold, {scientific(threshold)}."
    alt = f"A logarithmic axis of errors: {', '.join(f'{name} {error:.0e}' for name, error in mistakes.items())}."
    return "fig-mistakes", caption, alt


def on_mistakes(mistakes: Mapping[str, float]) -> Sentences:
    """Return sentences on the smallest error of a wrong gradient, compared with the right gradient's."""
    smallest = min(error for name, error in mistakes.items() if name != RIGHT)
    return [
        "Every wrong gradient is caught ([Figure](#fig-mistakes)).",
        f"The least conspicuous one has the error {scientific(smallest)}, {scientific(smallest / mistakes[RIGHT])} times that of the right one.",
    ]


def published_table(*columns: Mapping[str, float]) -> Table:
    """Return the table of the errors in W and b: published, replayed and ours."""
    rows = [[symbol, *(scientific(errors[p]) for errors in columns)] for p, symbol in SYMBOLS.items()]
    caption = "The reference's two relative errors, the same check replayed on this machine, and the first row of [Table](#tab-gradient)."
    return ["parameter", "published", "replayed", "our order"], rows, "tab-published", caption


def on_replay(published: Mapping[str, float], replayed: Mapping[str, float]) -> Sentences:
    """Return sentences on whether the replayed errors equal the published ones to the last digit."""
    equal = all(scientific(replayed[p]) == scientific(error) for p, error in published.items())
    yes = "Both come out to the digit ([Table](#tab-published))."
    no = "On this machine they do not come out to the digit ([Table](#tab-published)), but at the same size."
    return [
        Finding("gradient check replayed to the digit", equal, yes, no),
        "In our order of operations they have the same order of magnitude. They say that the gradient is right, and no more.",
    ]
