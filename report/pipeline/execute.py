"""Execute one notebook through papermill: its parameters checked before, its output whole or not there after.

python -m report.pipeline.execute OUTPUT NOTEBOOK [SETTING]    SETTING is a YAML file whose values become the parameters
"""

import logging
import time
from pathlib import Path
from typing import Any

from lib import paths
from lib.command import InputError, run_command, say
from lib.files import shorten
from lib.runs import settings

# Not for the reader: that the kernel talks to us unencrypted, on this machine, and that it was interrupted at its end.
QUIET = ["--log-level=CRITICAL"]
OPTIONS = {"cwd": paths.NOTEBOOKS, "kernel_name": "python3", "progress_bar": False, "extra_arguments": QUIET}


def execute(notebook: Path, output: Path, parameters: dict[str, Any]) -> None:
    """Run `notebook` with `parameters` and leave it with its outputs as `output`. Raises InputError if a cell fails."""
    import papermill
    from nbclient.exceptions import DeadKernelError

    for chatty in ("papermill", "asyncio"):  # what goes wrong is told below, once; Ctrl-C may leave a task that failed
        logging.getLogger(chatty).setLevel(logging.CRITICAL)
    try:
        known = papermill.inspect_notebook(str(notebook))
    except OSError:
        raise
    except Exception as error:  # a file of any other shape raises anything
        why = shorten(str(error).partition("\n")[0]) or type(error).__name__
        raise InputError(f"{notebook}: not a notebook: {why}") from None
    if unknown := set(parameters) - set(known):
        raise InputError(f"{notebook}: no parameter {', '.join(sorted(unknown))}; it has {', '.join(known) or 'none'}")
    with paths.atomic(output) as temporary:
        try:
            papermill.execute_notebook(notebook, temporary, parameters, **OPTIONS)
        except papermill.PapermillExecutionError as error:
            what = " ".join(f"{error.ename}: {error.evalue}".split())
            raise InputError(f"{notebook}, code cell {error.exec_count}: {what}") from None
        except DeadKernelError:
            raise InputError(f"{notebook}: its kernel was killed; did the machine run out of memory?") from None


def main(arguments: list[str]) -> None:
    if len(arguments) not in (2, 3):
        raise InputError("usage: python -m report.pipeline.execute OUTPUT NOTEBOOK [SETTING]")
    output, notebook, *setting = map(Path, arguments)
    for path in (output, notebook):  # or papermill warns, and goes on
        if path.suffix != ".ipynb":
            raise InputError(f"{path}: a notebook's name must end in .ipynb")
    parameters = settings.read(setting[0]).model_dump() if setting else {}
    say(f"  {output.stem}: running")
    start = time.perf_counter()
    execute(notebook, output, parameters)
    say(f"  {output.stem}: done in {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    run_command(main)
