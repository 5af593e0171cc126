"""Search a grid of eta, lam and batch size. Stacks of settings are trained in parallel.

python -m notebooks.improvements.search [SCHEDULER]    on this machine's cores, or on a Dask cluster at tcp://host:8786

Settings with the same loss and batches are trained together in stacks, which read the images once for all of them. The
result of a stack is cached as soon as it is done, so a repeated or interrupted search trains only missing stacks. On
the same kind of processor, a stack gives the same results to the bit.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import product
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np

from lib import paths
from lib.command import InputError, run_command, say
from lib.files import describe, read_yaml
from lib.model import LOSSES
from lib.runs import settings
from lib.runs.cache import Arrays, Progress, cached_all
from lib.runs.pool import side_by_side
from lib.runs.run import MEASURES
from lib.runs.settings import Setting, Stack, TrainOn, stacks_of
from lib.runs.splits import Splits, load_splits
from lib.runs.training import train_stack
from lib.train import evaluate

GRID = paths.NOTEBOOKS / "sweep.yaml"
AXES = ("n_batch", "eta", "lam")  # the fields that a grid has several values of
STACK = 16  # settings at most in a stack: more gain little speed, and more work is lost where a stack is


def read_grid(path: Path = GRID) -> list[Setting]:
    """Read every setting of the grid in a YAML file: lists for AXES, single values for other fields of a setting.

    The settings are sorted by AXES. Raises InputError if the file or one of its values is not valid.
    """
    values = read_yaml(path)
    for axis in AXES:
        if not isinstance(values.get(axis), list) or not values[axis]:
            got = f"{axis} = {describe(values[axis])}" if axis in values else f"{axis} is missing"
            raise InputError(f"{path}: {got}: must be a list of one value or more, such as [1, 2]")
    if "name" in values:
        got = f"name = {describe(values['name'])}"
        raise InputError(f"{path}: {got}: unknown key; the settings of a grid have no names")
    points = product(*(values[axis] for axis in AXES))
    named = values | {"name": "grid"}
    grid = [settings.validate(named | dict(zip(AXES, point, strict=True)), str(path)) for point in points]
    for axis in AXES:
        for place, value in enumerate(values[axis]):
            if value in values[axis][:place]:
                raise InputError(f"{path}: {axis} = {value!r}: given more than once")
    return sorted(grid, key=attrgetter(*AXES))


@lru_cache(maxsize=1)
def splits(dtype: str, train_on: TrainOn) -> Splits:
    """Return the data splits. Each process loads them only once."""
    return load_splits(dtype, train_on)


def train(*, stack: Stack, progress: Progress = iter) -> Arrays:
    """Train a stack of M settings. Returns final loss, cost and accuracy (M,) on the validation images.

    They are NaN for a setting that diverged, because its answers mean nothing.
    """
    data = splits(stack[0].dtype, stack[0].train_on)
    with np.errstate(over="ignore", invalid="ignore"):
        net = train_stack(stack, data, evaluate_on=(), progress=progress).net
        lam = np.array([setting.lam for setting in stack])
        measures = evaluate(*data.val, net, lam, LOSSES[stack[0].loss])
    return {name: np.where(np.isfinite(measures["cost"]), values, np.nan) for name, values in measures.items()}


def name_of(stack: Stack) -> str:
    """Return the name under which the results of a stack are cached."""
    return f"sweep@{hashlib.sha256(''.join(as_json(stack)).encode()).hexdigest()[:12]}"


def as_json(stack: Stack) -> list[str]:
    """Return each setting as JSON, which a worker of any Python version reads."""
    return [setting.model_dump_json() for setting in stack]


def search(grid: Sequence[Setting], scheduler: str | None = None) -> Arrays:
    """Return loss, cost and accuracy on the validation images, (n_settings,) each, in the order of the grid.

    Trains missing stacks on the Dask cluster at `scheduler` (InputError if that fails) or, if None, on this machine.
    """
    stacks = {name_of(stack): stack for stack in stacks_of(grid, STACK)}

    def train_missing(names: list[str]) -> Iterator[tuple[str, Arrays]]:
        missing = {name: stacks[name] for name in names}
        if not scheduler:
            return train_here(missing)
        from notebooks.improvements.cluster import train_on_cluster

        return train_on_cluster(scheduler, missing)

    results = cached_all({name: {"stack": stack} for name, stack in stacks.items()}, train, train_missing)
    places = {setting: (name, m) for name, stack in stacks.items() for m, setting in enumerate(stack)}
    in_order = [places[setting] for setting in grid]
    return {measure: np.array([results[name][measure][m] for name, m in in_order]) for measure in MEASURES}


def train_here(stacks: Mapping[str, Stack]) -> Iterator[tuple[str, Arrays]]:
    """Train stacks on this machine's cores, with a progress bar. Yields each stack's name and results."""
    for stack in stacks.values():
        splits(stack[0].dtype, stack[0].train_on)  # loaded here, otherwise each thread would load them
    with epochs_bar(stacks) as bar:

        def train_and_count(stack: Stack, epochs: Progress) -> Arrays:
            return train(stack=stack, progress=lambda orders: count(epochs(orders), lambda _: bar.update()))

        yield from zip(stacks, side_by_side(train_and_count, list(stacks.values())), strict=True)


def epochs_bar(stacks: Mapping[str, Stack]) -> Any:
    """Print the number of stacks, and return a progress bar over their epochs."""
    from tqdm import tqdm

    say(f"  sweep: {sum(map(len, stacks.values()))} settings in {len(stacks)} stacks")
    n_epochs = sum(stack[0].n_epochs for stack in stacks.values())
    return tqdm(total=n_epochs, desc="  sweep", unit="epoch", mininterval=1)


def count(orders: Iterable[Any], after_epoch: Callable[[int], Any]) -> Iterator[Any]:
    """Yield the orders. Call `after_epoch` when the next order is requested, that is, after each epoch."""
    for epoch, order in enumerate(orders):
        yield order
        after_epoch(epoch)


def main(arguments: list[str]) -> None:
    if len(arguments) > 1:
        raise InputError("usage: python -m notebooks.improvements.search [SCHEDULER]")
    grid = read_grid(Path(os.path.relpath(GRID)))
    results = search(grid, *arguments)
    for place in np.argsort(results["loss"], kind="stable")[:5]:  # NaN, where training diverged, comes last
        loss, accuracy = results["loss"][place], results["accuracy"][place]
        say(f"  validation loss {loss:.4f}, {accuracy:.2%} of the images: {grid[place].plain_title}")


if __name__ == "__main__":
    run_command(main)
