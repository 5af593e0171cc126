"""Measure how long `make report` takes on this machine: from scratch, and after a change.

python -m benchmarks.report        Writes benchmarks/report.json, which the report's last chapter shows.

Each step is one run in a copy of the repository, with the data and the environment ready. Do not use the machine for
anything else meanwhile, because that makes the times longer.
"""

import json
import re
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tqdm import tqdm

from benchmarks.bench import machine
from lib import paths
from lib.command import run_command, say
from notebooks.speed import race
from tests.project import Project, copy_repository


def edit(pattern: str, new: str, path: str) -> Callable[[Project], None]:
    """Return a function that prepares a step: it replaces the first match of `pattern` in a file."""

    def change(project: Project) -> None:
        file = project / path
        text, n_replaced = re.subn(pattern, new, file.read_text(encoding="utf-8"), count=1)
        if not n_replaced:
            raise RuntimeError(f"no {pattern!r} in {path}")
        file.write_text(text, encoding="utf-8")

    return change


def forget(project: Project) -> None:
    """Remove the outputs of earlier runs."""
    for folder in ("data/runs", "report/notebooks"):
        shutil.rmtree(project / folder, ignore_errors=True)


STEPS: dict[str, tuple[Callable[[Project], None], str]] = {  # name: (preparation, make's target)
    "the grid search by itself": (forget, "sweep"),
    "everything, and nothing run yet": (forget, "report"),
    "nothing changed": (lambda project: None, "report"),
    "a sentence changed": (edit("starts anew", "starts from the beginning", "notebooks/4-comparison.ipynb"), "report"),
    "the charts of the settings changed": (edit(r"\Z", "# changed\n", "report/curves.py"), "report"),
    "the style of every chart changed": (edit(r"\Z", "# changed\n", "report/style.py"), "report"),
    "one setting changed": (edit("lam: .*", "lam: 0.9", "notebooks/settings/eta0.001-lam1.yaml"), "report"),
    "and changed back": (edit("lam: .*", "lam: 1", "notebooks/settings/eta0.001-lam1.yaml"), "report"),
    "the compulsory part, and nothing run yet": (forget, "core"),
}


def measure(project: Project) -> dict[str, float]:
    """Return the seconds of each step, in the order of STEPS."""
    seconds = {}
    for name, (prepare, target) in tqdm(STEPS.items(), desc="steps"):
        prepare(project)
        start = time.perf_counter()
        done = project.make(target)
        seconds[name] = round(time.perf_counter() - start, 2)
        if done.returncode:
            raise RuntimeError(f"{name}: {done.log}")
    return seconds


def main() -> None:
    here = {"machine": machine()}
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder))
        copy_repository(project.root)
        shutil.copytree(paths.DATA / "cifar10", project / "data/cifar10")
        shown = project / "benchmarks" / race.STEPS.name
        shown.write_text(json.dumps(here | {"seconds": {"to be measured": 0}}))  # the last chapter reads it
        seconds = measure(project)
    paths.write_text(race.STEPS, json.dumps(here | {"seconds": seconds}, indent=1) + "\n")
    for name, took in seconds.items():
        say(f"{name:42}{took:8.1f} s")


if __name__ == "__main__":
    run_command(main)
