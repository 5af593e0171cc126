"""Where everything lies, and how a file is written: whole or not at all.

What is temporary is locked as long as it is in use. The system frees a lock however its process ends, so what is not
locked was left by one that was killed, and whoever is next removes it.
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
    """Yield a temporary path beside `path`; move it into place if the block ends well, remove it otherwise.

    The temporary name keeps the suffix, since NumPy and papermill go by it. An OSError of the writing names `path`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{path.stem}."
    remove_left(path.parent, prefix, path.suffix)
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
    """Yield a temporary folder, which is gone when the block ends. An OSError of a full disk names it."""
    remove_left(Path(tempfile.gettempdir()), prefix)
    with tempfile.TemporaryDirectory(prefix=prefix) as name, locked(os.open(name, os.O_RDONLY)):
        try:
            yield Path(name)
        except OSError as error:
            if error.errno and error.filename is None:
                raise OSError(error.errno, error.strerror, name) from error
            raise


@contextmanager
def locked(handle: int) -> Iterator[None]:
    """Hold the lock of an open file or folder, and close it when the block ends."""
    try:
        with suppress(OSError):  # of a file system without locks, where nothing is removed then
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def remove_left(folder: Path, prefix: str, suffix: str = "") -> None:
    """Remove the temporary files and folders there that nobody holds: of the names that `tempfile` gives, no others."""
    for path in folder.glob(f"{glob.escape(prefix)}{'?' * 8}{glob.escape(suffix)}"):
        with suppress(OSError):
            handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)  # others write in /tmp, too
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            finally:
                os.close(handle)


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
