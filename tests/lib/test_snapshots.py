"""Recorded templates: their epochs, their quantisation, and that the last one shows the returned network."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lib.cifar10 import CLASSES
from lib.model import init_network
from lib.runs.settings import Setting
from lib.runs.snapshots import Film, chosen, levels
from lib.runs.training import train_setting

SETTING = Setting(name="a", eta=0.01, lam=0.1, n_batch=50, n_epochs=4)


@pytest.mark.parametrize(
    ("n_epochs", "epochs"),
    {
        1: [0, 1],
        2: [0, 1, 2],
        6: [0, 1, 2, 3, 5, 6],
        40: [0, 1, 2, 3, 5, 7, 10, 14, 20, 28, 40],
        100: [0, 1, 2, 3, 5, 7, 10, 14, 20, 28, 40, 56, 80, 100],
    }.items(),
)
def test_chosen_epochs_begin_with_0_get_further_apart_and_end_with_the_last(n_epochs, epochs):
    assert chosen(n_epochs) == epochs


@pytest.mark.parametrize(
    ("n_epochs", "few"), {40: [0, 1, 5, 10, 20, 40], 3: [0, 1, 3], 28: [0, 1, 5, 10, 20, 28]}.items()
)
def test_strip_contains_the_frames_that_fit_on_a_page_and_the_last_one(n_epochs, few):
    epochs = np.array(chosen(n_epochs))
    strip = Film(epochs, np.repeat(epochs, 6).reshape(-1, 2, 3).astype(np.uint8)).strip()
    assert strip.epochs.tolist() == strip.levels[:, 0, 0].tolist() == few


def test_each_quantised_template_spans_the_full_range_and_preserves_the_order_of_its_weights():
    W = np.random.default_rng(0).standard_normal((50, 3)) * (1, 10, 100)
    assert levels(W).dtype == np.uint8
    assert levels(W).min(0).tolist() == [0] * 3 and levels(W).max(0).tolist() == [255] * 3
    assert_allclose(levels(W) / 255, (W - W.min(0)) / np.ptp(W, axis=0), atol=0.5 / 255 + 1e-9)


@pytest.mark.filterwarnings("error", "ignore::ResourceWarning")
def test_constant_template_is_quantised_to_0_without_a_warning():
    assert not levels(np.full((5, 2), 0.3, np.float32)).any()


@pytest.mark.usefixtures("small_data")
def test_film_begins_with_the_initial_weights_and_ends_with_the_returned_network():
    run = train_setting(SETTING)
    assert run.film.epochs.tolist() == [0, 1, 2, 3, 4]
    assert run.film.levels.shape == (5, 3072, len(CLASSES))
    assert_array_equal(run.film.levels[0], levels(init_network(np.random.default_rng(SETTING.seed)).W))
    assert_array_equal(run.film.levels[-1], levels(run.net.W))


@pytest.mark.usefixtures("small_data")
def test_frame_shows_the_network_after_that_many_epochs():
    run, shorter = (train_setting(SETTING.model_copy(update={"n_epochs": n})) for n in (4, 2))
    assert_array_equal(run.film.levels[2], levels(shorter.net.W))


@pytest.mark.usefixtures("small_data")
def test_film_of_an_averaged_training_ends_with_the_average():
    run = train_setting(SETTING.model_copy(update={"average": True, "mirror": True}))
    assert_array_equal(run.film.levels[-1], levels(run.net.W))
