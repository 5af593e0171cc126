"""Draw the charts of the speed measurements in the style of `report.style`."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from notebooks.speed.race import OURS, Row
from report.curves import named_rows
from report.style import COLOURS, INK, WIDTH


def contenders(rows: Sequence[Row]) -> Figure:
    """Draw each contender's seconds per setting: a dot at the median, a bar for the range, a mark at the limit."""
    fig, ax = named_rows([row.name for row in rows], "seconds a setting", 0.27, rest=0.9)
    for place, row in enumerate(rows):
        hue = COLOURS[1] if row.name.startswith(OURS) else COLOURS[0]
        span = [row.seconds.min(), row.seconds.max()]
        ax.plot(span, [place, place], color=hue, linewidth=2.5, alpha=0.45, solid_capstyle="butt")
        ax.plot([np.median(row.seconds)], [place], "o", color=hue, markersize=5)
        ax.plot([row.limit], [place], "|", color=INK, markersize=9, markeredgewidth=1.4)
    legend = {OURS: ("o", COLOURS[1]), "others": ("o", COLOURS[0]), "the machine's limit": ("|", INK)}
    for label, (marker, hue) in legend.items():
        ax.plot([], [], marker, color=hue, label=label, markersize=6)
    ax.set_xscale("log")
    label_values(ax.xaxis, [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50])
    fig.legend(loc="outside lower center", ncols=3)
    return fig


def label_values(axis: Axis, values: Sequence[float]) -> None:
    """Label a logarithmic axis, "x" or "y", with plain numbers at those `values` that are within its range."""
    low, high = axis.get_view_interval()
    axis.set_major_locator(FixedLocator([value for value in values if low <= value <= high]))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter("{x:g}")


def growth(panels: Mapping[str, tuple[np.ndarray, np.ndarray]], ylabels: Sequence[str]) -> Figure:
    """Draw times (n,) over sizes (n,) on logarithmic axes, one panel each. A dotted line shows proportional growth."""
    fig = Figure((WIDTH, 2.4))
    for ax, (title, (sizes, took)), ylabel in zip(fig.subplots(1, len(panels)), panels.items(), ylabels, strict=True):
        ax.plot(sizes, took, "o-", color=COLOURS[1], markersize=4, label="_median")
        if took[-1] > took[0]:
            ax.plot(sizes, took[0] * sizes / sizes[0], ":", color=INK, linewidth=0.9)
        ax.set(xscale="log", yscale="log", xlabel=title, title=ylabel)
        labels = [f"{size:,}" for size in sizes]
        ax.set_xticks(sizes, labels, rotation=40, ha="right", rotation_mode="anchor", minor=False)
        ax.xaxis.set_minor_locator(NullLocator())
        ax.set_ylim(took.min() / 1.4, took.max() * 1.4)
        label_values(ax.yaxis, [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20])
    return fig
