"""A copy of the repository in which tests run `make`, on small made-up data."""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

from lib import paths

VENV = Path(sys.prefix)
HAS_VENV = (VENV / ".ready").exists()
REPORT = ("report.html", "report.pdf", "results.json")


class Project:
    """A copy of the repository like a new clone, and next to it a folder with the user's own copy of CIFAR-10.

    `variables` are arguments of make that set variables of the Makefile, such as "CIFAR10=".
    """

    def __init__(self, folder, *variables):
        self.root, self.source, self.variables = folder / "project", folder / "cifar-10-batches-bin", variables

    def command(self, *arguments):
        variables = (f"VENV={VENV}", f"CIFAR10={self.source}", *self.variables)
        return ["make", *(arguments or ["report"]), *variables]

    def copy(self, folder):
        """Copy the project to another folder, with its time stamps."""
        shutil.copytree(self.root.parent, folder, dirs_exist_ok=True)
        return Project(folder, *self.variables)

    def environment(self, **more):
        unset = {"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "CIFAR10"}
        return {name: value for name, value in os.environ.items() if name not in unset} | more

    def make(self, *arguments, **variables):
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.root,
            env=self.environment(**variables),
            capture_output=True,
            text=True,
            timeout=1200,
        )
        done.log = done.stdout + done.stderr
        return done

    def start(self, *targets):
        """Start `make report`, or other targets, in a new process group, as a terminal does. Its output is `stdout`."""
        obey_ctrl_c = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # a background job of a shell ignores it
        return subprocess.Popen(
            self.command(*targets),
            cwd=self.root,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=obey_ctrl_c,
        )

    def remake(self):
        """Run `make report`, which must succeed. Return the names of the notebooks that it ran."""
        done = self.make()
        assert done.returncode == 0, done.log
        return set(re.findall(r"(\S+): running", done.log))

    def __truediv__(self, path):
        return self.root / path

    def results(self):
        return json.loads((self / "report/results.json").read_text())

    def report(self):
        """Return the bytes and the time stamp of each file of the report, by name."""
        files = [self / "report" / name for name in REPORT]
        return {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in files}

    def report_bytes(self):
        return {name: content for name, (content, _) in self.report().items()}

    def times(self, pattern):
        return {file.name: file.stat().st_mtime_ns for file in self.root.glob(pattern)}

    def notebooks(self):
        return {file.stem for file in self.root.glob("report/notebooks/*.ipynb")}

    def setting(self, name):
        return self / "notebooks/settings" / f"{name}.yaml"


def new_project(folder, batches, *variables):
    """Make a project in `folder` whose data are `batches` (contents by file name), with matching checksums."""
    project = Project(folder, *variables)
    copy_repository(project.root)
    project.source.mkdir()
    for name, content in batches.items():
        (project.source / name).write_bytes(content)
    sums = [f"{hashlib.sha1(content).hexdigest()}  {name}\n" for name, content in batches.items()]
    (project / "data/cifar10.sha1").write_text("".join(sums))
    return project


def new_small_project(folder, batches):
    """Make a small project in which `make report` still has every kind of step: two chapters and two settings."""
    project = new_project(folder, batches)
    for chapter in project.root.glob("notebooks/[1256789]-*.ipynb"):
        chapter.unlink()
    for setting in ("eta0.001-lam0", "eta0.001-lam1"):
        project.setting(setting).unlink()
    for name in REPORT:
        (project / "report" / name).unlink()
    return project


def copy_repository(target):
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=paths.ROOT, capture_output=True, text=True, check=True
    )
    for name in filter(lambda name: (paths.ROOT / name).is_file(), listed.stdout.splitlines()):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(paths.ROOT / name, target / name)
