"""How much of a figure is chance: every setting again with other seeds, the settings of one schedule as one stack."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import groupby, takewhile
from threading import Event

import numpy as np

from lib import settings
from lib.cache import Arrays, Progress, fingerprint, load, one_thread, save
from lib.errors import expect_none, report_progress, run_command
from lib.experiment import load_splits, train_stack
from lib.model import Network
from lib.settings import Setting
from lib.stats import smoothness
from lib.train import evaluate

SEEDS = tuple(range(10))
NO_SEED = Setting.model_fields["seed"].default


def spread(chosen: Sequence[Setting], seeds: Sequence[int] = SEEDS, progress: Progress = iter) -> dict[str, Arrays]:
    """For each setting, by name: final accuracy on each split and smoothness of the templates, (n_seeds,) each.

    The seeds are trained side by side, on all cores. A setting's own seed counts for nothing.
    """
    seedless = {setting.name: setting.model_copy(update={"seed": NO_SEED}) for setting in chosen}
    files = {name: f"spread@{setting.content}@{len(seeds)}" for name, setting in seedless.items()}
    marks = {name: fingerprint(spread_of_stack, setting=own, seeds=seeds) for name, own in seedless.items()}
    found = {name: load(file, marks[name]) for name, file in files.items()}
    missing = [setting for name, setting in seedless.items() if found[name] is None]
    for _, group in groupby(sorted(missing, key=alike), key=alike):
        with one_thread():
            trained = spread_of_stack(list(group), seeds, progress)
        for name, arrays in trained.items():
            save(files[name], marks[name], arrays)
            found[name] = arrays
    return {name: arrays for name, arrays in found.items() if arrays is not None}


def alike(setting: Setting) -> str:
    """The same for settings that are trained as one stack."""
    return repr(setting.shared())


def spread_of_stack(group: Sequence[Setting], seeds: Sequence[int], progress: Progress) -> dict[str, Arrays]:
    """`spread` of M settings that are alike: one stack a seed, which reads the images once for all of them."""
    splits = load_splits(group[0].dtype, group[0].train_on)
    stop = Event()

    def train(seed: int) -> Network:
        own = [setting.model_copy(update={"seed": seed}) for setting in group]
        with np.errstate(over="ignore", invalid="ignore"):  # which is each thread's own
            return train_stack(own, splits, watch=(), progress=partial(takewhile, lambda _: not stop.is_set())).net

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            nets = [net for _, net in zip(progress(seeds), pool.map(train, seeds), strict=True)]
        finally:
            stop.set()  # or Ctrl-C would wait for trainings that nobody wants
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
