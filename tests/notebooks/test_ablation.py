"""The settings of the ablation: each changes one thing, and all take the same number of steps."""

import pytest

from lib import cifar10, paths
from lib.assignment import ALL_BATCHES, BATCHES, N_VAL
from lib.runs.settings import Setting
from notebooks.improvements import ablation

CHOSEN = Setting(
    name="grid", eta=0.005, lam=0.003, n_batch=400, n_epochs=10, train_on="all", flips=True, shifts=1, mirror=True
)
COMPARED = ablation.compared(CHOSEN)


def steps(setting):
    n = len(cifar10.load_batch(BATCHES["train"])[1])
    n = len(ALL_BATCHES) * n - N_VAL if setting.train_on == "all" else n
    return setting.n_epochs * -(-n // setting.n_batch)


@pytest.mark.parametrize("what", COMPARED)
def test_every_network_takes_the_same_number_of_steps(what):
    assert steps(COMPARED[what]) == pytest.approx(2900, rel=0.02)


@pytest.mark.parametrize(("what", "fields"), ablation.CHANGES.items())
def test_a_change_alone_changes_nothing_else(what, fields):
    unchanged = COMPARED[ablation.UNCHANGED]
    assert COMPARED[what].model_copy(update={"name": unchanged.name, "n_epochs": unchanged.n_epochs}) == (
        unchanged.model_copy(update=fields)
    )


def test_all_together_is_the_chosen_setting():
    together = COMPARED[ablation.TOGETHER]
    assert together.model_copy(update={"name": CHOSEN.name, "n_epochs": CHOSEN.n_epochs}) == CHOSEN


def test_the_settings_of_the_ablation_have_different_names():
    assert len({setting.name for setting in COMPARED.values()}) == len(COMPARED)


def test_the_prose_of_the_chapter_names_the_start_the_steps_and_the_seeds():
    prose = (paths.NOTEBOOKS / "5-improvements.ipynb").read_text().replace("\\\\", "\\")
    base = COMPARED[ablation.UNCHANGED]
    assert f"from $\\eta = {base.eta:g}$ and $\\lambda = {base.lam:g}$" in prose
    assert f"about {base.n_epochs * 100:,} steps" in prose
    assert f"from {len(ablation.SEEDS)} seeds" in prose
