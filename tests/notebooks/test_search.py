"""The grid search: what a grid may hold, and on real clusters that it finds what serial training finds, whoever dies.

Worker processes do not see what a test patches. They import lib from a copy of the repository, whose checksums are
those of the made-up data, and fetch the data from where CIFAR10 says.
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
from lib.runs.settings import Setting
from lib.runs.training import train_setting
from notebooks.improvements import cluster as dask_cluster
from notebooks.improvements import search as sweep
from notebooks.improvements.cluster import SILENT
from notebooks.improvements.search import name_of, read_grid, search, stacks_of

YAML = "n_batch: [20, 30, 40, 60]\neta: [0.001, 0.01]\nlam: [0, 0.1]\nn_epochs: {n_epochs}\n"
HUGE = f"0x{'f' * 5000}"  # Python refuses to print it
SECONDS = 60  # to wait at most for what takes a few


@pytest.fixture
def grid_file(tmp_path):
    """A function that writes a grid."""

    def write(text):
        path = tmp_path / "grid.yaml"
        path.write_text(text)
        return path

    return write


@pytest.fixture
def grid(grid_file):
    """Four stacks of four settings, which take about a second each."""
    return read_grid(grid_file(YAML.format(n_epochs=60)))


@pytest.fixture
def project(small_data, made_up_batches, tmp_path, monkeypatch):
    """A copy of lib that the processes which a test starts find first, and no data in it but their checksums."""
    sweep.splits.cache_clear()
    root = tmp_path / "project"
    for house in ("lib", "notebooks"):
        shutil.copytree(paths.ROOT / house, root / house, ignore=shutil.ignore_patterns("__pycache__", "*.ipynb"))
    (root / "data").mkdir()
    sums = [f"{hashlib.sha1(content).hexdigest()}  {name}\n" for name, content in made_up_batches.items()]
    (root / "data/cifar10.sha1").write_text("".join(sums))
    monkeypatch.setenv("CIFAR10", str(tmp_path))  # where small_data puts the batches
    monkeypatch.setenv("PYTHONPATH", str(root))  # for commands
    monkeypatch.syspath_prepend(root)  # for what multiprocessing spawns
    monkeypatch.setattr(dask_cluster, "VERSION", fingerprint(sweep.train))  # of these data
    yield root
    sweep.splits.cache_clear()


@pytest.fixture
def serially(monkeypatch):
    """Serial training in place of threads. Returns the stacks that were trained."""
    trained = []

    def train_here(stacks):
        for name, stack in stacks.items():
            trained.append(stack)
            yield name, sweep.train(stack=stack)

    monkeypatch.setattr(sweep, "train_here", train_here)
    sweep.splits.cache_clear()
    return trained


def serial(grid):
    """What `search` is to find, stack by stack in this process."""
    with one_thread():
        own = {stack: sweep.train(stack=stack) for stack in stacks_of(grid)}
    figures = {s: {m: v[i] for m, v in arrays.items()} for stack, arrays in own.items() for i, s in enumerate(stack)}
    return {measure: np.array([figures[s][measure] for s in grid]) for measure in ("loss", "cost", "accuracy")}


def assert_same(found, expected):
    assert set(found) == set(expected)
    for measure, values in expected.items():
        assert np.array_equal(found[measure], values), measure


def kept(folder=None):
    return {path.name: path.stat().st_mtime_ns for path in (folder or paths.RUNS).glob("sweep@*.npz")}


def wait_until(condition):
    """For what another process does and nothing tells of."""
    end = time.monotonic() + SECONDS
    while not (result := condition()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return result


# A grid


def test_a_grid_is_every_combination_and_the_rest_is_for_all(grid_file):
    grid = read_grid(grid_file("eta: [0.1, 1e-3]\nlam: [0, 0.5]\nn_batch: [10, 20, 30]\nflips: true\nseed: 7\n"))
    assert [(s.n_batch, s.eta, s.lam) for s in grid] == list(product([10, 20, 30], [0.001, 0.1], [0, 0.5]))  # sorted
    assert {(s.flips, s.seed, s.n_epochs) for s in grid} == {(True, 7, 40)}


def test_many_digits_are_no_problem(grid_file):
    values = [1.2345678901234567e-05, 0.30000000000000004]
    grid = read_grid(grid_file(f"eta: {values}\nlam: {values}\nn_batch: [123456]\n"))
    assert [(s.eta, s.lam) for s in grid] == list(product(values, values))


def test_the_default_grid_is_as_large_as_it_is_said_to_be():
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
def test_a_wrong_grid_is_one_line_that_names_the_file_and_what_is_allowed(grid_file, text, said):
    path = grid_file(text)
    with pytest.raises(InputError) as error:
        read_grid(path)
    assert str(error.value).startswith(f"{path}: {said}")
    assert "\n" not in str(error.value)


values = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
keys = st.sampled_from(list(Setting.model_fields)) | st.text(max_size=9)
grids = st.fixed_dictionaries({axis: st.lists(values, max_size=3) for axis in sweep.AXES})


@given(st.booleans(), grids, st.dictionaries(keys, values | st.lists(values, max_size=3), max_size=4))
def test_any_grid_is_one_of_settings_or_refused_in_one_line(folder, complete, axes, more):
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
def test_stacks_hold_every_setting_once_are_alike_and_no_larger_than_asked(points, size):
    grid = [Setting(name="a", eta=eta, lam=0.0, n_batch=n, n_epochs=n_epochs) for n, eta, n_epochs in points]
    stacks = stacks_of(grid, size)
    assert Counter(setting for stack in stacks for setting in stack) == Counter(grid)
    for stack in stacks:
        assert 1 <= len(stack) <= size
        assert all(setting.stack_key == stack[0].stack_key for setting in stack)
        assert list(stack) == [setting for setting in grid if setting in stack]  # in their order
    groups = Counter(repr(setting.stack_key) for setting in grid)
    assert len(stacks) == sum(-(-n // size) for n in groups.values())  # as few as can be


def test_the_same_grid_makes_the_same_stacks(grid):
    assert stacks_of(grid) == stacks_of(list(grid))
    assert [len(stack) for stack in stacks_of(grid)] == [4, 4, 4, 4]
    assert len({name_of(stack) for stack in stacks_of(grid)}) == 4


# What is trained, and what is not


@pytest.mark.usefixtures("small_data")
def test_a_stacks_figures_are_those_of_single_trainings(serially):
    usual = {"n_epochs": 2, "n_batch": 40, "dtype": "float64", "flips": True, "decay": "plateau"}
    grid = [Setting(name="a", eta=eta, lam=lam, **usual) for eta in (0.01, 0.1) for lam in (0.0, 0.2)]
    found = search(grid)
    for place, setting in enumerate(grid):
        history = train_setting(setting).history["val"]
        for measure, values in found.items():
            assert_allclose(values[place], history[measure][-1], rtol=1e-9, err_msg=f"{setting} {measure}")


@pytest.mark.filterwarnings("error", "ignore::ResourceWarning")
@pytest.mark.usefixtures("small_data")
def test_a_setting_that_diverges_has_no_figures_and_harms_no_other(serially):
    usual = {"name": "a", "lam": 1.0, "n_epochs": 20, "n_batch": 40}
    found = search([Setting(eta=0.01, **usual), Setting(eta=1e6, **usual)])
    for values in found.values():
        assert np.isfinite(values).tolist() == [True, False]


@pytest.mark.usefixtures("small_data")
def test_a_search_never_opens_the_test_split(serially, grid_file, monkeypatch):
    monkeypatch.setattr(Sealed, "open", lambda self: pytest.fail("it did"))
    search(read_grid(grid_file(YAML.format(n_epochs=1))))


@pytest.mark.usefixtures("small_data")
def test_a_search_trains_what_is_missing_and_nothing_else(serially, grid_file):
    grid = read_grid(grid_file(YAML.format(n_epochs=1)))
    stacks = stacks_of(grid)
    first = search(grid)
    assert serially == stacks

    for place, damage in {1: Path.unlink, 2: lambda file: file.write_bytes(b"damaged")}.items():
        damage(*paths.RUNS.glob(f"{name_of(stacks[place])}@*"))
    assert_same(search(grid), first)
    assert serially == [*stacks, stacks[1], stacks[2]]

    longer = [setting.model_copy(update={"n_epochs": 2}) if setting in stacks[0] else setting for setting in grid]
    search(longer)
    assert serially[6:] == stacks_of(longer)[:1]


@pytest.mark.usefixtures("small_data")
def test_the_figures_are_in_the_order_of_the_grid(serially, grid_file):
    grid = read_grid(grid_file(YAML.format(n_epochs=1)))
    shuffled = [grid[place] for place in np.random.default_rng(0).permutation(len(grid))]
    together = search(shuffled)
    for stack in stacks_of(shuffled):
        with one_thread():
            own = sweep.train(stack=stack)
        for m, setting in enumerate(stack):
            assert together["loss"][shuffled.index(setting)] == own["loss"][m]


# On this machine


@pytest.mark.usefixtures("small_data")
def test_a_search_on_this_machine_gives_the_results_of_serial_training_to_the_bit(grid, monkeypatch, capfd):
    sweep.splits.cache_clear()
    results = search(grid)
    assert_same(results, serial(grid))
    assert len(kept()) == len(stacks_of(grid))
    err = capfd.readouterr().err
    assert "16 settings in 4 stacks" in err
    assert "240/240" in err

    monkeypatch.setattr(sweep, "train_here", None)  # which fails if it is called
    assert_same(search(grid), results)


# On a cluster that is there


@contextmanager
def cluster_of(workers):
    options = {"dashboard_address": None, "memory_limit": 0, "silence_logs": SILENT}
    with distributed.LocalCluster(n_workers=workers, threads_per_worker=1, **options) as cluster:
        yield cluster


def test_a_killed_worker_costs_its_stack_only(project, grid, capfd):
    """The workers are halted at the first epochs that are told of: the one to kill is in the middle of its stack."""
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
        before = set(kept())
        send(signal.SIGKILL, [pids.pop(where)])
        send(signal.SIGCONT, pids.values())
        searching.join(SECONDS)
        events = [event for _, event in client.get_events("epochs")]
    assert not [file for file in before if file.startswith(killed)]
    assert_same(found[0], serial(grid))
    assert Counter(name for name, epoch in events if epoch == 0) == {
        name_of(stack): 1 + (name_of(stack) == killed) for stack in stacks_of(grid)
    }
    assert not re.search("distributed|Traceback|WARN", "".join(capfd.readouterr()))


def send(sent, pids):
    for pid in pids:
        os.kill(pid, sent)


def test_a_finished_stack_outlives_the_worker_that_trained_it(project, grid):
    """Its figures are with us: Dask must not train it again because its own copy of them is lost."""
    with cluster_of(1) as cluster, distributed.Client(cluster) as client:
        stacks = {name_of(stack): stack for stack in stacks_of(grid)[:2]}
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
    """The address of a Dask scheduler in a process of its own, which has no lib."""
    file = tmp_path / "scheduler.json"
    options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", file]
    with process("scheduler", *options, PYTHONPATH=None):
        wait_until(lambda: file.exists() and file.stat().st_size)
        with distributed.Client(scheduler_file=file) as client:
            yield client.scheduler.address


@contextmanager
def process(what, *options, **environment):
    """`dask scheduler` or `dask worker`."""
    own = {name: value for name, value in (os.environ | environment).items() if value is not None}
    command = [Path(sys.executable).with_name("dask"), what, *options]
    with subprocess.Popen(command, env=own, stderr=subprocess.DEVNULL) as started:
        try:
            yield
        finally:
            started.terminate()


def worker(scheduler, **environment):
    return process("worker", scheduler, "--nthreads", "1", "--no-dashboard", **environment)


def test_a_search_on_a_scheduler_that_is_there_is_serial_training_to_the_bit(project, scheduler, grid):
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
def test_a_worker_that_has_not_what_it_takes_is_refused(project, scheduler, grid, change, said):
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
    assert not kept()


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
def test_a_wrong_scheduler_is_one_line(monkeypatch, capfd, arguments, said):
    monkeypatch.setattr(sys, "argv", ["sweep", *arguments])
    monkeypatch.setattr("notebooks.improvements.cluster.SECONDS_TO_ANSWER", 0.5)
    with pytest.raises(SystemExit) as ended:
        run_command(sweep.main)
    assert str(ended.value).startswith(said)  # which Python prints, with exit code 1
    assert "\n" not in str(ended.value)
    assert capfd.readouterr() == ("", "")


# The command


def of_group(leader):
    """The living processes that Ctrl-C on a terminal would reach with this one."""
    found = []
    for own in psutil.process_iter():
        try:
            if os.getpgid(own.pid) == leader and own.status() != psutil.STATUS_ZOMBIE:
                found.append(own.pid)
        except (psutil.NoSuchProcess, ProcessLookupError):
            pass
    return found


def test_an_interrupted_search_is_taken_up_where_it_was(project):
    n_stacks = 2 * os.cpu_count() + 2  # two rounds and more, of a stack for each core
    n_batch = [20 + place for place in range(n_stacks)]
    grid = f"n_batch: {n_batch}\neta: [0.001, 0.01]\nlam: [0, 0.1]\nn_epochs: 60\n"
    (project / "notebooks/sweep.yaml").write_text(grid)
    command = [sys.executable, "-m", "notebooks.improvements.search"]
    pipe = {"stderr": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": project}
    heeded = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # a shell's background job ignores it
    with subprocess.Popen(command, start_new_session=True, preexec_fn=heeded, **pipe) as first:
        line = first.stderr.readline()
        assert "settings in" in line
        runs = project / "data/runs"
        wait_until(lambda: kept(runs))
        os.killpg(first.pid, signal.SIGINT)  # as a terminal does, to all of them
        out, err = first.communicate(timeout=SECONDS)
    assert first.returncode == 130
    assert err.endswith("\ninterrupted\n")
    assert not re.search("distributed|Traceback|WARN", out + err), err
    wait_until(lambda: not of_group(first.pid))
    before = kept(runs)
    assert 0 < len(before) < n_stacks

    second = subprocess.run(command, timeout=SECONDS, check=True, **pipe)
    assert f"{4 * (n_stacks - len(before))} settings in {n_stacks - len(before)} stacks" in second.stderr
    after = kept(runs)
    assert len(after) == n_stacks
    assert before.items() <= after.items()  # not written again
    assert len(re.findall(r"validation loss \d\.\d{4}, [\d.]+% of the images: η = ", second.stderr)) == 5

    third = subprocess.run(command, timeout=SECONDS, check=True, **pipe)
    assert "settings in" not in third.stderr
    assert second.stderr.endswith(third.stderr)
    assert kept(runs) == after


def test_a_wrong_grid_ends_the_command_in_one_line(project):
    (project / "notebooks/sweep.yaml").write_text("eta: [0.1]\nlam: [0]\nn_batch: [0]\n")
    done = subprocess.run(
        [sys.executable, "-m", "notebooks.improvements.search"], cwd=project, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr == "error: notebooks/sweep.yaml: n_batch = 0: must be greater than or equal to 1\n"


@pytest.mark.parametrize("scheduler", ["", "tcp://host:8786"])
def test_make_passes_the_scheduler_on(scheduler):
    command = ["make", "--no-print-directory", "--dry-run", "sweep", f"SCHEDULER={scheduler}"]
    log = subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True, check=True).stdout
    assert log.splitlines()[-1].split("-m ")[-1].strip() == f"notebooks.improvements.search {scheduler}".strip()
