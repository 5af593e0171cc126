"""A file from a site that may be down, slow, cut off, or lie: whole and of the known hash, or one clear sentence."""

import time
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Any

SECONDS_TO_ANSWER = 5
MAX_BYTES = 2**28  # no archive of ours is half as large
SLOWEST = 20_000  # bytes a second, on average after the first PATIENCE seconds: at that, CIFAR-10 takes two hours
PATIENCE = 30


class BrokenOffError(OSError):
    """A transfer that ended before the file did."""


def download(url: str, known_hash: str, folder: Path) -> Path:
    """Download `url` into `folder`, with a progress bar, and check its hash. Raises OSError with what the site did."""
    try:
        return retrieve(url, known_hash, folder)
    except BrokenOffError:
        return retrieve(url, known_hash, folder)  # once more, from its beginning


def retrieve(url: str, known_hash: str, folder: Path) -> Path:
    """What pooch does: a temporary file, its hash checked, then its name; with sentences for what goes wrong."""
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")
    try:
        return Path(pooch.retrieve(url, known_hash, path=folder, downloader=transfer))
    except (requests.ConnectionError, requests.Timeout) as error:
        raise OSError("it does not answer") from error  # instead of a page about connection pools
    except OSError:
        raise
    except ValueError as error:
        raise OSError("it sent something else than the archive, by its hash") from error


def transfer(url: str, output: str, _: Any) -> None:
    """A downloader for pooch that gives up on a body that stalls, crawls or does not end."""
    import urllib3
    from tqdm import tqdm

    with answer_of(url) as answer, Path(output).open("wb") as file:
        answer.raise_for_status()
        start = time.monotonic()
        with tqdm(total=answer.raw.length_remaining, unit="B", unit_scale=True, desc=Path(url).name) as bar:
            try:
                while piece := answer.raw.read1(2**16, decode_content=False):  # what is there, however little
                    bar.update(file.write(piece))
                    check(bar.n, time.monotonic() - start)
            except urllib3.exceptions.HTTPError as error:
                raise BrokenOffError("it broke off in the middle") from error


def answer_of(url: str) -> Any:
    """The site's answer, as far as its headers. A socket's timeout is for each piece: a thread waits for the whole."""
    import requests

    plain = {"Accept-Encoding": "identity"}  # the archive is compressed already
    answers: Queue[Any] = Queue()

    def ask() -> None:
        try:
            answers.put(requests.get(url, stream=True, timeout=SECONDS_TO_ANSWER, headers=plain))
        except Exception as error:
            answers.put(error)

    Thread(target=ask, daemon=True).start()  # which ends with this process, if not before
    try:
        answer = answers.get(timeout=PATIENCE)
    except Empty:
        raise OSError("it does not answer") from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def check(received: int, seconds: float) -> None:
    """Raise OSError if the body is longer than any archive, or comes too slowly."""
    if received > MAX_BYTES:
        raise OSError(f"it sends more than the archive holds: over {MAX_BYTES} bytes")
    if seconds > PATIENCE and received < SLOWEST * seconds:
        raise OSError(f"it is too slow: {received / seconds / 1000:.1f} kB a second")
