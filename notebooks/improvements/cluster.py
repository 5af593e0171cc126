"""Where tasks run: a Dask cluster that is there, or a new one on this machine; quiet, and safe to interrupt."""

import ctypes
import logging
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING

from lib.command import InputError

if TYPE_CHECKING:
    from distributed import Client, LocalCluster

MEMORY = 2**30  # bytes that a worker needs, and a little more
SECONDS_TO_ANSWER = 10
SILENT = logging.CRITICAL + 1  # Dask calls a lost connection critical, even where we end it


@contextmanager
def connect(scheduler: str | None, tasks: int) -> Iterator["Client"]:
    """A client of the Dask cluster at `scheduler`, or of a new one on this machine. Dask itself says nothing."""
    from distributed import Client
    from distributed.utils import silence_logging_cmgr

    with silence_logging_cmgr(SILENT), ExitStack() as stack:
        cluster = scheduler or stack.enter_context(local_cluster(tasks))
        try:
            client = stack.enter_context(Client(cluster, timeout=SECONDS_TO_ANSWER))
        except (OSError, ValueError) as error:
            raise InputError(f"no Dask scheduler at {scheduler}: {' '.join(str(error).split())}") from None
        yield client


@contextmanager
def local_cluster(tasks: int) -> Iterator["LocalCluster"]:
    """A worker for each core that has work to do and the memory for it."""
    from dask.system import CPU_COUNT
    from distributed import LocalCluster
    from distributed.system import MEMORY_LIMIT

    workers = max(1, min(CPU_COUNT, tasks, MEMORY_LIMIT // MEMORY))
    local = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0", "memory_limit": 0, "silence_logs": SILENT}
    with ExitStack() as stack:
        with no_interrupt():
            cluster = LocalCluster(n_workers=workers, threads_per_worker=1, **local)
            stack.callback(no_interrupt()(cluster.close))
        yield cluster


@contextmanager
def no_interrupt() -> Iterator[None]:
    """Ctrl-C waits. Threads and processes started meanwhile never see it: it is for the main thread alone to act on."""
    came: list[int] = []
    resource_tracker.ensure_running()  # the first process that a cluster would start, and its start ends the blocking
    handler = signal.signal(signal.SIGINT, lambda number, frame: came.append(number))
    usual = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # is inherited; a handler is not
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, usual)
        signal.signal(signal.SIGINT, handler)
    if came:
        raise KeyboardInterrupt


def keep_memory() -> None:
    """Have this process keep the memory that it frees. Dask's workers hand it back, and every batch gets it anew."""
    with suppress(AttributeError):  # only Linux's C library has it
        for parameter, size in {-1: 2**28, -3: 2**25}.items():  # M_TRIM_THRESHOLD, M_MMAP_THRESHOLD
            ctypes.CDLL(None).mallopt(parameter, size)
