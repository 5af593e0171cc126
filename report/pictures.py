"""Draw images and weights. Each function takes arrays and returns a Figure in the style of `report.style`."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from lib.runs.snapshots import min_max_scale
from report.style import WIDTH


def as_image(x: np.ndarray) -> np.ndarray:
    """Turn pixels or weights (..., 3072), one colour plane after the other, into images (..., 32, 32, 3)."""
    return np.moveaxis(x.reshape(*x.shape[:-1], 3, 32, 32), -3, -1)


def side_by_side(images: Iterable[np.ndarray], n: int) -> np.ndarray:
    """Join at most n images (32, 32, 3), uint8 or in [0, 1], into one (32, n * 35, 4), else transparent."""
    row = np.zeros((32, n, 35, 4))
    for place, image in enumerate(images):
        row[:, place, :32] = np.dstack([image / (255 if image.dtype == np.uint8 else 1), np.ones((32, 32))])
    return row.reshape(32, -1, 4)


def show_image(ax: Axes, image: np.ndarray, title: str = "") -> None:
    ax.imshow(image, interpolation="nearest")
    ax.set_title(title, y=1, pad=3)  # with y given, matplotlib need not look for ticks above
    ax.set_axis_off()


def rows_of_images(n_rows: int, height: float, width: float = WIDTH) -> tuple[Figure, np.ndarray]:
    """Make a Figure with one axes per row of images, close together. One axes per image would be far slower."""
    fig = Figure((width, height), layout=ConstrainedLayoutEngine(w_pad=0.015, h_pad=0.015, wspace=0.01, hspace=0.01))
    return fig, fig.subplots(n_rows, squeeze=False)[:, 0]


def show_row(
    ax: Axes, images: Iterable[np.ndarray], n: int, label: str = "", titles: Sequence[str] = (), fontsize: float = 9.5
) -> None:
    """Draw at most n images (32, 32, 3) side by side, with the label on their left and a title above each."""
    row = side_by_side(images, n)
    show_image(ax, row)
    ax.set_anchor("W")  # the layout makes room for the label, then sizes the images: their left edge must not move
    ax.text(-4, 15.5, label, ha="right", va="center", fontsize=8.5)
    for place, title in enumerate(titles):
        ax.text(15.5 + place * row.shape[1] / n, -2.5, title, ha="center", va="bottom", fontsize=fontsize)


def labelled_images(
    images: np.ndarray, titles: Sequence[str], row_height: float = 1.65, width: float = WIDTH, fontsize: float = 8
) -> Figure:
    """Draw images (n, 3072), uint8 or in [0, 1], with a title each, five to a row."""
    n_rows = max(1, -(-len(images) // 5))
    fig, axes = rows_of_images(n_rows, n_rows * row_height, width)
    for ax, start in zip(axes, range(0, 5 * n_rows, 5), strict=True):
        five = slice(start, start + 5)
        show_row(ax, as_image(images[five]), 5, titles=titles[five], fontsize=fontsize)
    return fig


def templates(W: np.ndarray, classes: Sequence[str], shared: bool = False) -> Figure:
    """Draw each class's weights W (D, K) as an image: on its own scale or, if `shared`, on one where grey is zero."""
    if shared:  # smaller, since these show little more than which templates are strong
        return labelled_images(shared_scale(W).T, classes, 0.9, 0.6 * WIDTH)
    return labelled_images(min_max_scale(W).T, classes, 1.425, fontsize=9.5)


def shared_scale(W: np.ndarray) -> np.ndarray:
    """Scale all of W to [0, 1] by one factor, so that zero becomes 0.5."""
    return 0.5 + W / (2 * max(abs(W).max(), np.finfo(W.dtype).tiny))


def compare_templates(weights: Mapping[str, np.ndarray], classes: Sequence[str]) -> Figure:
    """Draw the templates W (D, K) of several settings, one row per setting. Each template has its own scale."""
    fig, axes = rows_of_images(len(weights), 0.2 + 0.54 * len(weights))
    for ax, (title, W) in zip(axes, weights.items(), strict=True):
        names = classes if ax is axes[0] else ()
        show_row(ax, as_image(min_max_scale(W).T), W.shape[1], title.replace(", ", "\n"), names, fontsize=7)
    return fig
