"""Sentences, tables and captions on the gain of each change, the search's choice and the chosen network."""

from collections.abc import Mapping

import numpy as np

from lib import published
from lib.assignment import N_VAL
from lib.runs.run import Run
from lib.runs.settings import Setting
from lib.stats import SIGNIFICANT, paired_p
from notebooks.improvements.ablation import CHANGES, SEEDS, TOGETHER, UNCHANGED
from notebooks.improvements.choose import LONGER
from report.words import Caption, Finding, Sentences, Table, mean_and_sd, p_value, percent, signed

SMALL = 0.01  # a smaller difference of the loss hardly matters
Accuracies = Mapping[str, np.ndarray]  # test accuracies (n_seeds,) of each setting of the ablation


def ranked(accuracies: Accuracies) -> list[str]:
    """Return the single changes, sorted by gain, the largest first."""
    return sorted([what for what in CHANGES if what != UNCHANGED], key=lambda what: -accuracies[what].mean())


def changes_table(accuracies: Accuracies, settings: Mapping[str, Setting]) -> Table:
    rows = []
    for what, values in accuracies.items():
        gains = values - accuracies[UNCHANGED]
        p = p_value(paired_p(values, accuracies[UNCHANGED])).removeprefix("= ")
        gain = ["", ""] if what == UNCHANGED else [f"{signed(gains)} ± {100 * gains.std(ddof=1):.2f}", p]
        rows.append([what, f"{settings[what].n_epochs}", mean_and_sd(values), *gain])
    caption = f"Each change alone, then all together: mean ± standard deviation over {len(SEEDS)} seeds. $p$ is that of a paired t test of the gain. A row with … takes ten times the step as well. All together: {settings[TOGETHER].title}."
    return ["change", "epochs", "test accuracy (%)", "gain (points)", "$p$"], rows, "tab-changes", caption


def changes_caption(accuracies: Accuracies) -> Caption:
    caption = "Test accuracy after the same number of steps: a dot a seed, a bar at the mean, a dotted line where nothing is changed. Orange: what gains most alone, and all together."
    alt = f"Rows of dots. Means: {', '.join(f'{what} {values.mean():.1%}' for what, values in accuracies.items())}."
    return "fig-changes", caption, alt


def on_changes(accuracies: Accuracies) -> Sentences:
    """Return sentences on which change gains most, whether all together gain more, and which reduce accuracy."""
    base, together = accuracies[UNCHANGED], accuracies[TOGETHER]
    gains = {what: values - base for what, values in accuracies.items()}
    most, second = ranked(accuracies)[:2]
    harmful = [what for what in CHANGES if gains[what].mean() < 0 and paired_p(accuracies[what], base) < SIGNIFICANT]
    beats = together.mean() > max(accuracies[what].mean() for what in CHANGES)
    yes = f"Together the changes gain {signed(gains[TOGETHER])} points, more than any of them alone."
    no = f"Together the changes gain {signed(gains[TOGETHER])} points, no more than the best of them alone."
    return [
        f"**The change that gains most alone is “{most}”**: {signed(gains[most])} points. Next comes “{second}”, with {signed(gains[second])}.",
        Finding("improvements/together beats each alone", beats, yes, no),
        f"By more than chance worse than the unchanged network: {', '.join(f'“{what}”' for what in harmful)}."
        if harmful
        else "None makes the network worse by more than chance.",
        "What a change gains beside the others was not measured.",
    ]


def grid_caption(accuracy: np.ndarray, chosen: Setting) -> Caption:
    """Return the caption of the heat maps of validation accuracies (n_batches, etas, lams)."""
    dash = " A dash: training diverged." if np.isnan(accuracy).any() else ""
    caption = f"Validation accuracy in per cent over $\\eta$ and $\\lambda$ after {chosen.n_epochs} epochs, a map for each batch size. Orange: the highest of a map. Heavy frame: the lowest validation loss, which is chosen.{dash}"
    alt = f"A heat map of {accuracy.shape[1]} by {accuracy.shape[2]} cells for each batch size. The highest accuracy is {np.nanmax(accuracy):.1%}."
    return "fig-grid", caption, alt


def on_grid(accuracy: np.ndarray, loss: np.ndarray, chosen: Setting) -> Sentences:
    """Return sentences on the choice by validation accuracy and loss (n_batches, etas, lams), and on the penalty."""
    place = np.unravel_index(np.nanargmin(loss), loss.shape)
    row = loss[place[:2]]  # the loss over lam
    top, as_good = np.nanmax(accuracy), int((row < loss[place] + SMALL).sum())
    error = (top * (1 - top) / N_VAL) ** 0.5
    over_lam = f"{as_good} of the {len(row)} values of $\\lambda$ in the row of the chosen setting come within {SMALL:g} of its loss"
    yes = f"The penalty hardly matters here: {over_lam}. With so many images and views there may be little left to overfit."
    no = f"The penalty matters here: {over_lam}."
    return [
        f"[Figure](#fig-grid) shows the {loss.size} settings. The highest validation accuracy is {percent(top, 1)}, but {N_VAL:,} images measure an accuracy only to within ±{100 * error:.1f} points (one standard error), and {(accuracy > top - error).sum()} of the settings are that close to the top.",
        f"The loss tells them apart better, since it also counts how sure the network is. It is lowest, {loss[place]:.4f}, at $\\eta = {chosen.eta:g}$, $\\lambda = {chosen.lam:g}$ and batches of {chosen.n_batch}, where the accuracy is {percent(accuracy[place], 1)}. This setting is chosen.",
        Finding("improvements/the penalty hardly matters", as_good > len(row) / 2, yes, no),
    ]


def on_network(run: Run, interval: tuple[float, float]) -> Sentences:
    """Return sentences on the chosen network's test accuracy, its confidence interval, and the best other report."""
    low, high = interval
    test, others = run.test["accuracy"], published.read()["other_reports"]["best_of_the_optional_part"]["softmax"] / 100
    beside = ", but not outside the interval" if low <= others <= high else ""
    yes = f"The best of the other reports that we know has {percent(others)}; ours is above it{beside}. It was chosen without a look at the test images."
    no = f"The best of the other reports that we know has {percent(others)}, and ours does not reach it{beside}. It was chosen without a look at the test images."
    return [
        f"The chosen setting was then trained {LONGER} times as long, for {run.setting.n_epochs} epochs. It names {percent(run.final('train', 'accuracy'))} of its training images, {percent(run.final('val', 'accuracy'), 1)} of the validation images and **{percent(test)} of the test images** (95 % interval: {100 * low:.1f} to {100 * high:.1f}).",
        Finding("improvements/beats the best softmax report", test > others, yes, no),
        f"Training is ahead of validation by {100 * run.gap:.1f} points, and of test by {100 * (run.final('train', 'accuracy') - test):.1f}. With so little to gain from more images, the likely limit is that the network is linear.",
    ]
