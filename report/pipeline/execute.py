"""Execute one notebook with papermill. Its parameters are checked first, and no incomplete output is left behind.

python -m report.pipeline.execute OUTPUT NOTEBOOK [SETTING]    SETTING is a YAML file whose values become the parameters
"""

import time
from pathlib import Path
from typing import Any

from lib.command import InputError, run_command, say
from report.pipeline import skip_url_grammar


def execute(notebook: Path, output: Path, parameters: dict[str, Any]) -> None:
    """Run `notebook` with `parameters` and save it with its outputs as `output`. Raises InputError if a cell fails."""
    import papermill
    from nbclient.exceptions import DeadKernelError

    from lib import paths

    check(notebook, parameters)
    quiet = ["--log-level=CRITICAL"]  # the kernel would warn that it is not encrypted, and that Ctrl-C interrupted it
    options = {"cwd": paths.NOTEBOOKS, "kernel_name": "python3", "progress_bar": False, "extra_arguments": quiet}
    with paths.atomic(output) as temporary:
        try:
            papermill.execute_notebook(notebook, temporary, parameters, **options)
        except papermill.PapermillExecutionError as error:
            what = " ".join(f"{error.ename}: {error.evalue}".split())
            raise InputError(f"{notebook}, code cell {error.exec_count}: {what}") from None
        except DeadKernelError:
            raise InputError(f"{notebook}: its kernel was killed; did the machine run out of memory?") from None


def check(notebook: Path, parameters: dict[str, Any]) -> None:
    """Raise InputError if the file is not a notebook, or if the notebook lacks one of the parameters."""
    import papermill

    from lib.files import shorten

    try:
        known = papermill.inspect_notebook(str(notebook))
    except OSError:
        raise
    except Exception as error:  # a file that is not a notebook can raise any exception
        why = shorten(str(error).partition("\n")[0]) or type(error).__name__
        raise InputError(f"{notebook}: not a notebook: {why}") from None
    if unknown := set(parameters) - set(known):
        raise InputError(f"{notebook}: no parameter {', '.join(sorted(unknown))}; it has {', '.join(known) or 'none'}")


def main(arguments: list[str]) -> None:
    import logging

    from lib.runs import settings

    if len(arguments) not in (2, 3):
        raise InputError("usage: python -m report.pipeline.execute OUTPUT NOTEBOOK [SETTING]")
    output, notebook, *setting = map(Path, arguments)
    for path in (output, notebook):  # otherwise papermill only warns
        if path.suffix != ".ipynb":
            raise InputError(f"{path}: a notebook's name must end in .ipynb")
    parameters = settings.read(setting[0]).model_dump() if setting else {}
    skip_url_grammar()
    for logger in ("papermill", "asyncio"):  # papermill repeats our message; asyncio reports tasks that Ctrl-C stopped
        logging.getLogger(logger).setLevel(logging.CRITICAL)
    say(f"  {output.stem}: running")
    start = time.perf_counter()
    execute(notebook, output, parameters)
    say(f"  {output.stem}: done in {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    run_command(main)
