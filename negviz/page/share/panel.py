"""Sharing: a link, a QR code and files, each made only when somebody presses for it.

Sentences reach the routes here in the bodies of POST requests, never in an address.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, Final

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from negviz.common.download import DownloadError
from negviz.common.errors import NegvizError
from negviz.films.collection import CollectionError, open_image
from negviz.films.openi import OpeniError
from negviz.page.board import Board, Panel, html
from negviz.page.pictures import Pictures
from negviz.page.room import AnswerError, Asked, Room
from negviz.page.saliency.panel import FilmPanel
from negviz.page.server.films import thumbnail
from negviz.page.server.http import NOT_KEPT, NotJsonError, TooLongError, read_object
from negviz.page.server.lanes import lanes
from negviz.page.share import words
from negviz.page.share.file import VIEW, Mapped, caption, fragment_of, handout, plain, says, to_file
from negviz.retrieval.export import to_csv
from negviz.retrieval.permalink import PermalinkError, address, qr_code

_LONGEST: Final = 40_000  # bytes of a request: a sentence of 4,000 characters, escaped
_STATE: Final = re.compile(r"(?:&[a-z]+=[A-Za-z0-9%._~!*'()-]+){0,12}")  # as `encodeURIComponent` leaves it
_PATIENCE: Final = 4.0  # seconds for films that are on their way


def lay_out(board: Board) -> None:
    """A folded row of buttons beside the verdict they share."""

    def show(asked: str | None) -> Markup:
        return bar(Asked.read(asked), board.room)

    shown = html(show(board.asked.value))
    board.on_answer(show, shown, progress="hidden")


def bar(asked: Asked, room: Room) -> Markup:
    """The buttons for one question; the script presses the routes below for them."""
    if not asked.text:
        return VIEW("nothing")
    given = room.answer(asked)
    return VIEW(
        "bar",
        asked=asked.json(),
        fragment=fragment_of(asked),
        caption=caption(given, room),
        says=says(given, asked.text),
    )


def panel_bar(name: str) -> Markup:
    """The buttons below a panel: a picture of it, and a link that opens it."""
    return VIEW("panel", name=name)


# Routes ---------------------------------------------------------------------------------------


class ShareError(NegvizError):
    """A request that cannot be met; the message is one sentence that says what to do."""


Make = Callable[[Request, dict[str, Any], Asked], Awaitable[Response]]


def routes(room: Room) -> list[Route]:
    """POST share/qr, share/comparison, share/csv and share/file; each takes {"asked": …} as JSON.

    The file takes the id of the film whose maps are on show along, as "film".
    """

    async def qr(_: Request, body: dict[str, Any], asked: Asked) -> Response:
        further = str(body.get("state", ""))
        if not _STATE.fullmatch(further):
            raise ShareError(words.NO_STATE)
        code = qr_code(address(str(body.get("page", "")), fragment_of(asked) + further), label=words.QR_LABEL)
        return Response(code, media_type="image/svg+xml", headers=NOT_KEPT)

    async def comparison(request: Request, _: dict[str, Any], asked: Asked) -> Response:
        found = await lanes().slow.run_in_thread(request, plain, asked, room)
        return JSONResponse(found, headers=NOT_KEPT)

    async def table(request: Request, _: dict[str, Any], asked: Asked) -> Response:
        _shown, given = await lanes().slow.run_in_thread(request, handout, asked, room)
        return Response(to_csv(given), media_type="text/csv", headers=NOT_KEPT)

    async def file(request: Request, body: dict[str, Any], asked: Asked) -> Response:
        slow = lanes().slow
        _shown, given = await slow.run_in_thread(request, handout, asked, room)
        ids = dict.fromkeys(hit.id for column in given.columns for hit in column.hits)
        films = await thumbnails(request, room.pictures, ids)
        mapped = await _mapped(request, room, asked, str(body.get("film", "")))
        content = await slow.run_in_thread(request, to_file, asked, room, films, mapped)
        headers = {**NOT_KEPT, "X-SHA256": hashlib.sha256(content).hexdigest()}
        return Response(content, media_type="application/octet-stream", headers=headers)

    made: dict[str, Make] = {"qr": qr, "comparison": comparison, "csv": table, "file": file}
    return [Route(f"/share/{name}", _answering(make), methods=["POST"]) for name, make in made.items()]


async def _mapped(request: Request, room: Room, asked: Asked, film_id: str) -> Mapped | None:
    """The maps of a film that are on show; None where there are none, or its picture does not come."""
    try:
        path = await room.pictures.find(film_id, wait=_PATIENCE) if film_id else None
        if path is None:
            return None
        draw = room.own(FilmPanel).maps
        return Mapped(film_id, await lanes().slow.run_in_thread(request, draw, asked, film_id, path))
    except (CollectionError, OpeniError, DownloadError):
        return None


def _answering(make: Make) -> Callable[[Request], Awaitable[Response]]:
    async def respond(request: Request) -> Response:
        try:
            body = await _body(request)
            asked = Asked.read(json.dumps(body.get("asked")))
            if not asked.text.strip():
                raise ShareError(words.NO_QUESTION)
            return await make(request, body, asked)
        except (ShareError, PermalinkError, AnswerError) as error:
            return PlainTextResponse(str(error), status_code=400, headers=NOT_KEPT)

    return respond


async def _body(request: Request) -> dict[str, Any]:
    try:
        return await read_object(request, _LONGEST)
    except TooLongError:
        raise ShareError(words.TOO_LONG) from None
    except NotJsonError:
        raise ShareError(words.NOT_JSON) from None


async def thumbnails(request: Request, pictures: Pictures, ids: Iterable[str]) -> dict[str, bytes]:
    """JPEGs by id of the films that are at hand, or come soon, for whoever sent a request."""

    async def one(film_id: str) -> tuple[str, bytes | None]:
        try:
            path = await pictures.find(film_id, wait=_PATIENCE)
            if path is None:
                return film_id, None
            return film_id, await lanes().films.run_in_thread(request, _thumbnail, path)
        except (CollectionError, OpeniError, DownloadError):
            return film_id, None

    found = await asyncio.gather(*map(one, ids))
    return {film_id: content for film_id, content in found if content is not None}


def _thumbnail(path: Path) -> bytes:
    return thumbnail(open_image(path))


SHARE: Final = Panel("share", lay_out, routes)
