"""The sentences of chapter 5, from made-up results for which each finding holds and does not hold."""

from dataclasses import replace

import numpy as np
import pytest

from lib.runs.settings import Setting
from notebooks.improvements import ablation, sentences
from notebooks.improvements.ablation import TOGETHER, UNCHANGED
from report.words import Finding

CHOSEN = Setting(name="grid", eta=0.01, lam=0.1, n_batch=400, n_epochs=10, train_on="all", flips=True)
SETTINGS = ablation.compared(CHOSEN)
JITTER = np.array([-1, 0, 1, 0, 0]) / 1000  # differences between seeds


def accuracies(**points):
    """Return made-up accuracies of every setting: 40 % plus its gain, given in percentage points."""
    gains = {"all batches": 2, "flips": 1} | points
    return {what: 0.4 + gains.get(what, 0) / 100 + JITTER * (1 + i) for i, what in enumerate(SETTINGS)}


def say(text):
    return " ".join(map(str, text))


def holds(text):
    return [sentence.holds for sentence in text if isinstance(sentence, Finding)]


def test_changes_are_ranked_by_their_gain_alone():
    assert sentences.ranked(accuracies(**{TOGETHER: 9, "momentum 0.9": 1.5}))[:2] == ["all batches", "momentum 0.9"]
    assert UNCHANGED not in sentences.ranked(accuracies(**{UNCHANGED: 9}))


def test_table_has_a_gain_in_every_row_except_the_unchanged_one():
    _, rows, _, caption = sentences.changes_table(accuracies(), SETTINGS)
    assert rows[0] == [UNCHANGED, "29", "40.00 ± 0.07", "", ""]
    assert rows[1] == ["all batches", "6", "42.00 ± 0.14", "+2.00 ± 0.07", "< 0.001"]
    assert [row[0] for row in rows] == list(SETTINGS)
    assert SETTINGS[TOGETHER].title in caption


@pytest.mark.parametrize(("gain", "more"), [(3, True), (1.5, False)])
def test_gain_of_all_changes_together_is_compared_with_the_best_single_change(gain, more):
    text = sentences.on_changes(accuracies(**{TOGETHER: gain}))
    assert holds(text) == [more]
    assert f"Together the changes gain +{gain:.2f} points, {'more' if more else 'no more'} than" in say(text)
    assert "“all batches”**: +2.00 points. Next comes “flips”, with +1.00." in say(text)


def test_change_is_called_worse_only_if_chance_cannot_explain_it():
    assert "worse than the unchanged network: “step decay”." in say(
        sentences.on_changes(accuracies(**{"step decay": -3}))
    )
    assert "None makes the network worse" in say(sentences.on_changes(accuracies(**{"step decay": -0.01})))


def grid(rise):
    """Return validation accuracies and losses of shape (2, 2, 4), and the chosen setting. The lowest loss is 1.6."""
    accuracy, loss = np.full((2, 2, 4), 0.38), np.full((2, 2, 4), 1.6 + rise)
    accuracy[0, 0, 0], loss[1, 0, 2] = 0.41, 1.6
    return accuracy, loss, CHOSEN


@pytest.mark.parametrize(("rise", "hardly", "near"), [(0.005, True, 4), (0.02, False, 1)])
def test_penalty_hardly_matters_if_most_losses_with_the_best_eta_are_close_to_the_lowest(rise, hardly, near):
    text = sentences.on_grid(*grid(rise))
    assert holds(text) == [hardly]
    assert f"{near} of the 4 values" in say(text)
    assert "16 settings" in say(text) and "1 of the settings are that close to the top" in say(text)
    assert "lowest, 1.6000, at $\\eta = 0.01$, $\\lambda = 0.1$ and batches of 400, where the accuracy is 38.0" in say(
        text
    )


def test_caption_explains_the_dash_only_if_a_setting_diverged():
    accuracy = grid(1)[0]
    assert "A dash" not in sentences.grid_caption(accuracy, CHOSEN)[1]
    accuracy[1, 1, 1] = np.nan
    assert "A dash: training diverged." in sentences.grid_caption(accuracy, CHOSEN)[1]


@pytest.mark.parametrize(
    ("accuracy", "interval", "said"),
    [
        (0.45, (0.44, 0.46), "ours is above it."),
        (0.43, (0.42, 0.44), "ours is above it, but not outside the interval."),
        (0.40, (0.39, 0.41), "ours does not reach it."),
    ],
)
def test_improved_network_is_compared_with_the_best_other_report(make_run, accuracy, interval, said):
    run = replace(make_run(accuracy=(0.44, 0.42)), test={"loss": 1, "accuracy": accuracy})
    text = sentences.on_network(run, interval)
    assert holds(text) == ["above" in said]
    assert said in say(text)
    assert f"**{100 * accuracy:.2f}\u00a0% of the test images**" in say(text)
    assert "ahead of validation by 2.0 points" in say(text)
