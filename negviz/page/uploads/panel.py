"""Own films, for one's own machine: films like one of them, and a sentence put to all of them.

Only where NEGVIZ_UPLOADS=1: else there is neither a panel nor a route.
"""

from __future__ import annotations

import os
from typing import Any, Final
from weakref import WeakKeyDictionary

import gradio as gr
from gradio.context import Context
from markupsafe import Markup
from starlette.routing import Route

from negviz.page.board import Board, Panel, html
from negviz.page.room import Asked, Room
from negviz.page.server.films import thumbnail
from negviz.page.server.lanes import IN_SLOW
from negviz.page.templates import note
from negviz.page.uploads import markup, words
from negviz.page.uploads.http import Shelves, film_route
from negviz.page.widgets.tile import Wall
from negviz.retrieval.answer import Answer, AnswerError
from negviz.retrieval.own_films import Shelf, best, likeness, nearest

SWITCH: Final = "NEGVIZ_UPLOADS"
_LOCAL: Final = ("", "localhost", "127.0.0.1", "::1")
_PRIVATE: Final[dict[str, Any]] = {
    **IN_SLOW,
    "api_visibility": "private",
    "show_progress": "hidden",
}
_OF_ROOM: Final[WeakKeyDictionary[Room, Shelves]] = WeakKeyDictionary()


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
        html(markup.opener())
        with gr.Row(elem_classes="nv-own-after"):
            show = gr.Button(words.SHOW, elem_classes="nv-own-show", size="sm")  # pressed by the script
            delete = gr.Button(words.DELETE, elem_classes="nv-own-delete", size="sm")
        shown = html(markup.nothing(words.EMPTY))
        secret = html(markup.secret(""))
    show.click(own.show, [board.asked], [shown], **_PRIVATE)
    delete.click(own.delete, None, [shown], **_PRIVATE)
    board.on_answer(own.show, [shown], progress="hidden")
    page.load(
        own.arrive, None, [secret], concurrency_limit=None, api_visibility="private", show_progress="hidden"
    )
    page.unload(own.leave)


def routes(room: Room) -> list[Route]:
    """POST own/film; see `uploads_http`."""
    return [film_route(shelves_of(room))] if switched_on() else []


def shelves_of(room: Room) -> Shelves:
    """The shelves of those who visit a room."""
    if room not in _OF_ROOM:
        models = room.models
        _OF_ROOM[room] = Shelves(lambda: Shelf(models, picture=thumbnail))
    return _OF_ROOM[room]


class OwnFilms:
    """What the components call; a visitor is known by gradio's name of the visit alone."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._shelves = shelves_of(room)

    def arrive(self, request: gr.Request) -> Markup:
        return markup.secret(self._shelves.open(str(request.session_hash)))

    def leave(self, request: gr.Request) -> None:
        self._shelves.close(str(request.session_hash))

    def delete(self, request: gr.Request) -> Markup:
        shelf = self._shelves.of(str(request.session_hash))
        if shelf is not None:
            shelf.clear()
        return markup.nothing(words.DELETED)

    def show(self, asked: str, request: gr.Request) -> Markup:
        """What the visitor's films are to the sentence, and what is like the one that was sought."""
        shelf = self._shelves.of(str(request.session_hash))
        return shown(self._room, shelf, Asked.read(asked)) if shelf else markup.nothing(words.EMPTY)


def shown(room: Room, shelf: Shelf, asked: Asked) -> Markup:
    """The panel for a question; it may be empty."""
    models, films, sought, answer = room.chosen(asked), shelf.films, shelf.sought, _answer(room, asked)
    parts = []
    if sought is not None:
        searched = room.films(asked.films)
        found = markup.Sought(
            sought,
            nearest(sought, searched, models),
            likeness(sought, models, answer.prompt.text, answer.opposite.text if answer.opposite else None)
            if answer
            else (),
        )
        parts.append(markup.sought(found, Wall(searched, room.pictures)))
    if films and answer:
        text = answer.prompt.text
        ranked = {name: best(films, model, text) for name, model in models.items()}
        parts.append(markup.galleries(ranked, text, len(films)))
    elif films:
        parts.append(note(f"{words.films(len(films)).capitalize()}. {words.NO_SENTENCE}"))
    return markup.shown(parts) if parts else markup.nothing(words.EMPTY)


def _answer(room: Room, asked: Asked) -> Answer | None:
    try:
        return room.answer(asked) if asked.text else None
    except AnswerError:
        return None


UPLOADS: Final = Panel("uploads", lay_out, routes)
