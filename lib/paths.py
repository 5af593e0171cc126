"""The project's folders; functions that write a file whole or not at all.

A temporary file or folder is locked while it is in use. The system releases the lock even if the process is killed, so
a file without a lock was abandoned, and the next process removes it.
"""

import fcntl
import glob
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "data"
RUNS = DATA / "runs"
FIGURES = ROOT / "figures"
REPORT = ROOT / "report"
EXECUTED = REPORT / "notebooks"
NOTEBOOKS = ROOT / "notebooks"
SETTINGS = NOTEBOOKS / "settings"


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary path next to `path`. It replaces `path` if the block succeeds and is removed otherwise.

    It has the same suffix, because NumPy and papermill choose the format by it. An OSError while writing names `path`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{path.stem}."
    remove_abandoned(path.parent, prefix, path.suffix)
    try:
        handle, name = tempfile.mkstemp(prefix=prefix, suffix=path.suffix, dir=path.parent)
        temporary = Path(name)
        with locked(handle):
            try:
                yield temporary
                temporary.chmod(0o644)  # mkstemp's 0600 would hide the file from other users
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)
    except OSError as error:
        if error.errno and (error.filename is None or Path(error.filename).name.startswith(prefix)):
            raise OSError(error.errno, error.strerror, str(path)) from error  # a full disk's error names no file
        raise


@contextmanager
def scratch(prefix: str) -> Iterator[Path]:
    """Yield a temporary folder, which is removed when the block ends. The OSError of a full disk names the folder."""
    remove_abandoned(Path(tempfile.gettempdir()), prefix)
    with tempfile.TemporaryDirectory(prefix=prefix) as name, locked(os.open(name, os.O_RDONLY)):
        try:
            yield Path(name)
        except OSError as error:
            if error.errno and error.filename is None:
                raise OSError(error.errno, error.strerror, name) from error
            raise


@contextmanager
def locked(handle: int) -> Iterator[None]:
    """Lock an open file or folder, and close it when the block ends."""
    try:
        with suppress(OSError):  # some file systems have no locks; there, nothing is removed as abandoned
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def remove_abandoned(folder: Path, prefix: str, suffix: str = "") -> None:
    """Remove temporary files and folders without a lock, if their names look as if `tempfile` had made them."""
    for path in folder.glob(f"{glob.escape(prefix)}{'?' * 8}{glob.escape(suffix)}"):
        with suppress(OSError):
            handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)  # /tmp has pipes and links, too
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            finally:
                os.close(handle)


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8, whole or not at all."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
