"""Pictures of images and of weights: arrays in, Figure out, in the style of `report.style`."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from report.style import WIDTH


def as_image(x: np.ndarray) -> np.ndarray:
    """A row (3072,) of pixels or weights as an image (32, 32, 3)."""
    return x.reshape(3, 32, 32).transpose(1, 2, 0)


def side_by_side(images: Sequence[np.ndarray], n: int, gap: int = 3) -> np.ndarray:
    """At most n images (32, 32, 3), of bytes or in [0, 1], as one of (32, n * (32 + gap), 4), see-through elsewhere."""
    row = np.zeros((32, n, 32 + gap, 4))
    for place, image in enumerate(images):
        row[:, place, :32] = np.dstack([image / (255 if image.dtype == np.uint8 else 1), np.ones((32, 32))])
    return row.reshape(32, -1, 4)


def show_image(ax: Axes, image: np.ndarray, title: str = "", fontsize: float = 9.5) -> None:
    ax.imshow(image, interpolation="nearest")
    ax.set_title(title, y=1, pad=3, fontsize=fontsize)  # at once where it belongs, instead of looking for ticks above
    ax.set_axis_off()


def rows_of_images(n_rows: int, height: float, width: float = WIDTH) -> tuple[Figure, np.ndarray]:
    """A Figure with axes (n_rows,), close together, one for each row of images: far quicker than one for each image."""
    fig = Figure((width, height), layout=ConstrainedLayoutEngine(w_pad=0.015, h_pad=0.015, wspace=0.01, hspace=0.01))
    return fig, fig.subplots(n_rows, squeeze=False)[:, 0]


def show_row(
    ax: Axes, images: Sequence[np.ndarray], n: int, label: str = "", titles: Sequence[str] = (), fontsize: float = 9.5
) -> None:
    """At most n images (32, 32, 3) side by side, the label to the left of them and a title above each."""
    row = side_by_side(images, n)
    show_image(ax, row)
    ax.set_anchor("W")  # the label's room is reckoned before the images have their size, so their left must not move
    ax.text(-4, 15.5, label, ha="right", va="center", fontsize=8.5)
    for place, title in enumerate(titles):
        ax.text(15.5 + place * row.shape[1] / n, -2.5, title, ha="center", va="bottom", fontsize=fontsize)


def rows_of_five(
    images: Sequence[np.ndarray], titles: Sequence[str], row_height: float, width: float = WIDTH, fontsize: float = 8
) -> Figure:
    """Images (32, 32, 3), five to a row, each with its title."""
    n_rows = max(1, -(-len(images) // 5))
    fig, axes = rows_of_images(n_rows, n_rows * row_height, width)
    for ax, start in zip(axes, range(0, 5 * n_rows, 5), strict=True):
        five = slice(start, start + 5)
        show_row(ax, images[five], 5, titles=titles[five], fontsize=fontsize)
    return fig


def templates(W: np.ndarray, classes: Sequence[str], shared: bool = False) -> Figure:
    """The weights W (D, K) of each class as an image: each on its own scale, or all on one, with grey for zero."""
    # Smaller on a shared scale: that shows which are strong, and little more.
    size = (0.9, 0.6 * WIDTH) if shared else (1.425, WIDTH, 9.5)
    return rows_of_five(scale_templates(W, shared), classes, *size)


def scale_templates(W: np.ndarray, shared: bool) -> list[np.ndarray]:
    """W (D, K) as K images (32, 32, 3) in [0, 1]."""
    if shared:
        W = 0.5 + W / (2 * max(abs(W).max(), np.finfo(W.dtype).tiny))
    else:
        low, high = W.min(0), W.max(0)
        W = (W - low) / np.where(high > low, high - low, 1)
    return [as_image(w) for w in W.T]


def compare_templates(stack: Mapping[str, np.ndarray], classes: Sequence[str]) -> Figure:
    """The templates of several settings, W (D, K) each: one setting a row, each template scaled to its own range."""
    fig, axes = rows_of_images(len(stack), 0.2 + 0.54 * len(stack))
    for ax, (title, W) in zip(axes, stack.items(), strict=True):
        names = classes if ax is axes[0] else ()
        images = scale_templates(W, shared=False)
        show_row(ax, images, len(images), title.replace(", ", "\n"), names, fontsize=7)
    return fig


def labelled_images(images: np.ndarray, captions: Sequence[str]) -> Figure:
    """Images uint8 (n, 3072) in rows of five, each with its caption."""
    return rows_of_five([as_image(image) for image in images], captions, 1.65)
