"""Training against a loop with its own gradient, a pinned trajectory, and the record of what is reached."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from lib.model import Network, compute_accuracy, compute_cost, compute_loss, scores
from lib.train import History, epoch_orders, evaluate, mini_batch_gd

sizes, seeds = st.integers(1, 30), st.integers(0, 2**32 - 1)


def train(p, orders=None, n_batch=3, **others):
    orders = epoch_orders(np.random.default_rng(5), 7, 4) if orders is None else orders
    return mini_batch_gd(p.X, p.y, p.net, eta=p.eta, lam=p.lam, n_batch=n_batch, orders=orders, **others)


def loop_train(p, orders, n_batch):
    """Mini-batch gradient descent from its definition, for one network, image by image."""
    W, b = p.net.W.copy(), p.net.b.copy()
    for order in orders:
        while len(order):
            batch, order = order[:n_batch], order[n_batch:]
            dW, db = 2 * p.lam * W, np.zeros_like(b)
            for i in batch:
                exponentials = np.exp(p.X[i] @ W + b)
                g = exponentials / exponentials.sum() - np.eye(len(b))[p.y[i]]
                dW, db = dW + np.outer(p.X[i], g) / len(batch), db + g / len(batch)
            W, b = W - p.eta * dW, b - p.eta * db
    return Network(W, b)


def assert_same(a, b, **tolerance):
    for x, z in zip(a, b, strict=True):
        assert_allclose(x, z, **tolerance)


@given(seeds, sizes)
def test_each_order_is_a_permutation(seed, n):
    for order in epoch_orders(np.random.default_rng(seed), n, 3):
        assert_array_equal(np.sort(order), np.arange(n))


@given(seeds, sizes)
def test_orders_compound(seed, n):
    permutations = np.random.default_rng(seed)
    previous = np.arange(n)
    for order in epoch_orders(np.random.default_rng(seed), n, 3):
        assert_array_equal(order, previous[permutations.permutation(n)])
        previous = order


def test_orders_follow_from_the_seed():
    once, again, other = (list(epoch_orders(np.random.default_rng(seed), 50, 2)) for seed in (7, 7, 8))
    assert_array_equal(once, again)
    assert not np.array_equal(once, other)


@pytest.mark.parametrize("n_epochs", [0, 1, 5])
def test_there_is_an_order_for_each_epoch(n_epochs):
    assert len(list(epoch_orders(np.random.default_rng(0), 4, n_epochs))) == n_epochs


@pytest.mark.parametrize("n_batch", [1, 3, 7, 100], ids="batches of {}".format)  # 3 leaves a last batch of 1
def test_training_is_that_of_the_loop(single, n_batch):
    orders = list(epoch_orders(np.random.default_rng(5), 7, 4))
    assert_same(train(single, orders, n_batch), loop_train(single, orders, n_batch), rtol=1e-12)


def test_a_stack_is_trained_as_its_networks_alone(stack):
    trained = train(stack)
    assert_allclose(trained.W, stack.each(lambda p: train(p).W), rtol=1e-12)
    assert_allclose(trained.b, stack.each(lambda p: train(p).b), rtol=1e-12)


def test_one_eta_and_lam_serve_a_whole_stack(stack):
    same = np.ones(4)
    assert_same(train(stack._replace(eta=0.1, lam=0.2)), train(stack._replace(eta=0.1 * same, lam=0.2 * same)))


def test_images_can_be_taken_unshuffled(single):
    unshuffled = [np.arange(7)] * 3
    assert_same(train(single, unshuffled), loop_train(single, unshuffled, 3), rtol=1e-12)


def test_no_epochs_give_the_network_back(problem):
    assert_same(train(problem, orders=[]), problem.net, rtol=0)


def test_the_network_and_the_data_are_left_as_they_were(problem):
    for array in [problem.X, problem.y, *problem.net]:
        array.flags.writeable = False  # whatever writes to it raises
    assert all((new != old).all() for new, old in zip(train(problem), problem.net, strict=True))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_stays_that_of_the_network(problem, dtype):
    net = Network(*(array.astype(dtype) for array in problem.net))
    trained = train(problem._replace(net=net, X=problem.X.astype(dtype)))
    assert {array.dtype for array in trained} == {np.dtype(dtype)}


def test_epochs_are_reported_from_1_to_n(problem):
    epochs = []
    train(problem, on_epoch=lambda epoch, net: epochs.append(epoch))
    assert epochs == [1, 2, 3, 4]


def test_the_last_report_is_of_the_trained_network(problem):
    reported = []
    trained = train(problem, on_epoch=lambda epoch, net: reported.append(Network(*(array.copy() for array in net))))
    assert_same(reported[-1], trained, rtol=0)
    assert not np.array_equal(reported[0].W, trained.W)


@pytest.mark.parametrize("letter", ["W", "b"])
def test_a_report_cannot_change_the_network(problem, letter):
    def meddle(epoch, net):
        getattr(net, letter)[...] = 0

    with pytest.raises(ValueError, match="read-only"):
        train(problem, on_epoch=meddle)


PINNED_COSTS = [1.222020556186, 1.129856592652, 1.0630623396]
PINNED_W = [[1.261302186557, 0.08836537830575, -0.291297505656], [-0.3745523002892, -0.5493214894854, -0.356514670907]]
PINNED_B = [0.006629108312372, -0.005002942547651, -0.001626165764721]


def test_a_short_run_reaches_the_costs_it_always_reached():
    X, y = np.sin(np.arange(12.0)).reshape(6, 2), np.array([0, 2, 1, 1, 0, 2])
    net = Network(np.cos(np.arange(6.0)).reshape(2, 3), np.array([0.1, 0.0, -0.1]))
    orders = [np.array([3, 1, 4, 0, 5, 2]), np.array([2, 0, 5, 1, 4, 3]), np.arange(6)]
    history = History({"train": (X, y)}, lam=0.01)
    net = mini_batch_gd(X, y, net, eta=0.5, lam=0.01, n_batch=4, orders=orders, on_epoch=history)
    assert_allclose(history["train"]["cost"], PINNED_COSTS, rtol=1e-10)
    assert_allclose(net.W, PINNED_W, rtol=1e-10)
    assert_allclose(net.b, PINNED_B, rtol=1e-10)


def test_evaluation_gives_loss_cost_and_accuracy(problem):
    S = scores(problem.X, problem.net)
    measured = evaluate(problem.X, problem.y, problem.net, problem.lam)
    assert list(measured) == ["loss", "cost", "accuracy"]
    assert_array_equal(measured["loss"], compute_loss(S, problem.y))
    assert_array_equal(measured["cost"], compute_cost(S, problem.y, problem.net, problem.lam))
    assert_array_equal(measured["accuracy"], compute_accuracy(S, problem.y))


def test_history_holds_every_measure_of_every_split_and_epoch(problem):
    history = History({"train": (problem.X, problem.y), "val": (problem.X[:2], problem.y[:2])}, problem.lam)
    net = train(problem, on_epoch=history)
    for name, (X, y) in {"train": (problem.X, problem.y), "val": (problem.X[:2], problem.y[:2])}.items():
        for measure, value in evaluate(X, y, net, problem.lam).items():
            assert history[name][measure].shape == (4, *problem.net.b.shape[:-1])
            assert_array_equal(history[name][measure][-1], value)
