"""The settings of the ablation: each changes one thing, and all are trained for the same number of steps."""

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
def test_every_setting_is_trained_for_the_same_number_of_steps(what):
    assert steps(COMPARED[what]) == pytest.approx(2900, rel=0.02)


@pytest.mark.parametrize(("what", "fields"), ablation.CHANGES.items())
def test_setting_with_one_change_differs_from_the_unchanged_one_in_that_change_only(what, fields):
    unchanged = COMPARED[ablation.UNCHANGED]
    assert COMPARED[what].model_copy(update={"name": unchanged.name, "n_epochs": unchanged.n_epochs}) == (
        unchanged.model_copy(update=fields)
    )


def test_setting_with_all_changes_is_the_chosen_setting():
    together = COMPARED[ablation.TOGETHER]
    assert together.model_copy(update={"name": CHOSEN.name, "n_epochs": CHOSEN.n_epochs}) == CHOSEN


def test_settings_of_the_ablation_have_different_names():
    assert len({setting.name for setting in COMPARED.values()}) == len(COMPARED)


def test_prose_of_the_chapter_gives_the_right_eta_lam_steps_and_seeds():
    prose = (paths.NOTEBOOKS / "5-improvements.ipynb").read_text().replace("\\\\", "\\")
    base = COMPARED[ablation.UNCHANGED]
    assert f"from $\\eta = {base.eta:g}$ and $\\lambda = {base.lam:g}$" in prose
    assert f"about {base.n_epochs * 100:,} steps" in prose
    assert f"from {len(ablation.SEEDS)} seeds" in prose
