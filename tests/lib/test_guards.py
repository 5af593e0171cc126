"""The checks that keep held-out accuracies honest stop each kind of wrong run and no honest run."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from lib import assignment, cifar10, train
from lib.command import InputError
from lib.guards import GuardError, Sealed, check_disjoint, check_plausible
from lib.model import init_network
from lib.preprocess import Standardiser
from lib.runs import training
from lib.runs.settings import Setting
from lib.runs.splits import load_splits
from lib.runs.training import get_run, train_setting

SETTING = Setting(name="a", eta=0.01, lam=0.1, n_batch=50, n_epochs=3)
small_data = pytest.mark.usefixtures("small_data")


def stops(match):
    return pytest.raises(GuardError, match=match)


def test_guard_error_is_an_input_error():
    assert issubclass(GuardError, InputError)


# Evaluation cannot change weights


@pytest.mark.parametrize("letter", ["W", "b"])
def test_weights_are_read_only_during_evaluation(problem, monkeypatch, letter):
    before = [array.copy() for array in problem.net]

    def scores_with_a_change(X, net):
        getattr(net, letter)[...] += 1

    monkeypatch.setattr(train, "scores", scores_with_a_change)
    with pytest.raises(ValueError, match="read-only"):
        train.evaluate(problem.X, problem.y, problem.net, problem.lam)
    for array, old in zip(problem.net, before, strict=True):
        assert_array_equal(array, old)


def test_weights_are_writeable_again_after_evaluation(problem):
    train.evaluate(problem.X, problem.y, problem.net, problem.lam)
    assert all(array.flags.writeable for array in problem.net)


@small_data
def test_evaluation_that_changes_weights_stops_the_run(monkeypatch):
    def trains(X, net):
        net.W[:] -= 0.1 * X.T @ np.ones((len(X), 10), net.W.dtype)
        return X @ net.W + net.b

    monkeypatch.setattr(train, "scores", trains)
    with pytest.raises(ValueError, match="read-only"):
        train_setting(SETTING)


# The splits must not share an image

IMAGES = np.random.default_rng(0).integers(0, 256, (30, 12), np.uint8)
APART = {"train": IMAGES[:10], "val": IMAGES[10:20], "test": IMAGES[20:]}


def test_splits_without_a_common_image_pass():
    check_disjoint(APART)


@pytest.mark.parametrize(("split", "other"), [("val", "train"), ("test", "train"), ("test", "val")])
@pytest.mark.parametrize("place", [0, 9])
def test_one_common_image_is_refused_and_both_splits_are_named(split, other, place):
    shared = APART[split].copy()
    shared[place] = APART[other][3]
    with stops(f"the {split} and the {other} split share an image: give each its own batch"):
        check_disjoint(APART | {split: shared})


@pytest.mark.parametrize(
    "laid_out", [np.asfortranarray, lambda images: images[::-1], lambda images: images.repeat(2, 0)[::2]]
)
def test_common_image_is_refused_in_any_memory_layout(laid_out):
    with stops("the test and the train split share an image"):
        check_disjoint(APART | {"test": laid_out(APART["train"])})


def test_image_twice_in_one_split_passes():
    check_disjoint(APART | {"val": APART["val"].repeat(2, 0)})


def test_image_that_differs_in_one_grey_level_passes():
    near = APART["train"].copy()
    near[:, 5] ^= 1
    check_disjoint(APART | {"val": near})


@small_data
@pytest.mark.parametrize(
    ("split", "batch", "other"),
    [("val", "data_batch_1", "train"), ("test", "data_batch_1", "train"), ("test", "data_batch_2", "val")],
)
def test_same_batch_for_two_splits_stops_the_run_before_training(monkeypatch, split, batch, other):
    monkeypatch.setitem(assignment.BATCHES, split, batch)
    monkeypatch.setattr(training, "mini_batch_gd", None)
    with stops(f"the {split} and the {other} split share an image"):
        train_setting(SETTING)


@small_data
@pytest.mark.parametrize(
    ("batches", "sentence"),
    [
        (["data_batch_1", "test_batch"], "the test and the (train|val) split share an image"),
        (["data_batch_1", "data_batch_1"], "the val and the train split share an image"),
    ],
    ids=["the test batch", "a batch twice"],
)
def test_training_batches_with_the_test_batch_or_a_repeated_batch_are_refused(monkeypatch, batches, sentence):
    monkeypatch.setattr(assignment, "ALL_BATCHES", batches)
    monkeypatch.setattr(assignment, "N_VAL", 100)
    with stops(sentence):
        load_splits(train_on="all")


# The test split can be read only once


def test_reading_the_test_split_twice_is_refused_with_the_reason():
    sealed = Sealed(lambda: (IMAGES, np.arange(30)))
    assert_array_equal(sealed.open()[0], IMAGES)
    with stops("read already: choose on the validation split, read test once"):
        sealed.open()


def test_sealed_split_is_not_loaded_before_it_is_opened():
    loaded = []
    sealed = Sealed(lambda: loaded.append("once"))
    assert loaded == []
    sealed.open()
    assert loaded == ["once"]


@small_data
def test_test_split_can_be_read_only_once():
    splits = load_splits()
    splits.test.open()
    with stops("has been read already"):
        splits.test.open()


@small_data
def test_run_that_opens_the_test_split_before_the_end_is_stopped(monkeypatch):
    load = training.load_splits

    def load_and_look(*arguments):
        splits = load(*arguments)
        splits.test.open()
        return splits

    monkeypatch.setattr(training, "load_splits", load_and_look)
    with stops("has been read already"):
        train_setting(SETTING)


# A held-out accuracy must not be above the training accuracy beyond chance


@pytest.mark.parametrize(
    ("train", "held_out", "n"),
    [(0.45, 0.39, 10_000), (0.4, 0.4, 10_000), (0.4, 0.41, 10_000), (0.5, 0.6, 100), (0, 0, 10), (1, 1, 10)],
)
def test_held_out_accuracy_above_training_accuracy_by_chance_passes(train, held_out, n):
    check_plausible(train, n, held_out, n, "test")


@pytest.mark.parametrize(
    ("train", "held_out", "n"), [(0.4, 0.43, 10_000), (0.39, 0.4559, 10_000), (0.5, 0.9, 100), (0, 1, 30)]
)
def test_held_out_accuracy_above_training_accuracy_beyond_chance_is_stopped(train, held_out, n):
    with stops(r"test accuracy .*% is above the training accuracy .*% by more than chance"):
        check_plausible(train, n, held_out, n, "test")


def test_message_says_where_to_look():
    with stops(
        r"^validation accuracy 90\.00% is above the training accuracy 50\.00% by more than chance: was the network"
        r" trained on the validation images, or is the training accuracy another network's\?$"
    ):
        check_plausible(0.5, 1000, 0.9, 1000, "validation")


@given(st.floats(0, 1), st.integers(1, 100_000))
def test_equal_accuracies_pass(accuracy, n):
    correct = round(accuracy * n) / n
    check_plausible(correct, n, correct, n, "test")


def training_on(batch):
    """Return a `mini_batch_gd` that ignores its data and trains on `batch`."""

    def mini_batch_gd(X, y, net, **others):
        (train_images, _), (images, y) = cifar10.load_batch("data_batch_1"), cifar10.load_batch(batch)
        return train.mini_batch_gd(Standardiser.fit(train_images).apply(images), y, net, **others)

    return mini_batch_gd


@small_data
@pytest.mark.parametrize(("batch", "what"), [("data_batch_2", "validation"), ("test_batch", "test")])
def test_network_trained_on_held_out_images_is_stopped_and_not_cached(monkeypatch, tmp_path, batch, what):
    monkeypatch.setattr(training, "mini_batch_gd", training_on(batch))
    with stops(f"^{what} accuracy .* was the network trained on the {what} images"):
        get_run(SETTING)
    assert not (tmp_path / "runs").exists()


@small_data
@pytest.mark.parametrize("changed", [{"eta": 1e-6}, {"eta": 0.1, "lam": 0.0}, {"lam": 10.0}, {"n_epochs": 1}], ids=str)
def test_honest_run_is_not_stopped(changed):
    for seed in range(5):
        train_setting(SETTING.model_copy(update={"seed": seed} | changed))


@small_data
@pytest.mark.parametrize("split", ["val", "test"])
@pytest.mark.parametrize("train_on", ["data_batch_1", "all"])
def test_training_refuses_a_held_out_split(split, train_on):
    splits = load_splits(train_on=train_on)
    X, y = splits.val if split == "val" else splits.test.open()
    with stops("training on a held-out split"):
        train.mini_batch_gd(
            X, y, init_network(np.random.default_rng(0)), eta=0.1, lam=0, n_batch=10, orders=[range(10)]
        )
