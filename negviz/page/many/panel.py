"""Many sentences: a table of sentences × models, asked a few sentences a request so that it can be watched.

The browser reads files and sends text: POST page/many with {"texts": [...], "films": name} answers {"rows":
[...]}, and GET page/many/prompts?of=blind gives a shipped prompt file.  Nothing that is sent is kept.
"""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from negviz.common.errors import NegvizError
from negviz.films.collection import ASSETS
from negviz.language.prompt import MAX_CHARACTERS
from negviz.page import words as common
from negviz.page.board import Board, Panel, html
from negviz.page.explore.markup import why_unmarked
from negviz.page.many import words
from negviz.page.room import Room
from negviz.page.server.http import NOT_KEPT, read_object
from negviz.page.server.lanes import lanes
from negviz.page.templates import Template
from negviz.retrieval.answer import Answer, AnswerError, Column, answer

MOST: Final = 1_000  # sentences
AT_ONCE: Final = 8  # sentences a request: half a second's work, after which others have their turn
_SENT: Final = 8 * AT_ONCE * MAX_CHARACTERS  # bytes; JSON may need six for a character
_VIEW: Final = Template("many", words=words)


def lay_out(board: Board) -> None:
    """To be called inside the tab."""
    room = board.room
    sets = {
        films.name: common.set_choice(films.collection.name, films.part, len(films)) for films in room.sets
    }
    limits = {"most": MOST, "atOnce": AT_ONCE, "characters": MAX_CHARACTERS}
    html(_VIEW("many", sets=sets, models=room.first, limits=limits))


def routes(room: Room) -> list[Route]:
    async def respond(request: Request) -> Response:
        try:
            texts, films = _read(await read_object(request, _SENT))
            made = await lanes().slow.run_in_thread(request, _rows, room, texts, films)
        except NegvizError as error:
            return PlainTextResponse(str(error), status_code=400, headers=NOT_KEPT)
        return JSONResponse({"rows": made}, headers=NOT_KEPT)

    async def prompts(request: Request) -> Response:
        name = request.query_params.get("of", "")
        if name not in words.FILES:
            return PlainTextResponse("There is no such file here.", status_code=404)
        return FileResponse(ASSETS / "prompts" / f"{name}.csv", media_type="text/csv")

    return [
        Route("/page/many", respond, methods=["POST"]),
        Route("/page/many/prompts", prompts),
    ]


def _read(sent: dict[str, Any]) -> tuple[tuple[str, ...], str]:
    texts, films = sent.get("texts"), sent.get("films", "")
    if (
        not isinstance(texts, list)
        or not all(isinstance(text, str) for text in texts)
        or len(texts) > AT_ONCE
    ):
        raise AnswerError(words.TOO_MANY_SENT.format(AT_ONCE))
    return tuple(texts), str(films)


def _rows(room: Room, texts: tuple[str, ...], films: str) -> list[dict[str, Any]]:
    """Each sentence as the models that everybody sees answer it.  Raises `AnswerError` for an empty one."""
    models = {name: room.models[name] for name in room.first}
    return [_row(answer(models, room.films(films), text)) for text in texts]


def _row(found: Answer) -> dict[str, Any]:
    read = [(mention.finding, mention.polarity, mention.side) for mention in found.mentions]
    polarities = {mention.polarity for mention in found.mentions}
    return {
        "text": found.prompt.text,
        "read": common.reading(read) if found.marked else why_unmarked(found),
        "group": ("both" if len(polarities) > 1 else polarities.pop()) if found.marked else "unmarked",
        "chance": found.columns[0].random_picks if found.marked else None,
        "models": {column.model: _cell(column) for column in found.columns},
    }


def _cell(column: Column) -> dict[str, Any]:
    return {
        "right": column.tally.matches,
        "wrong": column.tally.contradicts,
        "normal": column.normal,
        "margin": None if column.margin is None else column.margin.value,
    }


MANY: Final = Panel("many sentences", lay_out, routes)
