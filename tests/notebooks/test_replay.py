"""A replay trains on the given batch in the given orders. One epoch on the real data gives the published digits."""

import inspect
from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from threadpoolctl import threadpool_info

from lib import cifar10, paths, published
from lib.assignment import CHAOTIC_ETA
from lib.model import Network, init_network
from lib.preprocess import Standardiser
from lib.train import evaluate, mini_batch_gd
from notebooks.reproduction import __main__ as command
from notebooks.reproduction import replay
from notebooks.reproduction.replay import ORDERS, TEST, TRAIN, VAL

REFERENCE = published.read()
REPLAYS = replay.replays()
EPOCHS = 3
small_data = pytest.mark.usefixtures("small_data")


@pytest.fixture(autouse=True)
def few_epochs(monkeypatch):
    monkeypatch.setattr(replay, "N_EPOCHS", EPOCHS)


# The orders


def orders_of(name, seed=42, n=50):
    """Return the order of the images in each epoch, from a generator that has already drawn the weights."""
    rng = np.random.default_rng(seed)
    init_network(rng)
    return list(ORDERS[name](rng, seed, n))


def permutations(rng, n):
    return [rng.permutation(n) for _ in range(EPOCHS)]


@pytest.mark.parametrize("name", ORDERS)
def test_order_of_each_epoch_contains_every_image_once(name):
    assert_array_equal(np.sort(orders_of(name), axis=1), [np.arange(50)] * EPOCHS)


def test_each_order_of_the_reference_permutes_the_previous_one_with_a_second_generator():
    first, *drawn = permutations(np.random.default_rng(42), 50)
    orders = orders_of("reference")
    assert_array_equal(orders[0], first)
    for (previous, order), permutation in zip(pairwise(orders), drawn, strict=True):
        assert_array_equal(order, previous[permutation])


def test_orders_of_the_course_are_drawn_by_the_generator_that_drew_the_weights():
    rng = np.random.default_rng(42)
    rng.standard_normal((10, 3072))
    assert_array_equal(orders_of("course"), permutations(rng, 50))


def test_unshuffled_orders_are_the_order_of_the_file():
    assert_array_equal(orders_of("unshuffled"), [np.arange(50)] * EPOCHS)


@pytest.mark.parametrize(("name", "differ"), {"reference": True, "course": True, "unshuffled": False}.items())
def test_another_seed_changes_the_orders_unless_they_are_unshuffled(name, differ):
    assert np.array_equal(orders_of(name, 1), orders_of(name, 2)) != differ


# Training

PLAIN = {"settings": [(0.01, 0.1)]}


@small_data
@pytest.mark.parametrize("batch", [TRAIN, VAL, TEST])
@pytest.mark.parametrize("orders", ORDERS)
def test_replay_trains_on_the_given_batch_in_the_given_orders(batch, orders):
    standardiser = Standardiser.fit(cifar10.load_batch("data_batch_1")[0])  # even if training uses another batch
    X, y = cifar10.load_batch(batch)
    X = standardiser.apply(X, np.float64)
    start = init_network(np.random.default_rng(42), dtype=np.float64)
    in_order = orders_of(orders, n=len(y))
    net = mini_batch_gd(X, y, start, eta=0.01, lam=0.1, n_batch=100, orders=in_order)
    replayed = replay.replay(train_on=batch, evaluate_on=[batch], orders=orders, **PLAIN)
    for measure, value in evaluate(X, y, net, 0.1).items():
        assert_allclose(replayed[f"{batch}/{measure}"][-1, 0], value, rtol=1e-12, err_msg=measure)


@small_data
def test_evaluation_on_more_batches_does_not_change_the_results_on_one():
    alone = replay.replay(train_on=TRAIN, evaluate_on=[TRAIN], **PLAIN)
    evaluated = replay.replay(train_on=TRAIN, evaluate_on=[TEST, TRAIN, VAL], **PLAIN)
    for name, values in alone.items():
        assert_array_equal(evaluated[name], values)


@small_data
def test_each_measure_of_each_batch_has_a_value_for_every_epoch_and_network():
    arrays = replay.replay(train_on=TRAIN, evaluate_on=[VAL, TEST], settings=[(0.01, 0.0), (0.1, 1.0)])
    measures = [f"{batch}/{measure}" for batch in (VAL, TEST) for measure in ("loss", "cost", "accuracy")]
    assert {name: values.shape for name, values in arrays.items()} == dict.fromkeys(measures, (EPOCHS, 2))


@small_data
def test_networks_replayed_as_a_stack_give_the_same_results_as_one_by_one():
    settings = [(0.1, 0.0), (0.01, 0.0), (0.01, 1.0)]
    together = replay.replay(train_on=TEST, evaluate_on=[TEST], settings=settings)
    for m, setting in enumerate(settings):
        alone = replay.replay(train_on=TEST, evaluate_on=[TEST], settings=[setting])
        for name, values in alone.items():
            assert_allclose(together[name][:, m], values[:, 0], rtol=1e-9)


@small_data
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_replay_computes_with_the_given_dtype(monkeypatch, dtype):
    seen = []

    def record_dtypes(X, y, net, **others):
        seen.append({X.dtype, *(array.dtype for array in net)})
        return mini_batch_gd(X, y, net, **others)

    monkeypatch.setattr(replay, "mini_batch_gd", record_dtypes)
    replay.replay(train_on=TRAIN, evaluate_on=[TRAIN], dtype=dtype, **PLAIN)
    assert seen == [{np.dtype(dtype)}]


def blas_threads():
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


@small_data
def test_replay_uses_the_given_number_of_threads_and_then_restores_the_old_number():
    before, seen = blas_threads(), []

    def record_threads(orders):
        for order in orders:
            seen.append(blas_threads())
            yield order

    replay.replay(train_on=TRAIN, evaluate_on=[TRAIN], threads=2, progress=record_threads, **PLAIN)
    assert seen == [[2] * len(before)] * EPOCHS
    assert blas_threads() == before


# The replays of the report


@pytest.mark.parametrize("name", REPLAYS)
def test_the_arguments_of_every_replay_are_valid(name):
    inspect.signature(replay.replay).bind(**REPLAYS[name])
    assert {REPLAYS[name]["train_on"], *REPLAYS[name]["evaluate_on"]} <= {TRAIN, VAL, TEST}
    assert REPLAYS[name].get("orders", "reference") in ORDERS


@pytest.mark.parametrize(("name", "batch"), {"as it should be": TRAIN, "trained on test": TEST}.items())
def test_replays_use_the_published_settings_in_the_published_order(name, batch):
    rows = REFERENCE["reference_report"]["settings"]
    assert REPLAYS[name]["train_on"] == batch
    assert list(REPLAYS[name]["settings"]) == [(s["eta"], s["lam"]) for s in rows]


def test_each_chaotic_replay_differs_in_one_argument_from_single_precision():
    single = REPLAYS["single precision"]
    differ = {
        name: {key for key in arguments.keys() | single.keys() if arguments.get(key) != single.get(key)}
        for name, arguments in REPLAYS.items()
        if arguments["settings"] == [(CHAOTIC_ETA, 0)]
    }
    assert differ == {
        "single precision": set(),
        "double precision": {"dtype"},
        "single precision, two threads": {"threads"},
        "seed 43": {"seed"},
        "seed 44": {"seed"},
    }


@small_data
def test_replay_is_computed_once_and_then_read_from_the_cache(monkeypatch):
    first = replay.replayed("course")
    monkeypatch.setattr(replay, "mini_batch_gd", None)
    again = replay.replayed("course")
    assert [path.name.rpartition("@")[0] for path in paths.RUNS.iterdir()] == ["replay@course"]
    for name, values in first.items():
        assert_array_equal(again[name], values, strict=True)


@small_data
def test_command_caches_every_replay_and_prints_their_number(capsys):
    command.main()
    assert {path.name.rpartition("@")[0] for path in paths.RUNS.iterdir()} == {f"replay@{name}" for name in REPLAYS}
    assert capsys.readouterr().err.splitlines()[-1] == f"  replays: {len(REPLAYS)} of {len(REPLAYS)}"


# One epoch on the real data


@pytest.fixture
def one_epoch(monkeypatch):
    monkeypatch.setattr(replay, "N_EPOCHS", 1)


STEADY = [s for s in REFERENCE["reference_report"]["settings"] if s["eta"] < CHAOTIC_ETA]
ON_STEADY = {"settings": [(s["eta"], float(s["lam"])) for s in STEADY]}


@pytest.mark.usefixtures("one_epoch")
@pytest.mark.parametrize(("batch", "column"), {TRAIN: "train", TEST: "test"}.items())
def test_first_epoch_gives_the_published_accuracies_of_the_reference_to_the_digit(batch, column):
    """The published column "test" comes from networks that were trained on the test images."""
    accuracies = replay.replay(train_on=batch, evaluate_on=[batch], **ON_STEADY)[f"{batch}/accuracy"]
    known = [s[column][0] for s in STEADY]
    assert [round(100 * accuracy, 2) for accuracy in accuracies[0]] == known
    assert known == {"train": [30.00, 30.07, 30.30], "test": [30.72, 30.76, 31.01]}[column]


@pytest.mark.usefixtures("one_epoch")
@pytest.mark.parametrize(("orders", "cost"), {"course": 1.972, "unshuffled": 1.9737}.items())
def test_first_epoch_gives_the_published_costs_of_the_course_to_the_digit(orders, cost):
    arrays = replay.replay(train_on=TRAIN, evaluate_on=[TRAIN], orders=orders, settings=[(0.001, 0.0)])
    assert published.equal_to_the_digit(float(arrays[f"{TRAIN}/cost"][0, 0]), cost)


def test_initial_weights_equal_those_of_the_reference():
    """The reference draws W with shape (K, D) from default_rng(42), and multiplies it by 0.01. b is 0."""
    W = 0.01 * np.random.default_rng(42).standard_normal((10, 3072))
    net = init_network(np.random.default_rng(42), dtype=np.float64)
    assert isinstance(net, Network)
    assert_array_equal(net.W, W.T)
    assert not net.b.any()
