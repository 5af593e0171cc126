"""How much of a figure is chance: every setting again with other seeds, the settings of one schedule as one stack."""

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from itertools import groupby, product, takewhile
from threading import Event

import numpy as np

from lib.guards import Split
from lib.model import Network, compute_accuracy, scores
from lib.runs.cache import Arrays, Progress, fingerprint, load, one_thread, save
from lib.runs.settings import Setting, TrainOn
from lib.runs.splits import load_splits
from lib.runs.training import train_stack
from lib.stats import smoothness

Group = Sequence[Setting]
Images = tuple[str, TrainOn]
SEEDS = tuple(range(10))
NO_SEED = Setting.model_fields["seed"].default


def spread(chosen: Sequence[Setting], seeds: Sequence[int] = SEEDS, progress: Progress = iter) -> dict[str, Arrays]:
    """For each setting, by name: final accuracy on each split and smoothness of the templates, (n_seeds,) each.

    Stacks are trained side by side, on all cores. A setting's own seed counts for nothing.
    """
    seedless = {setting.name: setting.model_copy(update={"seed": NO_SEED}) for setting in chosen}
    files = {name: f"spread@{setting.file_stem}@{len(seeds)}" for name, setting in seedless.items()}
    marks = {name: fingerprint(train_groups, setting=own, seeds=seeds) for name, own in seedless.items()}
    found = {name: load(file, marks[name]) for name, file in files.items()}
    missing = sorted((setting for name, setting in seedless.items() if found[name] is None), key=alike)
    groups = [list(group) for _, group in groupby(missing, key=alike)]
    with one_thread():
        for trained in train_groups(groups, seeds, progress) if groups else ():
            for name, arrays in trained.items():
                save(files[name], marks[name], arrays)
                found[name] = arrays
    return {name: arrays for name, arrays in found.items() if arrays is not None}


def alike(setting: Setting) -> str:
    """The same for settings that are trained as one stack."""
    return repr(setting.stack_key)


def train_groups(groups: Sequence[Group], seeds: Sequence[int], progress: Progress) -> Iterator[dict[str, Arrays]]:
    """`spread` of each group in turn. Its settings are alike: one stack a seed reads the images once for all."""
    splits = {images: load_splits(*images) for images in dict.fromkeys(map(images_of, groups))}
    stop = Event()

    def train(group: Group, seed: int) -> Network:
        own = [setting.model_copy(update={"seed": seed}) for setting in group]
        with np.errstate(over="ignore", invalid="ignore"):  # which is each thread's own
            epochs = partial(takewhile, lambda _: not stop.is_set())
            return train_stack(own, splits[images_of(group)], evaluate_on=(), progress=epochs).net

    @cache
    def held(images: Images) -> dict[str, Split]:
        return {"train": splits[images].train, "val": splits[images].val, "test": splits[images].test.open()}

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            jobs = [(group, pool.submit(train, group, seed)) for group, seed in product(groups, seeds)]
            nets: list[Network] = []
            for group, job in progress(jobs):
                nets.append(job.result())
                if len(nets) == len(seeds):
                    yield figures(group, nets, held(images_of(group)))
                    nets = []
        finally:
            stop.set()  # or Ctrl-C would wait for trainings that nobody wants


def images_of(group: Group) -> Images:
    """What `load_splits` takes. Groups for which it is the same share the images, which are large."""
    return group[0].dtype, group[0].train_on


def figures(group: Group, nets: Sequence[Network], splits: Mapping[str, Split]) -> dict[str, Arrays]:
    """`spread` of a group from its stack of each seed."""
    found = {split: np.array([compute_accuracy(scores(X, net), y) for net in nets]) for split, (X, y) in splits.items()}
    found["smoothness"] = np.array([[smoothness(W) for W in net.W.swapaxes(0, 1)] for net in nets])
    return {
        setting.name: {measure: values[:, m] for measure, values in found.items()} for m, setting in enumerate(group)
    }
