"""Draw the chart of the gradient check."""

from collections.abc import Mapping

from matplotlib.figure import Figure

from report.curves import named_rows
from report.style import COLOURS, INK


def gradient_errors(errors: Mapping[str, float], threshold: float) -> Figure:
    """Draw relative errors, one per row, on a logarithmic axis. A line marks `threshold`: right gradients are below."""
    fig, ax = named_rows(list(errors), "maximal relative error", 0.2)
    for row, value in enumerate(errors.values()):
        ax.plot([value], [row], "o", color=COLOURS[0] if value > threshold else COLOURS[1], markersize=5)
    ax.axvline(threshold, color=INK, linewidth=0.8, linestyle=":")
    ax.set_xscale("log")
    return fig
