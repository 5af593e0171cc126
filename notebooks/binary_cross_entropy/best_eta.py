"""Train softmax and ten sigmoids in the assignment's way, each with the eta of the best validation accuracy."""

from typing import get_args

import numpy as np

from lib.model import LOSSES
from lib.runs.cache import Arrays, Progress, cached
from lib.runs.run import Run
from lib.runs.seeds import spread
from lib.runs.settings import LossName, Setting
from lib.runs.splits import load_splits
from lib.runs.training import get_run, train_stack
from lib.train import evaluate

SEEDS = tuple(range(5))
ETAS = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)


def over_eta(*, loss: LossName, progress: Progress = iter) -> Arrays:
    """Train with each of ETAS and return the final validation measures, (n_etas,) each, for the cache."""
    stack = [Setting(name="eta", eta=eta, lam=0.0, loss=loss) for eta in ETAS]
    splits = load_splits()
    with np.errstate(all="ignore"):  # training with the largest eta may diverge
        net = train_stack(stack, splits, evaluate_on=(), progress=progress).net
        return evaluate(*splits.val, net, 0, LOSSES[loss])


def accuracies(loss: LossName) -> np.ndarray:
    """Return the validation accuracy for each of ETAS, from the cache if possible."""
    return cached(f"eta@{loss}", over_eta, loss=loss)["accuracy"]


def best_run(loss: LossName) -> Run:
    """Return the run with this loss that has the best validation accuracy."""
    eta = ETAS[int(accuracies(loss).argmax())]
    return get_run(Setting(name=f"best-{loss}", eta=eta, lam=0.0, loss=loss))


def over_seeds(progress: Progress = iter) -> dict[LossName, Arrays]:
    """Train the setting of each loss's `best_run` with several seeds; return the measures of `spread`."""
    settings: dict[LossName, Setting] = {loss: best_run(loss).setting for loss in get_args(LossName)}
    measures = spread(list(settings.values()), SEEDS, progress)
    return {loss: measures[setting.name] for loss, setting in settings.items()}
