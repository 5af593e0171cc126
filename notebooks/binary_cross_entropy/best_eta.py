"""Softmax beside ten sigmoids in the assignment's training, each at the eta that validation chooses for it."""

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
    """The assignment's training with `loss`, for each of ETAS: its validation measures, (n_etas,) each."""
    stack = [Setting(name="eta", eta=eta, lam=0.0, loss=loss) for eta in ETAS]
    splits = load_splits()
    with np.errstate(all="ignore"):  # the largest may diverge
        net = train_stack(stack, splits, evaluate_on=(), progress=progress).net
        return evaluate(*splits.val, net, 0, LOSSES[loss])


def at_best_eta(loss: LossName) -> Run:
    """The assignment's training with `loss`, at the eta with the best validation accuracy."""
    accuracy = cached(f"eta@{loss}", over_eta, loss=loss)["accuracy"]
    best = Setting(name="best", eta=ETAS[int(accuracy.argmax())], lam=0.0, loss=loss)
    return get_run(best.model_copy(update={"name": f"best-{loss}"}))


def both(progress: Progress = iter) -> dict[LossName, Arrays]:
    """The figures of `at_best_eta` for each loss over the seeds, as `lib.runs.seeds.spread` gives them."""
    settings: dict[LossName, Setting] = {loss: at_best_eta(loss).setting for loss in get_args(LossName)}
    found = spread(list(settings.values()), SEEDS, progress)
    return {loss: found[setting.name] for loss, setting in settings.items()}
