"""One setting from start to end, on small made-up data."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lib import cifar10, experiment, paths
from lib.experiment import get_run, load_splits, train_setting
from lib.model import init_network
from lib.settings import Setting
from lib.train import epoch_orders, evaluate, mini_batch_gd

SETTING = Setting(name="a", eta=0.01, lam=0.1, n_batch=50, n_epochs=3)
ASSIGNED = ("data_batch_1", "data_batch_2", "test_batch")  # train, val and test of the assignment


pytestmark = pytest.mark.usefixtures("small_data")


def opened(splits):
    """X and y of the training, the validation and the test split."""
    return splits.train, splits.val, splits.test.open()


def assert_equal_runs(a, b):
    assert a.test == b.test
    assert_array_equal(a.net.W, b.net.W)
    for split in ("train", "val"):
        for measure, values in a.history[split].items():
            assert_array_equal(values, b.history[split][measure])


def test_the_splits_are_the_batches_of_the_assignment():
    for (_, y), batch in zip(opened(load_splits()), ASSIGNED, strict=True):
        assert_array_equal(y, cifar10.load_batch(batch)[1])


def test_every_split_is_standardised_by_the_training_images_alone():
    pixels = [cifar10.load_batch(batch)[0] / 255 for batch in ASSIGNED]
    mean, std = pixels[0].mean(0), pixels[0].std(0)
    for (X, _), own in zip(opened(load_splits(np.float64)), pixels, strict=True):
        assert_allclose(X, (own - mean) / std, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_inputs_and_the_network_have_the_settings_dtype(dtype):
    run = train_setting(SETTING.model_copy(update={"dtype": dtype}))
    arrays = *run.net, run.test_scores, *(X for X, _ in opened(load_splits(dtype)))
    assert {array.dtype for array in arrays} == {np.dtype(dtype)}


def test_training_again_gives_the_same_run():
    assert_equal_runs(train_setting(SETTING), train_setting(SETTING))


def test_another_seed_gives_another_run():
    other = train_setting(SETTING.model_copy(update={"seed": 1}))
    assert not np.array_equal(other.net.W, train_setting(SETTING).net.W)


def test_the_weights_and_the_orders_come_from_two_generators_of_the_same_seed():
    X, y = load_splits().train
    start, orders = init_network(np.random.default_rng(42)), epoch_orders(np.random.default_rng(42), len(y), 3)
    net = mini_batch_gd(X, y, start, eta=0.01, lam=0.1, n_batch=50, orders=orders)
    assert_array_equal(train_setting(SETTING).net.W, net.W)


def test_the_history_has_a_value_for_every_epoch():
    run = train_setting(SETTING)
    for split in ("train", "val"):
        assert {measure: values.shape for measure, values in run.history[split].items()} == dict.fromkeys(
            ("loss", "cost", "accuracy"), (3,)
        )


def test_the_history_ends_at_the_network_that_is_returned():
    run, splits = train_setting(SETTING), load_splits()
    for split in ("train", "val"):
        for measure, value in evaluate(*getattr(splits, split), run.net, 0.1).items():
            assert run.history[split][measure][-1] == value


def test_the_test_figures_are_those_of_the_network_on_the_test_images():
    run, (X, y) = train_setting(SETTING), load_splits().test.open()
    assert run.test == {measure: evaluate(X, y, run.net, 0)[measure] for measure in ("loss", "accuracy")}
    assert_allclose(run.test_scores, X @ run.net.W + run.net.b, rtol=1e-4, atol=1e-5)


def test_the_test_images_are_evaluated_once(monkeypatch):
    test_labels, evaluated = load_splits().test.open()[1], []

    def evaluate_and_note(X, y, net, lam):
        evaluated.append(np.array_equal(y, test_labels))
        return evaluate(X, y, net, lam)

    monkeypatch.setattr(experiment, "evaluate", evaluate_and_note)
    monkeypatch.setattr("lib.train.evaluate", evaluate_and_note)
    train_setting(SETTING)
    assert evaluated == [False] * 6 + [True]  # three epochs of two splits, then the test


def test_progress_sees_every_epoch():
    seen = []
    train_setting(SETTING, lambda orders: (seen.append(len(order)) or order for order in orders))
    assert seen == [300] * 3


def test_learning_learns():
    run = train_setting(SETTING.model_copy(update={"eta": 0.1, "lam": 0.0}))
    assert run.test["accuracy"] > 0.5


def test_a_setting_is_trained_once(monkeypatch):
    first = get_run(SETTING)
    monkeypatch.setattr(experiment, "train_setting", None)
    assert_equal_runs(get_run(SETTING), first)


def test_a_damaged_run_is_trained_again():
    first = get_run(SETTING)
    (paths.RUNS / "a.npz").write_bytes(b"damaged")
    assert_equal_runs(get_run(SETTING), first)
    assert (paths.RUNS / "a.npz").stat().st_size > 1000
