"""Compare the gradient with PyTorch and central differences; test that wrong gradients are caught."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from lib.cifar10 import load_batch
from lib.gradcheck import check, max_error, numerical_gradient, relative_error, replay_reference, torch_gradient
from lib.model import LOSSES, Network, apply_network, backward_pass

TORCH_LIMIT, NUMERICAL_LIMIT = 1e-9, 1e-6
either_loss = pytest.mark.parametrize("loss", LOSSES)


def gradient(p, loss="softmax"):
    return backward_pass(p.X, p.y, apply_network(p.X, p.net, LOSSES[loss]), p.net, p.lam, LOSSES[loss])


def assert_agree(a, n, limit):
    """Raise AssertionError with the worst element and its two values if the gradients differ."""
    for letter, error, x, z in zip("Wb", relative_error(a, n), a, n, strict=True):
        worst = np.unravel_index(error.argmax(), error.shape)
        assert error.max() < limit, f"{letter}{[int(i) for i in worst]}: {x[worst]:.9g} against {z[worst]:.9g}"


@either_loss
@pytest.mark.parametrize("lam", [0.0, 0.1, 1.0])
def test_gradient_agrees_with_torch(single, lam, loss):
    p = single._replace(lam=lam)
    assert_agree(gradient(p, loss), torch_gradient(*p[:4], loss), TORCH_LIMIT)


@either_loss
@pytest.mark.parametrize("lam", [0.0, 0.1, 1.0])
def test_gradient_agrees_with_central_differences(single, lam, loss):
    p = single._replace(lam=lam)
    assert_agree(gradient(p, loss), numerical_gradient(*p[:4], loss), NUMERICAL_LIMIT)


@pytest.mark.parametrize("reference", [torch_gradient, numerical_gradient])
def test_default_loss_is_softmax(single, reference):
    for a, b in zip(reference(*single[:4]), reference(*single[:4], "softmax"), strict=True):
        assert_array_equal(a, b)


def slightly_large(p, g):
    return Network(g.W * 1.001, g.b)


def one_element_off(p, g):
    W = g.W.copy()
    W[2, 1] *= 1.001
    return Network(W, g.b)


def without_the_factor_2(p, g):
    return Network(g.W - p.lam * p.net.W, g.b)


def with_penalised_bias(p, g):
    return Network(g.W, g.b + 2 * p.lam * p.net.b)


def summed_instead_of_averaged(p, g):
    return Network(*(array * len(p.y) for array in g))


def from_the_other_loss(p, g):
    return gradient(p, "bce")


@pytest.mark.parametrize("reference", [torch_gradient, numerical_gradient])
@pytest.mark.parametrize(
    "spoil",
    [
        from_the_other_loss,
        slightly_large,
        one_element_off,
        without_the_factor_2,
        with_penalised_bias,
        summed_instead_of_averaged,
    ],
)
def test_wrong_gradient_is_caught(single, spoil, reference):
    with pytest.raises(AssertionError, match=r"[Wb]\[.*\]: \S+ against \S+"):
        assert_agree(spoil(single, gradient(single)), reference(*single[:4]), NUMERICAL_LIMIT)


def test_failed_comparison_shows_both_numbers():
    right, wrong = Network(np.array([[1.0, 2.0]]), np.zeros(2)), Network(np.array([[1.0, 2.5]]), np.zeros(2))
    with pytest.raises(AssertionError, match=r"W\[0, 1\]: 2.5 against 2"):
        assert_agree(wrong, right, 0.1)


def test_relative_error_follows_the_formula():
    a = Network(np.array([[3.0, -1.0, 0.0]]), np.array([2e-7]))
    n = Network(np.array([[1.0, 1.0, 0.0]]), np.array([1e-7]))
    error = relative_error(a, n, eps=1e-6)
    assert_array_equal(error.W, [[0.5, 1, 0]])
    assert error.b[0] == pytest.approx(0.1)  # below eps: 1e-7 / 1e-6


def test_check_does_not_change_the_network(single):
    for array in single.net:
        array.flags.writeable = False  # a write raises ValueError
    numerical_gradient(*single[:4])
    torch_gradient(*single[:4])


def test_largest_relative_error_is_returned_for_w_and_for_b():
    ones, other = Network(np.ones((2, 2)), np.ones(2)), Network(np.array([[1.0, 3.0], [1.0, 1.0]]), np.ones(2))
    assert max_error(ones, other) == (0.5, 0)


@either_loss
def test_check_returns_errors_for_torch_and_for_central_differences(single, loss):
    errors = check(*single[:4], loss)
    assert max(errors["torch"]) < TORCH_LIMIT
    assert 0 < max(errors["numerical"]) < NUMERICAL_LIMIT


def test_replayed_gradient_check_of_the_reference_report_has_only_rounding_errors():
    W, b = replay_reference(*load_batch("data_batch_1"))  # published: 1.09e-15 and 9.78e-17
    assert 0 < W < 1e-14
    assert 0 < b < 1e-15
