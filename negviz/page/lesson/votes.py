"""Votes of a room, from phones: `POST page/lesson/votes`, counted in memory and nothing else kept.

{"open": true}                 a room for whoever presents: {"room": its code}
{"room", "step"}               {"counts": [votes for each option]}
{"room", "step", "vote", "voter"}  the same, once this vote is in: the last one of a voter counts

A room is forgotten hours after it was last asked for, or with the app.  There is such a route only where
other machines reach the page (`serve`).
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from negviz.common.errors import NegvizError
from negviz.page.lesson import words
from negviz.page.server.http import NOT_KEPT, NotJsonError, TooLongError, read_object
from negviz.page.server.visitors import visitor_of

MOST_ROOMS: Final = 64
FROM_ONE_ADDRESS: Final = 4  # rooms: a school may have one address
MOST_VOTERS: Final = 500  # of a room
LASTS: Final = 4 * 3600.0  # seconds since it was last asked for
_STEPS: Final = 20
_OPTIONS: Final = 3
_LONGEST: Final = 300  # bytes of a request
_VOTER: Final = re.compile(r"[0-9a-f]{32}")  # that a browser made up


class VoteError(NegvizError):
    """A vote that is not counted; the message is one sentence."""


@dataclass(eq=False)
class _Room:
    opened_by: str
    used: float
    voters: set[str] = field(default_factory=set)
    votes: dict[int, dict[str, int]] = field(default_factory=dict)  # by step and voter


class Votes:
    """Rooms and their counts, for the one loop that serves."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._rooms: dict[str, _Room] = {}  # the one opened first comes first

    def open(self, address: str) -> str:
        """The code of a new room; an address that has many gives up its first.  Raises `VoteError`."""
        self._close_unused()
        mine = [code for code, room in self._rooms.items() if room.opened_by == address]
        if len(mine) >= FROM_ONE_ADDRESS:
            del self._rooms[mine[0]]
        if len(self._rooms) >= MOST_ROOMS:
            raise VoteError(words.NO_ROOM)
        code = secrets.token_urlsafe(9)
        self._rooms[code] = _Room(address, self._clock())
        return code

    def cast(self, code: str, step: int, voter: str, option: int) -> None:
        """One vote a voter and step, the last one.  Raises `VoteError`."""
        room = self._room(code)
        if voter not in room.voters and len(room.voters) >= MOST_VOTERS:
            raise VoteError(words.NO_ROOM)
        room.voters.add(voter)
        room.votes.setdefault(step, {})[voter] = option

    def counts(self, code: str, step: int) -> list[int]:
        """Votes for each option of a step.  Raises `VoteError`."""
        given = list(self._room(code).votes.get(step, {}).values())
        return [given.count(option) for option in range(_OPTIONS)]

    def _room(self, code: str) -> _Room:
        self._close_unused()
        room = self._rooms.get(code)
        if room is None:
            raise VoteError(words.NO_SUCH_ROOM)
        room.used = self._clock()
        return room

    def _close_unused(self) -> None:
        now = self._clock()
        self._rooms = {code: room for code, room in self._rooms.items() if now - room.used < LASTS}


def vote_routes(votes: Votes | None = None) -> list[Route]:
    """The route, over rooms of its own; a request that is not met is answered by one sentence."""
    kept = Votes() if votes is None else votes

    async def respond(request: Request) -> Response:
        try:
            given = await read_object(request, _LONGEST)
            if given.get("open") is True:
                found: dict[str, Any] = {"room": kept.open(visitor_of(request).address)}
            else:
                room, step = given.get("room"), _whole(given.get("step"), _STEPS)
                if not isinstance(room, str):
                    raise VoteError(words.NO_SUCH_ROOM)
                if "vote" in given:
                    voter = given.get("voter")
                    if not isinstance(voter, str) or not _VOTER.fullmatch(voter):
                        raise VoteError(words.NO_VOTE)
                    kept.cast(room, step, voter, _whole(given["vote"], _OPTIONS))
                found = {"counts": kept.counts(room, step)}
        except VoteError as error:
            return PlainTextResponse(str(error), status_code=400, headers=NOT_KEPT)
        except (NotJsonError, TooLongError):
            return PlainTextResponse(words.NO_VOTE, status_code=400, headers=NOT_KEPT)
        return JSONResponse(found, headers=NOT_KEPT)

    return [Route("/page/lesson/votes", respond, methods=["POST"])]


def _whole(given: object, below: int) -> int:
    """A number from 0.  Raises `VoteError`."""
    if isinstance(given, bool) or not isinstance(given, int) or not 0 <= given < below:
        raise VoteError(words.NO_VOTE)
    return given
