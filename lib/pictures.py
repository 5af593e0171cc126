"""Pictures of images and of weights: arrays in, Figure out, in the style of `lib.style`."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from lib.style import WIDTH


def as_image(x: np.ndarray) -> np.ndarray:
    """A row (3072,) of pixels or weights as an image (32, 32, 3)."""
    return x.reshape(3, 32, 32).transpose(1, 2, 0)


def show_image(ax: Axes, image: np.ndarray, title: str = "", fontsize: float = 9.5) -> None:
    ax.imshow(image, interpolation="nearest")
    ax.set_title(title, pad=3, fontsize=fontsize)
    ax.set_axis_off()


def image_grid(n_rows: int, n_columns: int, height: float, width: float = WIDTH) -> tuple[Figure, np.ndarray]:
    """A Figure with axes (n_rows, n_columns), close together and empty."""
    fig = Figure((width, height), layout=ConstrainedLayoutEngine(w_pad=0.015, h_pad=0.015, wspace=0.01, hspace=0.01))
    axes = fig.subplots(n_rows, n_columns, squeeze=False)
    for ax in axes.flat:
        ax.set_axis_off()
    return fig, axes


def templates(W: np.ndarray, classes: Sequence[str], shared: bool = False) -> Figure:
    """The weights W (D, K) of each class as an image: each on its own scale, or all on one, with grey for zero."""
    # Smaller on a shared scale: that shows which are strong, and little more.
    height, width, fontsize = (1.8, 0.6 * WIDTH, 8) if shared else (2.85, WIDTH, 9.5)
    fig, axes = image_grid(2, 5, height, width)
    for ax, image, name in zip(axes.flat, scale_templates(W, shared), classes, strict=True):
        show_image(ax, image, name, fontsize)
    return fig


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
    fig, axes = image_grid(len(stack), len(classes), 0.2 + 0.53 * len(stack))
    for row, (title, W) in zip(axes, stack.items(), strict=True):
        for ax, image in zip(row, scale_templates(W, shared=False), strict=True):
            show_image(ax, image)
        label = title.replace(", ", "\n")
        row[0].text(-0.12, 0.5, label, transform=row[0].transAxes, ha="right", va="center", fontsize=8.5)
    for ax, name in zip(axes[0], classes, strict=True):
        ax.set_title(name, fontsize=7, pad=3)
    return fig


def labelled_images(images: np.ndarray, captions: Sequence[str]) -> Figure:
    """Images uint8 (n, 3072) in rows of five, each with its caption."""
    n_rows = max(1, -(-len(images) // 5))
    fig, axes = image_grid(n_rows, 5, 1.65 * n_rows)
    for ax, image, caption in zip(axes.flat, images, captions, strict=False):
        show_image(ax, as_image(image), caption, fontsize=8)
    return fig
