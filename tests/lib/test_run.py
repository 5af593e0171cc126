"""Runs that diverge: curves, tables, sentences and results name the epoch and have no NaN."""

import io
import json
import warnings

import numpy as np
import pytest

from lib.runs.settings import Setting
from lib.runs.splits import load_splits
from lib.runs.training import train_setting, train_stack
from report import curves, words
from report.hover import hover_data

NAN, INF = np.nan, np.inf


@pytest.mark.parametrize(
    ("cost", "lam", "epoch"),
    [
        ([3, 2, 1], 0, None),
        ([6.7, 4.7, 9.6], 0, None),  # similar to eta = 0.1
        ([230, 230, 230], 0, None),
        ([231, 2, 1], 0, 1),
        ([3, NAN, NAN], 0, 2),
        ([3, 2, INF], 0, 3),
        ([3, 1e9, NAN], 0, 2),
        ([231, 100, 50], 100, None),  # a large penalty: the cost is high from the start
        ([1e6, 1e7, 1e8], 1, 1),
    ],
)
def test_run_diverges_if_its_cost_is_not_finite_or_far_above_the_first(make_run, cost, lam, epoch):
    assert make_run(cost=cost, lam=lam).diverged == epoch


def test_drawn_curves_end_before_the_epoch_of_divergence(make_run):
    run = make_run(cost=[3, 4, NAN, 5])
    for split, measures in run.drawn.items():
        for measure, values in measures.items():
            np.testing.assert_array_equal(values[:2], run.history[split][measure][:2])
            assert np.isnan(values[2:]).all()


def test_drawn_curves_are_complete_without_divergence(make_run):
    run = make_run()
    np.testing.assert_equal(run.drawn, run.history)


# Trained on made-up data with steps that are too long


@pytest.fixture(params=[(1e6, 0), (1, 2), (1e6, 1)], ids=str)
def diverged(request, small_data):
    eta, lam = request.param
    with np.errstate(all="ignore"):
        run = train_setting(Setting(name="long", eta=eta, lam=lam, n_batch=10, n_epochs=3))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ResourceWarning)  # of files that an earlier test left open
        yield run


def test_training_with_a_huge_step_diverges(diverged):
    assert diverged.diverged == 1


@pytest.mark.parametrize(("eta", "epoch"), [(0.1, None), (10, 1)])
def test_training_on_real_images_diverges_at_eta_10_but_not_at_eta_0_1(make_run, eta, epoch):
    history = train_stack(
        [Setting(name="a", eta=eta, lam=0, n_epochs=1)], load_splits(), evaluate_on=("train",)
    ).history
    assert make_run(cost=history["train"]["cost"][:, 0], eta=eta).diverged == epoch


def test_results_of_a_diverged_run_are_strict_json(diverged):
    result = json.loads(json.dumps(diverged.as_result(), allow_nan=False))
    assert result["diverged"] == 1
    costs = diverged.history["train"]["cost"]
    assert result["history"]["train"]["cost"] == [cost if np.isfinite(cost) else None for cost in costs]


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("in_comparison", [False, True])
def test_curves_of_a_diverged_run_have_no_nan_and_name_the_epoch(diverged, make_run, log, in_comparison):
    histories = {"long" + words.divergence_note(diverged): diverged.drawn}
    if in_comparison:
        histories["short"] = make_run().drawn
    with io.StringIO() as buffer:
        fig = curves.over_epochs(
            histories, ["red", "blue"][: len(histories)], log, note=words.divergence_note(diverged)
        )
        fig.savefig(buffer, format="svg")
        assert "nan" not in buffer.getvalue().lower()
    json.dumps(hover_data(fig), allow_nan=False)
    (legend,) = fig.legends
    texts = [legend.get_title().get_text(), *(text.get_text() for text in legend.get_texts())]
    assert ", diverged in epoch 1" in " ".join(texts)
    assert [ax.get_xlim()[1] > 2 for ax in fig.axes] == [True] * 3  # the axis shows the epochs without values, too


def test_title_and_sentence_of_a_diverged_run_name_the_epoch(diverged):
    assert words.marked_title(diverged) == f"{diverged.setting.title}, diverged in epoch 1"
    sentence = words.on_divergence(diverged)
    assert "**diverged in epoch 1**" in sentence
    assert "nan" not in sentence


@pytest.mark.parametrize(
    ("costs", "rise"), [([3, 2, 1], 0), ([2, 3, 1], 0.5), ([1, 1.1, 1, 1.3], 0.3), ([5], 0)], ids=str
)
def test_largest_rise_is_relative_to_the_previous_epoch(make_run, costs, rise):
    assert make_run(cost=costs).largest_rise == pytest.approx(rise)


def test_diverged_run_does_not_count_as_oscillating(make_run):
    gone = make_run("gone", eta=10, cost=[3, 1e9, NAN])
    assert not gone.is_steady
    assert words.dagger_note([gone]) == ""


def test_legend_of_long_titles_fits_the_page_and_the_charts_keep_their_height(make_run):
    titles = [f"η = {i}, λ = 0, n_epochs = 5, diverged in epoch 1" for i in range(6)]
    fig = curves.over_epochs({title: make_run().history for title in titles}, ["red"] * 6)
    usual = curves.over_epochs({title[:18]: make_run().history for title in titles[:4]}, ["red"] * 4)
    for figure in (fig, usual):
        figure.savefig(io.BytesIO(), format="svg")
    box = fig.legends[0].get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= fig.bbox.width
    heights = [figure.axes[0].get_window_extent().height / figure.dpi for figure in (fig, usual)]
    assert heights[0] == pytest.approx(heights[1], rel=0.15)
