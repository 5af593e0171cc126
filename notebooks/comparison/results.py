"""Compute groups of runs, tables, answers to plain colours and entries of results.json from the runs."""

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from lib.assignment import BATCHES
from lib.cifar10 import load_batch
from lib.model import Network, init_network, scores
from lib.preprocess import Standardiser
from lib.runs.cache import Arrays
from lib.runs.run import Run, finite
from lib.runs.seeds import SEEDS
from lib.stats import smoothness, wilson
from report.words import Table, dagger_note, marked_title, mean_and_sd, percent

Spread = Mapping[str, Arrays]  # accuracies (n_seeds,) by setting and split
PLAIN = {"red": (255, 0, 0), "yellow": (255, 255, 0), "green": (0, 128, 0), "blue": (0, 0, 255), "white": (255,) * 3}


def groups(runs: Sequence[Run], field: str) -> list[list[Run]]:
    """Return the groups of two or more runs whose settings differ only in `field`, each sorted by that field."""
    by_others: dict[str, list[Run]] = {}
    for run in sorted(runs, key=lambda run: float(getattr(run.setting, field))):
        by_others.setdefault(run.setting.model_dump_json(exclude={"name", field}), []).append(run)
    return [group for group in by_others.values() if len(group) > 1]


def main_table(runs: Sequence[Run], spread: Spread, n_test: int) -> Table:
    """Return the table of final accuracies, with a confidence interval for accuracy on the n_test test images."""
    rows = [[marked_title(run), *["–"] * 5] for run in runs]
    for row, run in zip(rows, runs, strict=True):
        if not run.diverged:
            train, val = (f"{100 * run.final(split, 'accuracy'):.2f}" for split in ("train", "val"))
            interval = "–".join(f"{100 * limit:.1f}" for limit in wilson(run.test["accuracy"], n_test))
            over_seeds = mean_and_sd(spread[run.setting.name]["test"])
            row[1:] = [train, val, f"**{100 * run.test['accuracy']:.2f}**", interval, over_seeds]
    header = ["setting", "training", "validation", "test", "95 % interval", f"{len(SEEDS)} seeds"]
    caption = (
        "Accuracy of each setting in per cent after the last epoch: on the training images, and on the validation and"
        " test images, which the network never trains on. The interval is Wilson's for the test accuracy of this run."
        f" The last column is the mean ± standard deviation of the test accuracy over {len(SEEDS)} other seeds."
    )
    return header, rows, "tab-main", caption + dagger_note(runs)


def all_table(runs: Sequence[Run], spread: Spread) -> Table:
    """Return the table of every measure of each setting."""
    rows: dict[str, Callable[[Run], str]] = {
        "training accuracy, epoch 1": lambda run: percent(run.history["train"]["accuracy"][0]),
        "training accuracy, end": lambda run: percent(run.final("train", "accuracy")),
        "validation accuracy, epoch 1": lambda run: percent(run.history["val"]["accuracy"][0]),
        "validation accuracy, end": lambda run: percent(run.final("val", "accuracy")),
        "test accuracy": lambda run: percent(run.test["accuracy"]),
        "training loss": lambda run: f"{run.final('train', 'loss'):.3f}",
        "validation loss": lambda run: f"{run.final('val', 'loss'):.3f}",
        "test loss": lambda run: f"{run.test['loss']:.3f}",
        "training cost": lambda run: f"{run.final('train', 'cost'):.3f}",
        "validation cost": lambda run: f"{run.final('val', 'cost'):.3f}",
        "norm of the weights": lambda run: f"{np.linalg.norm(run.net.W):.2f}",
        "smoothness": lambda run: f"{smoothness(run.net.W):.2f}",
        "training accuracy, seeds": lambda run: mean_and_sd(spread[run.setting.name]["train"]),
        "validation accuracy, seeds": lambda run: mean_and_sd(spread[run.setting.name]["val"]),
        "test accuracy, seeds": lambda run: mean_and_sd(spread[run.setting.name]["test"]),
    }
    cells = [[label, *("–" if run.diverged else value(run) for run in runs)] for label, value in rows.items()]
    caption = (
        "Results of each setting, at the end unless it says otherwise. The norm is"
        " $\\lVert W \\rVert = (\\sum W_{mk}^2)^{1/2}$; smoothness is the correlation of the weights of neighbouring"
        " pixels, 0 for noise and 1 for templates without detail. Seeds: mean ± standard deviation in per cent."
    )
    return ["", *map(marked_title, runs)], cells, "tab-all", caption + dagger_note(runs)


def first_weights_left(run: Run) -> float:
    """Return the correlation between the final weights and the random initial ones."""
    first = init_network(np.random.default_rng(run.setting.seed), d=len(run.net.W)).W
    return float(np.corrcoef(first.ravel(), run.net.W.ravel())[0, 1])


def answers_to_plain_colours(net: Network) -> dict[str, int]:
    """Return the network's answer to an image filled with one colour, by the name of the colour."""
    images = np.repeat(np.array([*PLAIN.values()], np.uint8), 1024, axis=1)  # (5, 3072)
    X = Standardiser.fit(load_batch(BATCHES["train"])[0]).apply(images)
    return dict(zip(PLAIN, scores(X, net).argmax(1).tolist(), strict=True))


def as_results(runs: Sequence[Run], spread: Spread, y: np.ndarray) -> dict[str, Any]:
    """Return accuracies over seeds and McNemar's p values by key in report/results.json. y (N,) are the test labels."""
    results: dict[str, Any] = {}
    for run in runs:
        values = {measure: [*map(finite, values)] for measure, values in spread[run.setting.name].items()}
        results[f"seeds/{run.setting.name}"] = values | {"test_interval": wilson(run.test["accuracy"], len(y))}
    p_values = {f"{a.setting.name} and {b.setting.name}": a.p_same(b, y) for a, b in combinations(runs, 2)}
    return results | {"comparison/mcnemar_p": p_values}
