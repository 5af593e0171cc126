"""How much of a figure is chance: every setting again with other seeds, the settings of one schedule as one stack."""

from collections.abc import Sequence
from itertools import groupby

import numpy as np

from lib import settings
from lib.cache import Arrays, Progress, fingerprint, load, one_thread, save
from lib.errors import expect_none, report_progress, run_command
from lib.experiment import load_splits, train_stack
from lib.settings import Setting
from lib.stats import smoothness
from lib.train import evaluate

SEEDS = tuple(range(10))


def spread(chosen: Sequence[Setting], seeds: Sequence[int] = SEEDS, progress: Progress = iter) -> dict[str, Arrays]:
    """For each setting, by name: final accuracy on each split and smoothness of the templates, (n_seeds,) each."""
    marks = {setting.name: fingerprint(spread_of_stack, setting=setting, seeds=seeds) for setting in chosen}
    found = {name: load(f"spread@{name}", mark) for name, mark in marks.items()}
    missing = [setting for setting in chosen if found[setting.name] is None]
    for _, group in groupby(sorted(missing, key=alike), key=alike):
        with one_thread():
            trained = spread_of_stack(list(group), seeds, progress)
        for name, arrays in trained.items():
            save(f"spread@{name}", marks[name], arrays)
            found[name] = arrays
    return {name: arrays for name, arrays in found.items() if arrays is not None}


def alike(setting: Setting) -> str:
    """The same for settings that are trained as one stack; the seed is another each time."""
    return repr(setting.model_copy(update={"seed": 0}).shared())


def spread_of_stack(group: Sequence[Setting], seeds: Sequence[int], progress: Progress) -> dict[str, Arrays]:
    """`spread` of M settings that are alike: one stack a seed, which reads the images once for all of them."""
    splits = load_splits(group[0].dtype, group[0].train_on)
    nets = [
        train_stack([setting.model_copy(update={"seed": seed}) for setting in group], splits, watch=()).net
        for seed in progress(seeds)
    ]
    held = {"train": splits.train, "val": splits.val, "test": splits.test.open()}
    figures = {split: np.array([evaluate(X, y, net, 0)["accuracy"] for net in nets]) for split, (X, y) in held.items()}
    figures["smoothness"] = np.array([[smoothness(W) for W in net.W.swapaxes(0, 1)] for net in nets])
    return {
        setting.name: {measure: values[:, m] for measure, values in figures.items()} for m, setting in enumerate(group)
    }


def main(arguments: list[str]) -> None:
    expect_none(arguments)
    with np.errstate(over="ignore", invalid="ignore"):  # a setting may diverge
        spread(settings.read_all(), progress=report_progress("seeds"))


if __name__ == "__main__":
    run_command(main)
