"""Slow work by key on a few threads, never twice at a time for one key, never more waiting than is of use."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from negviz.common.download import DownloadError

K = TypeVar("K")
V = TypeVar("V")


class Workers(Generic[K, V]):
    """Calls `do(key)` in the background; whoever asks for a key that is under way shares its future.

    The threads start with the first question and are daemons: none keeps the program from ending.
    """

    def __init__(self, do: Callable[[K], V], *, threads: int, waiting: int) -> None:
        self._do = do
        self._waiting = waiting
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(threads)]
        self._queue: deque[K] = deque()
        self._futures: dict[K, Future[V]] = {}  # waiting or under way
        self._changed = threading.Condition()
        self._closed = False

    def ask(self, key: K) -> Future[V]:
        """What `do(key)` will give or raise.  Raises `DownloadError` where `waiting` keys wait already."""
        with self._changed:
            if key in self._futures:
                return self._futures[key]
            if self._closed or len(self._queue) >= self._waiting:
                raise DownloadError("busy", "Too much is waiting to be fetched; try again in a moment.")
            self._start()
            future: Future[V] = Future()
            future.set_running_or_notify_cancel()  # it is shared: nobody may cancel it for the others
            self._futures[key] = future
            self._queue.append(key)
            self._changed.notify()
            return future

    def close(self) -> None:
        """Drop what waits; what is under way comes to its end."""
        with self._changed:
            self._closed = True
            dropped = [self._futures.pop(key) for key in self._queue]
            self._queue.clear()
            self._changed.notify_all()
        for future in dropped:
            future.set_exception(DownloadError("failed", "It is not fetched, as the program is ending."))

    def _start(self) -> None:
        try:
            for thread in self._threads:
                if thread.ident is None:
                    thread.start()
        except RuntimeError as error:  # the machine gives no more; those that are there do the work
            if self._threads[0].ident is None:
                raise DownloadError(
                    "busy", "Too much is going on on this machine; try again later."
                ) from error

    def _work(self) -> None:
        while (key := self._next()) is not None:
            future = self._futures[key[0]]
            try:
                result = self._do(key[0])
            except BaseException as error:  # noqa: BLE001 - it belongs to those who asked
                self._forget(key[0])
                future.set_exception(error)
            else:
                self._forget(key[0])
                future.set_result(result)

    def _next(self) -> tuple[K] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._queue)
            return None if self._closed else (self._queue.popleft(),)

    def _forget(self, key: K) -> None:
        with self._changed:
            del self._futures[key]
