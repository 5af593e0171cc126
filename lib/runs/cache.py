"""Cache computed arrays in data/runs. Each file's name contains a hash of all that its arrays depend on.

A result depends on the arguments, the data, NumPy, and the code of its module and of all modules that this imports. So
when a change is undone, the old file is found again, and a changed comment makes no difference. If the files together
exceed MOST_BYTES, those that were read least recently are removed.
"""

import ast
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from lib import cifar10, paths

Arrays = dict[str, np.ndarray]
Progress = Callable[[Iterable[Any]], Iterable[Any]]  # wraps an iterable, as tqdm does

HOUSES = ("lib.", "notebooks.")  # packages whose code affects results
DATA = "lib.cifar10"  # left out: the data's checksums count, not the code that fetches them
MOST_BYTES = 2 * 10**9


def cached(name: str, compute: Callable[..., Arrays], progress: Progress = iter, **arguments: Any) -> Arrays:
    """Return the result of `compute(progress=progress, **arguments)`: load it, or compute and cache it."""
    return cached_all({name: arguments}, compute, lambda names: [(name, compute(progress=progress, **arguments))])[name]


def cached_all(
    arguments: Mapping[str, Mapping[str, Any]],
    compute: Callable[..., Any],
    compute_missing: Callable[[list[str]], Iterable[tuple[str, Arrays]]],
) -> dict[str, Arrays]:
    """Return the results of several computations by name, from the cache or else from `compute_missing`.

    All results depend on the code of `compute`, and each also on its entry in `arguments`. Each result is cached as
    soon as it is yielded, so an interruption loses only unfinished results.
    """
    marks = {name: fingerprint(compute, **each) for name, each in arguments.items()}
    results = {name: load(name, mark) for name, mark in marks.items()}
    missing = [name for name, arrays in results.items() if arrays is None]
    with one_thread():
        for name, arrays in compute_missing(missing) if missing else ():
            save(name, marks[name], arrays)
            results[name] = arrays
    return {name: arrays for name, arrays in results.items() if arrays is not None}


def one_thread() -> threadpool_limits:
    """Limit BLAS to one thread. The thread count affects rounding, and the fingerprint does not contain it."""
    return threadpool_limits(1, user_api="blas")


def fingerprint(compute: Callable[..., Any], **arguments: Any) -> str:
    """Return all that a result depends on, as JSON: the arguments, the data's checksums, the code and NumPy."""
    inputs = json.dumps(arguments, default=lambda setting: setting.model_dump(exclude={"name"}))
    code = code_hash(Path(compute.__code__.co_filename).resolve())  # __module__ would be "__main__" in a command
    return json.dumps([compute.__qualname__, inputs, cifar10.SHA1, code, np.__version__])


@cache
def code_hash(file: Path) -> str:
    """Return a hash of the code of a module and of all our modules that it imports, without comments and docstrings."""
    return hashlib.sha256("\n".join(map(plain_code, sorted(imported_by(file)))).encode()).hexdigest()


def imported_by(file: Path, known: frozenset[Path] = frozenset()) -> frozenset[Path]:
    """Return the files of a module and of all our modules that it imports, directly or indirectly."""
    known |= {file}
    nodes = [node for node in ast.walk(ast.parse(file.read_bytes())) if isinstance(node, ast.ImportFrom)]
    names = {name for node in nodes for name in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))}
    for name in names:
        module = paths.ROOT / f"{str(name).replace('.', '/')}.py"
        if str(name).startswith(HOUSES) and not str(name).startswith(DATA) and module.is_file() and module not in known:
            known |= imported_by(module, known)
    return known


def plain_code(file: Path) -> str:
    """Return a module's code without comments and docstrings."""
    tree = ast.parse(file.read_bytes())
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node, clean=False):
            node.body = node.body[1:]
    return ast.unparse(tree)


def save(name: str, mark: str, arrays: Arrays) -> None:
    """Write the arrays with their fingerprint, whole or not at all, and remove old files beyond the limit."""
    content: dict[str, Any] = {**arrays, "fingerprint": mark}
    with paths.atomic(file_of(name, mark)) as temporary:
        np.savez(temporary, **content)
    remove_oldest()


def load(name: str, mark: str) -> Arrays | None:
    """Return the arrays cached under this name and fingerprint, or None if the file is missing or damaged."""
    file = file_of(name, mark)
    try:
        with np.load(file) as content:
            if str(content["fingerprint"]) == mark:
                os.utime(file, ns=(time.time_ns(), file.stat().st_mtime_ns))  # for `remove_oldest`
                return {key: content[key] for key in content.files if key != "fingerprint"}
    except Exception:  # nosec B110 # a damaged file can raise any exception, and is computed again
        pass
    return None


def file_of(name: str, mark: str) -> Path:
    return paths.RUNS / f"{name}@{hashlib.sha256(mark.encode()).hexdigest()[:12]}.npz"


def remove_oldest() -> None:
    """Remove the files read least recently until all together hold at most MOST_BYTES."""
    with suppress(OSError):  # another process may remove the same file
        files = sorted(paths.RUNS.glob("*.npz"), key=lambda file: file.stat().st_atime)
        excess = sum(file.stat().st_size for file in files) - MOST_BYTES
        for file in files:
            if excess > 0:
                excess -= file.stat().st_size
                file.unlink()
