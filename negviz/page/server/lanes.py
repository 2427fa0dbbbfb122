"""Whose turn it is: lanes in which work waits, so that no visitor stops another.

    await lanes().search.run(visitor, work)     # `work` is awaited when its turn has come

A lane works on a few things at a time.  Turns go round the addresses that wait and, within an address, round
its sessions, so that a flood waits for its own turns.  An address of which enough waits has its next question
taken when some of that is done: over HTTP a flood is no faster than it is answered.  A session is a name that
a client chooses for itself: it shares the turns of its address and gains none.
"""

from __future__ import annotations

import asyncio
import os
from collections import OrderedDict, deque
from collections.abc import Callable, Coroutine, Hashable, Iterator, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeVar
from weakref import WeakKeyDictionary

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from negviz.common.errors import NegvizError
from negviz.page.server.visitors import Visitor, visitor_of

MOST_OF_SESSION: Final = 16  # waiting in one lane; an answer has eight panels follow it
MOST_WAITING: Final = 2_048  # in one lane; a hundred sessions with all of theirs are fewer
MOST_GALLERIES: Final = 128  # of one address that wait in lanes before its next question waits at the door
MOST_PANELS: Final = 1_024  # likewise; a hundred sessions have fewer of both
PATIENCE: Final = 10.0  # seconds for which panels let galleries go first: a class has its last by then
_SEARCH: Final = "search"
_SLOW: Final = "slow"
# For events of gradio's, which begins them at once: they wait in a lane of ours and not in its queue.
IN_SEARCH: Final[dict[str, Any]] = {"concurrency_id": _SEARCH, "concurrency_limit": None}
IN_SLOW: Final[dict[str, Any]] = {"concurrency_id": _SLOW, "concurrency_limit": None}
_CORES: Final = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
_AT_ONCE: Final = min(4, max(2, _CORES))
V = TypeVar("V")
Work = Callable[[], Coroutine[Any, Any, V]]


class BusyError(NegvizError):
    """Too much waits already; the message is one sentence that says what to do."""


class LeftError(NegvizError):
    """Whoever asked has left before the turn came; nobody reads this."""


@dataclass(eq=False)
class _Waiting:
    """Work in a line, and the task that it will be."""

    visitor: Visitor
    work: Work[Any]
    key: Hashable  # None: like no other
    wanted: Callable[[], bool]
    since: float
    turn: asyncio.Future[asyncio.Task[Any]]
    context: Context = field(default_factory=copy_context)  # of who asks, not of who lets it begin
    waits: bool = True


@dataclass(eq=False)
class _Lines:
    """What waits, by address and session, in the order of turns."""

    _of: OrderedDict[str, OrderedDict[object, deque[_Waiting]]] = field(default_factory=OrderedDict)
    _number: dict[str, int] = field(default_factory=dict)  # by address
    _alike: dict[Hashable, list[_Waiting]] = field(default_factory=dict)  # by key

    def __len__(self) -> int:
        return sum(self._number.values())

    def __iter__(self) -> Iterator[_Waiting]:
        return (one for sessions in self._of.values() for line in sessions.values() for one in line)

    def of(self, visitor: Visitor) -> int:
        """How much of one session waits."""
        sessions = self._of.get(visitor.address)
        return 0 if sessions is None else len(sessions.get(visitor.session, ()))

    def of_address(self, address: str) -> int:
        return self._number.get(address, 0)

    def add(self, one: _Waiting) -> None:
        sessions = self._of.setdefault(one.visitor.address, OrderedDict())
        sessions.setdefault(one.visitor.session, deque()).append(one)
        self._number[one.visitor.address] = self._number.get(one.visitor.address, 0) + 1
        if one.key is not None:
            self._alike.setdefault(one.key, []).append(one)

    def remove(self, one: _Waiting) -> None:
        if not one.waits:
            return
        one.waits = False
        sessions = self._of[one.visitor.address]
        line = sessions[one.visitor.session]
        line.remove(one)
        if not line:
            del sessions[one.visitor.session]
        if not sessions:
            del self._of[one.visitor.address]
        self._number[one.visitor.address] -= 1
        if not self._number[one.visitor.address]:
            del self._number[one.visitor.address]
        if one.key is not None:
            self._alike[one.key].remove(one)
            if not self._alike[one.key]:
                del self._alike[one.key]

    def alike(self, key: Hashable) -> list[_Waiting]:
        """All that waits for the same; they are not removed."""
        return [*self._alike.get(key, ())]

    def first(self, held: Callable[[str], bool]) -> _Waiting | None:
        """Whose turn is next, of the addresses that are not held."""
        sessions = next((of for address, of in self._of.items() if not held(address)), None)
        return None if sessions is None else next(iter(sessions.values()))[0]

    def take(self, one: _Waiting) -> None:
        """Remove what has its turn; its address and its session go behind the others."""
        self._of.move_to_end(one.visitor.address)
        self._of[one.visitor.address].move_to_end(one.visitor.session)
        self.remove(one)

    def last_of_most(self) -> _Waiting:
        """What came last to the last line of the address that has most waiting."""
        sessions = self._of[max(self._number, key=self._number.__getitem__)]
        return next(reversed(sessions.values()))[-1]


class Lane:
    """Work of which a few things are done at a time.  Used from one event loop alone."""

    def __init__(
        self,
        at_once: int,
        *,
        most: int = MOST_WAITING,
        most_of_session: int = MOST_OF_SESSION,
        most_of_address: int = MOST_WAITING,
        behind: Lane | None = None,
        into: Sequence[Lane] = (),
        patience: float = PATIENCE,
    ) -> None:
        """`behind` names a lane whose work goes first, but makes nothing wait here beyond `patience`.

        Of an address nothing is begun here while one of the lanes `into` which this leads has enough of it.
        """
        self._at_once = at_once
        self._most = most
        self._most_of_session = most_of_session
        self._most_of_address = most_of_address
        self._behind = behind
        self._into = into
        self._patience = patience
        self._lines = _Lines()
        self._under_way: dict[Hashable, asyncio.Task[Any]] = {}
        self._followers: list[Lane] = []
        for lane in (*into, *([behind] if behind is not None else [])):
            lane._followers.append(self)

    @property
    def waiting(self) -> int:
        return len(self._lines)

    @property
    def idle(self) -> bool:
        return not self._lines and not self._under_way

    async def run(
        self,
        visitor: Visitor,
        work: Work[V],
        *,
        key: Hashable = None,
        wanted: Callable[[], bool] = lambda: True,
    ) -> V:
        """What `work` gives, when its turn has come.  Raises `BusyError`, and what `work` raises.

        Work of the same `key` that is asked for meanwhile is not done again: all get the one result.  It is
        dropped where nobody waits for it any more: this is cancelled, or `wanted` says so at its turn.
        Once begun it is finished, as its thread cannot be stopped, and keeps its place until then.
        """
        task = self._under_way.get(key) if key is not None else None
        if task is None:
            task = await self._turn(visitor, work, key, wanted)
        result: V = await asyncio.shield(task)
        return result

    async def run_in_thread(self, request: Request, work: Callable[..., V], *given: Any) -> V:
        """What a function of these arguments alone gives, called in a thread for whoever sent a request."""
        key: Hashable = (work, given)
        try:
            hash(key)
        except TypeError:
            key = None
        return await self.run(visitor_of(request), partial(run_in_threadpool, work, *given), key=key)

    async def _turn(
        self,
        visitor: Visitor,
        work: Work[Any],
        key: Hashable,
        wanted: Callable[[], bool],
    ) -> asyncio.Task[Any]:
        if self._lines.of(visitor) >= self._most_of_session:
            raise BusyError("You have asked for a lot at once; ask again when some of it has been answered.")
        loop = asyncio.get_running_loop()
        one = _Waiting(visitor, work, key, wanted, loop.time(), loop.create_future())
        self._lines.add(one)
        while len(self._lines) > self._most:
            self._drop(
                self._lines.last_of_most(), BusyError("Very many are asking at the moment; ask again later.")
            )
        if self._behind is not None:
            loop.call_later(self._patience, self._go_on)
        self._go_on()
        try:
            return await one.turn
        except asyncio.CancelledError:
            self._lines.remove(one)
            raise

    def _drop(self, one: _Waiting, error: NegvizError) -> None:
        self._lines.remove(one)
        if not one.turn.done():
            one.turn.set_exception(error)

    def _go_on(self) -> None:
        """Begin what can begin."""
        while len(self._under_way) < self._at_once and (one := self._lines.first(self._held)) is not None:
            if one.turn.done() or not one.wanted():
                self._drop(one, LeftError("Whoever asked this has left."))
                continue
            late = asyncio.get_running_loop().time() - one.since >= self._patience
            if self._behind is not None and not self._behind.idle and not late:
                return
            self._lines.take(one)
            self._begin(one)

    def _held(self, address: str) -> bool:
        return any(lane._lines.of_address(address) >= lane._most_of_address for lane in self._into)

    def _begin(self, one: _Waiting) -> None:
        task = asyncio.get_running_loop().create_task(one.work(), context=one.context)
        place = one if one.key is None else one.key
        self._under_way[place] = task
        task.add_done_callback(partial(self._done, place))
        one.turn.set_result(task)
        for each in self._lines.alike(one.key):
            self._lines.remove(each)
            if not each.turn.done():  # it may have been cancelled this very moment
                each.turn.set_result(task)

    def _done(self, place: Hashable, task: asyncio.Task[Any]) -> None:
        del self._under_way[place]
        if not task.cancelled():
            task.exception()  # it belongs to those who wait; where all have left, to nobody
        for lane in (self, *self._followers):
            lane._go_on()


@dataclass(frozen=True)
class Lanes:
    """The lanes of one server."""

    search: Lane  # galleries
    slow: Lane  # panels, exports: what may come after the galleries
    films: Lane  # pictures of films
    questions: Lane  # taking them over HTTP, before they wait in one of the above
    pages: Lane  # giving the page itself

    def of_event(self, name: str) -> Lane | None:
        """The lane of an event of gradio's that was made with `IN_SEARCH` or `IN_SLOW`; else none."""
        return {_SEARCH: self.search, _SLOW: self.slow}.get(name)


def _open() -> Lanes:
    search = Lane(_AT_ONCE, most_of_address=MOST_GALLERIES)
    slow = Lane(_AT_ONCE, most_of_address=MOST_PANELS, behind=search)
    return Lanes(search, slow, Lane(_AT_ONCE), Lane(_AT_ONCE, into=(search, slow)), Lane(_AT_ONCE))


_OF_LOOP: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, Lanes]] = WeakKeyDictionary()


def lanes() -> Lanes:
    """Those of the running event loop: the pages of all families share them, as they share the machine."""
    loop = asyncio.get_running_loop()
    if loop not in _OF_LOOP:
        _OF_LOOP[loop] = _open()
    return _OF_LOOP[loop]
