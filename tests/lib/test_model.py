"""Compare the formulas with loops written from the definitions, with SciPy and with PyTorch."""

import math

import numpy as np
import pytest
import scipy.special
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.testing import assert_allclose, assert_array_equal

from lib.model import (
    LOSSES,
    Network,
    apply_network,
    backward_pass,
    compute_accuracy,
    compute_cost,
    compute_loss,
    init_network,
    member,
    scores,
    sigmoid,
    softmax,
)
from lib.model import (
    stack as make_stack,
)

any_scores = arrays(np.float64, array_shapes(min_dims=2, max_dims=3, max_side=5), elements=st.floats(-1000, 1000))
either_loss = pytest.mark.parametrize("name", LOSSES)


# The definitions for one network, in plain Python


def loop_scores(p):
    D, K = p.net.W.shape
    return [[sum(x[d] * p.net.W[d, k] for d in range(D)) + p.net.b[k] for k in range(K)] for x in p.X]


def loop_probabilities(p, name="softmax"):
    if name == "bce":
        return [[1 / (1 + math.exp(-s)) for s in row] for row in loop_scores(p)]
    exponentials = [[math.exp(s) for s in row] for row in loop_scores(p)]
    return [[e / sum(row) for e in row] for row in exponentials]


def loop_loss(p, name="softmax"):
    losses = []
    for row, label in zip(loop_probabilities(p, name), p.y, strict=True):
        if name == "bce":
            losses.append(-sum(math.log(P if k == label else 1 - P) for k, P in enumerate(row)) / len(row))
        else:
            losses.append(-math.log(row[label]))
    return sum(losses) / len(losses)


def loop_cost(p, name="softmax"):
    return loop_loss(p, name) + p.lam * sum(w * w for w in p.net.W.ravel())


def loop_accuracy(p):
    return sum(row.index(max(row)) == label for row, label in zip(loop_scores(p), p.y, strict=True)) / len(p.y)


def loop_gradient(p, name="softmax"):
    dW, db = 2 * p.lam * p.net.W, np.zeros(len(p.net.b))
    for x, label, row in zip(p.X, p.y, loop_probabilities(p, name), strict=True):
        for k, probability in enumerate(row):
            g = (probability - (k == label)) / len(p.y)
            if name == "bce":
                g /= len(row)
            db[k] += g
            for d in range(len(x)):
                dW[d, k] += x[d] * g
    return Network(dW, db)


def loop_differences(p, name, h=1e-5):
    """Return the gradient of the cost by central differences, one parameter at a time."""
    slopes = []
    for array in p.net:
        slope = np.zeros_like(array)
        for index in np.ndindex(array.shape):
            value, costs = array[index], []
            for array[index] in (value + h, value - h):
                costs.append(loop_cost(p, name))
            array[index], slope[index] = value, (costs[0] - costs[1]) / (2 * h)
        slopes.append(slope)
    return Network(*slopes)


def torch_cost(name, S, W, y, lam):
    """Return the sum of the costs of all networks, from tensors S (N, K) or (N, M, K), W and lam, and an array y."""
    if name == "bce":
        target = torch.zeros_like(S)
        target[np.arange(len(y)), ..., y] = 1
        losses = torch.nn.functional.binary_cross_entropy_with_logits(S, target, reduction="none").mean((0, -1))
    else:
        losses = (S.logsumexp(-1) - S[np.arange(len(y)), ..., y]).mean(0)
    return (losses + lam * (W**2).sum((0, -1))).sum()


def gradient(p, name="softmax"):
    loss = LOSSES[name]
    return backward_pass(p.X, p.y, apply_network(p.X, p.net, loss), p.net, p.lam, loss)


def test_scores_match_the_loop(problem):
    assert_allclose(scores(problem.X, problem.net), problem.each(loop_scores), rtol=1e-12)


@either_loss
def test_probabilities_match_the_loop(problem, name):
    P = apply_network(problem.X, problem.net, LOSSES[name])
    assert_allclose(P, problem.each(lambda p: loop_probabilities(p, name)), rtol=1e-12)


@either_loss
def test_loss_matches_the_loop(problem, name):
    loss = compute_loss(scores(problem.X, problem.net), problem.y, LOSSES[name])
    assert_allclose(loss, problem.each(lambda p: loop_loss(p, name)), rtol=1e-12)


@either_loss
def test_cost_matches_the_loop(problem, name):
    cost = compute_cost(scores(problem.X, problem.net), problem.y, problem.net, problem.lam, LOSSES[name])
    assert_allclose(cost, problem.each(lambda p: loop_cost(p, name)), rtol=1e-12)


def test_default_loss_is_softmax(problem):
    S, softmax_loss = scores(problem.X, problem.net), LOSSES["softmax"]
    P = apply_network(problem.X, problem.net)
    assert_array_equal(P, apply_network(problem.X, problem.net, softmax_loss))
    assert_array_equal(compute_loss(S, problem.y), compute_loss(S, problem.y, softmax_loss))
    for a, b in zip(
        backward_pass(problem.X, problem.y, P, problem.net, problem.lam), gradient(problem, "softmax"), strict=True
    ):
        assert_array_equal(a, b)


def test_scalar_lam_applies_to_every_network_of_a_stack(stack):
    S = scores(stack.X, stack.net)
    same = np.full(4, 0.3)
    assert_array_equal(compute_cost(S, stack.y, stack.net, 0.3), compute_cost(S, stack.y, stack.net, same))
    for a, b in zip(gradient(stack._replace(lam=0.3)), gradient(stack._replace(lam=same)), strict=True):
        assert_array_equal(a, b)


def test_accuracy_matches_the_loop(problem):
    assert_array_equal(compute_accuracy(scores(problem.X, problem.net), problem.y), problem.each(loop_accuracy))


@either_loss
def test_gradient_matches_the_loop(problem, name):
    own = gradient(problem, name)
    assert_allclose(own.W, problem.each(lambda p: loop_gradient(p, name).W), rtol=1e-12, atol=1e-14)
    assert_allclose(own.b, problem.each(lambda p: loop_gradient(p, name).b), rtol=1e-12, atol=1e-14)


@either_loss
def test_gradient_matches_torch(problem, name):
    W, b = (torch.tensor(array, requires_grad=True) for array in problem.net)
    S = torch.tensordot(torch.tensor(problem.X), W, 1) + b
    torch_cost(name, S, W, problem.y, torch.tensor(problem.lam, dtype=W.dtype)).backward()
    assert_allclose(gradient(problem, name).W, W.grad, rtol=1e-12, atol=1e-14)
    assert_allclose(gradient(problem, name).b, b.grad, rtol=1e-12, atol=1e-14)


@either_loss
def test_gradient_matches_central_differences(problem, name):
    own = gradient(problem, name)
    assert_allclose(own.W, problem.each(lambda p: loop_differences(p, name).W), rtol=1e-6, atol=1e-9)
    assert_allclose(own.b, problem.each(lambda p: loop_differences(p, name).b), rtol=1e-6, atol=1e-9)


@given(any_scores)
def test_softmax_matches_scipy(S):
    assert_allclose(softmax(S), scipy.special.softmax(S, axis=-1), rtol=1e-12, atol=1e-150)


@given(any_scores)
def test_sigmoid_matches_scipy(S):
    assert_allclose(sigmoid(S), scipy.special.expit(S), rtol=1e-12, atol=1e-150)


def labels_of(S):
    return arrays(np.int64, len(S), elements=st.integers(0, S.shape[-1] - 1))


@given(any_scores, st.data())
def test_binary_cross_entropy_matches_torch(S, data):
    y, none = data.draw(labels_of(S)), torch.tensor(0.0)
    cost = torch_cost("bce", torch.tensor(S), torch.zeros(1, 1), y, none)
    assert_allclose(compute_loss(S, y, LOSSES["bce"]).sum(), cost, atol=1e-9)


@either_loss
@given(any_scores, st.data())
def test_loss_is_never_negative(name, S, data):
    for dtype in (np.float32, np.float64):
        assert LOSSES[name].of_image(S.astype(dtype), data.draw(labels_of(S))).min() >= 0


@given(any_scores, st.data())
def test_cross_entropy_matches_scipy_and_torch(S, data):
    y = data.draw(labels_of(S))
    loss = compute_loss(S, y)
    assert_allclose(loss, -scipy.special.log_softmax(S, axis=-1)[np.arange(len(y)), ..., y].mean(0), atol=1e-9)
    target = torch.tensor(np.broadcast_to(y.reshape(-1, *[1] * (S.ndim - 2)), S.shape[:-1]).copy())
    by_image = torch.nn.functional.cross_entropy(torch.tensor(S).movedim(-1, 1), target, reduction="none")
    assert_allclose(loss, by_image.mean(0), atol=1e-9)


@given(any_scores)
def test_probabilities_are_in_0_to_1_and_sum_to_1(S):
    P = softmax(S)
    assert P.min() >= 0
    assert_allclose(P.sum(-1), 1, rtol=1e-12)


@given(any_scores, st.floats(-1000, 1000))
def test_adding_a_constant_to_all_scores_changes_neither_probabilities_nor_loss(S, shift):
    y = np.zeros(len(S), int)
    assert_allclose(softmax(S + shift), softmax(S), atol=1e-9)
    assert_allclose(compute_loss(S + shift, y), compute_loss(S, y), atol=1e-9)


# Expected P and loss. Softmax: the mean of 2000, for a confident wrong prediction, and 0. BCE: three terms per image
EXTREMES = {
    "softmax": ([[1, 0, 0], [0, 1, 0]], 1000),
    "bce": ([[1, 0, 0.5], [0, 1, 0.5]], (2000 + 2 * math.log(2)) / 6),
}


@pytest.mark.filterwarnings("error", "ignore::ResourceWarning")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("name", "P", "loss"), [(name, *expected) for name, expected in EXTREMES.items()])
def test_scores_of_1000_neither_overflow_nor_give_nan(name, P, loss, dtype):
    S = np.array([[1000, -1000, 0], [-1000, 1000, 0]], dtype)
    assert_allclose(LOSSES[name].probabilities(S), P, rtol=0, atol=1e-18)
    assert compute_loss(S, np.array([1, 1]), LOSSES[name]) == pytest.approx(loss, rel=1e-6)


@either_loss
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_probabilities_and_gradient_of_extreme_scores_contain_no_subnormal_numbers(name, dtype):
    """Subnormal numbers are several times as slow. Without a minimum, exp(score) would be subnormal for some scores."""
    S, X, y = -np.arange(800, dtype=dtype)[None], np.full((1, 2), 0.01, dtype), np.zeros(1, int)
    net = Network(np.zeros((2, 800), dtype), np.zeros(800, dtype))
    P = LOSSES[name].probabilities(S)
    for array in (P, *backward_pass(X, y, P, net, 0, LOSSES[name])):
        assert abs(array[array != 0]).min() >= np.finfo(dtype).tiny


@pytest.mark.parametrize(("name", "loss"), {"softmax": np.log(3), "bce": np.log(2)}.items())
def test_loss_of_a_zero_network_is_the_loss_of_equal_probabilities(problem, name, loss):
    net = Network(np.zeros_like(problem.net.W), np.zeros_like(problem.net.b))
    assert_allclose(compute_loss(scores(problem.X, net), problem.y, LOSSES[name]), loss, rtol=1e-12)


@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 6), st.integers(1, 6), st.sampled_from([*LOSSES.values()]))
def test_shapes_are_right_for_one_network_and_for_a_stack(N, D, K, M, loss):
    X, y = np.ones((N, D)), np.zeros(N, int)
    for shape in [(), (M,)]:
        net = Network(np.ones((D, *shape, K)), np.ones((*shape, K)))
        S = scores(X, net)
        P = loss.probabilities(S)
        assert S.shape == P.shape == (N, *shape, K)
        measures = compute_loss(S, y, loss), compute_cost(S, y, net, 1, loss), compute_accuracy(S, y)
        assert [measure.shape for measure in measures] == [shape] * 3
        assert [g.shape for g in backward_pass(X, y, P, net, 1, loss)] == [w.shape for w in net]


@either_loss
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_probabilities_and_gradient_have_the_dtype_of_the_network(problem, name, dtype):
    net = Network(*(array.astype(dtype) for array in problem.net))
    X, loss = problem.X.astype(dtype), LOSSES[name]
    P = apply_network(X, net, loss)
    assert {P.dtype, *(g.dtype for g in backward_pass(X, problem.y, P, net, problem.lam, loss))} == {np.dtype(dtype)}


@either_loss
def test_inputs_are_not_changed(problem, name):
    S, loss = scores(problem.X, problem.net), LOSSES[name]
    P = loss.probabilities(S)
    for array in [problem.X, problem.y, *problem.net, S, P]:
        array.flags.writeable = False  # a write raises ValueError
    apply_network(problem.X, problem.net, loss)
    compute_cost(S, problem.y, problem.net, problem.lam, loss)
    compute_accuracy(S, problem.y)
    backward_pass(problem.X, problem.y, P, problem.net, problem.lam, loss)


def test_stack_of_networks_has_their_weights_in_order(stack):
    made = make_stack([problem.net for problem in stack.alone()])
    assert_array_equal(made.W, stack.net.W)
    assert_array_equal(made.b, stack.net.b)


def test_member_returns_the_network_that_was_stacked(stack):
    for m, problem in enumerate(stack.alone()):
        own = member(stack.net, m)
        assert_array_equal(own.W, problem.net.W, strict=True)
        assert_array_equal(own.b, problem.net.b, strict=True)
        assert own.W.flags.c_contiguous


def test_accuracy_predicts_the_first_class_if_scores_are_equal():
    assert compute_accuracy(np.zeros((4, 3)), np.array([0, 1, 2, 0])) == 0.5


def test_initial_network_of_seed_42_is_the_same_as_in_the_course():
    net = init_network(np.random.default_rng(42), dtype=np.float64)
    assert_array_equal(net.W, 0.01 * np.random.default_rng(42).standard_normal((10, 3072)).T)
    assert_array_equal(net.b, np.zeros(10))


def test_initial_network_has_the_requested_size_and_deviation_in_float32():
    net = init_network(np.random.default_rng(0), d=2000, K=7, sigma=3)
    assert (net.W.shape, net.b.shape) == ((2000, 7), (7,))
    assert (net.W.dtype, net.b.dtype) == (np.float32, np.float32)
    assert net.W.std() == pytest.approx(3, rel=0.03)
    assert net.W.flags.c_contiguous
