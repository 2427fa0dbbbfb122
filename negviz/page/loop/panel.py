"""Twenty seconds of what a “no” does: scenes on the page, and `POST page/loop` with {asked} for a GIF."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final
from urllib.parse import urlsplit

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from negviz.explain.loop import SECONDS, Scene, make_loop, tells
from negviz.page.board import Board, Panel, html
from negviz.page.loop import words
from negviz.page.loop.gif import draw_loop
from negviz.page.room import AnswerError, Asked, Room
from negviz.page.server.http import NOT_KEPT, NotJsonError, TooLongError, read_object
from negviz.page.server.lanes import lanes
from negviz.page.share.file import caption, says
from negviz.page.share.panel import thumbnails
from negviz.page.templates import Template
from negviz.page.widgets.tile import MARKS, Mark
from negviz.retrieval.answer import Answer
from negviz.retrieval.examples import OPENING

_VIEW: Final = Template("loop", words=words)
_ADDRESS: Final = 200  # characters that are shown of an address
_MOST: Final = 40_000  # bytes; a question with the longest sentences is shorter


@dataclass(frozen=True)
class Film:
    """A film of a scene."""

    id: str
    mark: Mark | None
    outlined: bool
    picture: bool = False


@dataclass(frozen=True)
class Played:
    """A scene in words."""

    stretches: tuple[tuple[str, bool], ...]  # of the sentence, and whether each is struck out
    says: str
    films: tuple[Film, ...]
    outlines: bool  # whether some films are pointed out among the others


@dataclass(frozen=True)
class Loop:
    """The scenes of a question, and of which sentence they are."""

    about: Answer
    scenes: tuple[Played, ...]
    instead: str  # "" where they are of the question's own sentence


def play(asked: Asked, room: Room) -> Loop | None:
    """The loop of a sentence, or of one that may be tried over its films; None where there is none."""
    given = room.answer(Asked(asked.text, asked.films, asked.meant))

    def ask(text: str) -> Answer:
        return room.answer(Asked(text, given.films.name))

    for answer in (given, *map(ask, _others(room, given))):
        if scenes := make_loop(ask, answer):
            said = "" if answer is given else words.INSTEAD.format(text=answer.prompt.text)
            return Loop(answer, tuple(_played(each, answer, room) for each in scenes), said)
    return None


def _others(room: Room, given: Answer) -> list[str]:
    """Sentences to try over the same set, those that the base passes over first."""
    tried = sorted(room.examples(room.choice(given.films.name)), key=lambda each: each.shows != "passes over")
    return [OPENING, *(each.text for each in tried)] if not tells(given) else []


def _played(scene: Scene, about: Answer, room: Room) -> Played:
    films = about.films.collection
    shown = tuple(
        Film(
            hit.id,
            None if scene.about == "stays" else MARKS[hit.relevant],  # it is right for one of two sentences
            hit.id in scene.outlined,
            room.pictures.hoped_for(films.by_id(hit.id)),
        )
        for hit in scene.hits
    )
    outlines = scene.about in ("stays", "normal")
    return Played(tuple(_stretches(scene, about)), words.says(scene, about.prompt.text), shown, outlines)


def _stretches(scene: Scene, about: Answer) -> Iterator[tuple[str, bool]]:
    if not scene.struck:
        yield scene.prompt.text, False
        return
    text = about.prompt.text
    edges = sorted({0, len(text), *(edge for span in scene.struck for edge in span)})
    for start, end in pairwise(edges):
        yield text[start:end], (start, end) in scene.struck


def show(asked: str, room: Room) -> Markup:
    """The panel for the question of that JSON; calm where there is nothing to play."""
    question = Asked.read(asked)
    try:
        loop = play(question, room) if question.text else None
    except AnswerError:
        loop = None
    if loop is None:
        return _VIEW("nothing")
    told = question.by_sentence.json()
    return _VIEW(
        "loop",
        scenes=loop.scenes,
        instead=loop.instead,
        seconds=SECONDS,
        asked=told,
        element=f"nv-loop-{hashlib.sha256(told.encode()).hexdigest()[:12]}",
    )


def routes(room: Room) -> list[Route]:
    """A question that no page sends is refused in a sentence."""

    async def respond(request: Request) -> Response:
        try:
            body = await read_object(request, _MOST)
            asked = Asked.read(json.dumps(body.get("asked")))
            slow = lanes().slow
            loop = await slow.run_in_thread(request, play, asked, room)
            if loop is None:
                return PlainTextResponse(words.NOTHING, status_code=400, headers=NOT_KEPT)
            ids = dict.fromkeys(film.id for scene in loop.scenes for film in scene.films)
            films = await thumbnails(request, room.pictures, ids)
            lines = _lines(loop.about, room, str(body.get("page", "")))
            made = await slow.run_in_thread(request, draw_loop, loop.scenes, films, lines)
        except (AnswerError, NotJsonError, TooLongError) as error:
            return PlainTextResponse(str(error), status_code=400, headers=NOT_KEPT)
        return Response(made, media_type="image/gif", headers=NOT_KEPT)

    return [Route("/page/loop", respond, methods=["POST"])]


def _lines(about: Answer, room: Room, page: str) -> list[str]:
    """What the GIF is of; `page` is the address that a browser knows the page by, "" for none to be said."""
    found = urlsplit(page[:_ADDRESS])
    where = f"{found.scheme}://{found.netloc}{found.path}" if found.scheme in ("http", "https") else ""
    day = datetime.now(UTC).date().isoformat()
    line = " · ".join(filter(None, (caption(about, room), day, where)))
    return [*says(about, about.prompt.text)[1:], line]


def lay_out(board: Board) -> None:
    """The panel where this is called."""
    shown = html("")
    board.on_answer(lambda asked: show(asked, board.room), shown)


LOOP: Final = Panel("loop", lay_out, routes)
