"""What training gave, and whether it is worth a look: a run that diverged says so, in words and without a NaN."""

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
        ([6.7, 4.7, 9.6], 0, None),  # as at eta = 0.1
        ([230, 230, 230], 0, None),
        ([231, 2, 1], 0, 1),
        ([3, NAN, NAN], 0, 2),
        ([3, 2, INF], 0, 3),
        ([3, 1e9, NAN], 0, 2),
        ([231, 100, 50], 100, None),  # a great penalty costs much from the start
        ([1e6, 1e7, 1e8], 1, 1),
    ],
)
def test_a_run_diverged_when_its_cost_is_not_finite_or_far_above_its_beginning(make_run, cost, lam, epoch):
    assert make_run(cost=cost, lam=lam).diverged == epoch


def test_what_is_drawn_ends_before_the_epoch_in_which_training_diverged(make_run):
    run = make_run(cost=[3, 4, NAN, 5])
    for split, measures in run.drawn.items():
        for measure, values in measures.items():
            np.testing.assert_array_equal(values[:2], run.history[split][measure][:2])
            assert np.isnan(values[2:]).all()


def test_a_run_that_did_not_diverge_is_drawn_as_it_is(make_run):
    run = make_run()
    np.testing.assert_equal(run.drawn, run.history)


# Trained on made-up data, in whatever way training can go wrong


@pytest.fixture(params=[(1e6, 0), (1, 2), (1e6, 1)], ids=str)
def diverged(request, small_data):
    eta, lam = request.param
    with np.errstate(all="ignore"):
        run = train_setting(Setting(name="long", eta=eta, lam=lam, n_batch=10, n_epochs=3))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ResourceWarning)  # whatever an earlier test has left open
        yield run


def test_a_step_that_is_too_long_diverges(diverged):
    assert diverged.diverged == 1


@pytest.mark.parametrize(("eta", "epoch"), [(0.1, None), (10, 1)])
def test_of_the_real_images_ten_times_a_long_step_diverges_and_a_long_one_does_not(make_run, eta, epoch):
    history = train_stack(
        [Setting(name="a", eta=eta, lam=0, n_epochs=1)], load_splits(), evaluate_on=("train",)
    ).history
    assert make_run(cost=history["train"]["cost"][:, 0], eta=eta).diverged == epoch


def test_the_results_of_a_run_that_diverged_are_strict_json(diverged):
    kept = json.loads(json.dumps(diverged.as_result(), allow_nan=False))
    assert kept["diverged"] == 1
    costs = diverged.history["train"]["cost"]
    assert kept["history"]["train"]["cost"] == [cost if np.isfinite(cost) else None for cost in costs]


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("beside", [False, True])
def test_its_curves_are_drawn_without_a_nan_or_a_warning_and_say_what_happened(diverged, make_run, log, beside):
    histories = {"long" + words.divergence_note(diverged): diverged.drawn}
    if beside:
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
    assert [ax.get_xlim()[1] > 2 for ax in fig.axes] == [True] * 3  # the epochs are there, if not the values


def test_a_table_and_a_sentence_say_in_which_epoch_it_diverged(diverged):
    assert words.marked_title(diverged) == f"{diverged.setting.title}, diverged in epoch 1"
    sentence = words.on_divergence(diverged)
    assert "**diverged in epoch 1**" in sentence
    assert "nan" not in sentence


@pytest.mark.parametrize(
    ("costs", "rise"), [([3, 2, 1], 0), ([2, 3, 1], 0.5), ([1, 1.1, 1, 1.3], 0.3), ([5], 0)], ids=str
)
def test_the_largest_rise_is_relative_to_the_epoch_before(make_run, costs, rise):
    assert make_run(cost=costs).largest_rise == pytest.approx(rise)


def test_a_run_that_diverged_is_not_said_to_oscillate(make_run):
    gone = make_run("gone", eta=10, cost=[3, 1e9, NAN])
    assert not gone.is_steady
    assert words.dagger_note([gone]) == ""


def test_a_legend_of_long_titles_fits_the_page_and_the_charts_keep_their_height(make_run):
    titles = [f"η = {i}, λ = 0, n_epochs = 5, diverged in epoch 1" for i in range(6)]
    fig = curves.over_epochs({title: make_run().history for title in titles}, ["red"] * 6)
    usual = curves.over_epochs({title[:18]: make_run().history for title in titles[:4]}, ["red"] * 4)
    for own in (fig, usual):
        own.savefig(io.BytesIO(), format="svg")
    box = fig.legends[0].get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= fig.bbox.width
    heights = [own.axes[0].get_window_extent().height / own.dpi for own in (fig, usual)]
    assert heights[0] == pytest.approx(heights[1], rel=0.15)
