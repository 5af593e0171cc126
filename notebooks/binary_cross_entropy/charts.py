"""The charts of softmax beside ten sigmoids: arrays in, Figure out, in the style of `report.style`."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from lib.stats import Reliability
from report.style import COLOURS, DASHED, INK, WIDTH


def over_eta(values: Mapping[str, np.ndarray], etas: Sequence[float], ylabel: str) -> Figure:
    """One curve (n_etas,) for each title, over a logarithmic eta; a ring marks the largest of each."""
    fig = Figure((WIDTH, 2.5))
    ax = fig.subplots()
    for (title, curve), hue in zip(values.items(), COLOURS[1:], strict=False):
        ax.plot(etas, curve, "o-", color=hue, markersize=3.5, label=title)
        best = int(np.nanargmax(curve))
        ax.plot(etas[best], curve[best], "o", markersize=9, fillstyle="none", color=hue)
    ax.set(xscale="log", xlabel="η", ylabel=ylabel)
    fig.legend(loc="outside right center")
    return fig


def histories(runs: Mapping[str, Mapping[str, np.ndarray]], ylabel: str) -> Figure:
    """A panel for each title, on a scale of its own: training solid and validation dashed, (n_epochs,) each."""
    fig = Figure((WIDTH, 2.4))
    for ax, (title, splits), hue in zip(fig.subplots(1, len(runs)), runs.items(), COLOURS[1:], strict=False):
        for (split, values), style in zip(splits.items(), ("-", DASHED), strict=False):
            ax.plot(np.arange(1, len(values) + 1), values, color=hue, linestyle=style, label=split)
        ax.set(title=title, xlabel="epoch", ylabel=ylabel)
        ax.legend()
    return fig


def true_class_histograms(P: Mapping[str, np.ndarray], y: np.ndarray) -> Figure:
    """The probability that P (N, K) gives to the true class: rightly and wrongly answered images, a panel a title."""
    fig = Figure((WIDTH, 2.5))
    axes = fig.subplots(1, len(P), sharey=True)
    bins = np.linspace(0, 1, 26)
    for ax, (title, own) in zip(axes, P.items(), strict=True):
        of_label, correct = own[np.arange(len(y)), y], own.argmax(1) == y
        ax.hist(of_label[correct], bins, color=COLOURS[1], alpha=0.75, label="right answers")
        ax.hist(of_label[~correct], bins, color=COLOURS[0], alpha=0.6, label="wrong answers")
        ax.set(title=title, xlabel="probability of the true class")
    axes[0].set_ylabel("test images")
    axes[-1].legend()
    return fig


def reliability_diagram(groups: Mapping[str, Reliability]) -> Figure:
    """Accuracy over confidence, a panel a title; on the diagonal an answer is as often right as it says."""
    fig = Figure((WIDTH, 2.5))
    axes = fig.subplots(1, len(groups), sharey=True)
    for ax, (title, (size, confidence, accuracy)), hue in zip(axes, groups.items(), COLOURS[1:], strict=False):
        ax.plot([0, 1], [0, 1], color=INK, linewidth=0.8, linestyle=":")
        ax.scatter(
            confidence, accuracy, s=4 + 110 * size / size.max(), color=hue, alpha=0.85, linewidths=0, clip_on=False
        )
        ax.set(title=title, xlabel="confidence", xlim=(0, 1), ylim=(0, 1), xticks=(0, 0.5, 1), aspect="equal")
    axes[0].set_ylabel("share of right answers")
    return fig
