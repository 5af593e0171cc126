"""Compare training with a loop from the definition, with PyTorch and with pinned costs; test the history."""

from itertools import repeat

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from lib.model import LOSSES, SOFTMAX, Network, compute_accuracy, compute_cost, compute_loss, member, scores
from lib.train import History, epoch_orders, evaluate, mini_batch_gd

ONES = repeat(1)
sizes, seeds = st.integers(1, 30), st.integers(0, 2**32 - 1)
either_loss = pytest.mark.parametrize("name", LOSSES)


def train(p, orders=None, n_batch=3, **others):
    orders = epoch_orders(np.random.default_rng(5), 7, 4) if orders is None else orders
    return mini_batch_gd(p.X, p.y, p.net, eta=p.eta, lam=p.lam, n_batch=n_batch, orders=orders, **others)


def pull(name, s, label):
    """Return the gradient of an image's loss with respect to its scores s (K,)."""
    one_hot = np.eye(len(s))[label]
    if name == "bce":
        return (1 / (1 + np.exp(-s)) - one_hot) / len(s)
    return np.exp(s) / np.exp(s).sum() - one_hot


def loop_train(p, orders=None, n_batch=3, name="softmax", factors=ONES):
    """Train one network by mini-batch gradient descent as it is defined, image by image."""
    W, b = p.net.W.copy(), p.net.b.copy()
    orders = epoch_orders(np.random.default_rng(5), 7, 4) if orders is None else orders
    for order, factor in zip(orders, factors, strict=False):
        while len(order):
            batch, order = order[:n_batch], order[n_batch:]
            dW, db = 2 * p.lam * W, np.zeros_like(b)
            for i in batch:
                g = pull(name, p.X[i] @ W + b, p.y[i])
                dW, db = dW + np.outer(p.X[i], g) / len(batch), db + g / len(batch)
            W, b = W - factor * p.eta * dW, b - factor * p.eta * db
    return Network(W, b)


def assert_same(a, b, **tolerance):
    for x, z in zip(a, b, strict=True):
        assert_allclose(x, z, **tolerance)


@given(seeds, sizes)
def test_each_order_is_a_permutation(seed, n):
    for order in epoch_orders(np.random.default_rng(seed), n, 3):
        assert_array_equal(np.sort(order), np.arange(n))


@given(seeds, sizes)
def test_each_order_permutes_the_previous_one(seed, n):
    permutations = np.random.default_rng(seed)
    previous = np.arange(n)
    for order in epoch_orders(np.random.default_rng(seed), n, 3):
        assert_array_equal(order, previous[permutations.permutation(n)])
        previous = order


def test_same_seed_gives_the_same_orders():
    once, again, other = (list(epoch_orders(np.random.default_rng(seed), 50, 2)) for seed in (7, 7, 8))
    assert_array_equal(once, again)
    assert not np.array_equal(once, other)


@pytest.mark.parametrize("n_epochs", [0, 1, 5])
def test_there_is_an_order_for_each_epoch(n_epochs):
    assert len(list(epoch_orders(np.random.default_rng(0), 4, n_epochs))) == n_epochs


@either_loss
@pytest.mark.parametrize("n_batch", [1, 3, 7, 100], ids="batches of {}".format)  # 3 leaves a last batch of 1
def test_training_matches_the_loop(single, n_batch, name):
    trained = train(single, n_batch=n_batch, loss=LOSSES[name])
    assert_same(trained, loop_train(single, n_batch=n_batch, name=name), rtol=1e-12)


def test_defaults_are_softmax_unchanged_inputs_constant_eta_and_no_momentum(problem):
    explicit = train(problem, loss=SOFTMAX, take=lambda X, batch: X[batch], decay=[1, 1, 1, 1], momentum=0.0)
    assert_same(train(problem), explicit, rtol=0)


def test_stack_gives_the_results_of_its_networks_trained_separately(stack):
    trained = train(stack)
    assert_allclose(trained.W, stack.each(lambda p: train(p).W), rtol=1e-12)
    assert_allclose(trained.b, stack.each(lambda p: train(p).b), rtol=1e-12)


def test_scalar_eta_and_lam_apply_to_every_network_of_a_stack(stack):
    same = np.ones(4)
    assert_same(train(stack._replace(eta=0.1, lam=0.2)), train(stack._replace(eta=0.1 * same, lam=0.2 * same)))


def test_orders_can_leave_the_images_unshuffled(single):
    unshuffled = [np.arange(7)] * 3
    assert_same(train(single, unshuffled), loop_train(single, unshuffled, 3), rtol=1e-12)


def test_each_batch_is_taken_from_the_data_in_the_order_of_the_epoch(single):
    order, taken = np.array([3, 1, 4, 0, 6, 5, 2]), []

    def take(X, batch):
        taken.append(batch.tolist())
        assert X is single.X
        return X[batch]

    train(single, [order, order[::-1]], take=take)
    assert taken == [[3, 1, 4], [0, 6, 5], [2], [2, 5, 6], [0, 4, 1], [3]]


@either_loss
def test_training_uses_the_inputs_that_take_returns(problem, name):
    doubled = train(problem._replace(X=2 * problem.X), loss=LOSSES[name])
    assert_same(train(problem, loss=LOSSES[name], take=lambda X, batch: 2 * X[batch]), doubled, rtol=1e-12)


FACTORS = [1, 0.5, 0.1, 0.3]


def test_eta_is_multiplied_by_the_factor_of_each_epoch(problem):
    trained = train(problem, decay=FACTORS)
    assert_allclose(trained.W, problem.each(lambda p: loop_train(p, factors=FACTORS).W), rtol=1e-12)
    assert_allclose(trained.b, problem.each(lambda p: loop_train(p, factors=FACTORS).b), rtol=1e-12)


@pytest.mark.parametrize("eta", [0.05, np.array([0.01, 0.02, 0.05, 0.1])], ids=["one eta", "an eta each"])
def test_networks_of_a_stack_can_have_different_factors(stack, eta):
    own = np.random.default_rng(2).random((4, 4))  # epochs, networks
    trained = train(stack._replace(eta=eta), decay=own)
    for m, p in enumerate(stack._replace(eta=np.broadcast_to(eta, 4)).alone()):
        assert_same((trained.W[:, m], trained.b[m]), loop_train(p, factors=own[:, m]), rtol=1e-12)


def test_factor_0_leaves_the_network_unchanged(problem):
    two_epochs = epoch_orders(np.random.default_rng(5), 7, 2)
    assert_same(train(problem, decay=[1, 0.5, 0, 0]), train(problem, two_epochs, decay=[1, 0.5]), rtol=0)


def test_factor_is_requested_after_on_epoch_of_the_previous_epoch(problem):
    events = []

    def decay():
        while True:
            events.append("factor")
            yield 1

    train(problem, decay=decay(), on_epoch=lambda epoch, net: events.append(epoch))
    assert events == ["factor", 1, "factor", 2, "factor", 3, "factor", 4]


def torch_train(p, momentum):
    """Train one network with PyTorch's mini-batch gradient descent with momentum."""
    W, b = (torch.tensor(array, requires_grad=True) for array in p.net)
    optimiser = torch.optim.SGD([W, b], lr=float(p.eta), momentum=momentum)
    for order in epoch_orders(np.random.default_rng(5), 7, 4):
        for batch in np.split(order, [3, 6]):
            optimiser.zero_grad()
            S = torch.tensor(p.X[batch]) @ W + b
            (torch.nn.functional.cross_entropy(S, torch.tensor(p.y[batch])) + p.lam * (W**2).sum()).backward()
            optimiser.step()
    return Network(W.detach().numpy(), b.detach().numpy())


def test_momentum_matches_torch(problem):
    trained = train(problem, momentum=0.9)
    assert_allclose(trained.W, problem.each(lambda p: torch_train(p, 0.9).W), rtol=1e-10)
    assert_allclose(trained.b, problem.each(lambda p: torch_train(p, 0.9).b), rtol=1e-10)


MOMENTA = [0.9, 0.0, 0.5, 0.1]


def test_networks_of_a_stack_can_have_different_momentum(stack):
    trained = train(stack, momentum=np.array(MOMENTA))
    for m, (p, momentum) in enumerate(zip(stack.alone(), MOMENTA, strict=True)):
        assert_same(member(trained, m), torch_train(p, momentum), rtol=1e-10)
        assert_same(member(trained, m), train(p, momentum=momentum), rtol=1e-12)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_scalar_momentum_applies_to_every_network_of_a_stack(stack, momentum):
    assert_same(train(stack, momentum=momentum), train(stack, momentum=np.full(4, momentum)), rtol=0)


def test_momentum_repeats_a_share_of_the_previous_update_even_if_eta_is_0(problem):
    """With eta 0, only momentum changes the weights: each update is half of the previous one."""
    whole, last = [np.arange(7)], problem.each(lambda p: loop_train(p, [np.arange(7)], 7).W) - problem.net.W
    trained = train(problem, whole * 3, 7, momentum=0.5, decay=[1, 0, 0])
    assert_allclose(trained.W, problem.net.W + 1.75 * last, rtol=1e-12)


def test_training_without_epochs_returns_the_initial_network(problem):
    assert_same(train(problem, orders=[]), problem.net, rtol=0)


def test_training_does_not_change_the_initial_network_or_the_data(problem):
    for array in [problem.X, problem.y, *problem.net]:
        array.flags.writeable = False  # a write raises ValueError
    assert all((new != old).all() for new, old in zip(train(problem), problem.net, strict=True))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_trained_network_keeps_its_dtype(problem, dtype):
    net = Network(*(array.astype(dtype) for array in problem.net))
    momentum = np.full(np.shape(problem.eta), 0.9)
    others = {"decay": np.array(FACTORS), "momentum": momentum, "loss": LOSSES["bce"]}
    trained = train(problem._replace(net=net, X=problem.X.astype(dtype)), **others)
    assert {array.dtype for array in trained} == {np.dtype(dtype)}


def test_on_epoch_is_called_with_epochs_1_to_n(problem):
    epochs = []
    train(problem, on_epoch=lambda epoch, net: epochs.append(epoch))
    assert epochs == [1, 2, 3, 4]


def test_last_call_of_on_epoch_gets_the_trained_network(problem):
    reported = []
    trained = train(problem, on_epoch=lambda epoch, net: reported.append(Network(*(array.copy() for array in net))))
    assert_same(reported[-1], trained, rtol=0)
    assert not np.array_equal(reported[0].W, trained.W)


@pytest.mark.parametrize("letter", ["W", "b"])
def test_on_epoch_cannot_change_the_network(problem, letter):
    def meddle(epoch, net):
        getattr(net, letter)[...] = 0

    with pytest.raises(ValueError, match="read-only"):
        train(problem, on_epoch=meddle)


PINNED_COSTS = [1.222020556186, 1.129856592652, 1.0630623396]
PINNED_W = [[1.261302186557, 0.08836537830575, -0.291297505656], [-0.3745523002892, -0.5493214894854, -0.356514670907]]
PINNED_B = [0.006629108312372, -0.005002942547651, -0.001626165764721]


def test_short_training_reaches_the_pinned_costs_and_weights():
    X, y = np.sin(np.arange(12.0)).reshape(6, 2), np.array([0, 2, 1, 1, 0, 2])
    net = Network(np.cos(np.arange(6.0)).reshape(2, 3), np.array([0.1, 0.0, -0.1]))
    orders = [np.array([3, 1, 4, 0, 5, 2]), np.array([2, 0, 5, 1, 4, 3]), np.arange(6)]
    history = History({"train": (X, y)}, lam=0.01)
    net = mini_batch_gd(X, y, net, eta=0.5, lam=0.01, n_batch=4, orders=orders, on_epoch=history)
    assert_allclose(history["train"]["cost"], PINNED_COSTS, rtol=1e-10)
    assert_allclose(net.W, PINNED_W, rtol=1e-10)
    assert_allclose(net.b, PINNED_B, rtol=1e-10)


@either_loss
def test_evaluate_returns_loss_cost_and_accuracy(problem, name):
    S, loss = scores(problem.X, problem.net), LOSSES[name]
    measured = evaluate(problem.X, problem.y, problem.net, problem.lam, loss)
    assert list(measured) == ["loss", "cost", "accuracy"]
    assert_array_equal(measured["loss"], compute_loss(S, problem.y, loss))
    assert_array_equal(measured["cost"], compute_cost(S, problem.y, problem.net, problem.lam, loss))
    assert_array_equal(measured["accuracy"], compute_accuracy(S, problem.y))


def test_default_loss_of_evaluate_is_softmax(problem):
    default = evaluate(problem.X, problem.y, problem.net, problem.lam)
    for measure, value in evaluate(problem.X, problem.y, problem.net, problem.lam, SOFTMAX).items():
        assert_array_equal(default[measure], value)


@either_loss
def test_history_records_every_measure_of_every_split_and_epoch(problem, name):
    splits = {"train": (problem.X, problem.y), "val": (problem.X[:2], problem.y[:2])}
    history = History(splits, problem.lam, LOSSES[name])
    net = train(problem, on_epoch=history, loss=LOSSES[name])
    for split, (X, y) in splits.items():
        for measure, value in evaluate(X, y, net, problem.lam, LOSSES[name]).items():
            assert history[split][measure].shape == (4, *problem.net.b.shape[:-1])
            assert_array_equal(history[split][measure][-1], value)


def test_values_of_the_last_epoch_can_be_replaced_in_the_history(problem):
    splits = {"train": (problem.X, problem.y), "val": (problem.X[:2], problem.y[:2])}
    history, untouched = (History(splits, problem.lam, LOSSES["bce"]) for _ in range(2))
    for record in (history, untouched):
        train(problem, on_epoch=record)
    other = Network(problem.net.W / 2, problem.net.b + 1)
    history.replace_last(other)
    for split, (X, y) in splits.items():
        for measure, value in evaluate(X, y, other, problem.lam, LOSSES["bce"]).items():
            assert_array_equal(history[split][measure][:-1], untouched[split][measure][:-1])
            assert_array_equal(history[split][measure][-1], value)
            assert history[split][measure].shape == untouched[split][measure].shape
