"""Draw the data. Each function takes arrays and returns a Figure."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from report.pictures import as_image, rows_of_images, show_image, show_row
from report.style import COLOURS, WIDTH, annotate_cells, label_cells


def sample_images(images: np.ndarray, y: np.ndarray, classes: Sequence[str], per_class: int = 10) -> Figure:
    """Draw the first images, uint8 (N, 3072), of each class, one row per class."""
    fig, axes = rows_of_images(len(classes), 0.55 * len(classes))
    for k, ax in enumerate(axes):
        show_row(ax, as_image(images[y == k][:per_class]), per_class, classes[k])
    return fig


def class_balance(counts: Mapping[str, np.ndarray], classes: Sequence[str]) -> Figure:
    """Draw a table of `counts[batch]` (K,), the images per class, shaded by the difference from equal shares."""
    table = np.array(list(counts.values()))
    share = table / table.mean(1, keepdims=True) - 1
    fig = Figure((WIDTH, 0.34 * len(table) + 0.75))
    ax = fig.subplots()
    limit = max(abs(share).max(), 1e-9)
    ax.imshow(share, cmap="PuOr_r", vmin=-3 * limit, vmax=3 * limit, aspect="auto")
    annotate_cells(ax, table)
    label_cells(ax, classes, list(counts))
    return fig


def normalisation(images: np.ndarray, X: np.ndarray, mean: np.ndarray, std: np.ndarray) -> Figure:
    """Draw `mean` and `std` (D,) as images, and histograms of `images` and X, (N, D) each, per colour channel."""
    fig = Figure((WIDTH, 1.95))
    axes = fig.subplots(1, 4, width_ratios=(1, 1, 1.7, 1.7))
    show_image(axes[0], as_image(mean), "mean")
    show_image(axes[1], as_image(std / std.max()), "deviation")
    bins = np.arange(-0.5, 256, 4) / 255  # four grey levels per bin: other widths give uneven bars
    for k, (name, hue) in enumerate({"red": COLOURS[0], "green": COLOURS[2], "blue": COLOURS[1]}.items()):
        plane, style = slice(1024 * k, 1024 * (k + 1)), {"histtype": "step", "color": hue, "label": name}
        counts = np.bincount(images[:, plane].ravel(), minlength=256)
        axes[2].hist(np.arange(256) / 255, bins, weights=counts, density=True, **style)
        axes[3].hist(X[:, plane].ravel(), 60, density=True, **style)
    for ax, title in zip(axes[2:], ("before", "after"), strict=True):
        ax.set(title=title, yticks=[], xlabel="pixel value")
        ax.xaxis.set_major_formatter("{x:g}")
        ax.spines.left.set_visible(False)
    handles = [mpl.lines.Line2D([], [], color=patch.get_edgecolor(), label=patch.get_label()) for patch in ax.patches]
    fig.legend(handles=handles, loc="outside lower right", ncols=3, handlelength=1.4)
    return fig
