"""The optional part: what each change to the training gains, and the networks that validation chooses.

Every network of the comparison takes the same number of update steps. The grid search chooses eta, lam and the batch
size by the validation loss: among 1,000 images it tells settings apart that name equally many correctly.
"""

from collections.abc import Sequence
from typing import Any, get_args

import numpy as np

from lib import sweep
from lib.cache import Arrays, Progress, cached
from lib.errors import expect_none, report_progress, run_command
from lib.experiment import get_run, load_splits, train_stack
from lib.runs import Run
from lib.seeds import spread
from lib.settings import LossName, Setting

SEEDS = tuple(range(5))
BASE: dict[str, Any] = {"eta": 0.001, "lam": 0.1}  # what validation prefers of the assignment's settings
EPOCHS = {"data_batch_1": 49, "all": 10}  # of 100 batches, or of 490: 4,900 update steps either way
LONGER = 3  # times as many epochs for the network that is kept

FASTER = {"eta": 0.01}  # ten times the step, since the decays are there to allow it
CHANGES: dict[str, dict[str, Any]] = {
    "nothing changed": {},
    "all batches": {"train_on": "all"},
    "flips": {"flips": True},
    "shifts by up to 1 pixel": {"shifts": 1},
    "batches of 400": {"n_batch": 400},
    "momentum 0.9": {"momentum": 0.9},
    "mean with the mirror image": {"mirror": True},
    "ten times the step": FASTER,
    "… and step decay": FASTER | {"decay": "step"},
    "… and decay on a plateau": FASTER | {"decay": "plateau"},
    "… and averaged iterates": FASTER | {"average": True},
}
TOGETHER = "all together"

ETAS = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)  # for the two losses side by side


def at_equal_steps(name: str, **fields: Any) -> Setting:
    """A setting with as many update steps as all others of the comparison."""
    setting = Setting(**{"name": name, **BASE, **fields})
    n_epochs = EPOCHS[setting.train_on] * setting.n_batch // 100
    return setting.model_copy(update={"n_epochs": n_epochs})


def compared(chosen: Setting) -> dict[str, Setting]:
    """Each change alone, then the setting that the search chose, with all that helps together; by name."""
    alone = {what: at_equal_steps(f"change{i}", **fields) for i, (what, fields) in enumerate(CHANGES.items())}
    return alone | {TOGETHER: at_equal_steps("together", **chosen.model_dump(exclude={"name", "n_epochs"}))}


def gains(chosen: Setting, progress: Progress = iter) -> dict[str, np.ndarray]:
    """Test accuracy of each of `compared`, (n_seeds,): none of it decides anything."""
    settings = compared(chosen)
    found = spread(list(settings.values()), SEEDS, progress)
    return {what: found[setting.name]["test"] for what, setting in settings.items()}


def choose(grid: Sequence[Setting], loss: np.ndarray) -> Setting:
    """The setting with the lowest validation loss (n_settings,)."""
    return grid[int(np.nanargmin(loss))]


def with_bce(grid: Sequence[Setting], chosen: Setting) -> list[Setting]:
    """The part of the grid with the chosen batch size and every other lam, for the other loss.

    It is the mean of K terms, so eta grows by K and lam shrinks by K to weigh the same.
    """
    lams = sorted({setting.lam for setting in grid})[::2]
    return [
        other.model_copy(
            update={"name": f"bce-{other.name}", "loss": "bce", "eta": 10 * other.eta, "lam": other.lam / 10}
        )
        for other in grid
        if other.n_batch == chosen.n_batch and other.lam in lams
    ]


def improved(chosen: Setting, progress: Progress = iter) -> Run:
    """The chosen setting, trained longer; its test accuracy is read once."""
    fields = {"name": f"improved-{chosen.loss}", "n_epochs": LONGER * chosen.n_epochs}
    return get_run(chosen.model_copy(update=fields), progress)


def over_eta(*, loss: LossName, progress: Progress = iter) -> Arrays:
    """The assignment's training with `loss`, for each of ETAS: final "val/accuracy" and "val/loss", (n_etas,) each."""
    stack = [Setting(name="eta", eta=eta, lam=0.0, loss=loss) for eta in ETAS]
    with np.errstate(all="ignore"):  # the largest may diverge
        history = train_stack(stack, load_splits(), watch=("val",), progress=progress).history
    return {f"val/{measure}": values[-1] for measure, values in history["val"].items()}


def at_best_eta(loss: LossName) -> Run:
    """The assignment's training with `loss`, at the eta with the best validation accuracy."""
    accuracy = cached(f"eta@{loss}", over_eta, loss=loss)["val/accuracy"]
    return get_run(Setting(name=f"best-{loss}", eta=ETAS[int(accuracy.argmax())], lam=0.0, loss=loss))


def both_losses(progress: Progress = iter) -> dict[LossName, Arrays]:
    """The figures of `at_best_eta` for each loss over the seeds, as `lib.seeds.spread` gives them."""
    settings: dict[LossName, Setting] = {loss: at_best_eta(loss).setting for loss in get_args(LossName)}
    found = spread(list(settings.values()), SEEDS, progress)
    return {loss: found[setting.name] for loss, setting in settings.items()}


def main(arguments: list[str]) -> None:
    expect_none(arguments)
    grid = sweep.read_grid()
    chosen = choose(grid, sweep.search(grid)["loss"])
    bce = with_bce(grid, chosen)
    chosen_bce = choose(bce, sweep.search(bce)["loss"])
    for run in report_progress("improved networks")([chosen, chosen_bce]):
        improved(run)
    both_losses(report_progress("losses, seeds"))
    gains(chosen, report_progress("changes, seeds"))


if __name__ == "__main__":
    run_command(main)
