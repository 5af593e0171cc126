"""The style of every figure: colours, sizes, fonts, and the labels of table cells.

Each setting has one colour throughout, from Okabe and Ito's palette, which colour-blind readers can tell apart.
Training is a solid line and validation a dashed one. The HTML report replaces INK and FACE by the text and page
colours of its light or dark theme. This module imports nothing from the project.
"""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes

INK, FACE = "#1b1e22", "#fffffe"
CELL_INK = "#22252a"  # text on cells that are pale in both themes
COLOURS = ("#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
DASHED = (0, (3.5, 1.8))
WIDTH = 6.3  # inches: the text width of the PDF

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
    """Return the colour of the setting with this index in the report's order."""
    return COLOURS[index % len(COLOURS)]


def annotate_cells(ax: Axes, table: np.ndarray) -> None:
    for (row, column), value in np.ndenumerate(table):
        ax.text(column, row, f"{value:,}", ha="center", va="center", fontsize=8.5, color=CELL_INK)


def label_cells(ax: Axes, columns: Sequence[str], rows: Sequence[str]) -> None:
    ax.set_xticks(range(len(columns)), columns, rotation=30, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(len(rows)), rows)
    ax.tick_params(length=0)
    ax.grid(False)
    ax.spines[:].set_visible(False)
