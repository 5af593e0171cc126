"""`make report` that is killed, interrupted, run twice at once or with other threads: nothing is lost or half done.

On a small copy of the repository, with small made-up data. `make test-faults` runs this.
"""

import hashlib
import http.server
import io
import json
import os
import re
import shutil
import signal
import subprocess
import tarfile
import threading
import time
from contextlib import contextmanager
from typing import NamedTuple
from xml.etree import ElementTree

import nbformat
import numpy as np
import pytest

from lib.cifar10 import sha1
from lib.cifar10.sources import SCRATCH
from tests.project import HAS_VENV, REPORT, new_project, new_small_project

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(not HAS_VENV, reason="needs the environment that `make` has made"),
]
BLOCK = os.sysconf("SC_PAGE_SIZE")


class Moment(NamedTuple):
    """So many seconds after so many files have come that match a pattern; temporary names begin with a dot.

    A temporary file may come and go unseen: where one is waited for, the pattern matches the final name as well.
    """

    pattern: str
    seconds: float = 0
    files: int = 1

    def wait(self, project, make, before=frozenset()):
        while len(present(project, self.pattern) - before) < self.files:
            assert make.poll() is None, f"it ended before: {make.stdout.read()}"
            time.sleep(0.002)
        time.sleep(self.seconds)


def present(project, pattern):
    return set(project.root.glob(pattern))


# Whoever is killed at one goes on to the next: each is of files that are not there before it.
MOMENTS = {
    "at the beginning": {
        "locked": Moment(".lock"),
        "reading the settings": Moment("report/notebooks", 0.1),
        "fetching the first batch": Moment("data/cifar10/*batch*"),
        "fetching another batch": Moment("data/cifar10/*.bin", files=2),
        "fetching the last batches": Moment("data/cifar10/*.bin", files=2),
        "papermill begins": Moment("report/notebooks/.3-*.ipynb"),
    },
    "in the notebooks": {
        "saving a run": Moment("data/runs/*eta*.npz"),
        "saving a figure": Moment("figures/*.svg"),
        "papermill starts kernels": Moment("report/notebooks/.3-*.ipynb", 0.5),
        "kernels start": Moment("report/notebooks/.3-*.ipynb", 1),
        "notebooks import": Moment("report/notebooks/.3-*.ipynb", 1.5),
        "notebooks begin": Moment("report/notebooks/.3-*.ipynb", 2),
        "notebooks run": Moment("report/notebooks/.3-*.ipynb", 2.5),
    },
    "at the end": {
        "a notebook is done": Moment("report/notebooks/3-*.ipynb"),
        "the last notebook begins": Moment("report/notebooks/.4-*.ipynb", 1),
        "the last notebook runs": Moment("report/notebooks/.4-*.ipynb", 2),
        "gathering results": Moment("report/notebooks/4-*.ipynb"),
        "stitching": Moment("report/results.json"),
        "rendering begins": Moment("report/build/report.md"),
        "rendering the PDF": Moment("report/build/report.typ"),
    },
}
# The targets of the long trainings, and when each is killed.
TRAININGS = {
    ".improvements": [
        Moment("data/runs/*sweep@*"),
        Moment("data/runs/*sweep@*", files=2),
        Moment("data/runs/*eta*nepochs*"),
        Moment("data/runs/spread@*nepochs*"),
    ],
    ".common_mistakes": [Moment("data/runs/mistake@*", files=3)],
    ".reproduction": [Moment("data/runs/replay@*", files=2)],
    ".binary_cross_entropy": [Moment("data/runs/eta@*")],
    ".comparison": [Moment("data/runs/spread@eta*")],
}
SOME = {
    "reading the settings": Moment("report/notebooks", 0.1),
    "notebooks import": Moment("report/notebooks/.3-*.ipynb", 1.5),
    "a notebook is done": Moment("report/notebooks/3-*.ipynb"),
    "rendering begins": Moment("report/build/report.md"),
}


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
    for mark, (*_, last) in TRAININGS.items():
        if (project / "report/notebooks" / mark).exists() and not present(project, last.pattern):
            broken.append(mark)
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


def stop(project, moment, number, *targets):
    """Start `make`, send the signal to its whole group at the moment given. Returns exit code and output."""
    before = present(project, moment.pattern)
    make = project.start(*targets)
    moment.wait(project, make, before)
    os.killpg(make.pid, number)
    said = make.communicate(timeout=60)[0]
    return make.returncode, said


def kill(project, moment, *targets):
    code, said = stop(project, moment, signal.SIGKILL, *targets)
    assert code == -signal.SIGKILL, said
    assert half_done(project) == []


def check_recovery(project, whole):
    """A plain `make report` ends well, waits for nobody, and gives what one that was not interrupted gives."""
    done = project.make()
    assert done.returncode == 0, done.log
    assert "waiting" not in done.log
    assert half_done(project) == []
    assert left_over(project) == []
    assert project.report_bytes() == whole.report_bytes()


def left_over(project):
    """Temporary files: .NAME.RANDOM.SUFFIX, beside NAME.SUFFIX."""
    found = [file for pattern in PRODUCTS for file in project.root.glob(pattern)]
    return [file.name for file in found if re.fullmatch(r"\..+\..{8}\.\w+", file.name)]


@pytest.mark.parametrize("moments", MOMENTS.values(), ids=MOMENTS)
def test_a_report_that_was_killed_is_finished_by_the_next(project, whole, moments, tmp_path_factory):
    """In a copy each time: the project itself goes on to the next moment, and is killed there."""
    for moment in moments.values():
        kill(project, moment)
        check_recovery(project.copy(tmp_path_factory.mktemp("copy")), whole)
    check_recovery(project, whole)


@pytest.fixture(scope="module")
def all_chapters(tmp_path_factory, made_up_batches):
    """A project with every chapter and training, of which nothing was ever run; the search is short."""
    project = new_project(tmp_path_factory.mktemp("chapters"), made_up_batches)
    grid = project / "notebooks/sweep.yaml"
    grid.write_text(grid.read_text().replace("n_epochs: 10", "n_epochs: 3"))
    for name in REPORT:
        (project / "report" / name).unlink()
    return project


def test_long_trainings_that_were_killed_go_on_and_all_chapters_come_out_the_same(all_chapters, tmp_path):
    whole = all_chapters.copy(tmp_path / "whole")
    whole.remake()
    for target, moments in TRAININGS.items():
        for moment in moments:
            kill(all_chapters, moment, f"report/notebooks/{target}")
    check_recovery(all_chapters, whole)


def test_ctrl_c_ends_it_with_a_clean_message(project, whole):
    for moment in SOME.values():
        code, said = stop(project, moment, signal.SIGINT)
        assert code in (130, -signal.SIGINT), said  # a shell calls either 130
        assert "\ninterrupted\n" in said
        assert "Traceback" not in said
        assert half_done(project) == []
    check_recovery(project, whole)


class Stalling(http.server.BaseHTTPRequestHandler):
    """A site that sends half of the archive and no more, until it is told to send all of it."""

    def do_GET(self):
        archive = self.server.archive
        self.send_response(200)
        self.send_header("Content-Length", str(len(archive)))
        self.end_headers()
        self.wfile.write(archive if self.server.well.is_set() else archive[: len(archive) // 2])
        self.server.well.wait(30)

    def log_message(self, *_):
        pass


@pytest.fixture
def site(project):
    """The official site of the project, on this machine, and no other source."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.add(project.source, "cifar-10-batches-bin")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stalling) as server:
        server.archive, server.well = packed.getvalue(), threading.Event()
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        module = project / "lib/cifar10/sources.py"
        code = re.sub(
            'OFFICIAL_URL = ".*"', f'OFFICIAL_URL = "http://127.0.0.1:{server.server_port}"', module.read_text()
        )
        md5 = hashlib.md5(server.archive).hexdigest()
        module.write_text(re.sub('OFFICIAL_HASH = ".*"', f'OFFICIAL_HASH = "md5:{md5}"', code))
        project.variables += ("CIFAR10=",)
        yield server
        server.well.set()
        server.shutdown()


def test_a_download_that_was_killed_is_begun_anew_and_leaves_nothing(project, site, monkeypatch):
    (project / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(project / "temporary"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    data = "data/cifar10/test_batch.bin"
    for _ in range(2):
        kill(project, Moment(f"temporary/{SCRATCH}*/*"), data)
        assert not present(project, "data/cifar10/*")
    site.well.set()
    done = project.make(data)
    assert done.returncode == 0, done.log
    assert len(present(project, "data/cifar10/*.bin")) == 6
    assert half_done(project) == []
    assert not present(project, f"temporary/{SCRATCH}*")


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
    held = shutil.copytree(folder, folder.parent.parent / "held")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", folder], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    try:
        shutil.copytree(held, folder, dirs_exist_ok=True)  # time stamps included
        shutil.rmtree(held)
        subprocess.run(["mount", "-o", f"remount,{options}", folder], check=True)
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


def size_of(folder):
    """The bytes of its files on a disk, which come in blocks."""
    return sum(-(-path.stat().st_size // BLOCK) * BLOCK for path in folder.rglob("*") if path.is_file())


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
def test_a_full_disk_is_told_and_nothing_lost(whole, tmp_path, folder):
    project = whole.copy(tmp_path)
    setting = project.setting("eta0.001-lam0.1")
    original = setting.read_text()
    with mounted(project / folder, f"size={size_of(project / folder) + FULL[folder]}"):
        setting.write_text(f"{original}\nmomentum: 0.5\n")
        check_refusal(project, folder, "No space left on device")
    setting.write_text(original)
    check_recovery(project, whole)


DISKS = {"size=2m": "No space left on device", "ro": "Read-only file system"}  # two batches need 1.8 MB


@pytest.mark.parametrize(("options", "cause"), DISKS.items())
def test_data_that_the_disk_does_not_take_are_told_as_that(project, whole, options, cause):
    folder = "data/cifar10"
    (project / folder).mkdir()
    with mounted(project / folder, options):
        check_refusal(project, folder, cause)
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
