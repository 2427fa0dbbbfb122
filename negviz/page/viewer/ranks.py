"""Where every model ranks one film: `POST page/ranks` with {asked, id}, an `Asked` and a film's id."""

from __future__ import annotations

import json
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from negviz.films.collection import CollectionError
from negviz.page.room import Asked, Room
from negviz.page.server.http import NOT_KEPT, NotJsonError, TooLongError, read_body
from negviz.page.server.lanes import lanes
from negviz.retrieval.answer import AnswerError

_MOST: Final = 32_768  # bytes; a question with the longest sentences is shorter


def rank_routes(room: Room) -> list[Route]:
    """{model: {id, rank, score, relevant}}, or one sentence with a 4xx."""

    async def respond(request: Request) -> Response:
        try:
            asked, film_id = _read(await read_body(request, _MOST))
            found = await lanes().search.run_in_thread(request, room.ranks, asked, film_id)
        except CollectionError:
            return _refuse("This film is not among the films searched.", 404)
        except (AnswerError, NotJsonError, TooLongError):
            return _refuse("Send the question and the id of a film, as the page does.", 400)
        return JSONResponse({model: vars(hit) for model, hit in found.items()}, headers=NOT_KEPT)

    return [Route("/page/ranks", respond, methods=["POST"])]


def _read(body: bytes) -> tuple[Asked, str]:
    try:
        given: Any = json.loads(body)
        asked, film_id = given["asked"], str(given["id"])
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise NotJsonError("not a question") from error
    return Asked.read(asked if isinstance(asked, str) else json.dumps(asked)), film_id


def _refuse(sentence: str, status: int) -> Response:
    return PlainTextResponse(sentence, status_code=status, headers=NOT_KEPT)
