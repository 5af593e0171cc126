"""Where everything lies, and how a file is written: whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
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
    try:
        handle, name = tempfile.mkstemp(prefix=prefix, suffix=path.suffix, dir=path.parent)
        os.close(handle)
        temporary = Path(name)
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


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
