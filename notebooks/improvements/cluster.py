"""Run the grid search on a Dask cluster. Each stack is a task, so if a worker dies only its stack is repeated."""

import ctypes
import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from lib.command import InputError, one_line, say
from lib.runs.cache import Arrays, fingerprint, one_thread
from lib.runs.settings import Setting, Stack
from notebooks.improvements.search import as_json, count, epochs_bar, train

if TYPE_CHECKING:
    from distributed import Client

SECONDS_TO_ANSWER = 10
SILENT = logging.CRITICAL + 1  # Dask logs a lost connection as critical, even if we closed it
VERSION = fingerprint(train)  # identifies the code and the NumPy that this process has imported


def train_on_cluster(scheduler: str, stacks: Mapping[str, Stack]) -> Iterator[tuple[str, Arrays]]:
    """Train stacks on the cluster at `scheduler`, with a progress bar. Yields each stack's name and results."""
    from distributed import as_completed

    def task(*arguments: Any) -> Any:  # nested functions are pickled by value, so the scheduler needs none of our code
        from notebooks.improvements.cluster import on_worker

        return on_worker(*arguments)

    with connect(scheduler) as client, epochs_bar(stacks) as bar:
        say(f"  sweep: workers: {len(client.nthreads())}; dashboard: {client.dashboard_link}")
        done: set[Any] = set()  # a set, because a restarted stack reports its epochs again

        def show(event: tuple[float, tuple[str, int]]) -> None:
            if event[1][0] in stacks:
                done.add(event[1])
                bar.update(len(done) - bar.n)

        client.subscribe_topic("epochs", show)
        futures = {
            client.submit(task, VERSION, name, as_json(stack), key=("sweep", name)): name  # a tuple: Dask groups them
            for name, stack in stacks.items()
        }
        for future in as_completed(list(futures)):
            try:
                arrays = future.result()
            except InputError:
                raise
            except Exception as error:
                cure = "finished stacks are cached, and docs/cluster.md says what a cluster needs"
                raise InputError(f"sweep: {one_line(f'{type(error).__name__}: {error}')}; {cure}") from error
            future.release()  # or it would be trained again if its worker died
            yield futures.pop(future), arrays


def on_worker(version: str, name: str, stack: Iterable[str]) -> Arrays:
    """Train a stack of settings as JSON on a worker; report each epoch. Raises InputError if code versions differ."""
    from distributed import get_worker

    worker = get_worker()
    if version != VERSION:
        raise InputError(f"the worker at {worker.address} has another version of lib or of NumPy: start it anew")

    def report_epochs(orders: Iterable[Any]) -> Iterator[Any]:
        return count(orders, lambda epoch: worker.log_event("epochs", (name, epoch)))

    keep_memory()
    with one_thread():
        return train(stack=tuple(map(Setting.model_validate_json, stack)), progress=report_epochs)


@contextmanager
def connect(scheduler: str) -> Iterator["Client"]:
    """Yield a client of the Dask cluster at `scheduler`; silence Dask's log. Raises InputError if none answers."""
    from distributed import Client
    from distributed.utils import silence_logging_cmgr

    with silence_logging_cmgr(SILENT):
        try:
            client = Client(scheduler, timeout=SECONDS_TO_ANSWER)
        except (OSError, ValueError) as error:
            raise InputError(f"no Dask scheduler at {scheduler}: {one_line(str(error))}") from None
        with client:
            yield client


def keep_memory() -> None:
    """Stop malloc from returning memory to the system, as Dask tells it to: each batch would fault it in again."""
    with suppress(AttributeError):  # only Linux's C library has it
        for parameter, size in {-1: 2**28, -3: 2**25}.items():  # M_TRIM_THRESHOLD, M_MMAP_THRESHOLD
            ctypes.CDLL(None).mallopt(parameter, size)
