"""Choose the networks of the optional part: search a grid for each loss and train the best setting longer.

The lowest validation loss decides: on 1,000 images, it differs even between settings of equal accuracy.
"""

from collections.abc import Sequence

import numpy as np

from lib.command import InputError
from lib.runs.cache import Progress
from lib.runs.run import Run
from lib.runs.settings import Setting
from lib.runs.training import get_run

LONGER = 3  # this many times the epochs of the search


def choose(grid: Sequence[Setting], loss: np.ndarray) -> Setting:
    """Return the setting with the lowest validation loss. `loss` (n_settings,) is NaN where training diverged."""
    if np.isnan(loss).all():
        raise InputError("every setting of the grid diverged; it needs a smaller eta")
    return grid[int(np.nanargmin(loss))]


def with_bce(grid: Sequence[Setting], chosen: Setting) -> list[Setting]:
    """Return the grid for binary cross-entropy: the chosen batch size, every eta and every second lam.

    That loss is the mean of K terms, so eta is multiplied and lam divided by K to have the same effect.
    """
    lams = sorted({setting.lam for setting in grid})[::2]

    def bce(setting: Setting) -> Setting:
        fields = {"name": f"bce-{setting.name}", "loss": "bce", "eta": 10 * setting.eta, "lam": setting.lam / 10}
        return setting.model_copy(update=fields)

    return [bce(setting) for setting in grid if setting.n_batch == chosen.n_batch and setting.lam in lams]


def improved(chosen: Setting, progress: Progress = iter) -> Run:
    """Train the chosen setting longer. Only this run's test accuracy is read, once."""
    fields = {"name": f"improved-{chosen.loss}", "n_epochs": LONGER * chosen.n_epochs}
    return get_run(chosen.model_copy(update=fields), progress)
