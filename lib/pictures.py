"""The report's pictures of images and of weights: arrays in, Figure out, in the style of `lib.plots`."""

from collections.abc import Mapping, Sequence
from textwrap import wrap

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator

from lib.plots import COLOURS, DASHED, INK, WIDTH


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


def sample_images(images: np.ndarray, y: np.ndarray, classes: Sequence[str], per_class: int = 10) -> Figure:
    """The first images (uint8, (N, 3072)) of each class, one class a row."""
    fig, axes = image_grid(len(classes), per_class, 0.55 * len(classes))
    for k, row in enumerate(axes):
        for ax, image in zip(row, images[y == k], strict=False):
            show_image(ax, as_image(image))
        row[0].text(-0.12, 0.5, classes[k], transform=row[0].transAxes, ha="right", va="center")
    return fig


def normalisation(images: np.ndarray, X: np.ndarray, mean: np.ndarray, std: np.ndarray) -> Figure:
    """The mean and the standard deviation of each pixel as images, and the distribution of values before and after."""
    fig = Figure((WIDTH, 1.95))
    axes = fig.subplots(1, 4, width_ratios=(1, 1, 1.7, 1.7))
    show_image(axes[0], as_image(mean), "mean")
    show_image(axes[1], as_image(std / std.max()), "deviation")
    levels = np.arange(-0.5, 256, 4) / 255  # four grey levels to a bin: other widths would show combs
    for ax, values, bins, title in ((axes[2], images / 255, levels, "before"), (axes[3], X, 60, "after")):
        for k, (name, hue) in enumerate({"red": COLOURS[0], "green": COLOURS[2], "blue": COLOURS[1]}.items()):
            channel = values[:, 1024 * k : 1024 * (k + 1)]
            ax.hist(channel.ravel(), bins, density=True, histtype="step", color=hue, label=name)
        ax.set(title=title, yticks=[], xlabel="pixel value")
        ax.xaxis.set_major_formatter("{x:g}")
        ax.spines.left.set_visible(False)
    handles = [mpl.lines.Line2D([], [], color=patch.get_edgecolor(), label=patch.get_label()) for patch in ax.patches]
    fig.legend(handles=handles, loc="outside lower right", ncols=3, handlelength=1.4)
    return fig


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


def mistakes(pictures: Mapping[str, tuple[np.ndarray, np.ndarray]], epochs: Sequence[int]) -> Figure:
    """One small picture a mistake, of what is right and what is wrong: images (32, 32, 3) or accuracies (n_epochs,)."""
    n_rows = -(-len(pictures) // 4)
    fig = Figure((WIDTH, 1.42 * n_rows + 0.25))
    axes = fig.subplots(n_rows, 4, squeeze=False).flat
    for ax, (title, (right, wrong)) in zip(axes, pictures.items(), strict=False):
        if right.ndim == 1:
            pair_of_curves(ax, right, wrong, epochs)
        else:
            gap = np.full((32, 3, 4), 0.0)  # see-through
            show_image(ax, np.hstack([opaque(right), gap, opaque(wrong)]))
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
    ax.set_xlabel("epoch").set_visible(False)  # for the readout; there is no room for it
    ax.set(xscale="log", xticks=[epochs[0], epochs[-1]], xticklabels=[f"{epochs[0]}", f"{epochs[-1]}"])
    ax.tick_params("x", which="minor", length=0, labelbottom=False)
    ax.tick_params(labelsize=7)
    ax.yaxis.set_major_locator(MaxNLocator(3, integer=True))
    ax.margins(y=0.2)


def opaque(image: np.ndarray) -> np.ndarray:
    """Weights (32, 32, 3), scaled to their own range, with an alpha channel."""
    low, high = image.min(), image.max()
    return np.dstack([(image - low) / max(high - low, np.finfo(image.dtype).tiny), np.ones((32, 32))])
