"""What one visitor waited for, everybody has."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class EachOnce(Generic[K, V]):
    """A function whose value is worked out once a key, whoever asks and however many at the same time.

    The `most` keys asked for last are kept; errors are not.
    """

    def __init__(self, work: Callable[[K], V], *, most: int) -> None:
        self._work = work
        self._most = most
        self._known: OrderedDict[K, Future[V]] = OrderedDict()
        self._lock = Lock()

    def __call__(self, key: K) -> V:
        with self._lock:
            known = self._known.get(key)
            mine: Future[V] = known or Future()
            self._known[key] = mine
            self._known.move_to_end(key)
            while len(self._known) > self._most:
                self._known.popitem(last=False)
        if known is None:
            self._settle(key, mine)
        return mine.result()

    def known(self, key: K) -> V | None:
        """The value of a key where it has been worked out; at once."""
        with self._lock:
            known = self._known.get(key)
            if known is None or not known.done():
                return None
            self._known.move_to_end(key)
        return known.result()

    def forget(self, unwanted: Callable[[K], bool]) -> None:
        """Drop the values of some keys."""
        with self._lock:
            for key in list(filter(unwanted, self._known)):
                del self._known[key]

    def _settle(self, key: K, future: Future[V]) -> None:
        try:
            future.set_result(self._work(key))
        except BaseException as error:  # noqa: BLE001  # whoever waits gets it too
            future.set_exception(error)
            with self._lock:
                if self._known.get(key) is future:  # since forgotten, it may be worked out anew: that stays
                    del self._known[key]
