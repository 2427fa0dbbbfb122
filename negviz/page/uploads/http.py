"""Own films on their way in: POST own/film, one file a request, kept in memory alone.

Gradio's own uploads stay shut: they write files to disk and serve them to whoever knows their address.  The
secret that opens a shelf is made here, given to one page and sent back in a header, which pages from
elsewhere cannot set.
"""

from __future__ import annotations

import json
import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterator
from threading import Lock
from typing import Final
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from negviz.page.server.http import NOT_KEPT
from negviz.page.uploads import words
from negviz.retrieval.own_films import MAX_FILE, MAX_ZIP, OwnFilmError, Shelf, is_zip, plain_name, unpacked

_SHELVES: Final = 32  # visits at once; this is for one's own machine
_GONE: Final = 410


class Shelves:
    """A shelf a visit, found by gradio's name of the visit or by its secret.  Safe under threads."""

    def __init__(self, make: Callable[[], Shelf]) -> None:
        self._make = make
        self._of_visit: OrderedDict[str, tuple[str, Shelf]] = OrderedDict()
        self._lock = Lock()

    def open(self, visit: str) -> str:
        """A new shelf for a visit; its secret.  The oldest is closed where there are too many."""
        secret = secrets.token_urlsafe(32)
        self.close(visit)
        with self._lock:
            self._of_visit[visit] = secret, self._make()
            over = [self._of_visit.popitem(last=False) for _ in range(len(self._of_visit) - _SHELVES)]
        for _, (_, shelf) in over:
            shelf.close()
        return secret

    def of(self, visit: str) -> Shelf | None:
        with self._lock:
            return self._of_visit[visit][1] if visit in self._of_visit else None

    def behind(self, secret: str) -> Shelf | None:
        """The shelf that a secret opens."""
        given = secret.encode()
        with self._lock:
            return next(
                (
                    shelf
                    for known, shelf in self._of_visit.values()
                    if secrets.compare_digest(known.encode(), given)
                ),
                None,
            )

    def close(self, visit: str) -> None:
        """The visit has ended: its films are forgotten."""
        with self._lock:
            _, shelf = self._of_visit.pop(visit, ("", None))
        if shelf is not None:
            shelf.close()


def film_route(shelves: Shelves) -> Route:
    """POST own/film: a file as the body; X-Negviz-Shelf, X-Negviz-Name (percent-encoded) and -As say whose,
    what and what for.  Answers a line of JSON a film: {"name", "problem", "done", "of"}.
    """

    async def respond(request: Request) -> Response:
        shelf = shelves.behind(request.headers.get("x-negviz-shelf", ""))
        if request.headers.get("content-type") != "application/octet-stream":
            return PlainTextResponse(words.FOREIGN, status_code=400, headers=NOT_KEPT)
        if shelf is None:
            return PlainTextResponse(words.GONE, status_code=_GONE, headers=NOT_KEPT)
        name = unquote(request.headers.get("x-negviz-name", ""), errors="replace")
        data = await _body(request)
        if data is None:
            lines = iter([_line(plain_name(name), words.TOO_LARGE, 1, 1)])
        else:
            lines = _put(shelf, name, data, seek=request.headers.get("x-negviz-as") == "seek")
        return StreamingResponse(lines, media_type="application/x-ndjson", headers=NOT_KEPT)

    return Route("/own/film", respond, methods=["POST"])


async def _body(request: Request) -> bytes | None:
    """What is sent; None where it is too large, the rest then being read and dropped."""
    content, limit = bytearray(), MAX_FILE
    async for part in request.stream():
        if not content and is_zip(part):
            limit = MAX_ZIP
        if len(content) <= limit:
            content += part
    return bytes(content) if len(content) <= limit else None


def _put(shelf: Shelf, name: str, data: bytes, *, seek: bool) -> Iterator[str]:
    try:
        number, files = unpacked(name, data)
    except OwnFilmError as error:
        yield _line(plain_name(name), str(error), 1, 1)
        return
    for done, file in enumerate(files, start=1):
        problem = ""
        try:
            shelf.put(file, seek=seek)
        except OwnFilmError as error:
            problem = str(error)
        yield _line(file.name, problem, done, number)


def _line(name: str, problem: str, done: int, number: int) -> str:
    return json.dumps({"name": name, "problem": problem, "done": done, "of": number}) + "\n"
