"""Draw charts that compare softmax with ten sigmoids. Each function takes arrays and returns a Figure."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from lib.stats import Reliability
from report.curves import History, plot_splits
from report.style import COLOURS, INK, WIDTH


def over_eta(accuracies: Mapping[str, np.ndarray], etas: Sequence[float]) -> Figure:
    """Draw validation accuracies (n_etas,), one curve per title, over a logarithmic eta. A ring marks each maximum."""
    fig = Figure((WIDTH, 2.5))
    ax = fig.subplots()
    for (title, values), hue in zip(accuracies.items(), COLOURS[1:], strict=False):
        ax.plot(etas, 100 * values, "o-", color=hue, markersize=3.5, label=title)
        best = int(np.nanargmax(values))
        ax.plot(etas[best], 100 * values[best], "o", markersize=9, fillstyle="none", color=hue)
    ax.set(xscale="log", xlabel="η", ylabel="validation accuracy (%)")
    fig.legend(loc="outside right center")
    return fig


def losses(histories: Mapping[str, History]) -> Figure:
    """Draw the losses `histories[title][split]["loss"]`, (n_epochs,), in one panel per title with separate scales."""
    fig = Figure((WIDTH, 2.4))
    for ax, (title, history), hue in zip(fig.subplots(1, len(histories)), histories.items(), COLOURS[1:], strict=False):
        plot_splits(ax, history, "loss", hue)
        ax.set(title=title, xlabel="epoch", ylabel="loss")
        ax.legend()
    return fig


def true_class_histograms(P: Mapping[str, np.ndarray], y: np.ndarray) -> Figure:
    """Draw histograms of the true class's probability in P (N, K), for right and wrong answers, one panel per title."""
    fig = Figure((WIDTH, 2.5))
    axes = fig.subplots(1, len(P), sharey=True)
    bins = np.linspace(0, 1, 26)
    for ax, (title, probabilities) in zip(axes, P.items(), strict=True):
        true_class, right = probabilities[np.arange(len(y)), y], probabilities.argmax(1) == y
        ax.hist(true_class[right], bins, color=COLOURS[1], alpha=0.75, label="right answers")
        ax.hist(true_class[~right], bins, color=COLOURS[0], alpha=0.6, label="wrong answers")
        ax.set(title=title, xlabel="probability of the true class")
    axes[0].set_ylabel("test images")
    axes[-1].legend()
    return fig


def reliability_diagram(groups: Mapping[str, Reliability]) -> Figure:
    """Draw accuracy over confidence, one panel per title. On the diagonal, accuracy equals confidence."""
    fig = Figure((WIDTH, 2.5))
    axes = fig.subplots(1, len(groups), sharey=True)
    for ax, (title, (size, confidence, accuracy)), hue in zip(axes, groups.items(), COLOURS[1:], strict=False):
        area = 4 + 110 * size / size.max()
        ax.plot([0, 1], [0, 1], color=INK, linewidth=0.8, linestyle=":")
        ax.scatter(confidence, accuracy, s=area, color=hue, alpha=0.85, linewidths=0, clip_on=False)
        ax.set(title=title, xlabel="confidence", xlim=(0, 1), ylim=(0, 1), xticks=(0, 0.5, 1), aspect="equal")
    axes[0].set_ylabel("share of right answers")
    return fig
