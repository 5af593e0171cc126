"""What is kept of a run comes back as it was, or not at all."""

import os
import pickle
import shutil

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from lib import cifar10, paths, runs


@pytest.fixture
def kept(make_run, tmp_path, monkeypatch):
    """A small run, and the only one on disk."""
    monkeypatch.setattr(paths, "RUNS", tmp_path / "runs")
    W = np.random.default_rng(0).standard_normal((5, 3), np.float32)
    return runs.save(make_run(W=W, test_scores=W[:4], lam=0.1, n_epochs=3))


def assert_equal(loaded, run):
    assert (loaded.setting, loaded.test) == (run.setting, run.test)
    for split in runs.SPLITS:
        for measure in runs.MEASURES:
            assert_array_equal(loaded.history[split][measure], run.history[split][measure], strict=True)
    for a, b in zip((*loaded.net, loaded.test_scores), (*run.net, run.test_scores), strict=True):
        assert_array_equal(a, b, strict=True)


def test_a_run_comes_back_as_it_was(kept):
    assert_equal(runs.load(kept.setting), kept)


def test_one_file_holds_it(kept):
    assert [path.name for path in paths.RUNS.iterdir()] == ["a.npz"]


def test_a_run_never_made_is_none(kept, make_run):
    assert runs.load(make_run("b").setting) is None


@pytest.mark.parametrize(
    ("field", "value"), {"eta": 0.1, "lam": 0.2, "n_batch": 7, "seed": 1, "dtype": "float64"}.items()
)
def test_a_run_of_another_setting_is_none(kept, field, value):
    assert runs.load(kept.setting.model_copy(update={field: value})) is None


def test_a_run_under_another_name_is_none(kept):
    shutil.copy(paths.RUNS / "a.npz", paths.RUNS / "b.npz")
    assert runs.load(kept.setting.model_copy(update={"name": "b"})) is None


def test_a_run_from_other_data_is_none(kept, monkeypatch):
    monkeypatch.setitem(cifar10.SHA1, "data_batch_1", "0" * 40)
    assert runs.load(kept.setting) is None


def test_a_run_by_another_numpy_is_none(kept, monkeypatch):
    monkeypatch.setattr(np, "__version__", "1.0")
    assert runs.load(kept.setting) is None


@pytest.fixture
def own_code(tmp_path, monkeypatch):
    """A copy of lib/ which a test may change."""
    shutil.copytree(paths.ROOT / "lib", tmp_path / "lib")
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    return tmp_path / "lib"


@pytest.mark.parametrize("module", ["preprocess", "model", "train", "experiment"])
def test_a_run_by_other_code_is_none(kept, own_code, module):
    with (own_code / f"{module}.py").open("a") as file:
        file.write("# changed\n")
    assert runs.load(kept.setting) is None


@pytest.mark.parametrize("module", ["plots", "observe", "show", "stats", "settings"])
def test_code_that_trains_nothing_leaves_the_runs_alone(kept, own_code, module):
    (own_code / f"{module}.py").write_text("")
    assert_equal(runs.load(kept.setting), kept)


@pytest.mark.parametrize("share", [0, 0.001, 0.3, 0.9, 0.999])
def test_a_file_cut_short_is_none(kept, share):
    content = runs.run_path(kept.setting).read_bytes()
    runs.run_path(kept.setting).write_bytes(content[: int(share * len(content))])
    assert runs.load(kept.setting) is None


def test_a_file_with_a_flipped_bit_is_none_or_harmless(kept):
    file = runs.run_path(kept.setting)
    whole = file.read_bytes()
    directory = whole.index(b"PK\x01\x02")  # the zip's own, where one bit means encrypted, or of a later version
    for position in (*range(0, directory, 20), *range(directory, len(whole))):
        file.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        loaded = runs.load(kept.setting)
        if loaded:  # a bit that nobody reads, such as one of a time stamp
            assert_equal(loaded, kept)


@pytest.mark.parametrize("content", [b"garbage", b"\x93NUMPY\x01", b"PK\x03\x04", bytes(1000)])
def test_a_file_of_something_else_is_none(kept, content):
    runs.run_path(kept.setting).write_bytes(content)
    assert runs.load(kept.setting) is None


def test_a_single_array_is_none(kept):
    with runs.run_path(kept.setting).open("wb") as file:
        np.save(file, kept.net.W)
    assert runs.load(kept.setting) is None


def test_a_folder_in_its_place_is_none(kept):
    runs.run_path(kept.setting).unlink()
    runs.run_path(kept.setting).mkdir()
    assert runs.load(kept.setting) is None


def contents(file):
    with np.load(file) as arrays:
        return dict(arrays)


@pytest.mark.parametrize("name", ["W", "b", "test", "test_scores", "train/loss", "val/accuracy", "fingerprint"])
def test_a_file_that_lacks_anything_is_none(kept, name):
    file = runs.run_path(kept.setting)
    arrays = contents(file)
    del arrays[name]
    np.savez(file, **arrays)
    assert runs.load(kept.setting) is None


class Command:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_a_pickle_in_the_file_is_never_loaded(kept, tmp_path):
    file = runs.run_path(kept.setting)
    np.savez(file, **contents(file) | {"W": np.array(Command(str(tmp_path / "called")), dtype=object)})
    assert runs.load(kept.setting) is None
    file.write_bytes(pickle.dumps(Command(str(tmp_path / "called"))))
    assert runs.load(kept.setting) is None
    assert not (tmp_path / "called").exists()


def test_the_result_has_the_fields_that_results_json_promises(kept):
    result = kept.as_result()
    assert set(result) == {"eta", "lam", "n_batch", "n_epochs", "seed", "dtype", "history", "test"}
    assert result["history"]["val"]["accuracy"] == kept.history["val"]["accuracy"].tolist()
    assert result["test"] == kept.test
