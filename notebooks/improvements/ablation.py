"""What each change to the training gains: each alone, then all that the grid search chose, together.

Every network of the comparison takes the same number of update steps. The test accuracies decide nothing.
"""

from typing import Any

import numpy as np

from lib.runs.cache import Progress
from lib.runs.seeds import spread
from lib.runs.settings import Setting

SEEDS = tuple(range(5))
BASE: dict[str, Any] = {"eta": 0.001, "lam": 0.1}  # what validation prefers of the assignment's settings
EPOCHS = {"data_batch_1": 29, "all": 6}  # of 100 batches, or of 490: 2,900 or 2,940 update steps

FASTER = {"eta": 0.01}  # ten times the step, which decays and averages are there to allow
CHANGES: dict[str, dict[str, Any]] = {
    "nothing changed": {},
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
TOGETHER = "all together"


def at_equal_steps(name: str, **fields: Any) -> Setting:
    """A setting with as many update steps as all others of the comparison."""
    setting = Setting(**{"name": "own", **BASE, **fields})
    n_epochs = EPOCHS[setting.train_on] * setting.n_batch // 100
    return setting.model_copy(update={"name": name, "n_epochs": n_epochs})


def alone() -> dict[str, Setting]:
    """Each change alone, by name."""
    return {what: at_equal_steps(f"change-{i}", **fields) for i, (what, fields) in enumerate(CHANGES.items())}


def together(chosen: Setting) -> Setting:
    """The setting that the search chose, with all that helps."""
    return at_equal_steps("change-together", **chosen.model_dump(exclude={"name", "n_epochs"}))


def compared(chosen: Setting) -> dict[str, Setting]:
    """Each change alone, then all together; by name."""
    return alone() | {TOGETHER: together(chosen)}


def gains(chosen: Setting, progress: Progress = iter) -> dict[str, np.ndarray]:
    """Test accuracy of each of `compared`, (n_seeds,)."""
    settings = compared(chosen)
    found = spread(list(settings.values()), SEEDS, progress)
    return {what: found[setting.name]["test"] for what, setting in settings.items()}
