"""`make report` that is killed, interrupted, run twice at once or with other threads: nothing is lost or half done.

On a small copy of the repository, with small made-up data. `make test-faults` runs this.
"""

import json
import os
import re
import signal
import subprocess
import time
from contextlib import contextmanager
from typing import NamedTuple
from xml.etree import ElementTree

import nbformat
import numpy as np
import pytest

from lib.cifar10 import sha1
from tests.project import HAS_VENV, REPORT, new_small_project

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(not HAS_VENV, reason="needs the environment that `make` has made"),
]


class Moment(NamedTuple):
    """So many seconds after so many files are there that match a pattern. Temporary names begin with a dot."""

    pattern: str
    seconds: float = 0
    files: int = 1

    def wait(self, project, make):
        while len(list(project.root.glob(self.pattern))) < self.files:
            assert make.poll() is None, f"it ended before: {make.stdout.read()}"
            time.sleep(0.002)
        time.sleep(self.seconds)


MOMENTS = {
    "locked": Moment(".lock"),
    "reading the settings": Moment("report/notebooks", 0.1),
    "fetching the first batch": Moment("data/cifar10/.*.bin"),
    "fetching another batch": Moment("data/cifar10/*.bin", files=4),
    "papermill begins": Moment("report/notebooks/.3-*.ipynb"),
    "papermill starts kernels": Moment("report/notebooks/.3-*.ipynb", 0.5),
    "notebooks import": Moment("report/notebooks/.3-*.ipynb", 1.5),
    "notebooks run": Moment("report/notebooks/.3-*.ipynb", 2.5),
    "saving a figure": Moment("figures/.*.svg"),
    "saving a run": Moment("data/runs/.eta*.npz"),
    "a run is saved": Moment("data/runs/eta*.npz"),
    "a notebook is done": Moment("report/notebooks/3-*.ipynb"),
    "another notebook is done": Moment("report/notebooks/3-*.ipynb", files=2),
    "training other seeds": Moment("report/notebooks/3-*.ipynb", 1.0, files=2),
    "the seeds are done": Moment("report/notebooks/.seeds"),
    "the last notebook runs": Moment("report/notebooks/.4-*.ipynb", 2.0),
    "gathering results": Moment("report/notebooks/4-*.ipynb"),
    "stitching": Moment("report/results.json"),
    "rendering begins": Moment("report/build/report.md"),
    "rendering the PDF": Moment("report/.report.*.pdf"),
}
SOME = ["reading the settings", "notebooks import", "training other seeds", "rendering begins"]


@pytest.fixture(scope="module")
def pristine(tmp_path_factory, made_up_batches):
    """A project in which nothing was ever run."""
    return new_small_project(tmp_path_factory.mktemp("pristine"), made_up_batches)


@pytest.fixture
def project(pristine, tmp_path):
    return pristine.copy(tmp_path)


@pytest.fixture(scope="module")
def whole(pristine, tmp_path_factory):
    """One where nothing went wrong."""
    project = pristine.copy(tmp_path_factory.mktemp("whole"))
    project.remake()
    assert half_done(project) == []
    return project


def is_whole(file):
    content = file.read_bytes()
    match file.suffix:
        case ".html":
            return content.endswith(b"</html>\n")
        case ".pdf":
            return content.startswith(b"%PDF") and content.endswith(b"%%EOF")
        case ".json":
            return json.loads(content)["provenance"]
        case ".svg":
            return ElementTree.fromstring(content)
        case ".npz":
            with np.load(file) as arrays:
                return [arrays[name] for name in arrays.files]
        case ".bin":
            return f"{sha1(content)}  {file.name}" in (file.parent.parent / "cifar10.sha1").read_text()
        case ".ipynb":
            cells = [cell for cell in nbformat.reads(content.decode(), 4).cells if cell.cell_type == "code"]
            return all(cell.execution_count and "error" not in kinds(cell) for cell in cells)
    raise AssertionError(f"what is {file}?")


def kinds(cell):
    return {output.output_type for output in cell.outputs}


PRODUCTS = ("report/report.*", "report/*.json", "report/notebooks/*", "data/*/*", "figures/*")


def half_done(project):
    """The files under their final names that are not whole, and the marks of steps whose files are not there."""
    found = [file for pattern in PRODUCTS for file in project.root.glob(pattern) if not file.name.startswith(".")]
    broken = [file.name for file in found if not holds(file)]
    settings = [file.stem for file in project.root.glob("notebooks/settings/*.yaml")]
    if (project / "report/notebooks/.seeds").exists():
        broken += [name for name in settings if not (project / f"data/runs/spread@{name}.npz").exists()]
    return broken


def holds(file):
    try:
        return is_whole(file)
    except Exception:
        return False


@pytest.mark.parametrize("broken", ["report/report.html", "report/report.pdf", "data/runs/eta0.1-lam0.npz"])
def test_half_a_file_would_be_found(whole, tmp_path, broken):
    project = whole.copy(tmp_path)
    content = (project / broken).read_bytes()
    (project / broken).write_bytes(content[: len(content) // 2])
    assert half_done(project) == [(project / broken).name]


def stop(project, moment, number):
    """Start `make report`, send the signal to its whole group at the moment given. Returns exit code and output."""
    make = project.start()
    MOMENTS[moment].wait(project, make)
    os.killpg(make.pid, number)
    said = make.communicate(timeout=60)[0]
    return make.returncode, said


def check_recovery(project, whole):
    """A plain `make report` ends well, waits for nobody, and gives what one that was not interrupted gives."""
    done = project.make()
    assert done.returncode == 0, done.log
    assert "waiting" not in done.log
    assert half_done(project) == []
    assert project.report_bytes() == whole.report_bytes()


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_report_that_was_killed_is_finished_by_the_next(project, whole, moment):
    code, said = stop(project, moment, signal.SIGKILL)
    assert code == -signal.SIGKILL, said
    assert half_done(project) == []
    check_recovery(project, whole)


@pytest.mark.parametrize("moment", SOME)
def test_ctrl_c_ends_it_with_a_clean_message(project, whole, moment):
    code, said = stop(project, moment, signal.SIGINT)
    assert code in (130, -signal.SIGINT), said  # a shell calls either 130
    assert "\ninterrupted\n" in said
    assert "Traceback" not in said
    assert half_done(project) == []
    check_recovery(project, whole)


def test_of_two_at_once_the_second_waits_and_finds_the_work_done(project, whole):
    first = project.start()
    Moment("report/notebooks/.3-*.ipynb").wait(project, first)
    second = project.start()
    logs = [make.communicate(timeout=400)[0] for make in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], logs
    assert "waiting for it to end" not in logs[0]
    assert "waiting for it to end" in logs[1]
    assert "running" not in logs[1]
    assert project.report_bytes() == whole.report_bytes()


def test_who_waits_goes_on_when_the_first_is_killed(project, whole):
    first = project.start()
    Moment("report/notebooks/.3-*.ipynb", 1).wait(project, first)
    second = project.start()
    assert "waiting for it to end" in second.stdout.readline()
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate(timeout=60)
    said = second.communicate(timeout=400)[0]
    assert second.returncode == 0, said
    assert project.report_bytes() == whole.report_bytes()


@contextmanager
def mounted(folder, options):
    """A small file system of its own in place of a folder, with what the folder holds, until the block ends."""
    held = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", folder], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    try:
        for name, content in held.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        subprocess.run(["mount", "-o", f"remount,{options}", folder], check=True)
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


def size_of(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def check_refusal(project, folder, cause):
    """`make report` says in one line which file it could not write and why, and leaves what there was."""
    before = project.report_bytes() if (project / "report/report.html").exists() else None
    done = project.make()
    assert done.returncode not in (0, -signal.SIGKILL)
    errors = [line for line in done.log.splitlines() if cause in line]
    assert errors, done.log
    assert all(re.search(rf"{folder}/\S+", line) for line in errors), done.log
    assert "Traceback" not in done.log
    assert half_done(project) == []
    if before:
        assert project.report_bytes() == before


FULL = {"data/runs": 64_000, "report/notebooks": 200_000, "figures": 20_000}  # bytes that are free: less than is needed


@pytest.mark.parametrize("folder", FULL)
def test_a_full_disk_is_told_and_nothing_lost(project, whole, folder):
    (project / folder).mkdir(parents=True, exist_ok=True)
    with mounted(project / folder, f"size={size_of(project / folder) + FULL[folder]}"):
        check_refusal(project, folder, "No space left on device")
    check_recovery(project, whole)


def test_a_disk_that_fills_up_while_the_report_is_rendered_leaves_the_old_report(whole, tmp_path):
    project = whole.copy(tmp_path)
    (project / "report/results.json").touch()
    with mounted(project / "report", f"size={size_of(project / 'report') + 100_000}"):
        check_refusal(project, "report", "No space left on device")


@pytest.mark.parametrize("folder", ["report", "figures"])
def test_a_folder_that_is_read_only_is_told_and_nothing_lost(whole, tmp_path, folder):
    project = whole.copy(tmp_path)
    (project / "notebooks/4-comparison.ipynb").touch()
    with mounted(project / folder, "ro"):
        check_refusal(project, folder, "Read-only file system")
    check_recovery(project, whole)


def test_another_folder_other_jobs_and_other_threads_give_the_same_bytes(project, whole):
    done = project.make("report", "-j1", "ONE_THREAD=env OPENBLAS_NUM_THREADS=2 OMP_NUM_THREADS=2")
    assert done.returncode == 0, done.log
    again = {name: project.report_bytes()[name] == whole.report_bytes()[name] for name in REPORT}
    assert all(again.values()), again
