"""Arrays that took long to compute, kept in data/runs/<name>.npz: a cache that knows when it is out of date.

A file is trusted only if it was made from the same arguments and data by the same code. One file holds all that belongs
together, so there is no moment at which half of it is new. A setting's file is named by what the setting trains with,
so a value that is changed and changed back trains once.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel
from threadpoolctl import threadpool_limits

from lib import cifar10, paths

Arrays = dict[str, np.ndarray]
Progress = Callable[[Iterable[Any]], Iterable[Any]]  # wraps what is looped over, as tqdm does

# What results depend on beside the module that computes them.
CODE = ("preprocess", "augment", "model", "train", "schedules", "stats", "runs/training", "runs/snapshots", "runs/run")


def cached(name: str, compute: Callable[..., Arrays], progress: Progress = iter, **arguments: Any) -> Arrays:
    """What `compute(progress=progress, **arguments)` gives: from the cache if it is up to date, else anew."""
    mark = fingerprint(compute, **arguments)
    arrays = load(name, mark)
    if arrays is None:
        with one_thread():
            arrays = compute(progress=progress, **arguments)
        save(name, mark, arrays)
    return arrays


def one_thread() -> threadpool_limits:
    """What is kept is computed within this. A sum's rounding depends on the threads, and the fingerprint does not."""
    return threadpool_limits(1, user_api="blas")


def fingerprint(compute: Callable[..., Any], **arguments: Any) -> str:
    """What a result depends on, as JSON: the arguments, the data's checksums, the code and NumPy that compute it."""
    own = Path(compute.__code__.co_filename).resolve()  # not __module__, which is "__main__" in a command
    files = sorted({*(paths.ROOT / "lib" / f"{name}.py" for name in CODE), own})
    code = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    inputs = json.dumps(arguments, default=nameless)
    return json.dumps([compute.__qualname__, inputs, cifar10.SHA1, code, np.__version__])


def nameless(setting: BaseModel) -> dict[str, Any]:
    """All of a setting that trains anything."""
    return setting.model_dump(exclude={"name"})


def save(name: str, mark: str, arrays: Arrays) -> None:
    kept: dict[str, Any] = {**arrays, "fingerprint": mark}
    with paths.atomic(paths.RUNS / f"{name}.npz") as temporary:
        np.savez(temporary, **kept)


def load(name: str, mark: str) -> Arrays | None:
    """The arrays kept under `name` with this fingerprint, or None if there are none, or if they are damaged."""
    try:
        with np.load(paths.RUNS / f"{name}.npz") as kept:
            if str(kept["fingerprint"]) == mark:
                return {key: kept[key] for key in kept.files if key != "fingerprint"}
    except Exception:  # nosec B110 # a damaged file raises anything, and is made anew whatever it was
        pass
    return None
