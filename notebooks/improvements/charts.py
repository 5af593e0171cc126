"""Draw the charts of the optional part in the style of `report.style`. Each function turns arrays into a Figure."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from report.curves import named_rows
from report.style import CELL_INK, COLOURS, INK, WIDTH, label_cells


def heat_maps(
    accuracy: np.ndarray, n_batches: Sequence[int], etas: Sequence[float], lams: Sequence[float], chosen: Sequence[int]
) -> Figure:
    """Draw accuracies (n_batches, etas, lams) in per cent as one map over eta and lam per batch size.

    The maps share a colour scale. A frame marks the maximum of each map, and a heavier frame the setting at the indices
    `chosen`. NaN means that training diverged.
    """
    fig = Figure((WIDTH, 3.5))
    axes = fig.subplots(1, len(n_batches), sharey=True, squeeze=False)[0]
    low = max(np.nanmin(accuracy), np.nanmax(accuracy) - 6)  # otherwise very low accuracies use up the scale
    for place, (ax, values, n_batch) in enumerate(zip(axes, accuracy, n_batches, strict=True)):
        ax.imshow(values, cmap="Blues", vmin=low, vmax=np.nanmax(accuracy) + 5, aspect="auto")
        for (row, column), value in np.ndenumerate(values):
            text = "–" if np.isnan(value) else f"{value:.1f}"
            ax.text(column, row, text, ha="center", va="center", fontsize=7.5, color=CELL_INK)
        label_cells(ax, [f"{lam:g}" for lam in lams], [f"{eta:g}" for eta in etas])
        ax.set(title=f"{n_batch} images in a batch", xlabel="λ")
        if np.isfinite(values).any():
            frame(ax, *divmod(int(np.nanargmax(values)), len(lams)), COLOURS[0], 1.2)
        if place == chosen[0]:
            frame(ax, chosen[1], chosen[2], CELL_INK, 2.2)
    axes[0].set_ylabel("η")
    return fig


def frame(ax: Axes, row: int, column: int, colour: str, width: float) -> None:
    ax.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor=colour, linewidth=width, zorder=3))


def changes(accuracies: Mapping[str, np.ndarray], marked: Sequence[str]) -> Figure:
    """Draw the accuracies (n_seeds,) of each change: a dot per seed, a bar at the mean. The first row is unchanged."""
    fig, ax = named_rows(list(accuracies), "test accuracy (%)", 0.28)
    for row, (name, values) in enumerate(accuracies.items()):
        hue = COLOURS[0] if name in marked else COLOURS[1]
        ax.scatter(100 * values, np.full(len(values), row), s=14, color=hue, alpha=0.6, linewidths=0)
        ax.plot([100 * values.mean()] * 2, [row - 0.32, row + 0.32], color=hue, linewidth=1.8)
    ax.axvline(100 * next(iter(accuracies.values())).mean(), color=INK, linewidth=0.8, linestyle=":")
    return fig
