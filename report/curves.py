"""The charts of the settings, each by itself and compared: arrays in, Figure out, in the style of `report.style`."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator

from report.style import DASHED, INK, WIDTH, annotate_cells, label_cells

LINE = 80  # letters of a legend that fit the text width


def over_epochs(
    histories: Mapping[str, Mapping[str, Mapping[str, np.ndarray]]],
    colours: Sequence[str],
    log: bool = False,
    note: str = "",
) -> Figure:
    """Loss, cost and accuracy over the epochs, for one setting or for several on common axes.

    `histories[title][split][measure]` is (n_epochs,), with split train or val, and NaN where there is nothing to draw;
    `log` makes loss and cost logarithmic; `note` stands above the legend.
    """
    titles = list(histories) if len(histories) > 1 else []
    fig = Figure((WIDTH, 2.3))
    axes = fig.subplots(1, 3)
    for ax, measure, label in zip(axes, ("loss", "cost", "accuracy"), ("loss", "cost", "accuracy (%)"), strict=True):
        for (title, history), hue in zip(histories.items(), colours, strict=True):
            for split, name, style in (("train", "training", "-"), ("val", "validation", DASHED)):
                values = np.asarray(history[split][measure]) * (100 if measure == "accuracy" else 1)
                name = f"_{title}: {name}" if titles else f"_{name}"  # the legend is made by hand
                ax.plot(np.arange(1, len(values) + 1), values, color=hue, linestyle=style, label=name)
        ax.set(xlabel="epoch", title=label)
        ax.update_datalim([(1, 1), (len(values), 1)], updatey=False)  # also of epochs without a value
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


def add_legend(fig: Figure, titles: Sequence[str], colours: Sequence[str], note: str = "") -> None:
    """One legend below all panels, for which the figure grows: the settings by colour, the splits by line style."""
    hues = [mpl.lines.Line2D([], [], color=hue, label=title) for title, hue in zip(titles, colours, strict=False)]
    styles: dict[str, Any] = {"training": "-", "validation": DASHED}
    ink = INK if titles else colours[0]
    lines = [mpl.lines.Line2D([], [], color=ink, linestyle=style, label=split) for split, style in styles.items()]
    columns = min(3, max(1, LINE // max(map(len, titles)))) if titles else 2
    rows = -(-len(hues + lines) // columns)
    fig.set_figheight(fig.get_figheight() + (0.2 + 0.16 * max(0, rows - 2) if titles else 0))
    fig.legend(handles=hues + lines, loc="outside lower center", ncols=columns, title=note or None)


def named_rows(names: Sequence[str], xlabel: str, row_height: float, rest: float = 0.6) -> tuple[Figure, Axes]:
    """A Figure for values of named things, one a row, the first at the top. `rest` is the height beside the rows."""
    fig = Figure((WIDTH, row_height * len(names) + rest))
    ax = fig.subplots()
    ax.set_yticks(range(len(names)), names)
    ax.set(xlabel=xlabel, ylim=(len(names) - 0.5, -0.5))
    return fig, ax


def confusion_matrix(counts: np.ndarray, classes: Sequence[str]) -> Figure:
    """Counts (K, K), row = true class, column = predicted class."""
    fig = Figure((5.2, 4.2))
    ax = fig.subplots()
    ax.imshow(counts / counts.sum(1, keepdims=True).clip(1), cmap="Blues", vmin=0, vmax=1.6)
    annotate_cells(ax, counts)
    label_cells(ax, classes, classes)
    ax.set(xlabel="predicted", ylabel="true")
    return fig
