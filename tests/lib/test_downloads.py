"""Faults of a web server and malicious archives: each gives a one-line error, or the next source is used."""

import gzip
import hashlib
import http.server
import io
import os
import pickle
import tarfile
import tempfile
import threading

import pytest

from lib import cifar10
from lib.cifar10 import download, sources
from lib.command import InputError

SIZE = 60_000  # bytes of the archive that the server holds; it is sent in two halves


class Server(http.server.BaseHTTPRequestHandler):
    """A server that answers each request with the test's `fault`, a function of the handler and the archive."""

    def do_GET(self):
        self.server.asked.append(self.path)
        self.server.fault(self, self.server.archive)

    def send(self, body, status=200, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def until_the_client_leaves(handler, piece, pause=0.0):
    try:
        while not handler.server.over.wait(pause):
            handler.wfile.write(piece)
    except OSError:
        pass


def stalled(handler, archive):
    handler.send(archive[: SIZE // 2], Content_Length=SIZE)
    handler.server.over.wait(5)


def slow(handler, archive):
    handler.send(archive[:10], Content_Length=SIZE)
    until_the_client_leaves(handler, b"x", pause=0.02)


def dribbling(handler, archive):
    handler.wfile.write(b"HTTP/1.0 200 OK\r\nServer: ")
    until_the_client_leaves(handler, b"x", pause=0.02)


def endless(handler, archive):
    handler.send(archive)
    until_the_client_leaves(handler, bytes(2**16))


def redirect(location):
    return lambda handler, archive: handler.send(b"", 302, Location=location)


def flipped(archive):
    return archive[:1000] + bytes([archive[1000] ^ 1]) + archive[1001:]


# fault: (what the server does, a part of the message)
FAULTS = {
    "silent instead of an answer": (lambda handler, _: handler.server.over.wait(5), "it does not answer"),
    "headers byte by byte": (dribbling, "it does not answer"),
    "closed instead of an answer": (lambda *_: None, "it does not answer"),
    "another protocol": (lambda handler, _: handler.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n" * 9), "it does not answer"),
    "stalled in the middle": (stalled, "it broke off in the middle"),
    "slow": (slow, "it is too slow"),
    "closed in the middle": (lambda h, a: h.send(a[: SIZE // 2], Content_Length=SIZE), "it broke off in the middle"),
    "too great a length": (lambda h, a: h.send(a, Content_Length=SIZE + 1), "it broke off in the middle"),
    "too small a length": (lambda h, a: h.send(a, Content_Length=SIZE - 1), "it sent another file"),
    "a length that is no number": (lambda h, a: h.send(a[:-1], Content_Length="many"), "it sent another file"),
    "an HTML page with status 200": (lambda h, _: h.send(b"<html>Please log in</html>"), "it sent another file"),
    "an empty body": (lambda h, _: h.send(b"", Content_Length=0), "it sent another file"),
    "a flipped bit": (lambda h, a: h.send(flipped(a), Content_Length=SIZE), "it sent another file"),
    "an endless body": (endless, "it sends more than the archive holds"),
    "not found": (lambda h, _: h.send(b"", 404), "404"),
    "overloaded": (lambda h, _: h.send(b"", 503), "503"),
    "redirects in a circle": (redirect("/file"), "redirects"),
    "a redirect to nowhere": (redirect("http://127.0.0.1:1/"), "it does not answer"),
    "a redirect to a local file": (redirect("file:///etc/passwd"), "file:///etc/passwd"),
    "a redirect to another file": (
        lambda h, a: redirect("/other")(h, a) if h.path == "/file" else h.send(b"another file"),
        "it sent another file",
    ),
}


def tar(members):
    """Return a tar archive of (TarInfo, content) pairs."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for member, content in members:
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def member(name, content=b"", kind=tarfile.REGTYPE, link=""):
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = len(content), kind, link
    return info, content


@pytest.fixture
def batches(tmp_path, monkeypatch):
    """Return six tiny batches in the official format. The data folder is empty, and the mirror has no files."""
    content = {name: bytes([i]) * 3073 * 2 for i, name in enumerate(cifar10.SHA1)}
    monkeypatch.setattr(cifar10, "FOLDER", tmp_path / "data")
    monkeypatch.setattr(cifar10, "SHA1", {name: hashlib.sha1(batch).hexdigest() for name, batch in content.items()})
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.setattr(sources, "read_mirror", lambda: iter(()))
    monkeypatch.setattr(download, "SECONDS_TO_ANSWER", 0.2)
    monkeypatch.setattr(download, "PATIENCE", 0.2)
    monkeypatch.setattr(download, "MAX_BYTES", 2 * SIZE)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("CIFAR10", raising=False)
    return content


@pytest.fixture
def server(batches, monkeypatch):
    """Run the official site on this machine. A test sets its `fault`."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        server.archive = tar([member(f"{name}.bin", content) for name, content in batches.items()])[:SIZE]
        server.archive += bytes(SIZE - len(server.archive))
        server.asked, server.over = [], threading.Event()
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setattr(sources, "OFFICIAL_URL", f"http://127.0.0.1:{server.server_port}/file")
        monkeypatch.setattr(sources, "OFFICIAL_HASH", "md5:" + hashlib.md5(server.archive).hexdigest())
        yield server
        server.over.set()
        server.shutdown()


def error_of_fetch():
    """Return the message of a failing fetch, and check that it is one line."""
    with pytest.raises(InputError) as caught:
        cifar10.fetch()
    assert str(caught.value).isprintable()
    return str(caught.value)


def on_disk():
    return {path.name: path.read_bytes() for path in cifar10.FOLDER.glob("*")}


def official(batches):
    return {f"{name}.bin": content for name, content in batches.items()}


@pytest.mark.parametrize(("fault", "because"), FAULTS.values(), ids=FAULTS)
def test_fault_of_the_site_ends_in_one_line_and_leaves_no_file(server, tmp_path, fault, because):
    server.fault = fault
    assert because in error_of_fetch().split("its mirror on npm")[0]
    assert on_disk() == {}
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.parametrize(("fault", "because"), FAULTS.values(), ids=FAULTS)
def test_after_a_fault_of_the_site_the_next_source_is_used(server, batches, monkeypatch, fault, because):
    server.fault = fault
    monkeypatch.setattr(sources, "read_mirror", lambda: iter(batches.items()))
    cifar10.fetch()
    assert on_disk() == official(batches)


def test_refused_connection_is_reported_as_no_answer(batches, monkeypatch):
    monkeypatch.setattr(sources, "OFFICIAL_URL", "http://127.0.0.1:1/file")
    assert "the official site: it does not answer" in error_of_fetch()


def test_interrupted_download_is_repeated_once(server, batches):
    server.fault = lambda h, a: h.send(a if len(server.asked) == 2 else a[:1000], Content_Length=SIZE)
    cifar10.fetch()
    assert server.asked == ["/file", "/file"]
    assert on_disk() == official(batches)


def test_redirect_to_the_archive_is_followed(server, batches):
    server.fault = lambda h, a: redirect("/other")(h, a) if h.path == "/file" else h.send(a)
    cifar10.fetch()
    assert server.asked == ["/file", "/other"]
    assert on_disk() == official(batches)


def test_archive_with_a_gzip_content_encoding_is_not_decompressed(server, batches):
    server.fault = lambda h, a: h.send(a, Content_Encoding="gzip", Content_Length=SIZE)
    cifar10.fetch()
    assert on_disk() == official(batches)


class Command:
    """An object whose unpickling runs a command."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def huge(name, **pax_headers):
    """Return the header of a 10 GB member whose content is missing."""
    info = tarfile.TarInfo(name)
    info.size, info.pax_headers = 10 * 2**30, pax_headers
    return info.tobuf(tarfile.PAX_FORMAT) + bytes(1024)


def sparse(name):
    return huge(name, **{"GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.size": str(10 * 2**30)})


NO_BATCH = "it has no data_batch_1"
# archive: (a function from a folder outside the data to the bytes of the archive, a part of the message)
ARCHIVES = {
    "names with ../": (lambda out: tar([member(f"../../{out}/data_batch_1.bin", b"x")]), "data_batch_1 is damaged"),
    "absolute paths": (lambda out: tar([member(f"{out}/data_batch_1.bin", b"x")]), "data_batch_1 is damaged"),
    "a symbolic link": (lambda out: tar([member("data_batch_1.bin", kind=tarfile.SYMTYPE, link=str(out))]), NO_BATCH),
    "a hard link": (lambda out: tar([member("data_batch_1.bin", kind=tarfile.LNKTYPE, link="/etc/passwd")]), NO_BATCH),
    "a device": (lambda out: tar([member("data_batch_1.bin", kind=tarfile.BLKTYPE)]), NO_BATCH),
    "a batch of 10 GB": (lambda out: huge("data_batch_1.bin"), "data_batch_1.bin claims 10737418240 bytes"),
    "a sparse batch of 10 GB": (lambda out: sparse("data_batch_1.bin"), "data_batch_1.bin claims 10737418240 bytes"),
    "another member of 10 GB": (lambda out: huge("readme.html"), "damaged"),
    "a batch that decompresses to a huge size": (
        lambda out: gzip.compress(tar([member("data_batch_1.bin", bytes(sources.MAX_BYTES + 1))]), 1),
        f"data_batch_1.bin claims {sources.MAX_BYTES + 1} bytes",
    ),
    "a pickle that runs code": (
        lambda out: tar([member("data_batch_1", pickle.dumps({b"data": Command(out)}))]),
        "a batch holds no posix.mkdir",
    ),
}


@pytest.mark.parametrize(("make", "because"), ARCHIVES.values(), ids=ARCHIVES)
def test_malicious_archive_is_refused_in_one_line_and_writes_nothing(batches, tmp_path, monkeypatch, make, because):
    archive = tmp_path / "archive.tar"
    archive.write_bytes(make(tmp_path / "elsewhere"))
    monkeypatch.setenv("CIFAR10", str(archive))
    assert because in error_of_fetch()
    assert on_disk() == {}
    assert {path.name for path in tmp_path.iterdir()} - {"data"} == {"archive.tar", "temporary"}
    assert list((tmp_path / "temporary").iterdir()) == []
