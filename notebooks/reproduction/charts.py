"""Draw the charts of the reproduction. Functions take arrays and return a Figure in the style of `report.style`."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from report.curves import named_rows
from report.style import COLOURS, DASHED, INK, WIDTH


def erratum(pairs: Mapping[str, tuple[np.ndarray, np.ndarray]], colours: Sequence[str]) -> Figure:
    """Draw test accuracies (n_epochs,) by setting: solid if trained on the test images, dashed if not."""
    fig = Figure((WIDTH, 2.7))
    ax = fig.subplots()
    for (title, (mistaken, held_out)), hue in zip(pairs.items(), colours, strict=True):
        epochs = np.arange(1, len(mistaken) + 1)
        ax.plot(epochs, 100 * mistaken, color=hue, label=title)
        ax.plot(epochs, 100 * held_out, color=hue, linestyle=DASHED, label=f"_{title}, held out")
    ax.plot([], [], color=INK, label="trained on test_batch")
    ax.plot([], [], color=INK, linestyle=DASHED, label="held out")
    ax.set(xlabel="epoch", ylabel="accuracy on test_batch (%)")
    fig.legend(loc="outside right center")
    return fig


def accuracies(runs: Mapping[str, np.ndarray]) -> Figure:
    """Draw the accuracies (n_epochs,) of five runs of one setting that differ in precision, threads or seed."""
    fig = Figure((WIDTH, 2.7))
    ax = fig.subplots()
    styles = zip((0, 1, 5, 2, 3), ("-", "-", (0, (1, 1.5)), DASHED, DASHED), strict=True)
    for (title, values), (hue, style) in zip(runs.items(), styles, strict=True):
        epochs = np.arange(1, len(values) + 1)
        ax.plot(epochs, 100 * values, color=COLOURS[hue], linestyle=style, linewidth=1.1, label=title)
    ax.set(xlabel="epoch", ylabel="training accuracy (%)")
    fig.legend(loc="outside lower center", ncols=3)
    return fig


Reports = Sequence[Sequence[float]]  # test accuracies (%) of the settings in each report


def strips(
    ours: Mapping[str, np.ndarray], others: Reports, wrong: Reports, published: Sequence[float], colours: Sequence[str]
) -> Figure:
    """Draw test accuracies (%), one row per setting: our seeds, other reports, wrong reports, and the reference."""
    fig, ax = named_rows(list(ours), "test accuracy (%)", 0.55, rest=1)
    for row, (values, hue) in enumerate(zip(ours.values(), colours, strict=True)):
        ax.scatter(values, np.full(len(values), row - 0.16), s=16, color=hue, alpha=0.7, linewidths=0)
        circles, crosses = ([report[row] for report in reports] for reports in (others, wrong))
        ax.scatter(circles, np.full(len(circles), row + 0.16), s=20, facecolors="none", edgecolors=hue)
        ax.scatter(crosses, np.full(len(crosses), row + 0.16), s=22, marker="x", color=hue)
        ax.scatter([published[row]], [row], s=26, marker="D", color=hue)
    marks = {"our seeds": "o", "other reports": "$\\circ$", "with a mistake": "x", "reference, as published": "D"}
    for label, marker in marks.items():
        ax.scatter([], [], marker=marker, color=INK, label=label, s=22)
    fig.legend(loc="outside lower center", ncols=4, handletextpad=0.2)
    return fig
