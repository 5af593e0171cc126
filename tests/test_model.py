"""The formulas against loops written from the definitions, SciPy and PyTorch."""

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
    Network,
    apply_network,
    backward_pass,
    compute_accuracy,
    compute_cost,
    compute_loss,
    init_network,
    scores,
    softmax,
)
from lib.model import (
    stack as make_stack,
)

any_scores = arrays(np.float64, array_shapes(min_dims=2, max_dims=3, max_side=5), elements=st.floats(-1000, 1000))


# Definitions, for one network, in plain Python.


def loop_scores(p):
    D, K = p.net.W.shape
    return [[sum(x[d] * p.net.W[d, k] for d in range(D)) + p.net.b[k] for k in range(K)] for x in p.X]


def loop_probabilities(p):
    exponentials = [[math.exp(s) for s in row] for row in loop_scores(p)]
    return [[e / sum(row) for e in row] for row in exponentials]


def loop_loss(p):
    return -sum(math.log(row[label]) for row, label in zip(loop_probabilities(p), p.y, strict=True)) / len(p.y)


def loop_cost(p):
    return loop_loss(p) + p.lam * sum(w * w for w in p.net.W.ravel())


def loop_accuracy(p):
    return sum(row.index(max(row)) == label for row, label in zip(loop_scores(p), p.y, strict=True)) / len(p.y)


def loop_gradient(p):
    dW, db = 2 * p.lam * p.net.W, np.zeros(len(p.net.b))
    for x, label, row in zip(p.X, p.y, loop_probabilities(p), strict=True):
        for k, probability in enumerate(row):
            g = (probability - (k == label)) / len(p.y)
            db[k] += g
            for d in range(len(x)):
                dW[d, k] += x[d] * g
    return Network(dW, db)


def gradient(p):
    return backward_pass(p.X, p.y, apply_network(p.X, p.net), p.net, p.lam)


def test_scores_are_those_of_the_loop(problem):
    assert_allclose(scores(problem.X, problem.net), problem.each(loop_scores), rtol=1e-12)


def test_probabilities_are_those_of_the_loop(problem):
    assert_allclose(apply_network(problem.X, problem.net), problem.each(loop_probabilities), rtol=1e-12)


def test_loss_is_that_of_the_loop(problem):
    assert_allclose(compute_loss(scores(problem.X, problem.net), problem.y), problem.each(loop_loss), rtol=1e-12)


def test_cost_is_that_of_the_loop(problem):
    cost = compute_cost(scores(problem.X, problem.net), problem.y, problem.net, problem.lam)
    assert_allclose(cost, problem.each(loop_cost), rtol=1e-12)


def test_one_lam_serves_a_whole_stack(stack):
    S = scores(stack.X, stack.net)
    same = np.full(4, 0.3)
    assert_array_equal(compute_cost(S, stack.y, stack.net, 0.3), compute_cost(S, stack.y, stack.net, same))
    for a, b in zip(gradient(stack._replace(lam=0.3)), gradient(stack._replace(lam=same)), strict=True):
        assert_array_equal(a, b)


def test_accuracy_is_that_of_the_loop(problem):
    assert_array_equal(compute_accuracy(scores(problem.X, problem.net), problem.y), problem.each(loop_accuracy))


def test_gradient_is_that_of_the_loop(problem):
    assert_allclose(gradient(problem).W, problem.each(lambda p: loop_gradient(p).W), rtol=1e-12, atol=1e-14)
    assert_allclose(gradient(problem).b, problem.each(lambda p: loop_gradient(p).b), rtol=1e-12, atol=1e-14)


def test_gradient_is_that_of_torch(problem):
    W, b = (torch.tensor(array, requires_grad=True) for array in problem.net)
    S = torch.tensordot(torch.tensor(problem.X), W, 1) + b
    own = S[np.arange(7), ..., problem.y]
    cost = (S.logsumexp(-1) - own).mean(0) + torch.tensor(problem.lam, dtype=W.dtype) * (W**2).sum((0, -1))
    cost.sum().backward()
    assert_allclose(gradient(problem).W, W.grad, rtol=1e-12, atol=1e-14)
    assert_allclose(gradient(problem).b, b.grad, rtol=1e-12, atol=1e-14)


@given(any_scores)
def test_softmax_is_that_of_scipy(S):
    assert_allclose(softmax(S), scipy.special.softmax(S, axis=-1), rtol=1e-12, atol=1e-300)


@given(any_scores, st.data())
def test_loss_is_that_of_scipy_and_torch(S, data):
    y = data.draw(arrays(np.int64, len(S), elements=st.integers(0, S.shape[-1] - 1)))
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
def test_a_shift_of_all_scores_changes_nothing(S, shift):
    y = np.zeros(len(S), int)
    assert_allclose(softmax(S + shift), softmax(S), atol=1e-9)
    assert_allclose(compute_loss(S + shift, y), compute_loss(S, y), atol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scores_of_1000_neither_overflow_nor_give_nan(dtype):
    S = np.array([[1000, -1000, 0], [-1000, 1000, 0]], dtype)
    assert_array_equal(softmax(S), [[1, 0, 0], [0, 1, 0]])
    assert compute_loss(S, np.array([1, 1])) == 1000  # the mean of 2000, for a certain and wrong answer, and 0


def test_loss_at_W_0_is_log_K(problem):
    net = Network(np.zeros_like(problem.net.W), np.zeros_like(problem.net.b))
    assert_allclose(compute_loss(scores(problem.X, net), problem.y), np.log(3), rtol=1e-12)


@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 6), st.integers(1, 6))
def test_shapes_follow_from_those_of_the_network(N, D, K, M):
    X, y = np.ones((N, D)), np.zeros(N, int)
    for shape in [(), (M,)]:
        net = Network(np.ones((D, *shape, K)), np.ones((*shape, K)))
        S = scores(X, net)
        assert S.shape == softmax(S).shape == (N, *shape, K)
        assert compute_loss(S, y).shape == compute_cost(S, y, net, 1).shape == compute_accuracy(S, y).shape == shape
        assert [g.shape for g in backward_pass(X, y, softmax(S), net, 1)] == [w.shape for w in net]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_stays_that_of_the_network(problem, dtype):
    net = Network(*(array.astype(dtype) for array in problem.net))
    X = problem.X.astype(dtype)
    P = apply_network(X, net)
    assert {P.dtype, *(g.dtype for g in backward_pass(X, problem.y, P, net, problem.lam))} == {np.dtype(dtype)}


def test_the_inputs_are_left_as_they_were(problem):
    S = scores(problem.X, problem.net)
    P = softmax(S)
    for array in [problem.X, problem.y, *problem.net, S, P]:
        array.flags.writeable = False  # whatever writes to it raises
    apply_network(problem.X, problem.net)
    compute_cost(S, problem.y, problem.net, problem.lam)
    compute_accuracy(S, problem.y)
    backward_pass(problem.X, problem.y, P, problem.net, problem.lam)


def test_networks_alone_make_up_a_stack(stack):
    made = make_stack([problem.net for problem in stack.alone()])
    assert_array_equal(made.W, stack.net.W)
    assert_array_equal(made.b, stack.net.b)


def test_accuracy_takes_the_first_of_equal_scores():
    assert compute_accuracy(np.zeros((4, 3)), np.array([0, 1, 2, 0])) == 0.5


def test_seed_42_gives_the_network_of_the_course():
    net = init_network(np.random.default_rng(42), dtype=np.float64)
    assert_array_equal(net.W, 0.01 * np.random.default_rng(42).standard_normal((10, 3072)).T)
    assert_array_equal(net.b, np.zeros(10))


def test_a_new_network_has_the_size_spread_and_dtype_asked_for():
    net = init_network(np.random.default_rng(0), d=2000, K=7, sigma=3)
    assert (net.W.shape, net.b.shape) == ((2000, 7), (7,))
    assert (net.W.dtype, net.b.dtype) == (np.float32, np.float32)
    assert net.W.std() == pytest.approx(3, rel=0.03)
    assert net.W.flags.c_contiguous
