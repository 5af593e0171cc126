"""A grid search over eta, lam and the batch size: stacks of settings, trained side by side on Dask.

python -m notebooks.improvements.search [SCHEDULER]    this machine's cores, or a scheduler such as tcp://host:8786

Settings that share their loss and their batches are trained in stacks, which read the images once for all of them. A
stack is a task; what it found is kept in data/runs as soon as it is done. A search that is repeated, or was
interrupted, does what is missing. On processors of one kind a stack gives the same figures, to the bit.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import product
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lib import paths
from lib.command import InputError, run_command, say
from lib.files import describe, read_yaml
from lib.model import LOSSES
from lib.runs import settings
from lib.runs.cache import Arrays, Progress, fingerprint, load, one_thread, save
from lib.runs.settings import Setting, TrainOn
from lib.runs.splits import Splits, load_splits
from lib.runs.training import train_stack
from lib.train import evaluate
from notebooks.improvements.cluster import connect, keep_memory

if TYPE_CHECKING:
    from distributed import Client

GRID = paths.NOTEBOOKS / "sweep.yaml"
AXES = ("n_batch", "eta", "lam")  # what a grid gives several values of
STACK = 16  # settings at most in a stack: more gain little speed and take longer to lose

Stack = tuple[Setting, ...]


def read_grid(path: Path = GRID) -> list[Setting]:
    """Every setting of the grid in a YAML file: lists for AXES, single values for whatever else a setting has.

    In the order of AXES, each from its lowest value to its highest. Raises InputError as `lib.runs.settings` does.
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
        own = values[axis]
        for twice in (value for place, value in enumerate(own) if value in own[:place]):
            raise InputError(f"{path}: {axis} = {twice!r}: given more than once")
    return sorted(grid, key=attrgetter(*AXES))


def stacks_of(grid: Sequence[Setting], size: int = STACK) -> list[Stack]:
    """The grid in stacks, in its order. The same settings always meet: figures depend, by rounding, on the stack."""
    alike: dict[str, list[Setting]] = {}
    for setting in grid:
        alike.setdefault(repr(setting.stack_key), []).append(setting)
    return [tuple(group[i : i + size]) for group in alike.values() for i in range(0, len(group), size)]


@lru_cache(maxsize=1)
def splits(dtype: str, train_on: TrainOn) -> Splits:
    """The data, fetched and verified where they lack. A worker loads them once, and keeps the last."""
    return load_splits(dtype, train_on)


def train(*, stack: Stack, progress: Progress = iter) -> Arrays:
    """Loss, cost and accuracy (M,) on the validation images of each setting of a stack, at the end of its training.

    Of a setting that diverged they are NaN: its answers are no answers.
    """
    own = splits(stack[0].dtype, stack[0].train_on)
    with one_thread(), np.errstate(over="ignore", invalid="ignore"):
        net = train_stack(stack, own, evaluate_on=(), progress=progress).net
        lam = np.array([setting.lam for setting in stack])
        figures = evaluate(*own.val, net, lam, LOSSES[stack[0].loss])
    return {measure: np.where(np.isfinite(figures["cost"]), values, np.nan) for measure, values in figures.items()}


VERSION = fingerprint(train)  # of lib and NumPy, as this process has imported them


def on_worker(version: str, stack: Iterable[str]) -> Arrays:
    """What a worker does: train as whoever asks would, and tell of each epoch. The settings come as JSON."""
    from distributed import get_worker

    worker = get_worker()
    if version != VERSION:
        raise InputError(f"the worker at {worker.address} has another version of lib or of NumPy: start it anew")
    own = tuple(map(Setting.model_validate_json, stack))

    def tell(epochs: Iterable[Any]) -> Iterator[Any]:
        for epoch, order in enumerate(epochs):
            yield order
            worker.log_event("epochs", (key(own), epoch))

    keep_memory()
    return train(stack=own, progress=tell)


def key(stack: Stack) -> str:
    """The name that a stack's figures are kept under."""
    return f"sweep@{hashlib.sha256(''.join(as_json(stack)).encode()).hexdigest()[:12]}"


def as_json(stack: Stack) -> list[str]:
    return [setting.model_dump_json() for setting in stack]


def search(grid: Sequence[Setting], scheduler: str | None = None) -> Arrays:
    """Loss, cost and accuracy on the validation images of each setting, in the order of the grid, (n_settings,) each.

    Trains what is not on disk yet, on the Dask cluster at `scheduler` or on this machine's cores. Raises InputError.
    """
    marks = {stack: fingerprint(train, stack=stack) for stack in stacks_of(grid)}
    kept = {stack: load(key(stack), mark) for stack, mark in marks.items()}
    found = {stack: arrays for stack, arrays in kept.items() if arrays is not None}
    if missing := [stack for stack in marks if stack not in found]:
        with connect(scheduler, len(missing)) as client:
            for stack, arrays in train_on_cluster(client, missing):
                save(key(stack), marks[stack], arrays)
                found[stack] = arrays
    figures = {
        setting: {measure: values[m] for measure, values in arrays.items()}
        for stack, arrays in found.items()
        for m, setting in enumerate(stack)
    }
    return {measure: np.array([figures[setting][measure] for setting in grid]) for measure in figures[grid[0]]}


def train_on_cluster(client: "Client", stacks: Sequence[Stack]) -> Iterator[tuple[Stack, Arrays]]:
    """Each stack with its figures when it is done, and a bar meanwhile. A worker that dies costs its stack only."""
    from distributed import as_completed
    from tqdm import tqdm

    def task(*arguments: Any) -> Any:  # an inner function is sent whole: none but who runs it has to have our code
        from notebooks.improvements.search import on_worker

        return on_worker(*arguments)

    settings_and_stacks = f"{sum(map(len, stacks))} settings in {len(stacks)} stacks"
    say(f"  sweep: {settings_and_stacks}; workers: {len(client.nthreads())}; dashboard: {client.dashboard_link}")
    names = {key(stack): stack for stack in stacks}
    with tqdm(total=sum(stack[0].n_epochs for stack in stacks), desc="  sweep", unit="epoch", mininterval=1) as bar:
        told: set[Any] = set()  # a stack that starts again tells of the same epochs again

        def show(event: tuple[float, tuple[str, int]]) -> None:
            if event[1][0] in names:
                told.add(event[1])
                bar.update(len(told) - bar.n)

        client.subscribe_topic("epochs", show)
        futures = {
            client.submit(task, VERSION, as_json(stack), key=("sweep", name)): stack  # a tuple: tasks of one kind
            for name, stack in names.items()
        }
        for future in as_completed(list(futures)):
            try:
                arrays = future.result()
            except InputError:
                raise
            except Exception as error:
                why = " ".join(f"{type(error).__name__}: {error}".split())
                raise InputError(f"sweep: {why}; what is done is kept, and README says what a cluster needs") from error
            future.release()  # or it would be trained again if the worker that holds it died
            yield futures.pop(future), arrays


def main(arguments: list[str]) -> None:
    if len(arguments) > 1:
        raise InputError("usage: python -m notebooks.improvements.search [SCHEDULER]")
    grid = read_grid(Path(os.path.relpath(GRID)))
    found = search(grid, *arguments)
    for place in np.argsort(found["loss"], kind="stable")[:5]:  # NaN, where training diverged, comes last
        loss, accuracy = found["loss"][place], found["accuracy"][place]
        say(f"  validation loss {loss:.4f}, {accuracy:.2%} of the images: {grid[place].plain_title}")


if __name__ == "__main__":
    run_command(main)
