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

    The temporary name keeps the suffix, since NumPy and papermill go by it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}.", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)  # mkstemp's 0600 would hide the file from other users
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
