"""The chart of the gradient check: errors in, Figure out."""

from collections.abc import Mapping

from matplotlib.figure import Figure

from report.style import COLOURS, INK, WIDTH


def gradient_errors(errors: Mapping[str, float], threshold: float) -> Figure:
    """Show relative errors, one a row, on a logarithmic axis, with the threshold between right and wrong gradients."""
    fig = Figure((WIDTH, 0.2 * len(errors) + 0.6))
    ax = fig.subplots()
    for row, value in enumerate(errors.values()):
        ax.plot([value], [row], "o", color=COLOURS[0] if value > threshold else COLOURS[1], markersize=5)
    ax.axvline(threshold, color=INK, linewidth=0.8, linestyle=":")
    ax.set_yticks(range(len(errors)), list(errors))
    ax.set(xscale="log", xlabel="maximal relative error", ylim=(len(errors) - 0.5, -0.5))
    return fig
