"""What a visitor may ask of an answer: further films of one column, and films like one of them.

POST page/further with {asked, model} and POST page/like with {asked, id} answer HTML for the page to put in.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from negviz.films.collection import CollectionError
from negviz.page.explore.markup import MORE, further_films, like
from negviz.page.room import AnswerError, Asked, Room
from negviz.page.server.http import NOT_KEPT, NotJsonError, TooLongError, read_object
from negviz.page.server.lanes import lanes
from negviz.page.widgets.tile import Wall
from negviz.retrieval.answer import Answer, Tally, answer
from negviz.retrieval.own_films import Nearest, nearest
from negviz.retrieval.search import Vectors

_MOST: Final = 40_000  # bytes; a question with the longest sentences is shorter
_ALIKE: Final = 20  # films


def further_routes(room: Room) -> list[Route]:
    """Both routes; a request that no page sends is refused in a sentence."""
    made: dict[str, tuple[str, Callable[[Room, Asked, str], Markup]]] = {
        "further": ("model", _further),
        "like": ("id", _like),
    }
    return [
        Route(f"/page/{name}", _answering(room, key, make), methods=["POST"])
        for name, (key, make) in made.items()
    ]


def _answering(room: Room, key: str, make: Callable[[Room, Asked, str], Markup]) -> Any:
    async def respond(request: Request) -> Response:
        try:
            sent = await read_object(request, _MOST)
            asked = Asked.read(json.dumps(sent.get("asked")))
            found = await lanes().search.run_in_thread(request, make, room, asked, str(sent.get(key, "")))
        except (AnswerError, CollectionError, NotJsonError, TooLongError) as error:
            return PlainTextResponse(str(error), status_code=400, headers=NOT_KEPT)
        return HTMLResponse(str(found), headers=NOT_KEPT)

    return respond


def _further(room: Room, asked: Asked, name: str) -> Markup:
    """The films of a column beyond those that it shows.  Raises `AnswerError`."""
    model, films = room.columns(asked).get(name), room.answer(asked).films
    if model is None:
        raise AnswerError("There is no such column here.")
    given = answer(
        {name: model}, films, asked.text, k=min(MORE, len(films)), meant=asked.meant, opposite=asked.opposite
    )
    return further_films(given, Wall(given.films, room.pictures))


def _like(room: Room, asked: Asked, film_id: str) -> Markup:
    """The films that every image tower puts nearest to one, marked by what was asked.

    Raises `AnswerError`, and `CollectionError` where there is no such film.
    """
    given = room.answer(asked)
    films = given.films
    found = nearest(_vectors(room, film_id), films, room.chosen(asked), _ALIKE, without=film_id)
    return like(
        film_id, asked, given, [_judged(each, room, given) for each in found], Wall(films, room.pictures)
    )


def _vectors(room: Room, film_id: str) -> dict[str, Vectors]:
    """What each image tower makes of a film of any set."""
    for films in room.sets:
        with suppress(CollectionError):
            return {tower: films.vector(film_id, tower) for tower in films.embeddings}
    raise CollectionError("There is no such film here.")


def _judged(found: Nearest, room: Room, given: Answer) -> tuple[Nearest, Tally]:
    hits = tuple(replace(hit, relevant=given.judge(room.pictures.film(hit.id))) for hit in found.hits)
    return replace(found, hits=hits), Tally.of(hit.relevant for hit in hits)
