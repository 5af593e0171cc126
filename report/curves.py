"""Draw curves, rows and matrices. Each function takes arrays and returns a Figure in the style of `report.style`."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator

from report.style import DASHED, INK, WIDTH, annotate_cells, label_cells

LINE = 80  # the number of a legend's letters that fit into the text width
SPLITS: dict[str, tuple[str, Any]] = {"train": ("training", "-"), "val": ("validation", DASHED)}  # name, line style
History = Mapping[str, Mapping[str, np.ndarray]]  # history[split][measure]: (n_epochs,), NaN where nothing is drawn


def over_epochs(histories: Mapping[str, History], colours: Sequence[str], log: bool = False, note: str = "") -> Figure:
    """Draw loss, cost and accuracy over the epochs, with the curves of all settings in the same axes.

    The keys of `histories` are the titles of the settings. `log` makes the axes of loss and cost logarithmic; `note` is
    written above the legend.
    """
    titles = list(histories) if len(histories) > 1 else []
    fig = Figure((WIDTH, 2.3))
    axes = fig.subplots(1, 3)
    for ax, measure, label in zip(axes, ("loss", "cost", "accuracy"), ("loss", "cost", "accuracy (%)"), strict=True):
        for (title, history), hue in zip(histories.items(), colours, strict=True):
            plot_splits(ax, history, measure, hue, f"_{title}: " if titles else "_")  # add_legend makes the legend
        ax.set(xlabel="epoch", title=label)
        ax.update_datalim([(1, 1), (len(history["train"][measure]), 1)], updatey=False)  # also where all is NaN
        ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        if log and measure != "accuracy":
            ax.set_yscale("log")
            ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            ax.yaxis.set_major_formatter("{x:g}")
            ax.yaxis.set_minor_formatter("")
        if not any(np.isfinite(line.get_ydata()).any() for line in ax.lines):
            ax.set_yticks([])
    add_legend(fig, titles, colours, note)
    return fig


def plot_splits(ax: Axes, history: History, measure: str, hue: str, prefix: str = "") -> None:
    """Plot a measure over the epochs, training solid and validation dashed. Accuracy is plotted in per cent."""
    for split, (name, style) in SPLITS.items():
        values = np.asarray(history[split][measure]) * (100 if measure == "accuracy" else 1)
        ax.plot(np.arange(1, len(values) + 1), values, color=hue, linestyle=style, label=prefix + name)


def add_legend(fig: Figure, titles: Sequence[str], colours: Sequence[str], note: str = "") -> None:
    """Add one legend below all panels: the settings by colour, the splits by line style. The figure becomes higher."""
    hues = [mpl.lines.Line2D([], [], color=hue, label=title) for title, hue in zip(titles, colours, strict=False)]
    ink = INK if titles else colours[0]
    lines = [mpl.lines.Line2D([], [], color=ink, linestyle=style, label=name) for name, style in SPLITS.values()]
    columns = min(3, max(1, LINE // max(map(len, titles)))) if titles else 2
    rows = -(-len(hues + lines) // columns)
    fig.set_figheight(fig.get_figheight() + (0.2 + 0.16 * max(0, rows - 2) if titles else 0))
    fig.legend(handles=hues + lines, loc="outside lower center", ncols=columns, title=note or None)


def named_rows(names: Sequence[str], xlabel: str, row_height: float, rest: float = 0.6) -> tuple[Figure, Axes]:
    """Make a Figure with one named row per value, the first at the top. `row_height` and `rest` are in inches."""
    fig = Figure((WIDTH, row_height * len(names) + rest))
    ax = fig.subplots()
    ax.set_yticks(range(len(names)), names)
    ax.set(xlabel=xlabel, ylim=(len(names) - 0.5, -0.5))
    return fig, ax


def confusion_matrix(counts: np.ndarray, classes: Sequence[str]) -> Figure:
    """Draw counts (K, K), row = true class, column = predicted class. Shades show each count's share of its row."""
    fig = Figure((5.2, 4.2))
    ax = fig.subplots()
    ax.imshow(counts / counts.sum(1, keepdims=True).clip(1), cmap="Blues", vmin=0, vmax=1.6)
    annotate_cells(ax, counts)
    label_cells(ax, classes, classes)
    ax.set(xlabel="predicted", ylabel="true")
    return fig
