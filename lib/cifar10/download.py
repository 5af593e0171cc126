"""Download a file and check its hash. Every failure is one short OSError."""

import time
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Any

SECONDS_TO_ANSWER = 5
MAX_BYTES = 2**28  # CIFAR-10 has 170 million
MIN_SPEED = 20_000  # bytes per second, on average after PATIENCE seconds; CIFAR-10 takes over two hours at this speed
PATIENCE = 30  # seconds


class BrokenOffError(OSError):
    """The connection ended before the whole file arrived."""


def download(url: str, known_hash: str, folder: Path) -> Path:
    """Download `url` into `folder` with a progress bar and return the file. Raises OSError with the reason."""
    try:
        return retrieve(url, known_hash, folder)
    except BrokenOffError:
        return retrieve(url, known_hash, folder)  # one more attempt, from the beginning


def retrieve(url: str, known_hash: str, folder: Path) -> Path:
    """Let pooch download a file under a temporary name, check its hash and move it; explain what went wrong."""
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")
    try:
        return Path(pooch.retrieve(url, known_hash, path=folder, downloader=transfer))
    except (requests.ConnectionError, requests.Timeout) as error:
        raise OSError("it does not answer") from error  # the original message is half a page about connection pools
    except OSError:
        raise
    except ValueError as error:
        raise OSError("it sent another file: the hash differs") from error


def transfer(url: str, output: str, _: Any) -> None:
    """Download a file for pooch, but give up if it stalls, is too slow or does not end."""
    import urllib3
    from tqdm import tqdm

    with request(url) as response, Path(output).open("wb") as file:
        response.raise_for_status()
        start = time.monotonic()
        with tqdm(total=response.raw.length_remaining, unit="B", unit_scale=True, desc=Path(url).name) as bar:
            try:
                while piece := response.raw.read1(2**16, decode_content=False):  # read1 does not wait for all 2**16
                    bar.update(file.write(piece))
                    check_transfer(bar.n, time.monotonic() - start)
            except urllib3.exceptions.HTTPError as error:
                raise BrokenOffError("it broke off in the middle") from error


def request(url: str) -> Any:
    """Request `url` and return the response once its headers are there. Raises OSError after PATIENCE seconds.

    A thread makes the request, since a socket's timeout is for each piece of the headers, not for all of them.
    """
    import requests

    headers = {"Accept-Encoding": "identity"}  # the archive is already compressed
    responses: Queue[Any] = Queue()

    def ask() -> None:
        try:
            responses.put(requests.get(url, stream=True, timeout=SECONDS_TO_ANSWER, headers=headers))
        except Exception as error:
            responses.put(error)

    Thread(target=ask, daemon=True).start()  # a daemon does not keep the process from ending
    try:
        response = responses.get(timeout=PATIENCE)
    except Empty:
        raise OSError("it does not answer") from None
    if isinstance(response, Exception):
        raise response
    return response


def check_transfer(received: int, seconds: float) -> None:
    """Raise OSError if more bytes were received than any archive has, or if they come too slowly."""
    if received > MAX_BYTES:
        raise OSError(f"it sends more than the archive holds: over {MAX_BYTES} bytes")
    if seconds > PATIENCE and received < MIN_SPEED * seconds:
        raise OSError(f"it is too slow: {received / seconds / 1000:.1f} kB a second")
