"""Draw the pictures of the common mistakes. Functions take arrays and return Figures in the style of `report.style`."""

from collections.abc import Mapping, Sequence
from textwrap import wrap

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lib.assignment import BATCHES
from lib.doctor.mistakes import ADVICE, RIGHT
from lib.runs.cache import Arrays
from lib.runs.snapshots import min_max_scale
from report.pictures import as_image, show_image, side_by_side
from report.style import COLOURS, DASHED, INK, WIDTH

Trained = Mapping[str, Sequence[Arrays]]  # the result of training.train_all


def mistakes(pictures: Mapping[str, tuple[np.ndarray, np.ndarray]], epochs: Sequence[int]) -> Figure:
    """Draw a small picture per mistake that compares the right result with the wrong one, as `picture` returns them."""
    n_rows = -(-len(pictures) // 4)
    fig = Figure((WIDTH, 1.42 * n_rows + 0.25))
    axes = fig.subplots(n_rows, 4, squeeze=False).flat
    for ax, (title, (right, wrong)) in zip(axes, pictures.items(), strict=False):
        if right.ndim == 1:
            pair_of_curves(ax, right, wrong, epochs)
        else:
            show_image(ax, side_by_side([right, wrong], 2))
        lines = wrap(title, 25, break_long_words=False)
        ax.set_title("\n".join(lines) + "\n" * (2 - len(lines)), fontsize=7.5, pad=3, va="bottom")
    for ax in axes:
        ax.set_axis_off()
    right_line = mpl.lines.Line2D([], [], color=INK, linestyle=DASHED, label="right")
    wrong_line = mpl.lines.Line2D([], [], color=COLOURS[0], label="with the mistake")
    fig.legend(handles=[right_line, wrong_line], loc="outside lower center", ncols=2)
    return fig


def pair_of_curves(ax: Axes, right: np.ndarray, wrong: np.ndarray, epochs: Sequence[int]) -> None:
    ax.plot(epochs, 100 * wrong, color=COLOURS[0], label="_with the mistake")
    ax.plot(epochs, 100 * right, color=INK, linestyle=DASHED, linewidth=1, label="_right")
    ax.set_xlabel("epoch").set_visible(False)  # the tooltip shows it; the figure has no room for it
    ax.set(xscale="log", xticks=[epochs[0], epochs[-1]], xticklabels=[f"{epochs[0]}", f"{epochs[-1]}"])
    ax.tick_params("x", which="minor", length=0, labelbottom=False)
    ax.tick_params(labelsize=7)
    ax.yaxis.set_major_locator(MaxNLocator(3, integer=True))
    ax.margins(y=0.2)


def picture(name: str, trained: Trained) -> tuple[np.ndarray, np.ndarray]:
    """Return the first seed's right and wrong result: accuracies (n_epochs,), or templates (32, 32, 3) in [0, 1]."""
    kind, setting = ADVICE[name].picture, ADVICE[name].setting
    right, wrong = trained[RIGHT][0], trained[name][0]
    if kind in BATCHES:
        return right[kind][:, setting], wrong[kind][:, setting]
    right_w, wrong_w = (min_max_scale(arrays["horse"][:, setting]) for arrays in (right, wrong))
    return as_image(right_w), wrong_w.reshape(32, 32, 3) if kind == "scrambled" else as_image(wrong_w)


def pictures(trained: Trained) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the `picture` of every mistake, by the description of the mistake."""
    return {ADVICE[name].did: picture(name, trained) for name in ADVICE}
