"""Compare the row operations with NumPy's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.testing import assert_allclose, assert_array_equal

from lib.model import Network
from lib.rows import largest, per_network, total

any_scores = arrays(np.float64, array_shapes(min_dims=2, max_dims=3, max_side=5), elements=st.floats(-1000, 1000))


@given(any_scores)
def test_largest_and_total_match_numpy(S):
    assert_array_equal(largest(S), S.max(-1))
    assert_allclose(total(S), S.sum(-1), atol=1e-9)


def test_each_value_multiplies_the_weights_of_one_network(problem):
    assert_array_equal(per_network(problem.lam, problem.net.b) * problem.net.W, problem.each(lambda p: p.lam * p.net.W))
    assert_array_equal(per_network(problem.lam, problem.net.b) * problem.net.b, problem.each(lambda p: p.lam * p.net.b))


@pytest.mark.parametrize("value", [0.3, np.full(1, 0.3), np.full(4, 0.3)], ids=["scalar", "(1,)", "(M,)"])
def test_multiplying_a_stack_by_a_scalar_equals_multiplying_each_network_by_it(stack, value):
    assert_array_equal(per_network(value, stack.net.b) * stack.net.W, 0.3 * stack.net.W)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_per_network_value_has_the_dtype_of_the_network(problem, dtype):
    net = Network(*(array.astype(dtype) for array in problem.net))
    assert per_network(problem.lam, net.b).dtype == dtype
