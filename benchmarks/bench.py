"""How fast is it, against what people would use instead, and against the machine's own limit?

python benchmarks/bench.py [ROUNDS]        Writes benchmarks/results.json, which the report shows.

Every contender does the same work in turns, so that a busy moment of the machine meets them all; each turn is a process
of its own, since two libraries' threads would wait for each other's cores. Compare ratios, not seconds.
"""

import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import contenders
import numpy as np
from threadpoolctl import threadpool_info
from tqdm import tqdm

from lib import paths
from lib.errors import InputError, run_command, say
from lib.experiment import load_splits

N_EPOCHS, ROUNDS = 40, 5
RESULTS = paths.ROOT / "benchmarks" / "results.json"
ALONE = ", training alone"  # without the evaluation after every epoch
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
JOBS = [*CONTENDERS, *(name + ALONE for name in ("this project", "this project, 32 stacked", "PyTorch eager"))]


def timed(job: str) -> dict[str, float]:
    """In a process of its own: seconds a setting, the accuracy reached, and this moment's rate of matrix products."""
    name = job.removesuffix(ALONE)
    splits = load_splits()
    data = contenders.Data(*splits.train, *map(np.asarray, splits.val))
    CONTENDERS[name](data, 1, True)  # compiles, imports, warms up
    took, reached = seconds(lambda: CONTENDERS[name](data, N_EPOCHS, name == job))
    return {"seconds": took / STACKED.get(name, 1), "accuracy": reached, "peak_memory": peak_memory()}


def limits(_: Any) -> dict[str, float]:
    """Operations a second in a large float32 matrix product, and bytes a second that a copy reads and writes."""
    A = np.random.default_rng(0).random((4096, 4096), np.float32)
    source, target = np.ones(2**26, np.float32), np.empty(2**26, np.float32)
    products = [2 * 4096**3 / seconds(lambda: A @ A)[0] for _ in range(3)]
    copies = [2 * source.nbytes / seconds(lambda: np.copyto(target, source))[0] for _ in range(3)]
    return {"operations": max(products), "bytes": max(copies)}


def seconds(job: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    value = job()
    return time.perf_counter() - start, value


def peak_memory() -> float:
    """Bytes, of this process."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def measure(rounds: int) -> dict[str, Any]:
    """Every job in turns, `rounds` times, and the machine's limits in each round."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in ["limit", *JOBS]}
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as pool:
        for name in tqdm([*found] * rounds, desc="bench", unit="job"):
            found[name].append(pool.submit(limits if name == "limit" else timed, name).result())
    return {
        "machine": {"cpu": cpu(), "cores": os.cpu_count(), "blas": blas()},
        "work": {"images": 10_000, "epochs": N_EPOCHS, "batch": contenders.N_BATCH},
        **{name: {key: [turn[key] for turn in turns] for key in turns[0]} for name, turns in found.items()},
    }


def cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def blas() -> list[str]:
    own = [info for info in threadpool_info() if info["user_api"] == "blas"]
    return sorted({f"{info['internal_api']} {info['version']}, {info['num_threads']} threads" for info in own})


def main(arguments: list[str]) -> None:
    if len(arguments) > 1 or not all(argument.isdigit() and int(argument) > 0 for argument in arguments):
        raise InputError("usage: python benchmarks/bench.py [ROUNDS], a whole number of at least 1")
    found = measure(int(arguments[0]) if arguments else ROUNDS)
    with paths.atomic(RESULTS) as temporary:
        temporary.write_text(json.dumps(found, indent=1) + "\n")
    medians = {name: statistics.median(found[name]["seconds"]) for name in JOBS}
    for name, median in medians.items():
        beside = medians["PyTorch eager" + (ALONE if name.endswith(ALONE) else "")]
        say(f"  {name:42s} {median:6.2f} s a setting, {beside / median:5.2f} times as fast as PyTorch eager")


if __name__ == "__main__":
    run_command(main)
