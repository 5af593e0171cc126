"""The networks that validation chooses: a grid searched for either loss, and the best setting trained longer.

The lowest validation loss chooses: among 1,000 images it tells settings apart that name equally many correctly.
"""

from collections.abc import Sequence

import numpy as np

from lib.command import InputError
from lib.runs.cache import Progress
from lib.runs.run import Run
from lib.runs.settings import Setting
from lib.runs.training import get_run

LONGER = 3  # times as many epochs for the network that is kept


def choose(grid: Sequence[Setting], loss: np.ndarray) -> Setting:
    """The setting with the lowest validation loss (n_settings,), which is NaN where training diverged."""
    if np.isnan(loss).all():
        raise InputError("every setting of the grid diverged; it needs a smaller eta")
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
