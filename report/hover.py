"""What the curves of a figure say at each step, and where: for readers who point at them in the HTML report."""

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

POINTS = 72  # to an inch, as in matplotlib's SVG
UNNAMED = "_child"  # matplotlib's own names


def readout(fig: Figure) -> list[dict[str, Any]]:
    """The panels with curves, of a figure that has been drawn: values, and their places in its SVG.

    A curve is told by its label, if its axis has a name. A label that begins with "_" stays out of the legend, which is
    matplotlib's rule.
    """
    panels = []
    for ax in fig.axes:
        lines = [
            line for line in ax.lines if not str(line.get_label()).startswith(UNNAMED) and np.size(line.get_xdata()) > 1
        ]
        if ax.get_xlabel() and lines:
            panels.append(panel(fig, ax, lines))
    return panels


def panel(fig: Figure, ax: Axes, lines: list[Line2D]) -> dict[str, Any]:
    """One panel: its name, its box, its steps along the axis and where they are, and its curves."""
    box = ax.get_position()
    (left, top), (right, bottom) = to_svg(fig, fig.transFigure.transform([(box.x0, box.y1), (box.x1, box.y0)]))
    steps = max((np.asarray(line.get_xdata(), float) for line in lines), key=len)
    across = to_svg(fig, ax.transData.transform(np.column_stack([steps, np.full(len(steps), ax.get_ylim()[0])])))
    return {
        "title": " ".join((ax.get_title() or ax.get_ylabel()).split()),
        "box": rounded([left, top, right, bottom], 1),
        "axis": ax.get_xlabel(),
        "steps": [int(step) if step.is_integer() else step for step in steps.tolist()],
        "x": rounded(across[:, 0], 1),
        "curves": [curve(fig, ax, line) for line in lines],
    }


def curve(fig: Figure, ax: Axes, line: Line2D) -> dict[str, Any]:
    """One curve: its name and colour, its values to four digits, and their heights in the SVG."""
    heights = to_svg(fig, ax.transData.transform(line.get_xydata()))[:, 1]
    values = [float(f"{value:.4g}") for value in np.asarray(line.get_ydata(), float)]
    name = str(line.get_label()).removeprefix("_")
    return {
        "name": name,
        "colour": line.get_color(),
        "dashed": line.is_dashed(),
        "values": rounded(values, 9),
        "y": rounded(heights, 1),
    }


def to_svg(fig: Figure, pixels: np.ndarray) -> np.ndarray:
    """Places in pixels (n, 2), which matplotlib counts from the bottom, in the SVG's points, counted from the top."""
    width, height = fig.get_size_inches() * POINTS
    share = fig.transFigure.inverted().transform(pixels)
    return np.column_stack([share[:, 0] * width, (1 - share[:, 1]) * height])


def rounded(values: Any, digits: int) -> list[float | None]:
    """Numbers as JSON holds them, which knows no NaN."""
    return [round(float(value), digits) if math.isfinite(value) else None for value in values]
