"""`make report` killed, interrupted, run twice at once or with other threads: no result is lost or incomplete.

The tests use a small copy of the repository, with small made-up data. `make test-faults` runs them.
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
    pytest.mark.skipif(not HAS_VENV, reason="needs the environment that `make` creates"),
]
BLOCK = os.sysconf("SC_PAGE_SIZE")


class Moment(NamedTuple):
    """The moment `seconds` after `files` new files match `pattern`. Temporary names begin with a dot.

    A temporary file may appear and vanish between two looks, so a pattern for one also matches the final name.
    """

    pattern: str
    seconds: float = 0
    files: int = 1

    def wait(self, project, make, before=frozenset()):
        while len(present(project, self.pattern) - before) < self.files:
            assert make.poll() is None, f"make ended before this moment: {make.stdout.read()}"
            time.sleep(0.002)
        time.sleep(self.seconds)


def present(project, pattern):
    return set(project.root.glob(pattern))


# A project is killed at each moment of a group in turn, so each moment waits for files that do not exist before it.
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
# The targets of the long trainings, and the moments at which each is killed.
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
CTRL_C_MOMENTS = {  # after Python has started, since Ctrl-C before that prints a traceback
    "fetching the first batch": Moment("data/cifar10/*batch*"),
    "notebooks import": Moment("report/notebooks/.3-*.ipynb", 1.5),
    "a notebook is done": Moment("report/notebooks/3-*.ipynb"),
    "rendering begins": Moment("report/build/report.md"),
}


@pytest.fixture(scope="module")
def pristine(tmp_path_factory, made_up_batches):
    """A project in which nothing has run yet."""
    return new_small_project(tmp_path_factory.mktemp("pristine"), made_up_batches)


@pytest.fixture
def project(pristine, tmp_path):
    return pristine.copy(tmp_path)


@pytest.fixture(scope="module")
def whole(pristine, tmp_path_factory):
    """A project with a complete report, made without interruption."""
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
    raise AssertionError(f"unexpected kind of file: {file}")


def kinds(cell):
    return {output.output_type for output in cell.outputs}


PRODUCTS = ("report/report.*", "report/*.json", "report/notebooks/*", "data/*/*", "figures/*")


def half_done(project):
    """Return the incomplete files with final names, and the stamps of trainings whose files are missing."""
    products = [file for pattern in PRODUCTS for file in project.root.glob(pattern) if not file.name.startswith(".")]
    broken = [file.name for file in products if not is_readable(file)]
    for stamp, (*_, last) in TRAININGS.items():
        if (project / "report/notebooks" / stamp).exists() and not present(project, last.pattern):
            broken.append(stamp)
    return broken


def is_readable(file):
    try:
        return is_whole(file)
    except Exception:
        return False


@pytest.mark.parametrize("broken", ["report/report.html", "report/report.pdf", "data/runs/eta0.1-lam0@*.npz"])
def test_half_done_finds_a_file_cut_in_half(whole, tmp_path, broken):
    project = whole.copy(tmp_path)
    (file,) = present(project, broken)
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    assert half_done(project) == [file.name]


def stop(project, moment, number, *targets):
    """Start `make` and send a signal to its process group at a moment. Return the exit code and the output."""
    before = present(project, moment.pattern)
    make = project.start(*targets)
    moment.wait(project, make, before)
    os.killpg(make.pid, number)
    output = make.communicate(timeout=60)[0]
    return make.returncode, output


def kill(project, moment, *targets):
    code, output = stop(project, moment, signal.SIGKILL, *targets)
    assert code == -signal.SIGKILL, output
    assert half_done(project) == []


def check_recovery(project, whole):
    """Check that `make report` now succeeds without waiting, and gives the report of an uninterrupted run."""
    done = project.make()
    assert done.returncode == 0, done.log
    assert "waiting" not in done.log
    assert half_done(project) == []
    assert temporary_files(project) == []
    assert project.report_bytes() == whole.report_bytes()


def temporary_files(project):
    """Return the temporary files, which are called .NAME.RANDOM.SUFFIX, in the folders of the products."""
    products = [file for pattern in PRODUCTS for file in project.root.glob(pattern)]
    return [file.name for file in products if re.fullmatch(r"\..+\..{8}\.\w+", file.name)]


@pytest.mark.parametrize("moments", MOMENTS.values(), ids=MOMENTS)
def test_killed_report_is_finished_by_the_next_run(project, whole, moments, tmp_path_factory):
    """After each kill, a copy runs to the end. The project itself continues to the next moment and is killed there."""
    for moment in moments.values():
        kill(project, moment)
        check_recovery(project.copy(tmp_path_factory.mktemp("copy")), whole)
    check_recovery(project, whole)


@pytest.fixture(scope="module")
def all_chapters(tmp_path_factory, made_up_batches):
    """A project with every chapter and a short search, in which nothing has run yet."""
    project = new_project(tmp_path_factory.mktemp("chapters"), made_up_batches)
    grid = project / "notebooks/sweep.yaml"
    grid.write_text(grid.read_text().replace("n_epochs: 10", "n_epochs: 3"))
    for name in REPORT:
        (project / "report" / name).unlink()
    return project


def test_killed_long_trainings_continue_and_give_the_same_chapters(all_chapters, tmp_path):
    whole = all_chapters.copy(tmp_path / "whole")
    whole.remake()
    for target, moments in TRAININGS.items():
        for moment in moments:
            kill(all_chapters, moment, f"report/notebooks/{target}")
    check_recovery(all_chapters, whole)


def test_ctrl_c_ends_the_report_with_a_message_and_no_traceback(project, whole):
    for moment in CTRL_C_MOMENTS.values():
        code, output = stop(project, moment, signal.SIGINT)
        assert code in (130, -signal.SIGINT), output  # a shell reports 130 in both cases
        assert "\ninterrupted\n" in output
        assert "Traceback" not in output
        assert half_done(project) == []
    check_recovery(project, whole)


class Stalling(http.server.BaseHTTPRequestHandler):
    """A site that sends half of the archive and then stalls, until the event `well` is set."""

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
    """Start a server on this machine that the project uses instead of the official site, as its only source."""
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


def test_killed_download_starts_again_and_leaves_no_files(project, site, monkeypatch):
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


def test_second_report_at_once_waits_and_finds_nothing_to_do(project, whole):
    first = project.start()
    Moment("report/notebooks/.3-*.ipynb").wait(project, first)
    second = project.start()
    logs = [make.communicate(timeout=400)[0] for make in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], logs
    assert "waiting for it to end" not in logs[0]
    assert "waiting for it to end" in logs[1]
    assert "running" not in logs[1]
    assert project.report_bytes() == whole.report_bytes()


def test_waiting_report_continues_when_the_first_is_killed(project, whole):
    first = project.start()
    Moment("report/notebooks/.3-*.ipynb", 1).wait(project, first)
    second = project.start()
    assert "waiting for it to end" in second.stdout.readline()
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate(timeout=60)
    output = second.communicate(timeout=400)[0]
    assert second.returncode == 0, output
    assert project.report_bytes() == whole.report_bytes()


@contextmanager
def mounted(folder, options):
    """Replace a folder by a small file system with the same files, until the block ends."""
    copy = shutil.copytree(folder, folder.parent.parent / "copy")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", folder], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    try:
        shutil.copytree(copy, folder, dirs_exist_ok=True)  # copytree keeps the time stamps
        shutil.rmtree(copy)
        subprocess.run(["mount", "-o", f"remount,{options}", folder], check=True)
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


def size_of(folder):
    """Return the bytes that the files of a folder take on a disk, in whole blocks."""
    return sum(-(-path.stat().st_size // BLOCK) * BLOCK for path in folder.rglob("*") if path.is_file())


def check_refusal(project, folder, cause):
    """Check that `make report` names the file that it cannot write and the cause, and leaves the old report."""
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


FULL = {"data/runs": 64_000, "report/notebooks": 200_000, "figures": 20_000}  # free bytes, fewer than needed


@pytest.mark.parametrize("folder", FULL)
def test_full_disk_gives_an_error_that_names_the_file_and_loses_nothing(whole, tmp_path, folder):
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
def test_data_that_cannot_be_written_give_the_error_of_the_disk(project, whole, options, cause):
    folder = "data/cifar10"
    (project / folder).mkdir()
    with mounted(project / folder, options):
        check_refusal(project, folder, cause)
    check_recovery(project, whole)


def test_disk_that_fills_up_during_rendering_leaves_the_old_report(whole, tmp_path):
    project = whole.copy(tmp_path)
    (project / "report/results.json").touch()
    with mounted(project / "report", f"size={size_of(project / 'report') + 100_000}"):
        check_refusal(project, "report", "No space left on device")


@pytest.mark.parametrize("folder", ["report", "figures"])
def test_read_only_folder_gives_an_error_that_names_the_file_and_loses_nothing(whole, tmp_path, folder):
    project = whole.copy(tmp_path)
    (project / "notebooks/4-comparison.ipynb").touch()
    with mounted(project / folder, "ro"):
        check_refusal(project, folder, "Read-only file system")
    check_recovery(project, whole)


def test_other_folder_jobs_and_threads_give_the_same_bytes(project, whole):
    done = project.make("report", "-j1", "ONE_THREAD=env OPENBLAS_NUM_THREADS=2 OMP_NUM_THREADS=2")
    assert done.returncode == 0, done.log
    same = {name: project.report_bytes()[name] == whole.report_bytes()[name] for name in REPORT}
    assert all(same.values()), same
