"""Data for hover tooltips: values and SVG positions of each curve."""

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

POINTS_PER_INCH = 72  # the unit of matplotlib's SVG
UNNAMED = "_child"  # how matplotlib's label of an unlabelled line begins


def hover_data(fig: Figure) -> list[dict[str, Any]]:
    """Return the data of each panel with labelled curves and a labelled x axis. The figure must have been drawn.

    matplotlib leaves a label that begins with "_" out of the legend, but the tooltip shows it.
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
    """Return a panel's title, its box, the steps on its x axis with their positions, and its curves."""
    (left, bottom), (right, top) = to_svg(fig, ax.bbox.get_points())
    steps = max((np.asarray(line.get_xdata(), float) for line in lines), key=len)
    positions = to_svg(fig, ax.transData.transform(np.column_stack([steps, np.full(len(steps), ax.get_ylim()[0])])))
    return {
        "title": " ".join((ax.get_title() or ax.get_ylabel()).split()),
        "box": rounded([left, top, right, bottom], 1),
        "axis": ax.get_xlabel(),
        "steps": [int(step) if step.is_integer() else step for step in steps.tolist()],
        "x": rounded(positions[:, 0], 1),
        "curves": [curve(fig, ax, line) for line in lines],
    }


def curve(fig: Figure, ax: Axes, line: Line2D) -> dict[str, Any]:
    """Return a curve's name, colour and line style, its values to four digits, and their y positions."""
    positions = to_svg(fig, ax.transData.transform(line.get_xydata()))
    values = [float(f"{value:.4g}") for value in np.asarray(line.get_ydata(), float)]
    return {
        "name": str(line.get_label()).removeprefix("_"),
        "colour": line.get_color(),
        "dashed": line.is_dashed(),
        "values": rounded(values, 9),
        "y": rounded(positions[:, 1], 1),
    }


def to_svg(fig: Figure, pixels: np.ndarray) -> np.ndarray:
    """Convert positions (n, 2) from matplotlib's pixels, y upwards, to the SVG's points, y downwards."""
    width, height = fig.get_size_inches() * POINTS_PER_INCH
    share = fig.transFigure.inverted().transform(pixels)
    return np.column_stack([share[:, 0] * width, (1 - share[:, 1]) * height])


def rounded(values: Any, digits: int) -> list[float | None]:
    """Round numbers for JSON. NaN, from a diverged run, becomes null."""
    return [round(float(value), digits) if math.isfinite(value) else None for value in values]
