"""The charts of the report: arrays in, Figure out. The style is here, in one place. Imports nothing of ours.

One colour a setting throughout, from Okabe and Ito's palette, which colour-blind readers can tell apart. Training is a
solid line and validation a dashed one. INK and FACE stand for the reader's own text and page colour: the HTML report
replaces them, so that the figures follow its light and dark theme.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator

INK, FACE = "#1b1e22", "#fffffe"
CELL_INK = "#22252a"  # on cells that are pale in either theme
COLOURS = ("#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
DASHED = (0, (3.5, 1.8))
WIDTH = 6.3  # inches: the text width of the PDF
LINE = 80  # letters of a legend that fit it

mpl.rcParams |= {
    "font.size": 9.5, "axes.titlesize": 9.5, "axes.labelsize": 9.5, "legend.fontsize": 9, "xtick.labelsize": 9,
    "ytick.labelsize": 9, "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": INK, "xtick.color": INK,
    "ytick.color": INK, "grid.color": INK, "grid.alpha": 0.14, "grid.linewidth": 0.5, "axes.linewidth": 0.6,
    "xtick.major.width": 0.6, "ytick.major.width": 0.6, "lines.linewidth": 1.4, "axes.grid": True,
    "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False, "axes.axisbelow": True,
    "figure.facecolor": FACE, "axes.facecolor": "none", "savefig.facecolor": FACE, "svg.fonttype": "path",
    "figure.constrained_layout.use": True, "figure.dpi": 100, "savefig.dpi": 200,
}  # fmt: skip


def colour(index: int) -> str:
    """The colour of the setting at this place in the report's order."""
    return COLOURS[index % len(COLOURS)]


def class_balance(counts: Mapping[str, np.ndarray], classes: Sequence[str]) -> Figure:
    """Images of each class in each batch, `counts[batch]` (K,): numbers, shaded by how far from equal shares."""
    table = np.array(list(counts.values()))
    share = table / table.mean(1, keepdims=True) - 1
    fig = Figure((WIDTH, 0.34 * len(table) + 0.75))
    ax = fig.subplots()
    limit = max(abs(share).max(), 1e-9)
    ax.imshow(share, cmap="PuOr_r", vmin=-3 * limit, vmax=3 * limit, aspect="auto")
    annotate_cells(ax, table)
    label_cells(ax, classes, list(counts))
    return fig


def annotate_cells(ax: Axes, table: np.ndarray) -> None:
    for (row, column), value in np.ndenumerate(table):
        ax.text(column, row, f"{value:,}", ha="center", va="center", fontsize=8.5, color=CELL_INK)


def label_cells(ax: Axes, columns: Sequence[str], rows: Sequence[str]) -> None:
    ax.set_xticks(range(len(columns)), columns, rotation=30, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(len(rows)), rows)
    ax.tick_params(length=0)
    ax.grid(False)
    ax.spines[:].set_visible(False)


def gradient_errors(errors: Mapping[str, float], threshold: float) -> Figure:
    """Relative errors, one a row, on a logarithmic axis, with the threshold that tells right gradients from wrong."""
    fig = Figure((WIDTH, 0.2 * len(errors) + 0.6))
    ax = fig.subplots()
    for row, value in enumerate(errors.values()):
        ax.plot([value], [row], "o", color=COLOURS[0] if value > threshold else COLOURS[1], markersize=5)
    ax.axvline(threshold, color=INK, linewidth=0.8, linestyle=":")
    ax.set_yticks(range(len(errors)), list(errors))
    ax.set(xscale="log", xlabel="maximal relative error", ylim=(len(errors) - 0.5, -0.5))
    return fig


def curves(
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


def confusion_matrix(counts: np.ndarray, classes: Sequence[str]) -> Figure:
    """Counts (K, K), row = true class, column = predicted class."""
    fig = Figure((5.2, 4.2))
    ax = fig.subplots()
    ax.imshow(counts / counts.sum(1, keepdims=True).clip(1), cmap="Blues", vmin=0, vmax=1.6)
    annotate_cells(ax, counts)
    label_cells(ax, classes, classes)
    ax.set(xlabel="predicted", ylabel="true")
    return fig


def erratum(pairs: Mapping[str, tuple[np.ndarray, np.ndarray]], colours: Sequence[str]) -> Figure:
    """Accuracy (n_epochs,) on the test images: solid, if trained on them; dashed, if held out. One colour a setting."""
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
    """Accuracy (n_epochs,) of runs that should be alike."""
    fig = Figure((WIDTH, 2.7))
    ax = fig.subplots()
    styles = [
        (COLOURS[0], "-"),
        (COLOURS[1], "-"),
        (COLOURS[5], (0, (1, 1.5))),
        (COLOURS[2], DASHED),
        (COLOURS[3], DASHED),
    ]
    for (title, values), (hue, style) in zip(runs.items(), styles, strict=True):
        ax.plot(np.arange(1, len(values) + 1), 100 * values, color=hue, linestyle=style, linewidth=1.1, label=title)
    ax.set(xlabel="epoch", ylabel="training accuracy (%)")
    fig.legend(loc="outside lower center", ncols=3)
    return fig


def strips(
    titles: Sequence[str],
    ours: Sequence[np.ndarray],
    others: Sequence[Sequence[float]],
    wrong: Sequence[Sequence[float]],
    published: Sequence[float],
    colours: Sequence[str],
) -> Figure:
    """Test accuracies (%), one strip a setting: our seeds, other reports, reports with a mistake, the reference."""
    fig = Figure((WIDTH, 0.55 * len(titles) + 1.0))
    ax = fig.subplots()
    for row, hue in enumerate(colours):
        ax.scatter(ours[row], np.full(len(ours[row]), row - 0.16), s=16, color=hue, alpha=0.7, linewidths=0)
        ax.scatter(
            [figures[row] for figures in others], [row + 0.16] * len(others), s=20, facecolors="none", edgecolors=hue
        )
        ax.scatter([figures[row] for figures in wrong], [row + 0.16] * len(wrong), s=22, marker="x", color=hue)
        ax.scatter([published[row]], [row], s=26, marker="D", color=hue)
    marks = {"our seeds": "o", "other reports": "$\\circ$", "with a mistake": "x", "reference, as published": "D"}
    for label, marker in marks.items():
        ax.scatter([], [], marker=marker, color=INK, label=label, s=22)
    ax.set_yticks(range(len(titles)), titles)
    ax.set(xlabel="test accuracy (%)", ylim=(len(titles) - 0.5, -0.5))
    fig.legend(loc="outside lower center", ncols=4, handletextpad=0.2)
    return fig
