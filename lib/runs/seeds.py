"""Train every setting from several seeds, in stacks, to measure how much of a result is chance."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import product

import numpy as np

from lib.guards import Split
from lib.model import Network, compute_accuracy, scores
from lib.runs.cache import Arrays, Progress, cached_all
from lib.runs.pool import side_by_side
from lib.runs.settings import Setting, Stack, TrainOn, stacks_of
from lib.runs.splits import load_splits
from lib.runs.training import train_stack
from lib.stats import smoothness

Images = tuple[str, TrainOn]
SEEDS = tuple(range(10))
NO_SEED = Setting.model_fields["seed"].default


def spread(settings: Sequence[Setting], seeds: Sequence[int] = SEEDS, progress: Progress = iter) -> dict[str, Arrays]:
    """Return, by setting name, the final accuracy on each split and the templates' smoothness, (n_seeds,) each.

    The `seed` of a setting is ignored.
    """
    seedless = [setting.model_copy(update={"seed": NO_SEED}) for setting in settings]
    files = {f"spread@{setting.file_stem}@{len(seeds)}": setting for setting in seedless}

    def train_missing(names: list[str]) -> Iterator[tuple[str, Arrays]]:
        groups = stacks_of([files[name] for name in names], len(names))
        for group, arrays in zip(groups, train_groups(groups, seeds, progress), strict=True):
            for setting, measures in zip(group, arrays, strict=True):
                yield f"spread@{setting.file_stem}@{len(seeds)}", measures

    arguments = {name: {"setting": setting, "seeds": seeds} for name, setting in files.items()}
    results = cached_all(arguments, train_groups, train_missing)
    return {setting.name: results[f"spread@{setting.file_stem}@{len(seeds)}"] for setting in seedless}


def train_groups(groups: Sequence[Stack], seeds: Sequence[int], progress: Progress) -> Iterator[list[Arrays]]:
    """Yield the arrays of `spread` for the settings of each group. A group is trained as one stack per seed."""
    splits = {images: load_splits(*images) for images in dict.fromkeys(map(images_of, groups))}

    def train(job: tuple[Stack, int], epochs: Progress) -> Network:
        group, seed = job
        seeded = [setting.model_copy(update={"seed": seed}) for setting in group]
        return train_stack(seeded, splits[images_of(group)], evaluate_on=(), progress=epochs).net

    @cache
    def opened(images: Images) -> dict[str, Split]:
        return {"train": splits[images].train, "val": splits[images].val, "test": splits[images].test.open()}

    nets = side_by_side(train, list(product(groups, seeds)), progress)
    for group in groups:
        yield measures_of([next(nets) for _ in seeds], opened(images_of(group)))


def images_of(group: Stack) -> Images:
    """Return the arguments of `load_splits`. Groups with equal arguments share the images, which are large."""
    return group[0].dtype, group[0].train_on


def measures_of(nets: Sequence[Network], splits: Mapping[str, Split]) -> list[Arrays]:
    """Return the arrays of `spread` for each setting of a group, given the group's trained stack for each seed."""
    measures = {}
    for name, (X, y) in splits.items():
        measures[name] = np.array([compute_accuracy(scores(X, net), y) for net in nets])
    measures["smoothness"] = np.array([[smoothness(W) for W in net.W.swapaxes(0, 1)] for net in nets])
    return [{name: values[:, m] for name, values in measures.items()} for m in range(len(nets[0].b))]
