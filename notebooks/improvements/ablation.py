"""Measure the gain of each single change to the training, and the gain of the setting that the search chose.

All networks of the comparison train for the same number of update steps. Their test accuracies decide nothing.
"""

from typing import Any

import numpy as np

from lib.assignment import N_BATCH
from lib.runs.cache import Progress
from lib.runs.seeds import spread
from lib.runs.settings import Setting

SEEDS = tuple(range(5))
BASE: dict[str, Any] = {"eta": 0.001, "lam": 0.1}  # the assignment's setting that validation prefers
EPOCHS = {"data_batch_1": 29, "all": 6}  # 100 or 490 mini-batches each, so 2,900 or 2,940 update steps

FASTER = {"eta": 0.01}  # ten times BASE's eta, which decay or averaging may allow
UNCHANGED, TOGETHER = "nothing changed", "all together"
CHANGES: dict[str, dict[str, Any]] = {
    UNCHANGED: {},
    "all batches": {"train_on": "all"},
    "flips": {"flips": True},
    "shifts by up to 1 pixel": {"shifts": 1},
    "batches of 400": {"n_batch": 400},
    "momentum 0.9": {"momentum": 0.9},
    "mean with the mirror image": {"mirror": True},
    "step decay": {"decay": "step"},
    "decay on a plateau": {"decay": "plateau"},
    "averaged iterates": {"average": True},
    "ten times the step": FASTER,
    "… and step decay": FASTER | {"decay": "step"},
    "… and decay on a plateau": FASTER | {"decay": "plateau"},
    "… and averaged iterates": FASTER | {"average": True},
}


def compared(chosen: Setting) -> dict[str, Setting]:
    """Return the settings of the comparison: one for each change, and one with all changes of the chosen setting."""
    changes = CHANGES | {TOGETHER: chosen.model_dump(exclude={"name", "n_epochs"})}
    settings = {}
    for i, (what, fields) in enumerate(changes.items()):
        setting = Setting(name=f"change-{i}", **BASE | fields)
        n_epochs = EPOCHS[setting.train_on] * setting.n_batch // N_BATCH  # keeps the number of update steps the same
        settings[what] = setting.model_copy(update={"n_epochs": n_epochs})
    return settings


def accuracies(chosen: Setting, progress: Progress = iter) -> dict[str, np.ndarray]:
    """Return the test accuracies (n_seeds,) of each setting of the comparison."""
    settings = compared(chosen)
    measures = spread(list(settings.values()), SEEDS, progress)
    return {what: measures[setting.name]["test"] for what, setting in settings.items()}
