"""What is compared in the optional part, and how its networks are chosen."""

import numpy as np
import pytest

from lib import cifar10, improve, sweep
from lib.experiment import ALL, BATCHES, N_VAL
from lib.settings import Setting

CHOSEN = Setting(
    name="grid", eta=0.005, lam=0.003, n_batch=400, n_epochs=10, train_on="all", flips=True, shifts=1, mirror=True
)
COMPARED = improve.compared(CHOSEN)


def steps(setting):
    n = len(cifar10.load_batch(BATCHES["train"])[1])
    n = len(ALL) * n - N_VAL if setting.train_on == "all" else n
    return setting.n_epochs * -(-n // setting.n_batch)


@pytest.mark.parametrize("what", COMPARED)
def test_every_network_takes_equally_many_steps(what):
    assert steps(COMPARED[what]) == pytest.approx(4900, rel=0.005)


@pytest.mark.parametrize(("what", "changed"), improve.CHANGES.items())
def test_a_change_alone_changes_nothing_else(what, changed):
    base, own = (
        setting.model_dump(exclude={"name", "n_epochs"}) for setting in (COMPARED["nothing changed"], COMPARED[what])
    )
    assert {field: value for field, value in own.items() if value != base[field]} == changed


def test_together_is_what_was_chosen():
    together = COMPARED[improve.TOGETHER]
    assert together.model_copy(update={"name": "grid", "n_epochs": 10}) == CHOSEN


def test_the_settings_that_are_compared_have_names_of_their_own():
    assert len({setting.name for setting in COMPARED.values()}) == len(COMPARED)


def test_the_lowest_loss_is_chosen_and_a_diverged_setting_never():
    grid = [CHOSEN.model_copy(update={"eta": eta}) for eta in (1.0, 2.0, 3.0)]
    assert improve.choose(grid, np.array([np.nan, 1.5, 1.7])).eta == 2


def test_the_other_losss_grid_weighs_the_same():
    grid = sweep.read_grid()
    part = improve.with_bce(grid, CHOSEN)
    assert {setting.loss for setting in part} == {"bce"}
    assert {setting.n_batch for setting in part} == {CHOSEN.n_batch}
    assert {setting.eta for setting in part} == {10 * setting.eta for setting in grid}
    assert {setting.lam for setting in part} < {setting.lam / 10 for setting in grid}


@pytest.mark.usefixtures("small_data")
def test_every_eta_gets_a_figure():
    found = improve.over_eta(loss="bce")
    assert {measure: values.shape for measure, values in found.items()} == dict.fromkeys(
        ("val/loss", "val/cost", "val/accuracy"), (len(improve.ETAS),)
    )
