"""The same work on many things, in several processes of one thread each."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing import get_context
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def in_processes(do: Callable[[T], R], things: Sequence[T], *, jobs: int) -> Iterator[R]:
    """What `do` makes of each thing, as it is done; with one job, or for one thing, in this process.

    `do` must be a function of a module, as it is sent to other processes by name.
    """
    if jobs == 1 or len(things) == 1:
        yield from map(do, things)
        return
    with _one_thread_each(), ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        futures = [pool.submit(do, thing) for thing in things]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:  # stopped: what is under way comes to its end, what waits is dropped
            pool.shutdown(cancel_futures=True)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes started meanwhile keep to one thread: their number, not theirs, fills the machine."""
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    try:
        yield
    finally:
        del os.environ["OMP_NUM_THREADS"]
        if before is not None:
            os.environ["OMP_NUM_THREADS"] = before
