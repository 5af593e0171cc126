"""Schedules of the step size, compared with PyTorch's."""

from itertools import groupby, pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from lib.schedules import plateau_decay, step_decay
from lib.train import History, epoch_orders, mini_batch_gd


def train(problem, n_epochs, **others):
    X, y, net, lam, eta = problem
    orders = epoch_orders(np.random.default_rng(0), 7, n_epochs)
    return mini_batch_gd(X, y, net, eta=eta, lam=lam, n_batch=3, orders=orders, **others)


# Step decay


@pytest.mark.parametrize(
    ("n_epochs", "steps", "factors"),
    [
        (6, 3, [1, 1, 0.1, 0.1, 0.01, 0.01]),
        (3, 3, [1, 0.1, 0.01]),
        (6, 2, [1, 1, 1, 0.1, 0.1, 0.1]),
        (4, 1, [1, 1, 1, 1]),
        (1, 3, [1]),
    ],
)
def test_step_decay_falls_to_a_tenth_after_each_of_equal_parts(n_epochs, steps, factors):
    assert_allclose(list(step_decay(n_epochs, steps)), factors)


def test_step_decay_has_three_steps_by_default():
    assert list(step_decay(9)) == list(step_decay(9, 3))


@given(st.integers(1, 200), st.integers(1, 6))
def test_step_decay_begins_at_1_and_each_fall_is_to_a_tenth(n_epochs, steps):
    factors = list(step_decay(n_epochs, steps))
    assert (len(factors), factors[0]) == (n_epochs, 1)
    assert all(b == a or b == pytest.approx(a / 10) for a, b in pairwise(factors))
    assert len(set(factors)) <= steps


@given(st.integers(1, 50), st.integers(1, 6))
def test_parts_are_equal_if_the_number_of_epochs_is_divisible(length, steps):
    lengths = [len(list(part)) for _, part in groupby(step_decay(length * steps, steps))]
    assert lengths == [length] * steps


def test_first_parts_are_longer_if_the_number_of_epochs_is_not_divisible():
    assert [len(list(part)) for _, part in groupby(step_decay(10))] == [4, 3, 3]


# Plateau decay


def factors_of(losses, **options):
    """Return the factor of each epoch, given the loss after each epoch."""
    past, factors = [], []
    schedule = plateau_decay(lambda: past[-1], **options)
    for loss in losses:
        factors.append(next(schedule))
        past.append(loss)
    return factors


def torch_factors(losses, patience):
    """Return PyTorch's factors. Its patience counts one epoch less than ours."""
    optimiser = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    exactly = {"factor": 0.1, "patience": patience - 1, "threshold": 0, "eps": 0}
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, **exactly)
    factors = []
    for loss in losses:
        factors.append(optimiser.param_groups[0]["lr"])
        scheduler.step(loss)
    return factors


LOSSES = {  # case: (losses after each epoch, factors in each epoch with a patience of 3)
    "falling": ([6, 5, 4, 3, 2, 1], [1, 1, 1, 1, 1, 1]),
    "constant": ([5, 5, 5, 5, 5, 5, 5, 5], [1, 1, 1, 1, 0.1, 0.1, 0.1, 0.01]),
    "lower in the last epoch of the patience": ([5, 6, 6, 4, 5, 5, 3], [1, 1, 1, 1, 1, 1, 1]),
    "lower than the last, not than the lowest": ([5, 9, 8, 7, 6], [1, 1, 1, 1, 0.1]),
    "lower after a fall of eta": ([5, 5, 5, 5, 4, 3, 3, 3, 3, 3], [1, 1, 1, 1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.01]),
    "diverged": ([5, np.inf, np.nan, np.nan, np.nan], [1, 1, 1, 1, 0.1]),
    "nan at first": ([np.nan, 5, 4, 3, 2], [1, 1, 1, 1, 1]),
}


@pytest.mark.parametrize(("losses", "factors"), LOSSES.values(), ids=LOSSES)
def test_plateau_decay_falls_to_a_tenth_after_three_epochs_without_a_lower_loss(losses, factors):
    assert_allclose(factors_of(losses), factors)


@settings(deadline=None)  # the first optimiser takes a second to import
@given(st.lists(st.integers(0, 4), min_size=1, max_size=30), st.integers(1, 4))
def test_plateau_decay_agrees_with_torch(losses, patience):
    assert_allclose(factors_of(losses, patience=patience), torch_factors(losses, patience))


def test_latest_loss_is_called_once_between_two_factors():
    calls = []
    factors = plateau_decay(lambda: calls.append("loss") or 1.0)
    for epoch in (1, 2, 3):
        next(factors)
        calls.append(epoch)
    assert calls == [1, "loss", 2, "loss", 3]


def test_plateau_decay_of_each_network_in_a_stack_depends_only_on_its_losses(problem):
    history, factors = History({"val": (problem.X, problem.y)}, problem.lam), []

    def recorded(plateaus):
        for factors_of_epoch in zip(*plateaus, strict=True):
            factors.append(factors_of_epoch)
            yield np.reshape(factors_of_epoch, np.shape(problem.eta))

    def latest(m):
        return lambda: history.record["val"]["loss"][-1].reshape(-1)[m]

    too_large = 20 * np.asarray(problem.eta)  # so that losses rise
    plateaus = [plateau_decay(latest(m), patience=1) for m in range(too_large.size)]
    train(problem._replace(eta=too_large), 12, on_epoch=history, decay=recorded(plateaus))
    losses = history["val"]["loss"].reshape(12, -1)
    assert_allclose(np.transpose(factors), [torch_factors(network_losses, patience=1) for network_losses in losses.T])
    assert np.min(factors) < 1
