"""The cache loads results unchanged, or not at all if they are out of date or damaged."""

import os
import pickle
import shutil
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from threadpoolctl import threadpool_info, threadpool_limits

from lib import cifar10, paths
from lib.runs import cache, seeds, training
from lib.runs.cache import cached, fingerprint
from lib.runs.run import MEASURES, SPLITS, Run
from lib.runs.settings import Setting
from notebooks.reproduction import replay

SETTING = Setting(name="a", eta=0.001, lam=0.1)
ARRAYS = {
    "W": np.random.default_rng(0).standard_normal((3072, 3), np.float32),
    "test/loss": np.array(1.5),
    "empty": np.zeros((0, 2), np.int64),
}


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "RUNS", tmp_path / "runs")


class Computation:
    """A computation that records the arguments of its calls."""

    def __init__(self):
        self.calls = []

    def compute(self, *, progress=iter, **arguments):
        self.calls.append(arguments)
        return ARRAYS


@pytest.fixture
def computation():
    return Computation()


def assert_equal(found, arrays=ARRAYS):
    assert list(found) == list(arrays)
    for name, values in arrays.items():
        assert_array_equal(found[name], values, strict=True)


def is_fresh(computation, **arguments):
    """Return whether the result is loaded from the cache, without a computation."""
    before = len(computation.calls)
    assert_equal(cached("a", computation.compute, **arguments))
    return len(computation.calls) == before


# Loading


def test_cached_arrays_are_loaded_unchanged(computation):
    assert_equal(cached("a", computation.compute, setting=SETTING))
    assert_equal(cached("a", computation.compute, setting=SETTING))
    assert computation.calls == [{"setting": SETTING}]


def test_each_result_is_stored_in_one_file(computation):
    cached("a", computation.compute)
    (file,) = paths.RUNS.iterdir()
    assert file.match("a@*.npz")


def test_each_name_has_its_own_file(computation):
    for name in ("a", "b", "a", "b"):
        cached(name, computation.compute)
    assert len(computation.calls) == 2


def test_progress_is_passed_to_compute_and_does_not_affect_the_cache(computation):
    seen = []

    def compute(progress):
        seen.append(progress)
        return ARRAYS

    cached("a", compute, reversed)
    cached("a", compute, sorted)
    assert seen == [reversed]


def test_failed_computation_leaves_no_file():
    def compute(progress):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached("a", compute)
    assert not paths.RUNS.exists()


@pytest.fixture
def cached_run(make_run):
    """Save a small run in the cache, and return it."""
    run = make_run(W=ARRAYS["W"], test_scores=ARRAYS["W"][:4], lam=0.1, n_epochs=3)
    cache.save("a", "mark", run.as_arrays())
    return run


def test_cached_run_is_loaded_unchanged(cached_run):
    run = Run.from_arrays(cached_run.setting, cache.load("a", "mark"))
    assert (run.setting, run.test) == (cached_run.setting, cached_run.test)
    assert run.as_result() == cached_run.as_result()  # setting, history and test results
    arrays = [(*own.net, own.test_scores, *own.film) for own in (run, cached_run)]
    for array, old in zip(*arrays, strict=True):
        assert_array_equal(array, old, strict=True)


def test_arrays_of_a_run_include_every_measure_of_every_split(cached_run):
    histories = {f"{split}/{measure}" for split in SPLITS for measure in MEASURES}
    others = {"W", "b", "test_scores", "test/loss", "test/accuracy", "film/epochs", "film/levels"}
    assert set(cached_run.as_arrays()) == others | histories


def test_result_of_a_run_has_all_fields_of_results_json(cached_run):
    result = cached_run.as_result()
    fields = {"eta", "lam", "n_batch", "n_epochs", "seed", "dtype"}
    optional = {"loss", "train_on", "flips", "shifts", "decay", "momentum", "average", "mirror"}
    assert set(result) == fields | optional | {"history", "test", "weights", "diverged"}
    assert result["history"]["val"]["accuracy"] == cached_run.history["val"]["accuracy"].tolist()
    assert result["test"] == cached_run.test


def blas_threads():
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


@pytest.mark.parametrize("compute", ["cached", "spread"])
def test_cached_results_are_computed_with_one_thread_whatever_the_caller_uses(monkeypatch, compute):
    """JupyterLab uses a thread for each core, and the fingerprint does not contain the thread count."""
    used = []

    def note(*arguments, **named):
        used.append(blas_threads())
        return ARRAYS

    monkeypatch.setattr(seeds, "train_groups", lambda *arguments: ([note()] for _ in "a"))
    with threadpool_limits(2, user_api="blas"):
        cached("a", lambda progress: note()) if compute == "cached" else seeds.spread([SETTING])
        assert blas_threads() == {2}
    assert used == [{1}]


# What requires a new computation


OTHER = {"name": "b", "eta": 0.1, "lam": 0.2, "n_batch": 7, "n_epochs": 3, "seed": 1, "dtype": "float64", "loss": "bce"}
OTHER |= {"train_on": "all", "flips": True, "shifts": 1, "decay": "step", "momentum": 0.9}
OTHER |= {"average": True, "mirror": True}


def test_other_setting_differs_in_every_field():
    assert set(OTHER) == set(Setting.model_fields)


def test_setting_with_another_name_is_found_in_the_cache(computation):
    assert not is_fresh(computation, setting=SETTING)
    assert is_fresh(computation, setting=SETTING.model_copy(update={"name": OTHER["name"]}))


@pytest.mark.parametrize(("field", "value"), [(field, OTHER[field]) for field in OTHER if field != "name"])
def test_changed_setting_is_computed_again(computation, field, value):
    assert not is_fresh(computation, setting=SETTING)
    assert is_fresh(computation, setting=SETTING)
    assert not is_fresh(computation, setting=SETTING.model_copy(update={field: value}))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"x": 1}, {"x": 2}),
        ({"x": 1}, {"z": 1}),
        ({"x": 1}, {}),
        ({"x": [1, 2]}, {"x": [2, 1]}),
        ({"x": 1}, {"x": "1"}),
    ],
    ids=str,
)
def test_changed_arguments_are_computed_again(computation, first, second):
    assert not is_fresh(computation, **first)
    assert not is_fresh(computation, **second)


def test_list_and_tuple_are_the_same_argument(computation):
    assert not is_fresh(computation, x=[1, 2])
    assert is_fresh(computation, x=(1, 2))


def test_another_function_has_another_fingerprint(computation):
    def other(progress):
        return ARRAYS

    assert fingerprint(other) != fingerprint(computation.compute)


@pytest.mark.parametrize("batch", cifar10.SHA1)
def test_result_for_other_data_is_computed_again(computation, monkeypatch, batch):
    assert not is_fresh(computation)
    monkeypatch.setitem(cifar10.SHA1, batch, "0" * 40)
    assert not is_fresh(computation)


def test_result_with_another_numpy_is_computed_again(computation, monkeypatch):
    assert not is_fresh(computation)
    monkeypatch.setattr(np, "__version__", "1.0")
    assert not is_fresh(computation)


# What code a result depends on


@pytest.fixture
def code(tmp_path, monkeypatch):
    """Return a copy of lib that a test may change, and a function that hashes the code that training depends on."""
    shutil.copytree(paths.ROOT / "lib", tmp_path / "lib")
    monkeypatch.setattr(paths, "ROOT", tmp_path)

    def code_hash():
        cache.code_hash.cache_clear()
        return cache.code_hash(tmp_path / "lib/runs/training.py")

    yield tmp_path / "lib", code_hash
    cache.code_hash.cache_clear()


def replace(file, old, new):
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


MATHEMATICS = ["preprocess", "augment", "averages", "model", "rows", "train", "schedules", "stats"]


@pytest.mark.parametrize("module", [*MATHEMATICS, "runs/training", "runs/snapshots", "runs/run"])
def test_changed_code_that_training_imports_changes_the_hash_until_it_is_undone(code, module):
    lib, code_hash = code
    before = code_hash()
    file = lib / f"{module}.py"
    text = file.read_text()
    file.write_text(text + "changed = True\n")
    assert code_hash() != before
    file.write_text(text)
    assert code_hash() == before


def test_changed_formula_changes_the_hash_and_changed_comment_or_docstring_does_not(code):
    lib, code_hash = code
    before = code_hash()
    replace(lib / "model.py", '"""Return P = exp(S)', '"""Another docstring')
    replace(lib / "model.py", "    P /= total", "    # a comment\n    P /= total")
    assert code_hash() == before
    replace(lib / "model.py", "G /= len(y)", "G /= 2 * len(y)")
    assert code_hash() != before


@pytest.mark.parametrize("module", ["published", "gradcheck", "doctor/diagnosis", "cifar10/download"])
def test_changed_code_that_training_does_not_import_does_not_change_the_hash(code, module):
    lib, code_hash = code
    before = code_hash()
    replace(lib / f"{module}.py", "import", "changed = True\nimport")
    assert code_hash() == before


def test_changed_code_of_the_computing_module_changes_the_hash(tmp_path):
    file = tmp_path / "computing.py"
    file.write_text("def compute(progress):\n    return 1\n")
    before = cache.code_hash(file)
    cache.code_hash.cache_clear()
    file.write_text("def compute(progress):\n    return 2\n")
    assert cache.code_hash(file) != before


def test_old_result_is_found_again_when_a_change_of_the_code_is_undone(computation, monkeypatch):
    for code, fresh in (("old", False), ("new", False), ("old", True), ("new", True)):
        monkeypatch.setattr(cache, "code_hash", lambda file, code=code: code)
        assert is_fresh(computation) is fresh


# What is removed


def test_files_read_least_recently_are_removed_beyond_the_limit(monkeypatch):
    for name in "abc":
        cache.save(name, "mark", ARRAYS)
    for age, name in enumerate("bca"):  # b was read last
        os.utime(cache.file_of(name, "mark"), (1000 - age, 1000))
    monkeypatch.setattr(cache, "MOST_BYTES", 2.5 * cache.file_of("a", "mark").stat().st_size)
    assert cache.load("a", "mark") is not None  # so now a was read later than c
    cache.remove_oldest()
    assert [cache.load(name, "mark") is not None for name in "abc"] == [True, True, False]


def test_loading_a_file_does_not_change_its_modification_time(cached_file):
    before = cached_file.stat().st_mtime_ns
    assert cache.load("a", "mark") is not None
    assert cached_file.stat().st_mtime_ns == before


# The fingerprint does not depend on how the module is imported

PRINT = "print(cache.fingerprint(replay.replay, train_on='data_batch_1', etas=[0.1]))"
IMPORTED = f"""import sys; sys.path.insert(0, sys.argv[1])
from lib.runs import cache
from notebooks.reproduction import replay
{PRINT}"""
AS_MAIN = f"""import runpy, sys; sys.path.insert(0, sys.argv[1])
from lib import command
from lib.runs import cache
command.run_command = lambda main: None
from types import SimpleNamespace
replay = SimpleNamespace(**runpy.run_module("notebooks.reproduction.replay", run_name="__main__"))
assert replay.replay.__module__ == "__main__"
{PRINT}"""


@pytest.mark.parametrize(
    ("code", "folder", "root"),
    [(IMPORTED, "notebooks", ".."), (IMPORTED, ".", "."), (AS_MAIN, ".", "."), (IMPORTED, "notebooks", None)],
    ids=["from a notebook", "from the root", "as a command", "from elsewhere"],
)
def test_fingerprint_is_the_same_from_a_notebook_a_command_and_elsewhere(code, folder, root):
    command = [sys.executable, "-c", code, root or str(paths.ROOT)]
    done = subprocess.run(command, cwd=paths.ROOT / folder, capture_output=True, text=True, timeout=30)
    assert done.stdout.strip() == fingerprint(replay.replay, train_on="data_batch_1", etas=[0.1]), done.stderr


def test_fingerprint_is_the_same_in_another_process():
    """If it contained a dictionary's order or an object's address, no cached run would be found."""
    code = "from lib.runs import cache, training\nfrom lib.runs.settings import Setting\nprint(cache.fingerprint({}))"
    code = code.format(f"training.run_arrays, setting=Setting(**{SETTING.model_dump()})")
    done = subprocess.run([sys.executable, "-c", code], cwd=paths.ROOT, capture_output=True, text=True, timeout=30)
    assert done.stdout.strip() == fingerprint(training.run_arrays, setting=SETTING), done.stderr


# Damaged files


@pytest.fixture
def cached_file():
    """Save the arrays in the cache, and return the file."""
    cache.save("a", "mark", ARRAYS)
    return cache.file_of("a", "mark")


def test_missing_result_is_none(cached_file):
    assert cache.load("b", "mark") is None


@pytest.mark.parametrize("share", [0, 0.001, 0.3, 0.9, 0.999])
def test_truncated_file_is_none(cached_file, share):
    content = cached_file.read_bytes()
    cached_file.write_bytes(content[: int(share * len(content))])
    assert cache.load("a", "mark") is None


def test_file_with_a_flipped_bit_is_none_or_has_the_right_arrays(cached_file):
    whole = cached_file.read_bytes()
    directory = whole.index(b"PK\x01\x02")  # the zip directory, where a bit may mean "encrypted" or "later version"
    for position in (*range(0, directory, 20), *range(directory, len(whole))):
        cached_file.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        found = cache.load("a", "mark")
        if found is not None:  # an irrelevant bit, for example of a time stamp
            assert_equal(found)


@pytest.mark.parametrize("content", [b"garbage", b"\x93NUMPY\x01", b"PK\x03\x04", bytes(1000)])
def test_file_in_another_format_is_none(cached_file, content):
    cached_file.write_bytes(content)
    assert cache.load("a", "mark") is None


def test_file_with_a_single_npy_array_is_none(cached_file):
    with cached_file.open("wb") as file:
        np.save(file, ARRAYS["W"])
    assert cache.load("a", "mark") is None


def test_folder_in_place_of_the_file_is_none(cached_file):
    cached_file.unlink()
    cached_file.mkdir()
    assert cache.load("a", "mark") is None


def test_file_without_a_fingerprint_is_none(cached_file):
    np.savez(cached_file, **ARRAYS)
    assert cache.load("a", "mark") is None


def test_damaged_file_is_computed_again_and_replaced(computation):
    assert not is_fresh(computation)
    (file,) = paths.RUNS.iterdir()
    file.write_bytes(b"damaged")
    assert not is_fresh(computation)
    assert is_fresh(computation)


class Command:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_pickle_in_a_file_is_never_loaded(cached_file, tmp_path):
    command = Command(str(tmp_path / "called"))
    np.savez(cached_file, fingerprint="mark", W=np.array(command, dtype=object))
    assert cache.load("a", "mark") is None
    cached_file.write_bytes(pickle.dumps(command))
    assert cache.load("a", "mark") is None
    assert not (tmp_path / "called").exists()
