"""Writing files whole or not at all, and removing the temporary files of killed processes."""

import errno
import os
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from lib import paths
from lib.cifar10.sources import SCRATCH


def test_file_appears_when_the_block_ends(tmp_path):
    target = tmp_path / "new" / "folder" / "a.json"
    with paths.atomic(target) as temporary:
        temporary.write_text("new")
        assert not target.exists()
    assert target.read_text() == "new"
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("stop", [ValueError, KeyboardInterrupt, SystemExit])
def test_failed_block_leaves_the_old_file_and_no_other(tmp_path, stop):
    target = tmp_path / "a.json"
    target.write_text("old")
    with pytest.raises(stop), paths.atomic(target) as temporary:
        temporary.write_text("half")
        raise stop
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_open_reader_can_read_the_old_file_to_the_end(tmp_path):
    target = tmp_path / "a.json"
    target.write_text("old")
    with target.open() as reader:
        with paths.atomic(target) as temporary:
            temporary.write_text("new")
        assert reader.read() == "old"


def test_temporary_file_is_next_to_the_target_and_has_its_suffix(tmp_path):
    with paths.atomic(tmp_path / "a.npz") as temporary:
        assert (temporary.parent, temporary.suffix) == (tmp_path, ".npz")


KILLED = """
import os, signal, sys
from pathlib import Path
from lib import paths

with {block} as temporary:
    (temporary / "file" if temporary.is_dir() else temporary).write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def kill_within(block, tmp_path):
    """Start a process that is killed within the block; return the file or folder that it leaves behind."""
    code = KILLED.format(block=block)
    done = subprocess.run([sys.executable, "-c", code], cwd=paths.ROOT, env=os.environ | {"TMPDIR": str(tmp_path)})
    assert done.returncode == -signal.SIGKILL
    (abandoned,) = tmp_path.iterdir()
    return abandoned


def test_temporary_file_of_a_killed_process_is_removed_by_the_next(tmp_path):
    abandoned = kill_within(f"paths.atomic(Path({str(tmp_path / 'a.json')!r}))", tmp_path)
    with paths.atomic(tmp_path / "b.json") as temporary:
        temporary.write_text("other")
    assert abandoned.exists()
    paths.write_text(tmp_path / "a.json", "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "b.json"]


def test_temporary_file_in_use_is_not_removed(tmp_path):
    with paths.atomic(tmp_path / "a.json") as first:
        first.write_text("first")
        paths.write_text(tmp_path / "a.json", "second")
        assert (tmp_path / "a.json").read_text() == "second"
    assert (tmp_path / "a.json").read_text() == "first"


def test_temporary_folder_of_a_killed_process_is_removed_by_the_next(tmp_path, monkeypatch):
    abandoned = kill_within("paths.scratch('cifar10-')", tmp_path)
    assert (abandoned / "file").exists()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with paths.scratch("cifar10-") as first, paths.scratch("cifar10-") as second:
        assert sorted(tmp_path.iterdir()) == sorted([first, second])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["cifar10-original", f"{SCRATCH}original-batches"])
def test_folder_of_the_user_with_a_similar_name_is_not_removed(tmp_path, monkeypatch, name):
    (tmp_path / name).mkdir()
    (tmp_path / name / "data_batch_1.bin").touch()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with paths.scratch(SCRATCH):
        pass
    assert (tmp_path / name / "data_batch_1.bin").exists()


def test_full_disk_names_the_temporary_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(OSError, match="No space left") as caught, paths.scratch("cifar10-") as folder:
        raise OSError(errno.ENOSPC, "No space left on device")
    assert caught.value.filename == str(folder)


def test_other_users_can_read_the_file(tmp_path):
    with paths.atomic(tmp_path / "a") as temporary:
        temporary.write_text("")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o644


def test_folders_are_those_of_this_repository():
    assert (paths.ROOT / "lib" / "paths.py").samefile(paths.__file__)
    assert {path.parent for path in (paths.DATA, paths.FIGURES, paths.REPORT, paths.NOTEBOOKS)} == {paths.ROOT}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, which Linux has")
@pytest.mark.parametrize("write", [lambda path: path.write_text("new"), lambda path: np.savez(path, new=np.ones(9999))])
def test_full_disk_names_the_file_and_leaves_the_old_one(tmp_path, write):
    target = tmp_path / "a.npz"
    target.write_text("old")
    with pytest.raises(OSError, match="No space left") as caught, paths.atomic(target) as temporary:
        temporary.unlink()
        temporary.symlink_to("/dev/full")
        write(temporary)
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(target))
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_error_on_another_file_names_that_file(tmp_path):
    with pytest.raises(FileNotFoundError) as caught, paths.atomic(tmp_path / "a"):
        (tmp_path / "other").read_text()
    assert caught.value.filename == str(tmp_path / "other")


def test_file_in_place_of_a_folder_is_named(tmp_path):
    (tmp_path / "folder").write_text("")
    with pytest.raises(OSError, match="folder"), paths.atomic(tmp_path / "folder" / "a"):
        pass
