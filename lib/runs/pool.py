"""Run trainings in parallel threads, one per core. NumPy's matrix products let other threads run."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import takewhile
from threading import Event
from typing import Any, TypeVar

import numpy as np

from lib.runs.cache import Progress

Job = TypeVar("Job")
Result = TypeVar("Result")


def side_by_side(
    train: Callable[[Job, Progress], Result], jobs: Sequence[Job], progress: Progress = iter
) -> Iterator[Result]:
    """Yield train(job, epochs) for each job, in order. `progress` wraps the jobs.

    `epochs` wraps the epochs of a training. It ends every training when the caller stops early: otherwise Ctrl-C
    would wait for the remaining trainings.
    """
    stop = Event()

    def train_quietly(job: Job) -> Result:
        with np.errstate(over="ignore", invalid="ignore"):  # a setting may diverge; errstate is per thread
            return train(job, lambda epochs: takewhile(lambda _: not stop.is_set(), epochs))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            futures: list[Any] = [pool.submit(train_quietly, job) for job in jobs]
            for _, future in progress(list(zip(jobs, futures, strict=True))):
                yield future.result()
        finally:
            stop.set()
