"""How much of a figure is chance: every setting again with other seeds, the settings of one schedule as one stack."""

from collections.abc import Sequence
from itertools import groupby

import numpy as np

from lib import settings
from lib.cache import Arrays, Progress, fingerprint, load, save
from lib.errors import report_progress, run_command
from lib.experiment import load_splits
from lib.model import init_network, stack
from lib.settings import Setting
from lib.stats import smoothness
from lib.train import epoch_orders, evaluate, mini_batch_gd

SEEDS = tuple(range(10))
MEASURES = ("train", "val", "test", "smoothness")


def spread(chosen: Sequence[Setting], seeds: Sequence[int] = SEEDS, progress: Progress = iter) -> dict[str, Arrays]:
    """For each setting, by name: final accuracy on each split and smoothness of the templates, (n_seeds,) each."""
    marks = {setting.name: fingerprint(spread_of_stack, setting=setting, seeds=seeds) for setting in chosen}
    found = {name: load(f"spread@{name}", mark) for name, mark in marks.items()}
    missing = sorted((setting for setting in chosen if found[setting.name] is None), key=schedule)
    for _, group in groupby(missing, key=schedule):
        for name, arrays in spread_of_stack(list(group), seeds, progress).items():
            save(f"spread@{name}", marks[name], arrays)
            found[name] = arrays
    return {name: arrays for name, arrays in found.items() if arrays is not None}


def schedule(setting: Setting) -> tuple[int, int, str]:
    """What settings must have in common to be trained as one stack."""
    return setting.n_batch, setting.n_epochs, setting.dtype


def spread_of_stack(alike: Sequence[Setting], seeds: Sequence[int], progress: Progress) -> dict[str, Arrays]:
    """`spread` of settings that share a schedule: one stack a seed, which reads the images once for all of them."""
    per_seed = [train_stack(alike, seed) for seed in progress(seeds)]
    return {
        setting.name: {measure: np.array([figures[measure][m] for figures in per_seed]) for measure in MEASURES}
        for m, setting in enumerate(alike)
    }


def train_stack(alike: Sequence[Setting], seed: int) -> dict[str, np.ndarray]:
    """Train M settings that share a schedule from one seed: each of MEASURES as (M,)."""
    first, splits = alike[0], load_splits(alike[0].dtype)
    X, y = splits.train
    net = stack([init_network(np.random.default_rng(seed), d=X.shape[1], dtype=first.dtype)] * len(alike))
    eta, lam = (np.array([getattr(setting, field) for setting in alike]) for field in ("eta", "lam"))
    orders = epoch_orders(np.random.default_rng(seed), len(y), first.n_epochs)
    net = mini_batch_gd(X, y, net, eta=eta, lam=lam, n_batch=first.n_batch, orders=orders)
    figures = {"train": splits.train, "val": splits.val, "test": splits.test.open()}
    accuracies = {split: evaluate(*figures[split], net, lam)["accuracy"] for split in figures}
    return accuracies | {"smoothness": np.array([smoothness(W) for W in net.W.swapaxes(0, 1)])}


def main(arguments: list[str]) -> None:
    spread(settings.read_all(), progress=report_progress("seeds"))


if __name__ == "__main__":
    run_command(main)
