"""Choose a setting of a grid, and make the grid for binary cross-entropy."""

import numpy as np
import pytest

from lib.command import InputError
from lib.runs.settings import Setting
from notebooks.improvements import choose, search

CHOSEN = Setting(
    name="grid", eta=0.005, lam=0.003, n_batch=400, n_epochs=10, train_on="all", flips=True, shifts=1, mirror=True
)


def test_setting_with_the_lowest_loss_is_chosen_and_a_diverged_setting_never():
    grid = [CHOSEN.model_copy(update={"eta": eta}) for eta in (1.0, 2.0, 3.0)]
    assert choose.choose(grid, np.array([np.nan, 1.5, 1.7])).eta == 2
    with pytest.raises(InputError, match="every setting of the grid diverged; it needs a smaller eta"):
        choose.choose(grid, np.full(3, np.nan))


def test_grid_for_binary_cross_entropy_has_10_times_eta_and_a_tenth_of_lam():
    grid = search.read_grid()
    bce = choose.with_bce(grid, CHOSEN)
    assert {setting.loss for setting in bce} == {"bce"}
    assert {setting.n_batch for setting in bce} == {CHOSEN.n_batch}
    assert {setting.eta for setting in bce} == {10 * setting.eta for setting in grid}
    assert {setting.lam for setting in bce} < {setting.lam / 10 for setting in grid}
