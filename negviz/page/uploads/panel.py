"""Own films, for one's own machine: films like one of them, and a sentence put to all of them.

Only where NEGVIZ_UPLOADS=1: else there is neither a panel nor a route.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Final

import gradio as gr
from gradio.context import Context
from markupsafe import Markup
from starlette.routing import Route

from negviz.page.board import Board, Panel, html, stamped
from negviz.page.room import Asked, Room
from negviz.page.saliency.panel import FilmPanel, OwnPicture
from negviz.page.saliency.words import CAPTION
from negviz.page.server.films import thumbnail
from negviz.page.server.lanes import IN_SLOW
from negviz.page.templates import Template
from negviz.page.uploads import words
from negviz.page.uploads.http import Shelves, film_route
from negviz.page.widgets.tile import Tile, Wall
from negviz.retrieval.answer import Answer, AnswerError
from negviz.retrieval.own_films import Likeness, Nearest, OwnFilm, Shelf, best, likeness, nearest

SWITCH: Final = "NEGVIZ_UPLOADS"
_LOCAL: Final = ("", "localhost", "127.0.0.1", "::1")
_PRIVATE: Final[dict[str, Any]] = {
    **IN_SLOW,
    "api_visibility": "private",
    "show_progress": "hidden",
}
_VIEW: Final = Template("uploads", words=words)
_NOTHING: Final = _VIEW("nothing", text=words.EMPTY)


def switched_on() -> bool:
    return os.environ.get(SWITCH) == "1"


def warning(host: str | None) -> str | None:
    """What is to be said at start where own films may be opened; None where they may not."""
    if not switched_on():
        return None
    if (host or os.environ.get("GRADIO_SERVER_NAME", "")) in _LOCAL:
        return f"Own films can be opened ({SWITCH}=1): for this machine only."
    return (
        f"WARNING: own films can be opened ({SWITCH}=1) and others can reach this page; leave out --host and "
        f"GRADIO_SERVER_NAME, or {SWITCH}."
    )


def lay_out(board: Board) -> None:
    """A folded panel; nothing where own films are switched off."""
    page = Context.root_block
    if not switched_on() or page is None:
        return
    own = OwnFilms(board.room)
    with gr.Accordion(words.TITLE, open=False, elem_classes="nv-own-panel"):
        html(_VIEW("opener"))
        with gr.Row(elem_classes="nv-own-after"):
            show = gr.Button(words.SHOW, elem_classes="nv-own-show", size="sm")  # pressed by the script
            delete = gr.Button(words.DELETE, elem_classes="nv-own-delete", size="sm")
        shown = html(_NOTHING)
        where = gr.Button(words.WHERE, elem_classes="nv-own-where", size="sm")
        maps = html("")
        secret = html(_VIEW("secret", value=""))
    show.click(stamped(own.show, shown), [board.asked], [shown], **_PRIVATE)
    delete.click(stamped(own.delete, shown), [board.asked], [shown], **_PRIVATE)
    board.on_answer(own.show, [shown], progress="hidden")
    where.click(own.where, [board.asked], [maps], **_PRIVATE)
    for event in (show.click, delete.click, board.asked.change):  # of another film, or another sentence
        event(None, None, [maps], js="() => ''", api_visibility="private")
    page.load(
        own.arrive, None, [secret], concurrency_limit=None, api_visibility="private", show_progress="hidden"
    )
    page.unload(own.leave)


def routes(room: Room) -> list[Route]:
    """POST own/film; see `uploads_http`."""
    return [film_route(room.own(shelves_of))] if switched_on() else []


def shelves_of(room: Room) -> Shelves:
    """The shelves of those who visit a room; to be had as `room.own(shelves_of)`."""
    models = room.models
    return Shelves(lambda: Shelf(models, picture=thumbnail))


class OwnFilms:
    """What the components call; a visitor is known by gradio's name of the visit alone."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._shelves = room.own(shelves_of)

    def arrive(self, request: gr.Request) -> Markup:
        return _VIEW("secret", value=self._shelves.open(str(request.session_hash)))

    def leave(self, request: gr.Request) -> None:
        self._shelves.close(str(request.session_hash))

    def delete(self, _asked: str, request: gr.Request) -> Markup:
        shelf = self._shelves.of(str(request.session_hash))
        if shelf is not None:
            shelf.clear()
        return _VIEW("nothing", text=words.DELETED)

    def show(self, asked: str, request: gr.Request) -> Markup:
        """What the visitor's films are to the sentence, and what is like the one that was sought."""
        shelf = self._shelves.of(str(request.session_hash))
        return shown(self._room, shelf, Asked.read(asked)) if shelf else _NOTHING

    def where(self, asked: str, request: gr.Request) -> Markup:
        """Where on the film that was sought every model finds what the sentence says."""
        shelf, question = self._shelves.of(str(request.session_hash)), Asked.read(asked)
        film, picture = (shelf.sought, shelf.picture_sought) if shelf else (None, None)
        if film is None or picture is None:
            return _VIEW("nothing", text=words.NONE_SOUGHT)
        try:
            found = self._room.own(FilmPanel).maps(question, film.name, OwnPicture(picture))
        except AnswerError as error:
            return _VIEW("nothing", text=str(error))
        return _VIEW("where", maps=found, name=film.name, caption=CAPTION)


@dataclass(frozen=True)
class Sought:
    """What was found for the film whose like is looked for."""

    film: OwnFilm
    nearest: list[tuple[Nearest, list[Tile]]]
    likeness: tuple[Likeness, ...]  # empty without a sentence


def shown(room: Room, shelf: Shelf, asked: Asked) -> Markup:
    """The panel for a question; it may be empty."""
    models, films, sought, answer = room.chosen(asked), shelf.films, shelf.sought, _answer(room, asked)
    if sought is None and not films:
        return _NOTHING
    text = answer.prompt.text if answer else ""
    return _VIEW(
        "shown",
        sought=sought and _sought(room, sought, asked, answer),
        best={name: best(films, model, text) for name, model in models.items()} if films and answer else {},
        films=len(films),
        text=text,
    )


def _sought(room: Room, film: OwnFilm, asked: Asked, answer: Answer | None) -> Sought:
    models, searched = room.chosen(asked), answer.films if answer else room.films(asked.films)
    wall, opposite = Wall(searched, room.pictures), answer.opposite if answer else None
    return Sought(
        film,
        [(each, wall.tiles(each.hits, marked=False)) for each in nearest(film.vectors, searched, models)],
        likeness(film, models, answer.prompt.text, opposite.text if opposite else None) if answer else (),
    )


def _answer(room: Room, asked: Asked) -> Answer | None:
    try:
        return room.answer(asked) if asked.text else None
    except AnswerError:
        return None


UPLOADS: Final = Panel("uploads", lay_out, routes)
