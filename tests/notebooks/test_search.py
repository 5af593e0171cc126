"""The grid search: valid and invalid grids; on real clusters, the results equal those of serial training.

Patches made by a test have no effect in worker processes. So the workers import lib from a copy of the repository that
holds the checksums of the made-up data, and they fetch the data from the path in CIFAR10.
"""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from functools import partial
from itertools import product
from pathlib import Path

import distributed
import numpy as np
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from lib import paths
from lib.command import InputError, run_command
from lib.guards import Sealed
from lib.runs.cache import fingerprint, one_thread
from lib.runs.settings import Setting, stacks_of
from lib.runs.training import train_setting
from notebooks.improvements import cluster as dask_cluster
from notebooks.improvements import search as sweep
from notebooks.improvements.cluster import SILENT
from notebooks.improvements.search import STACK, name_of, read_grid, search

YAML = "n_batch: [20, 30, 40, 60]\neta: [0.001, 0.01]\nlam: [0, 0.1]\nn_epochs: {n_epochs}\n"
HUGE = f"0x{'f' * 5000}"  # Python refuses to print it
SECONDS = 60  # the longest wait, for steps that take a few seconds


@pytest.fixture
def grid_file(tmp_path):
    """Return a function that writes a grid file and returns its path."""

    def write(text):
        path = tmp_path / "grid.yaml"
        path.write_text(text)
        return path

    return write


@pytest.fixture
def grid(grid_file):
    """Return a grid that gives four stacks of four settings. Each stack trains for about a second."""
    return read_grid(grid_file(YAML.format(n_epochs=60)))


@pytest.fixture
def project(small_data, made_up_batches, tmp_path, monkeypatch):
    """Make a copy of the code, with checksums of made-up data but no data, that new processes import first."""
    sweep.splits.cache_clear()
    root = tmp_path / "project"
    for house in ("lib", "notebooks"):
        shutil.copytree(paths.ROOT / house, root / house, ignore=shutil.ignore_patterns("__pycache__", "*.ipynb"))
    (root / "data").mkdir()
    sums = [f"{hashlib.sha1(content).hexdigest()}  {name}\n" for name, content in made_up_batches.items()]
    (root / "data/cifar10.sha1").write_text("".join(sums))
    monkeypatch.setenv("CIFAR10", str(tmp_path))  # the folder with the batches of small_data
    monkeypatch.setenv("PYTHONPATH", str(root))  # for subprocesses
    monkeypatch.syspath_prepend(root)  # for processes of multiprocessing
    monkeypatch.setattr(dask_cluster, "VERSION", fingerprint(sweep.train))  # the version depends on the data
    yield root
    sweep.splits.cache_clear()


@pytest.fixture
def serially(monkeypatch):
    """Replace the threads by serial training. Return the list of stacks that it trains."""
    trained = []

    def train_here(stacks):
        for name, stack in stacks.items():
            trained.append(stack)
            yield name, sweep.train(stack=stack)

    monkeypatch.setattr(sweep, "train_here", train_here)
    sweep.splits.cache_clear()
    return trained


def serial(grid):
    """Train the grid stack by stack in this process and return the expected result of `search`."""
    with one_thread():
        own = {stack: sweep.train(stack=stack) for stack in stacks_of(grid, STACK)}
    figures = {s: {m: v[i] for m, v in arrays.items()} for stack, arrays in own.items() for i, s in enumerate(stack)}
    return {measure: np.array([figures[s][measure] for s in grid]) for measure in ("loss", "cost", "accuracy")}


def assert_same(found, expected):
    assert set(found) == set(expected)
    for measure, values in expected.items():
        assert np.array_equal(found[measure], values), measure


def cached(folder=None):
    return {path.name: path.stat().st_mtime_ns for path in (folder or paths.RUNS).glob("sweep@*.npz")}


def wait_until(condition):
    """Wait until a condition that another process changes is true. Return its value."""
    end = time.monotonic() + SECONDS
    while not (result := condition()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return result


# Grids


def test_grid_holds_every_combination_and_the_other_fields_apply_to_every_setting(grid_file):
    grid = read_grid(grid_file("eta: [0.1, 1e-3]\nlam: [0, 0.5]\nn_batch: [10, 20, 30]\nflips: true\nseed: 7\n"))
    assert [(s.n_batch, s.eta, s.lam) for s in grid] == list(product([10, 20, 30], [0.001, 0.1], [0, 0.5]))  # sorted
    assert {(s.flips, s.seed, s.n_epochs) for s in grid} == {(True, 7, 40)}


def test_values_with_many_digits_are_read_exactly(grid_file):
    values = [1.2345678901234567e-05, 0.30000000000000004]
    grid = read_grid(grid_file(f"eta: {values}\nlam: {values}\nn_batch: [123456]\n"))
    assert [(s.eta, s.lam) for s in grid] == list(product(values, values))


def test_default_grid_has_at_least_8_by_8_by_2_settings_on_all_batches():
    grid = read_grid()
    assert len(set(grid)) == len(grid) >= 8 * 8 * 2
    for axis, least in {"eta": 8, "lam": 8, "n_batch": 2}.items():
        assert len({getattr(setting, axis) for setting in grid}) >= least
    assert {s.train_on for s in grid} == {"all"}


@pytest.mark.parametrize(
    ("text", "said"),
    {
        "lam: [0]\nn_batch: [1]": "eta is missing: must be a list of one value or more, such as [1, 2]",
        "eta: 0.1\nlam: [0]\nn_batch: [1]": "eta = 0.1: must be a list of one value or more, such as [1, 2]",
        "eta: [0.1]\nlam: []\nn_batch: [1]": "lam = []: must be a list of one value or more, such as [1, 2]",
        "eta: [0.1]\nlam: [0]\nn_batch:": "n_batch = None: must be a list of one value or more, such as [1, 2]",
        "eta: [0.1, -1]\nlam: [0]\nn_batch: [1]": "eta = -1: must be greater than 0",
        "eta: [0.1, a b]\nlam: [0]\nn_batch: [1]": "eta = 'a b': must be a valid number",
        "eta: [0.1]\nlam: [[0]]\nn_batch: [1]": "lam = [0]: must be a valid number",
        "eta: [0.1, 0.01, 1e-1]\nlam: [0]\nn_batch: [1]": "eta = 0.1: given more than once",
        "eta: [0.1]\nlam: [0, 0.0]\nn_batch: [1, 1]": "n_batch = 1: given more than once",
        "eta: [0.1]\nlam: [0]\nn_batch: [0.5]": "n_batch = 0.5: must be a valid integer",
        "eta: [0.1]\nlam: [0]\nn_batch: [1]\nepochs: 3": "epochs = 3: unknown key; allowed are eta, lam, n_batch, n_ep",
        "eta: [0.1]\nlam: [0]\nn_batch: [1]\nseed: [1]": "seed = [1]: must be a valid integer",
        "eta: [0.1]\nlam: [0]\nn_batch: [1]\nname: x": "name = 'x': unknown key; the settings of a grid have no names",
        f"eta: {HUGE}\nlam: [0]\nn_batch: [1]": "eta = an integer of thousands of digits: must be a list of one",
        f"eta: [1]\nlam: [0]\nn_batch: [1]\nname: {HUGE}": "name = an integer of thousands of digits: unknown key",
        f"eta: [1]\nlam: [0]\nn_batch: [1]\n? {HUGE}\n: 1": "an integer of thousands of digits = 1: unknown key",
        "- 1": "must hold keys and values, such as 'eta: 0.001'; got [1]",
        "eta: [": "not readable as YAML: ",
    }.items(),
)
def test_invalid_grid_gives_a_one_line_error_with_file_key_value_and_rule(grid_file, text, said):
    path = grid_file(text)
    with pytest.raises(InputError) as error:
        read_grid(path)
    assert str(error.value).startswith(f"{path}: {said}")
    assert "\n" not in str(error.value)


values = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
keys = st.sampled_from(list(Setting.model_fields)) | st.text(max_size=9)
grids = st.fixed_dictionaries({axis: st.lists(values, max_size=3) for axis in sweep.AXES})


@given(st.booleans(), grids, st.dictionaries(keys, values | st.lists(values, max_size=3), max_size=4))
def test_random_grid_is_valid_or_gives_a_one_line_error(folder, complete, axes, more):
    path = folder / "grid.yaml"
    path.write_text(json.dumps((axes if complete else {}) | more))  # JSON is YAML
    try:
        assert read_grid(path)
    except InputError as error:
        assert str(error).startswith(f"{path}: ")
        assert str(error).isprintable()
        assert len(str(error)) < 2000


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("grids")


# Stacks


@given(
    st.lists(st.tuples(st.sampled_from([1, 2, 3]), st.floats(0.1, 1), st.sampled_from([5, 6])), unique=True),
    st.integers(1, 5),
)
def test_stacks_hold_each_setting_once_share_the_stack_key_and_keep_to_the_size_limit(points, size):
    grid = [Setting(name="a", eta=eta, lam=0.0, n_batch=n, n_epochs=n_epochs) for n, eta, n_epochs in points]
    stacks = stacks_of(grid, size)
    assert Counter(setting for stack in stacks for setting in stack) == Counter(grid)
    for stack in stacks:
        assert 1 <= len(stack) <= size
        assert all(setting.stack_key == stack[0].stack_key for setting in stack)
        assert list(stack) == [setting for setting in grid if setting in stack]  # in the order of the grid
    groups = Counter(repr(setting.stack_key) for setting in grid)
    assert len(stacks) == sum(-(-n // size) for n in groups.values())  # as few stacks as possible


def test_equal_grids_give_equal_stacks_with_different_names(grid):
    assert stacks_of(grid, STACK) == stacks_of(list(grid), STACK)
    assert [len(stack) for stack in stacks_of(grid, STACK)] == [4, 4, 4, 4]
    assert len({name_of(stack) for stack in stacks_of(grid, STACK)}) == 4


# Serial training


@pytest.mark.usefixtures("small_data")
def test_results_of_a_stack_equal_those_of_single_trainings(serially):
    usual = {"n_epochs": 2, "n_batch": 40, "dtype": "float64", "flips": True, "decay": "plateau"}
    grid = [Setting(name="a", eta=eta, lam=lam, **usual) for eta in (0.01, 0.1) for lam in (0.0, 0.2)]
    found = search(grid)
    for place, setting in enumerate(grid):
        history = train_setting(setting).history["val"]
        for measure, values in found.items():
            assert_allclose(values[place], history[measure][-1], rtol=1e-9, err_msg=f"{setting} {measure}")


@pytest.mark.filterwarnings("error", "ignore::ResourceWarning")
@pytest.mark.usefixtures("small_data")
def test_setting_that_diverges_has_nan_results_and_the_other_settings_finite_ones(serially):
    usual = {"name": "a", "lam": 1.0, "n_epochs": 20, "n_batch": 40}
    found = search([Setting(eta=0.01, **usual), Setting(eta=1e6, **usual)])
    for values in found.values():
        assert np.isfinite(values).tolist() == [True, False]


@pytest.mark.usefixtures("small_data")
def test_search_never_opens_the_test_split(serially, grid_file, monkeypatch):
    monkeypatch.setattr(Sealed, "open", lambda self: pytest.fail("the search opened the test split"))
    search(read_grid(grid_file(YAML.format(n_epochs=1))))


@pytest.mark.usefixtures("small_data")
def test_search_trains_only_stacks_that_are_missing_damaged_or_changed(serially, grid_file):
    grid = read_grid(grid_file(YAML.format(n_epochs=1)))
    stacks = stacks_of(grid, STACK)
    first = search(grid)
    assert serially == stacks

    for place, damage in {1: Path.unlink, 2: lambda file: file.write_bytes(b"damaged")}.items():
        damage(*paths.RUNS.glob(f"{name_of(stacks[place])}@*"))
    assert_same(search(grid), first)
    assert serially == [*stacks, stacks[1], stacks[2]]

    longer = [setting.model_copy(update={"n_epochs": 2}) if setting in stacks[0] else setting for setting in grid]
    search(longer)
    assert serially[6:] == stacks_of(longer, STACK)[:1]


@pytest.mark.usefixtures("small_data")
def test_results_are_in_the_order_of_the_grid(serially, grid_file):
    grid = read_grid(grid_file(YAML.format(n_epochs=1)))
    shuffled = [grid[place] for place in np.random.default_rng(0).permutation(len(grid))]
    together = search(shuffled)
    for stack in stacks_of(shuffled, STACK):
        with one_thread():
            own = sweep.train(stack=stack)
        for m, setting in enumerate(stack):
            assert together["loss"][shuffled.index(setting)] == own["loss"][m]


# On this machine


@pytest.mark.usefixtures("small_data")
def test_search_in_threads_is_bitwise_identical_to_serial_training(grid, monkeypatch, capfd):
    sweep.splits.cache_clear()
    results = search(grid)
    assert_same(results, serial(grid))
    assert len(cached()) == len(stacks_of(grid, STACK))
    err = capfd.readouterr().err
    assert "16 settings in 4 stacks" in err
    assert "240/240" in err

    monkeypatch.setattr(sweep, "train_here", None)  # calling it would fail
    assert_same(search(grid), results)


# On a Dask cluster


@contextmanager
def cluster_of(workers):
    options = {"dashboard_address": None, "memory_limit": 0, "silence_logs": SILENT}
    with distributed.LocalCluster(n_workers=workers, threads_per_worker=1, **options) as cluster:
        yield cluster


def test_killed_worker_loses_only_its_current_stack(project, grid, capfd):
    """The workers halt after the first message about an epoch, so the killed one is in the middle of a stack."""
    found, told, halted = [], [], threading.Event()

    with cluster_of(2) as cluster, distributed.Client(cluster) as client:
        pids = client.run(os.getpid)

        def halt(event):
            told.append(event[1][0])
            if not halted.is_set():
                send(signal.SIGSTOP, pids.values())
                halted.set()

        client.subscribe_topic("epochs", halt)
        searching = threading.Thread(target=lambda: found.append(search(grid, cluster.scheduler_address)))
        searching.start()
        assert halted.wait(SECONDS)
        killed = told[0]
        where = next(worker for worker, keys in client.processing().items() if ("sweep", killed) in keys)
        before = set(cached())
        send(signal.SIGKILL, [pids.pop(where)])
        send(signal.SIGCONT, pids.values())
        searching.join(SECONDS)
        events = [event for _, event in client.get_events("epochs")]
    assert not [file for file in before if file.startswith(killed)]
    assert_same(found[0], serial(grid))
    assert Counter(name for name, epoch in events if epoch == 0) == {
        name_of(stack): 1 + (name_of(stack) == killed) for stack in stacks_of(grid, STACK)
    }
    assert not re.search("distributed|Traceback|WARN", "".join(capfd.readouterr()))


def send(sent, pids):
    for pid in pids:
        os.kill(pid, sent)


def test_finished_stack_is_not_trained_again_if_its_worker_dies(project, grid):
    """We already have its results, so Dask must not train it again because the worker's copy is lost."""
    with cluster_of(1) as cluster, distributed.Client(cluster) as client:
        stacks = {name_of(stack): stack for stack in stacks_of(grid, STACK)[:2]}
        results = dask_cluster.train_on_cluster(cluster.scheduler_address, stacks)
        first, _ = next(results)
        (pid,) = client.run(os.getpid).values()
        os.kill(pid, signal.SIGKILL)
        assert next(results)[0] != first
        begun = Counter(name for _, (name, epoch) in client.get_events("epochs") if epoch == 0)
        results.close()
    assert begun[first] == 1


@pytest.fixture
def scheduler(tmp_path):
    """Start a Dask scheduler in a separate process, which cannot import lib, and return its address."""
    file = tmp_path / "scheduler.json"
    options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", file]
    with process("scheduler", *options, PYTHONPATH=None):
        wait_until(lambda: file.exists() and file.stat().st_size)
        with distributed.Client(scheduler_file=file) as client:
            yield client.scheduler.address


@contextmanager
def process(what, *options, **environment):
    """Run `dask scheduler` or `dask worker` until the block ends."""
    own = {name: value for name, value in (os.environ | environment).items() if value is not None}
    command = [Path(sys.executable).with_name("dask"), what, *options]
    with subprocess.Popen(command, env=own, stderr=subprocess.DEVNULL) as started:
        try:
            yield
        finally:
            started.terminate()


def worker(scheduler, **environment):
    return process("worker", scheduler, "--nthreads", "1", "--no-dashboard", **environment)


def test_search_on_a_running_scheduler_is_bitwise_identical_to_serial_training(project, scheduler, grid):
    with worker(scheduler), worker(scheduler):
        assert_same(search(grid, scheduler), serial(grid))
    assert len(list(project.glob("data/cifar10/*.bin"))) == 6


@pytest.mark.parametrize(
    ("change", "said"),
    ids=["another lib", "no lib", "no data"],
    argvalues={
        "other": r"the worker at tcp://127.0.0.1:\d+ has another version of lib or of NumPy: start it anew",
        "none": "sweep: ModuleNotFoundError: No module named 'notebooks'; finished stacks are cached, and docs/cluster",
        "no data": r"no CIFAR-10: CIFAR10=nowhere: there is no such file or folder; name an archive or folder",
    }.items(),
)
def test_worker_with_another_lib_no_lib_or_no_data_gives_a_one_line_error(project, scheduler, grid, change, said):
    environment = {}
    if change == "other":
        with (project / "lib/model.py").open("a") as file:
            file.write("changed = True\n")
    elif change == "none":
        shutil.rmtree(project / "notebooks")
    else:
        environment = {"CIFAR10": "nowhere"}
    with worker(scheduler, **environment), pytest.raises(InputError, match=said) as error:
        search(grid, scheduler)
    assert "\n" not in str(error.value)
    assert not cached()


@pytest.mark.usefixtures("small_data")
@pytest.mark.parametrize(
    ("arguments", "said"),
    {
        ("tcp://127.0.0.1:9",): "error: no Dask scheduler at tcp://127.0.0.1:9: Timed out trying to connect",
        ("nowhere",): "error: no Dask scheduler at nowhere: missing port number in address 'nowhere'",
        ("what://host:1",): "error: no Dask scheduler at what://host:1: unknown address scheme 'what'",
        ("tcp://a:1", "b"): "error: usage: python -m notebooks.improvements.search [SCHEDULER]",
    }.items(),
)
def test_bad_scheduler_address_gives_a_one_line_error(monkeypatch, capfd, arguments, said):
    monkeypatch.setattr(sys, "argv", ["sweep", *arguments])
    monkeypatch.setattr("notebooks.improvements.cluster.SECONDS_TO_ANSWER", 0.5)
    with pytest.raises(SystemExit) as ended:
        run_command(sweep.main)
    assert str(ended.value).startswith(said)  # Python prints it and exits with 1
    assert "\n" not in str(ended.value)
    assert capfd.readouterr() == ("", "")


# The command


def of_group(leader):
    """Return the running processes of the leader's group, all of which Ctrl-C in a terminal interrupts."""
    found = []
    for own in psutil.process_iter():
        try:
            if os.getpgid(own.pid) == leader and own.status() != psutil.STATUS_ZOMBIE:
                found.append(own.pid)
        except (psutil.NoSuchProcess, ProcessLookupError):
            pass
    return found


def test_interrupted_search_continues_with_the_missing_stacks(project):
    n_stacks = 2 * os.cpu_count() + 2  # more than two stacks for each core
    n_batch = [20 + place for place in range(n_stacks)]
    grid = f"n_batch: {n_batch}\neta: [0.001, 0.01]\nlam: [0, 0.1]\nn_epochs: 60\n"
    (project / "notebooks/sweep.yaml").write_text(grid)
    command = [sys.executable, "-m", "notebooks.improvements.search"]
    pipe = {"stderr": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": project}
    heeded = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # a background job of a shell ignores Ctrl-C
    with subprocess.Popen(command, start_new_session=True, preexec_fn=heeded, **pipe) as first:
        line = first.stderr.readline()
        assert "settings in" in line
        runs = project / "data/runs"
        wait_until(lambda: cached(runs))
        os.killpg(first.pid, signal.SIGINT)  # to the whole group, as a terminal does
        out, err = first.communicate(timeout=SECONDS)
    assert first.returncode == 130
    assert err.endswith("\ninterrupted\n")
    assert not re.search("distributed|Traceback|WARN", out + err), err
    wait_until(lambda: not of_group(first.pid))
    before = cached(runs)
    assert 0 < len(before) < n_stacks

    second = subprocess.run(command, timeout=SECONDS, check=True, **pipe)
    assert f"{4 * (n_stacks - len(before))} settings in {n_stacks - len(before)} stacks" in second.stderr
    after = cached(runs)
    assert len(after) == n_stacks
    assert before.items() <= after.items()  # the first files were not written again
    assert len(re.findall(r"validation loss \d\.\d{4}, [\d.]+% of the images: η = ", second.stderr)) == 5

    third = subprocess.run(command, timeout=SECONDS, check=True, **pipe)
    assert "settings in" not in third.stderr
    assert second.stderr.endswith(third.stderr)
    assert cached(runs) == after


def test_command_with_an_invalid_grid_gives_a_one_line_error(project):
    (project / "notebooks/sweep.yaml").write_text("eta: [0.1]\nlam: [0]\nn_batch: [0]\n")
    done = subprocess.run(
        [sys.executable, "-m", "notebooks.improvements.search"], cwd=project, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr == "error: notebooks/sweep.yaml: n_batch = 0: must be greater than or equal to 1\n"


@pytest.mark.parametrize("scheduler", ["", "tcp://host:8786"])
def test_make_sweep_passes_the_scheduler_to_the_command(scheduler):
    command = ["make", "--no-print-directory", "--dry-run", "sweep", f"SCHEDULER={scheduler}"]
    log = subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True, check=True).stdout
    assert log.splitlines()[-1].split("-m ")[-1].strip() == f"notebooks.improvements.search {scheduler}".strip()
