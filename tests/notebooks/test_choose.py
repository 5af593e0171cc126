"""How the networks of the optional part are chosen."""

import numpy as np
import pytest

from lib.command import InputError
from lib.runs.settings import Setting
from notebooks.improvements import choose as improve
from notebooks.improvements import search as sweep

CHOSEN = Setting(
    name="grid", eta=0.005, lam=0.003, n_batch=400, n_epochs=10, train_on="all", flips=True, shifts=1, mirror=True
)


def test_the_lowest_loss_is_chosen_and_a_diverged_setting_never():
    grid = [CHOSEN.model_copy(update={"eta": eta}) for eta in (1.0, 2.0, 3.0)]
    assert improve.choose(grid, np.array([np.nan, 1.5, 1.7])).eta == 2
    with pytest.raises(InputError, match="every setting of the grid diverged; it needs a smaller eta"):
        improve.choose(grid, np.full(3, np.nan))


def test_the_other_losss_grid_weighs_the_same():
    grid = sweep.read_grid()
    part = improve.with_bce(grid, CHOSEN)
    assert {setting.loss for setting in part} == {"bce"}
    assert {setting.n_batch for setting in part} == {CHOSEN.n_batch}
    assert {setting.eta for setting in part} == {10 * setting.eta for setting in grid}
    assert {setting.lam for setting in part} < {setting.lam / 10 for setting in grid}
