"""The exploring window without a browser: the tests set the values that clicks and keys would set."""

import json
import threading
import time

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from benchmarks.explore import RESULTS
from lib import cifar10
from lib.command import InputError
from lib.model import LOSSES, SOFTMAX, Network, scores
from lib.runs import settings
from lib.runs.settings import Setting
from lib.runs.splits import load_splits
from lib.runs.training import train_stack
from notebooks.explore.answers import MAX_IMAGES, contributions, images_in_cell, signed_pixels
from notebooks.explore.background import Training
from notebooks.explore.controls import FIELDS, Form, one_two_five, parse, problem_of, save
from notebooks.explore.pictures import run_data, template_pixels
from notebooks.explore.window import Window
from report.pictures import as_image

PATIENCE = 30  # seconds


def setting(**fields):
    return Setting(name="a", **{"eta": 0.01, "lam": 0.1, "n_epochs": 4} | fields)


def set_values(form, **values):
    """Change the values of some controls, as if typed."""
    form.values = {**form.values, **values}


def wait_for(condition):
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until, "nothing happened"
        time.sleep(0.01)


def drawers():
    return [thread for thread in threading.enumerate() if thread.name == "drawing"]


@pytest.fixture
def splits(small_data):
    return load_splits()


@pytest.fixture
def window(splits, tmp_path):
    opened = Window(splits, tmp_path / "settings")
    set_values(opened.form, n_epochs="4")
    yield opened
    opened.reset()
    for thread in drawers():
        thread.join(PATIENCE)


def train_to_the_end(window):
    window.train_button.click()
    window.training.join(PATIENCE)
    wait_for(lambda: not drawers())


# Training in the background.


def test_training_in_the_background_gives_the_same_network_and_history_as_train_stack(splits):
    fields = {"decay": "plateau", "eta": 0.5, "n_epochs": 12}
    training = Training(setting(**fields), splits)
    training.start()
    training.join(PATIENCE)
    trained = train_stack([setting(**fields)], splits)
    assert training.state == "complete"
    np.testing.assert_array_equal(training.moment.net.W, trained.net.W[:, 0])
    for split, measures in training.curves().items():
        for measure, values in measures.items():
            np.testing.assert_array_equal(values, trained.history[split][measure][:, 0])


def test_paused_training_halts_between_epochs_and_resumes(splits):
    training = Training(setting(n_epochs=1_000_000), splits)
    training.start()
    wait_for(lambda: training.moment.epoch > 1)
    training.pause()
    assert training.state == "paused"
    last = training.moment.epoch + 1  # the epoch under way may still end
    time.sleep(0.2)
    assert training.moment.epoch <= last
    training.resume()
    wait_for(lambda: training.moment.epoch > last)
    training.stop()
    training.join(PATIENCE)
    assert training.state == "stopped"


def test_paused_training_can_be_stopped(splits):
    training = Training(setting(n_epochs=1_000_000), splits)
    training.start()
    training.pause()
    training.stop()
    training.join(PATIENCE)
    assert training.state == "stopped"


def test_stopped_training_has_the_same_network_as_a_training_of_that_many_epochs(splits):
    training = Training(setting(n_epochs=1_000_000), splits)
    training.start()
    wait_for(lambda: training.moment.epoch >= 2)
    training.stop()
    training.join(PATIENCE)
    n_epochs, net = training.moment
    np.testing.assert_array_equal(net.W, train_stack([setting(n_epochs=n_epochs)], splits).net.W[:, 0])
    assert len(training.curves()["val"]["cost"]) == n_epochs


def test_later_epochs_do_not_change_the_network_of_an_earlier_epoch(splits):
    training = Training(setting(n_epochs=50), splits)
    training.start()
    wait_for(lambda: training.moment.epoch)
    W = training.moment.net.W
    before = W.copy()
    training.join(PATIENCE)
    np.testing.assert_array_equal(W, before)


def test_error_in_the_training_thread_is_stored_with_the_state_failed(splits):
    training = Training(setting(), splits._replace(train=splits.val))
    training.start()
    training.join(PATIENCE)
    assert training.state == "failed"
    assert "held-out" in training.error


@pytest.mark.parametrize("field", ["average", "mirror"])
def test_setting_with_average_or_mirror_raises_input_error(splits, field):
    with pytest.raises(InputError, match="average and mirror"):
        Training(setting(**{field: True}), splits)


# Controls.


def test_values_of_the_controls_make_a_setting():
    form = Form()
    set_values(form, eta="0.01", lam="1e-3", n_batch="50", n_epochs="7", seed="3", loss="bce", decay="step", flips=True)
    assert form.setting() == Setting(
        name="explore", eta=0.01, lam=1e-3, n_batch=50, n_epochs=7, seed=3, loss="bce", decay="step", flips=True
    )
    form.reset()
    assert form.setting() == Setting(name="explore", eta=0.001, lam=0.0)


def test_every_slider_stop_and_menu_option_is_a_valid_value():
    for field in FIELDS:
        values = [f"{stop:g}" for stop in field.stops] or [key for key, _ in field.options] or [True, False]
        assert [problem for value in values if (problem := problem_of(field.name, value))] == []


def test_slider_stops_of_eta_and_lam_are_1_2_and_5_times_powers_of_ten():
    assert one_two_five(-2, 0) == [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0]


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("eta", "0", "eta = 0: must be greater than 0"),
        ("eta", "-1", "eta = -1: must be greater than 0"),
        ("eta", "fast", "eta = 'fast': must be a valid number"),
        ("eta", "", "eta = '': must be a valid number"),
        ("eta", "nan", "eta = nan: must be a finite number"),
        ("lam", "-0.1", "lam = -0.1: must be greater than or equal to 0"),
        ("lam", "1e999", "lam = inf: must be a finite number"),
        ("n_batch", "0", "n_batch = 0: must be greater than or equal to 1"),
        ("n_batch", "2.5", "n_batch = 2.5: must be a valid integer"),
        ("n_epochs", "-3", "n_epochs = -3: must be greater than or equal to 1"),
        ("seed", "-1", "seed = -1: must be greater than or equal to 0"),
    ],
)
def test_bad_value_shows_an_error_and_starts_no_training(window, name, value, problem):
    set_values(window.form, **{name: value})
    assert window.form.problems == {name: problem}
    assert problem in window.status.text and window.status.bad
    assert window.train_button.disabled and window.save_button.disabled
    window.train()
    assert window.training is None
    window.form.reset()
    assert window.form.problems == {}
    assert not window.train_button.disabled


def test_typed_numbers_are_parsed_in_any_notation():
    assert [parse(text) for text in ("1e-3", " 0.1 ", "7", "a")] == [1e-3, 0.1, 7, "a"]


def test_integer_can_be_typed_as_a_float_or_with_an_exponent(window):
    set_values(window.form, n_batch="1e3", eta="1e0", seed="2.0")
    assert window.form.problems == {}
    assert (window.form.setting().n_batch, window.form.setting().eta, window.form.setting().seed) == (1000, 1.0, 2)


# The window.


def test_complete_run_shows_its_curves_and_templates(window):
    assert window.status.text.startswith("Ready")
    window.train_button.click()
    assert window.train_button.disabled and not window.stop_button.disabled
    window.training.join(PATIENCE)
    wait_for(lambda: not drawers())
    assert window.status.text == "Training is complete."
    assert window.viewer.curves.now == run_data(1, window.training)
    assert [len(window.viewer.curves.now[split]["cost"]) for split in ("train", "val")] == [4, 4]
    assert window.viewer.templates.pixels == template_pixels(window.net.W)
    assert not window.train_button.disabled and window.stop_button.disabled


def test_pause_continue_and_stop_buttons_change_the_state(window):
    set_values(window.form, n_epochs="1000000")
    window.train_button.click()
    window.pause_button.click()
    assert window.training.state == "paused"
    assert window.pause_button.description == "Continue"
    assert window.status.text.startswith("Paused")
    window.pause_button.click()
    assert window.pause_button.description == "Pause"
    wait_for(lambda: window.training.moment.epoch)
    window.stop_button.click()
    wait_for(lambda: not drawers())
    assert window.status.text.startswith("Stopped")
    assert np.isfinite(window.net.W).all()
    assert len(window.viewer.answers.confusion.counts) == 10


def test_frames_are_drawn_while_a_run_trains(window):
    frames = []
    window.viewer.templates.observe(lambda change: frames.append(time.monotonic()), "pixels")
    set_values(window.form, n_epochs="1000000", n_batch="10")
    window.train_button.click()
    wait_for(lambda: len(frames) > 3)
    assert window.training.is_alive()


def test_second_run_does_not_start_while_one_trains(window):
    set_values(window.form, n_epochs="1000000")
    window.train()
    first = window.training
    window.train()
    assert window.training is first


def test_earlier_runs_stay_until_removed_and_the_current_run_cannot_be_removed(window):
    for lam in ("0", "0.1", "1"):
        set_values(window.form, lam=lam)
        train_to_the_end(window)
    assert window.viewer.curves.now["title"] == "η = 0.001, λ = 1, n_epochs = 4"
    assert [run["number"] for run in window.viewer.curves.earlier] == [1, 2]
    assert len({run["colour"] for run in [*window.viewer.curves.earlier, window.viewer.curves.now]}) == 3
    window.viewer.curves.removed = 1
    assert [run["number"] for run in window.viewer.curves.earlier] == [2]
    window.viewer.curves.removed = 3  # the current one
    assert window.viewer.curves.now["number"] == 3


def test_reset_stops_the_training_and_clears_everything(window):
    set_values(window.form, n_epochs="1000000", lam="1")
    window.train()
    training = window.training
    wait_for(lambda: window.viewer.curves.now)
    window.reset_button.click()
    training.join(PATIENCE)
    wait_for(lambda: not drawers())
    viewer = window.viewer
    assert (window.net, viewer.curves.now, viewer.curves.earlier, viewer.templates.pixels) == (None, {}, [], b"")
    assert viewer.answers.confusion.counts == [] and not viewer.answers.why.ready
    assert window.form.values["lam"] == "0"
    assert window.status.text.startswith("Ready") and not window.train_button.disabled


def test_diverged_run_has_nulls_in_its_curves_and_a_message_with_the_epoch(window):
    set_values(window.form, eta="1e30", lam="1")
    train_to_the_end(window)
    assert window.status.text == "Training is complete. It diverged in epoch 1: try a smaller η."
    assert None in window.viewer.curves.now["train"]["cost"]
    assert len(window.viewer.templates.pixels) == 10 * 3072


# The time that drawing takes.


def test_watched_training_draws_five_frames_a_second_and_takes_at_most_half_as_long_again():
    measured = json.loads(RESULTS.read_text())
    headless, watched = (np.array(measured["seconds"][kind]) for kind in ("headless", "watched"))
    assert len(headless) == len(watched) >= 5
    assert np.median(watched / headless) <= 1.5
    assert set(measured["frames_a_second"]) == {"curves", "templates"}
    for rates in measured["frames_a_second"].values():
        assert np.median(rates) >= 5


def processor_time(action):
    start = time.process_time()
    action()
    return time.process_time() - start


@pytest.mark.skipif(not all(map(cifar10.is_verified, cifar10.SHA1)), reason="needs CIFAR-10: `make` fetches it")
def test_watching_adds_at_most_half_the_processor_time(tmp_path):
    """Watched and headless trainings take turns. Other programs on the machine hardly affect processor time."""
    window = Window(folder=tmp_path)
    set_values(window.form, n_epochs="8")
    ratios = []
    with threadpool_limits(1, user_api="blas"):
        for _ in range(3):
            headless = processor_time(lambda: train_stack([window.form.setting()], window.splits))
            watched = processor_time(lambda: (window.train(), window.training.join(PATIENCE)))
            ratios.append(watched / headless)
            wait_for(lambda: not drawers())
    assert np.median(ratios) <= 1.5


# Answers.


def test_test_images_are_read_after_the_first_run_and_shown_with_a_warning(window):
    confusion = window.viewer.answers.confusion
    seen = []
    confusion.observe(lambda change: seen.append(change.new), "what")
    assert "test" not in vars(window.viewer)
    for _ in range(2):
        train_to_the_end(window)
        assert confusion.what == "test images"
        assert "Never choose a setting by them" in confusion.note
    assert seen[-1] == "test images"
    assert np.sum(confusion.counts) == 300


def test_click_on_a_cell_shows_its_images(window):
    train_to_the_end(window)
    images, y = cifar10.load_batch("test_batch")
    answers = scores(window.viewer.test.X, window.net).argmax(1)
    row, column = next((y[n], answers[n]) for n in range(300) if y[n] != answers[n])
    window.viewer.answers.confusion.chosen = [int(row), int(column)]
    gallery = window.viewer.answers.gallery
    in_cell = np.flatnonzero((y == row) & (answers == column))
    assert sorted(gallery.numbers) == in_cell[:MAX_IMAGES].tolist()
    assert gallery.pixels == as_image(images[gallery.numbers]).tobytes()
    assert f"{cifar10.CLASSES[row]}, taken for {cifar10.CLASSES[column]}: {len(in_cell)} test images" in gallery.title


def test_images_in_a_cell_are_sorted_by_confidence():
    S = np.array([[0, 1, 0], [0, 3, 0], [0, 2, 0], [5, 0, 0], [0, 9, 0]], float)
    numbers, confidence = images_in_cell(S, np.array([2, 2, 2, 2, 1]), SOFTMAX, row=2, column=1)
    assert numbers.tolist() == [1, 2, 0]
    assert (np.diff(confidence) < 0).all()


def test_click_on_an_image_splits_its_scores_into_contributions(window):
    train_to_the_end(window)
    why = window.viewer.answers.why
    window.viewer.answers.gallery.picked = 17
    x, net = window.viewer.test.X[17], window.net
    assert why.number == 17 and why.pixels == as_image(window.viewer.test.images[17]).tobytes()
    np.testing.assert_allclose(why.shown["scores"], x @ net.W + net.b, rtol=1e-4, atol=1e-5)
    for k in range(10):
        why.explained = k
        total = why.shown["for"] + why.shown["against"] + why.shown["bias"]
        assert why.shown["explained"] == k
        assert total == pytest.approx(why.shown["scores"][k], rel=1e-4, abs=1e-4)
        assert why.parts == signed_pixels(contributions(x, net, k))


def test_contributions_are_the_products_of_pixels_and_weights():
    rng = np.random.default_rng(0)
    x, net = rng.standard_normal(3072), Network(rng.standard_normal((3072, 10)), rng.standard_normal(10))
    parts = contributions(x, net, 4)
    row, column = 3, 20
    naive = sum(x[1024 * c + 32 * row + column] * net.W[1024 * c + 32 * row + column, 4] for c in range(3))
    assert parts[row, column] == pytest.approx(naive)
    assert parts.sum() + net.b[4] == pytest.approx(scores(x[None], net)[0, 4])


def test_contributions_for_a_class_are_blue_and_against_it_orange():
    parts = np.zeros((32, 32))
    parts[0, 0], parts[0, 1] = 2, -1
    pixels = np.frombuffer(signed_pixels(parts), np.uint8).reshape(32, 32, 4)
    assert pixels[0, 0].tolist() == [0x00, 0x72, 0xB2, 255]
    assert pixels[0, 1].tolist() == [0xD5, 0x5E, 0x00, 128]
    assert (pixels[1:, :, 3] == 0).all()


@pytest.mark.parametrize("loss", LOSSES)
def test_answers_are_shown_for_each_loss(window, loss):
    set_values(window.form, loss=loss)
    train_to_the_end(window)
    window.viewer.answers.confusion.chosen = [0, 0]
    assert window.viewer.answers.why.ready


# Save as setting.


def test_saved_setting_holds_eta_lam_and_the_fields_that_differ_from_the_defaults(window):
    set_values(window.form, eta="0.02", lam="1e-05", n_epochs="40", loss="bce")
    window.name.value = "mine"
    window.save_button.click()
    path = window.folder / "mine.yaml"
    assert "make report" in window.saved.text and "mine.yaml" in window.saved.text
    assert path.read_text() == "eta: 0.02\nlam: 1e-05\nloss: bce\n"
    assert settings.read(path) == window.form.setting("mine")


def test_existing_setting_is_not_overwritten(window):
    window.name.value = "mine"
    window.save()
    set_values(window.form, lam="1")
    window.save()
    assert window.saved.bad and "exists already" in window.saved.text
    assert settings.read(window.folder / "mine.yaml").lam == 0


def test_values_of_an_existing_setting_are_not_saved_again(window):
    window.name.value = "mine"
    window.save()
    window.name.value = "again"
    window.save()
    assert window.saved.bad and window.saved.text.startswith("Not saved. mine.yaml has these values already")
    assert [path.name for path in window.folder.iterdir()] == ["mine.yaml"]


@pytest.mark.parametrize("name", ["", "../up", "a b", ".hidden", "x" * 61])
def test_bad_name_shows_an_error_and_saves_nothing(window, name):
    window.name.value = name
    window.save()
    assert window.saved.bad and window.saved.text.startswith("Not saved. ")
    assert not window.folder.exists() or not list(window.folder.iterdir())


def test_name_is_suggested_until_one_is_typed(window):
    set_values(window.form, lam="0.1", n_epochs="40", flips=True)
    assert window.name.value == "eta0.001-lam0.1-flips"
    window.name.value = "mine"
    set_values(window.form, lam="0.2")
    assert window.name.value == "mine"


@pytest.mark.parametrize("eta", [1e-05, 1e20, 0.1])
def test_suggested_name_is_valid(eta, tmp_path):
    unnamed = setting(eta=eta, n_batch=50, decay="plateau")
    assert save(unnamed.model_copy(update={"name": unnamed.file_stem}), tmp_path)
    assert len(settings.read_all(tmp_path)) == 1
