"""Compare the accuracies of the reference report and the checkpoints of the course text with our measurements."""

from typing import Any, NamedTuple

import numpy as np

from lib.assignment import SETTINGS
from lib.published import equal_to_the_digit, read
from lib.runs.cache import Arrays, Progress
from lib.runs.run import Run
from lib.runs.seeds import spread
from lib.runs.settings import Setting
from lib.runs.training import get_run
from notebooks.reproduction.replay import TEST, TRAIN, VAL, replayed


class Case(NamedTuple):
    """A setting of the reference. Accuracies are in per cent in `columns` and `revised`, elsewhere fractions."""

    run: Run
    seeds: Arrays  # our measures with several seeds, (n_seeds,) each
    columns: dict[str, dict[str, list[Any]]]  # "train" and "test", each from `compare`
    revised: float  # the test accuracy of the reference's later revision
    mistaken: np.ndarray  # test accuracy (n_epochs,) of a network that is trained on the test images
    held_out: np.ndarray  # test accuracy (n_epochs,) of one trained on data_batch_1


def compare(published: list[float], accuracies: np.ndarray) -> dict[str, list[Any]]:
    """Compare accuracies published (in per cent) for the first and last epoch with our fractions (n_epochs,)."""
    ours = [100 * float(accuracies[epoch]) for epoch in (0, -1)]
    return {"published": published, "replayed": ours, "equal": [*map(equal_to_the_digit, ours, published)]}


def load_cases(progress: Progress = iter) -> list[Case]:
    """Train and replay the four settings, or load the results from the cache. Returns them in the reference's order."""
    report = read()["reference_report"]
    settings = [Setting(name=f"eta{eta:g}-lam{lam:g}", eta=eta, lam=lam) for eta, lam in SETTINGS]
    measures = spread(settings, progress=progress)
    trained, mistaken = replayed("as it should be", progress), replayed("trained on test", progress)
    cases = []
    rows = zip(settings, report["settings"], report["later_revision"]["settings"], strict=True)
    for i, (setting, row, revised) in enumerate(rows):
        train, test = trained[f"{TRAIN}/accuracy"][:, i], mistaken[f"{TEST}/accuracy"][:, i]
        columns = {"train": compare(row["train"], train), "test": compare(row["test"], test)}
        held_out = trained[f"{TEST}/accuracy"][:, i]
        cases.append(Case(get_run(setting), measures[setting.name], columns, revised["test"], test, held_out))
    return cases


def load_checkpoints(progress: Progress = iter) -> dict[str, dict[str, Any]]:
    """Return known and replayed values of the checkpoints, and whether they are equal, by the checkpoint's name."""
    course = read()["course_checkpoints"]
    unshuffled = course["unshuffled_measured"]
    by_course, in_order = replayed("course", progress), replayed("unshuffled", progress)
    pairs = {
        "course: training cost, epoch 1": (course["epoch_1_training_cost"], by_course[f"{TRAIN}/cost"][0, 0]),
        "course: test accuracy, end (%)": (course["test_accuracy"], 100 * by_course[f"{TEST}/accuracy"][-1, 0]),
        "unshuffled: training cost, epoch 1": (unshuffled["epoch_1_training_cost"], in_order[f"{TRAIN}/cost"][0, 0]),
        "unshuffled: training cost, end": (unshuffled["final_training_cost"], in_order[f"{TRAIN}/cost"][-1, 0]),
        "unshuffled: validation cost, end": (unshuffled["final_validation_cost"], in_order[f"{VAL}/cost"][-1, 0]),
    }
    return {
        name: {"known": known, "replayed": float(ours), "equal": equal_to_the_digit(ours, known)}
        for name, (known, ours) in pairs.items()
    }
