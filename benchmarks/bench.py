"""Measure the training speed, compare it with other libraries and the machine's limit, and measure how time grows.

python -m benchmarks.bench [ROUNDS]        Writes benchmarks/results.json, which the report's last chapter shows.

All contenders (our code and other libraries) do the same work and take turns, so that a busy period slows them all.
Each turn is a new process: two libraries' threads in one process compete for cores. Compare ratios, not seconds.
"""

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib.metadata import distributions
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info
from tqdm import tqdm

from benchmarks import contenders
from lib import cifar10, paths
from lib.assignment import ALL_BATCHES, N_BATCH, N_EPOCHS
from lib.command import InputError, run_command, say
from lib.preprocess import Standardiser
from lib.runs.splits import load_splits
from notebooks.speed import race
from notebooks.speed.sentences import race_table

ROUNDS = 5
CONTENDERS: dict[str, Callable[..., float]] = {
    "this project": contenders.ours,
    "this project, 4 stacked": partial(contenders.stacked, 4),
    "this project, 32 stacked": partial(contenders.stacked, 32),
    "PyTorch eager": contenders.torch_eager,
    "PyTorch DataLoader": contenders.torch_loader,
    "JAX jit": contenders.jax_jit,
    "scikit-learn": contenders.scikit_learn,
    "the course's style": contenders.course_style,
}
STACKED = {"this project, 4 stacked": 4, "this project, 32 stacked": 32}  # how many settings are trained at once
TRAINED_ALONE = ("this project", "this project, 4 stacked", "this project, 32 stacked", "PyTorch eager")
IMAGES, EPOCHS, STACKS = (2500, 5000, 10_000, 25_000, 50_000), (5, 10, 20, 40), (1, 2, 4, 8, 16, 32)
FEW = 5  # epochs, where the number of images or settings grows
PACKAGES = ("numpy", "torch", "jax", "scikit-learn")

Turn = dict[str, float]


def contend(name: str, evaluated: bool) -> Turn:
    """Measure a contender's seconds; return them with its number of settings and its final training accuracy."""
    splits = load_splits()
    data = contenders.Data(*splits.train, *map(np.asarray, splits.val))
    CONTENDERS[name](data, 1, evaluated)  # imports, compiles and warms up before the measurement
    took, reached = seconds(lambda: CONTENDERS[name](data, N_EPOCHS, evaluated))
    return {"seconds": took, "settings": STACKED.get(name, 1), "accuracy": reached}


def grow(n: int = 10_000, n_epochs: int = FEW, M: int = 1) -> Turn:
    """Measure the seconds to train M settings on n images and evaluate them twice per epoch on the same images."""
    read = [cifar10.load_batch(name) for name in ALL_BATCHES[: -(-n // 10_000)]]
    images, y = (np.concatenate(arrays)[:n] for arrays in zip(*read, strict=True))
    X = Standardiser.fit(images).apply(images)
    data = contenders.Data(X, y, X, y)
    contenders.stacked(M, data, 1, True)
    return {"seconds": seconds(lambda: contenders.stacked(M, data, n_epochs, True))[0]}


def limits() -> Turn:
    """Measure operations per second in a large float32 product, and bytes per second that a copy reads and writes."""
    A = np.random.default_rng(0).random((4096, 4096), np.float32)
    source, target = np.ones(2**26, np.float32), np.empty(2**26, np.float32)
    products = [2 * 4096**3 / seconds(lambda: A @ A)[0] for _ in range(3)]
    copies = [2 * source.nbytes / seconds(lambda: np.copyto(target, source))[0] for _ in range(3)]
    return {"operations": max(products), "bytes": max(copies)}


def peak_memory(train_on: str) -> Turn:
    """Measure the peak memory, in bytes, of a process that trains and evaluates one setting."""
    import resource

    setting = f"Setting(name='memory', eta=0.001, lam=0, train_on={train_on!r})"
    program = (
        f"from lib.runs.training import train_setting; from lib.runs.settings import Setting; train_setting({setting})"
    )
    subprocess.run([sys.executable, "-c", program], cwd=paths.ROOT, check=True)
    unit = 1 if sys.platform == "darwin" else 1024
    return {"bytes": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit}


def seconds(job: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    value = job()
    return time.perf_counter() - start, value


def jobs() -> dict[str, Callable[[], Turn]]:
    """Return every job, by its key in the results. In a key, "/" separates the levels."""
    return {
        "limit": limits,
        **{f"contenders/{name}": partial(contend, name, True) for name in CONTENDERS},
        **{f"training alone/{name}": partial(contend, name, False) for name in TRAINED_ALONE},
        **{f"images/{n}": partial(grow, n=n) for n in IMAGES},
        **{f"epochs/{n_epochs}": partial(grow, n_epochs=n_epochs) for n_epochs in EPOCHS},
        **{f"stack/{M}": partial(grow, M=M) for M in STACKS},
        **{f"memory/{train_on}": partial(peak_memory, train_on) for train_on in ("data_batch_1", "all")},
    }


def measure(rounds: int) -> dict[str, Any]:
    """Run all jobs one after the other, `rounds` times. Returns lists of each job's measures, nested by its key."""
    measured: dict[str, Any] = {
        "machine": machine(),
        "work": {"n": 10_000, "n_val": 10_000, "n_epochs": N_EPOCHS, "n_batch": N_BATCH},
    }
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as pool:
        for place, job in tqdm([*jobs().items()] * rounds, desc="bench", unit="job"):
            *group, name = place.split("/")
            node = measured.setdefault(group[0], {}) if group else measured
            for key, value in pool.submit(job).result().items():
                node.setdefault(name, {}).setdefault(key, []).append(value)
    return measured


def machine() -> dict[str, Any]:
    """Describe the machine: processor, cores, BLAS libraries with their threads, and the versions of the packages."""
    installed = {package.name: package.version for package in distributions()}
    versions = {name: installed[name] for name in PACKAGES if name in installed}
    python = {"Python": platform.python_version()}
    return {"cpu": cpu(), "cores": os.cpu_count(), "blas": blas(), "versions": python | versions}


def cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def blas() -> list[str]:
    libraries = [info for info in threadpool_info() if info["user_api"] == "blas"]
    return sorted({f"{info['internal_api']} {info['version']}, {info['num_threads']} threads" for info in libraries})


def as_text(measured: race.Race) -> list[str]:
    """Write the results as a table for the terminal."""
    lines = []
    for evaluated, title in ((True, "contenders"), (False, "training alone")):
        (_, *header), rows, *_ = race_table(measured, evaluated)
        cells = [[title, *header], *rows]
        lines += ["", *(f"{first:32}" + "".join(f"{cell:>30}" for cell in rest) for first, *rest in cells)]
    grown = ", ".join(f"{size}^{race.exponent(getattr(measured, size)):.2f}" for size in ("images", "epochs"))
    held = ", ".join(f"{train_on} {most:.0f} MB" for train_on, most in measured.megabytes().items())
    return [*lines, "", f"Seconds grow as {grown}. Peak memory of a setting: {held}."]


def main(arguments: list[str]) -> None:
    if len(arguments) > 1 or not all(argument.isdigit() and int(argument) > 0 for argument in arguments):
        raise InputError("usage: python -m benchmarks.bench [ROUNDS], a whole number of at least 1")
    measured = measure(int(arguments[0]) if arguments else ROUNDS)
    paths.write_text(race.RESULTS, json.dumps(measured, indent=1) + "\n")
    for line in as_text(race.read()):
        say(line)


if __name__ == "__main__":
    run_command(main)
