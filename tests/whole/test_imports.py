"""Importing lib and report defines names and does nothing else."""

import subprocess
import sys

from lib import paths

PROGRAM = """
import os, sys
from importlib import import_module
import threadpoolctl  # sets the environment variable KMP_DUPLICATE_LIB_OK
before = dict(os.environ)
for name in sys.argv[1:]:
    import_module(name)
assert dict(os.environ) == before
assert sys.excepthook is sys.__excepthook__
assert [name for name, module in sys.modules.items() if module is None] == []
print(*sys.modules)
"""


def import_all(files):
    """Import the modules in a new interpreter. Return the names of all modules that it has then imported."""
    names = [".".join(file.relative_to(paths.ROOT).with_suffix("").parts) for file in files]
    run = subprocess.run([sys.executable, "-c", PROGRAM, *names], cwd=paths.ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout.split()


def test_importing_lib_and_report_changes_no_hook_and_no_environment_variable():
    import_all(file for house in ("lib", "report") for file in sorted((paths.ROOT / house).rglob("*.py")))


def test_commands_of_make_report_import_slow_packages_in_main_where_ctrl_c_is_caught():
    commands = [file for house in ("lib", "report", "notebooks") for file in (paths.ROOT / house).rglob("__main__.py")]
    others = [paths.ROOT / file for file in ("lib/fetch.py", "report/pipeline/execute.py", "report/pipeline/lock.py")]
    imported = import_all([*commands, *others])
    assert not {"numpy", "pydantic", "nbformat", "papermill", "matplotlib"} & set(imported)
