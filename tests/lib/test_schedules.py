"""How eta falls, against PyTorch's schedulers."""

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


# In steps


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
def test_eta_falls_to_a_tenth_after_each_of_equal_parts(n_epochs, steps, factors):
    assert_allclose(list(step_decay(n_epochs, steps)), factors)


def test_there_are_three_parts_if_nobody_asks_for_others():
    assert list(step_decay(9)) == list(step_decay(9, 3))


@given(st.integers(1, 200), st.integers(1, 6))
def test_there_is_a_factor_for_each_epoch_which_begins_at_1_and_falls_by_tenths(n_epochs, steps):
    factors = list(step_decay(n_epochs, steps))
    assert (len(factors), factors[0]) == (n_epochs, 1)
    assert all(b == a or b == pytest.approx(a / 10) for a, b in pairwise(factors))
    assert len(set(factors)) <= steps


@given(st.integers(1, 50), st.integers(1, 6))
def test_the_parts_are_equal_where_they_can_be(length, steps):
    lengths = [len(list(part)) for _, part in groupby(step_decay(length * steps, steps))]
    assert lengths == [length] * steps


def test_where_the_parts_cannot_be_equal_the_first_are_the_longer_ones():
    assert [len(list(part)) for _, part in groupby(step_decay(10))] == [4, 3, 3]


# On a plateau


def factors_of(losses, **how):
    """The factor of each epoch, if these are the losses after each."""
    met, found = [], []
    factors = plateau_decay(lambda: met[-1], **how)
    for loss in losses:
        found.append(next(factors))
        met.append(loss)
    return found


def torch_factors(losses, patience):
    """The same of PyTorch, whose patience is that of epochs without a fall."""
    optimiser = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    exactly = {"factor": 0.1, "patience": patience - 1, "threshold": 0, "eps": 0}
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, **exactly)
    found = []
    for loss in losses:
        found.append(optimiser.param_groups[0]["lr"])
        scheduler.step(loss)
    return found


PATIENT = {  # losses, after each epoch: factors, in each epoch, of who has a patience of 3
    "ever better": ([6, 5, 4, 3, 2, 1], [1, 1, 1, 1, 1, 1]),
    "stuck from the start": ([5, 5, 5, 5, 5, 5, 5, 5], [1, 1, 1, 1, 0.1, 0.1, 0.1, 0.01]),
    "better in the last moment": ([5, 6, 6, 4, 5, 5, 3], [1, 1, 1, 1, 1, 1, 1]),
    "better than the last but not than the best": ([5, 9, 8, 7, 6], [1, 1, 1, 1, 0.1]),
    "better after a fall": ([5, 5, 5, 5, 4, 3, 3, 3, 3, 3], [1, 1, 1, 1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.01]),
    "diverged": ([5, np.inf, np.nan, np.nan, np.nan], [1, 1, 1, 1, 0.1]),
    "back from nothing": ([np.nan, 5, 4, 3, 2], [1, 1, 1, 1, 1]),
}


@pytest.mark.parametrize(("losses", "factors"), PATIENT.values(), ids=PATIENT)
def test_eta_falls_to_a_tenth_when_three_epochs_brought_no_better_loss(losses, factors):
    assert_allclose(factors_of(losses), factors)


@settings(deadline=None)  # the first optimiser takes a second to import
@given(st.lists(st.integers(0, 4), min_size=1, max_size=30), st.integers(1, 4))
def test_a_plateau_is_that_of_torch(losses, patience):
    assert_allclose(factors_of(losses, patience=patience), torch_factors(losses, patience))


def test_the_loss_is_asked_for_once_after_each_epoch_before_the_next_factor():
    heard = []
    factors = plateau_decay(lambda: heard.append("loss") or 1.0)
    for epoch in (1, 2, 3):
        next(factors)
        heard.append(epoch)
    assert heard == [1, "loss", 2, "loss", 3]


def test_each_network_goes_by_the_losses_of_its_own_history(problem):
    history, factors = History({"val": (problem.X, problem.y)}, problem.lam), []

    def noted(plateaus):
        for own in zip(*plateaus, strict=True):
            factors.append(own)
            yield np.reshape(own, np.shape(problem.eta))

    def latest(m):
        return lambda: history.record["val"]["loss"][-1].reshape(-1)[m]

    too_large = 20 * np.asarray(problem.eta)  # so that losses rise
    plateaus = [plateau_decay(latest(m), patience=1) for m in range(too_large.size)]
    train(problem._replace(eta=too_large), 12, on_epoch=history, decay=noted(plateaus))
    losses = history["val"]["loss"].reshape(12, -1)
    assert_allclose(np.transpose(factors), [torch_factors(own, patience=1) for own in losses.T])
    assert np.min(factors) < 1
