"""Explore, as gradio components: a sentence in, its reading and a column of films a model out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, get_args

import gradio as gr
from gradio.events import api

from negviz.answer import AnswerError, SearchSet, answer
from negviz.findings import FINDINGS, Polarity
from negviz.model import DualEncoder
from negviz.page import markup, words
from negviz.page.board import Board
from negviz.page.board import html as _html
from negviz.page.pictures import Pictures
from negviz.page.room import Asked, Room
from negviz.prompt import MAX_CHARACTERS

_WAITING: Final = 64  # questions that may queue before a visitor is asked to come back
_AT_ONCE: Final = 4  # answered side by side: models are only read
_LOOK_AGAIN: Final = 1.0  # seconds
_CERTAIN: Final = tuple(polarity for polarity in get_args(Polarity) if polarity != "uncertain")


def build_page(models: Mapping[str, DualEncoder], sets: Sequence[SearchSet], pictures: Pictures) -> gr.Blocks:
    """The page over some models and the sets `search_sets` gave, the first one answered in advance."""
    explore = Explore(Room(models, tuple(sets), pictures))
    page: gr.Blocks
    with gr.Blocks(
        title=words.TITLE, analytics_enabled=False, fill_width=True, delete_cache=(3600, 3600)
    ) as page:
        _lay_out(explore, page)
        api(explore.search, api_name="search", concurrency_limit=_AT_ONCE)
    page.queue(max_size=_WAITING)
    return page


@dataclass(frozen=True, eq=False)
class Explore:
    """What the components call: each method answers one sentence and holds nothing between calls."""

    room: Room

    @property
    def models(self) -> Mapping[str, DualEncoder]:
        return self.room.models

    @property
    def sets(self) -> tuple[SearchSet, ...]:
        return self.room.sets

    @property
    def pictures(self) -> Pictures:
        return self.room.pictures

    def first_paint(self) -> tuple[str, str]:
        """Reading and columns of the example, ready before anybody comes."""
        given = self.room.answer(self.example())
        return (
            markup.reading(given, self.sets[0], example=True),
            markup.columns(given, self.sets[0], self.pictures),
        )

    def example(self) -> Asked:
        return Asked(words.EXAMPLES[0], self.sets[0].name)

    def show(self, text: str, set_name: str) -> tuple[str, str, Any, str]:
        """Reading, columns, whether to ask what was meant, and the question for the other panels."""
        asked = Asked(text, set_name)
        films = self.room.films(set_name)
        try:
            given = self.room.answer(asked)
        except AnswerError as error:
            return markup.complaint(str(error)), "", gr.update(visible=False), Asked("").json()
        asks = gr.update(visible=not given.prompt.mentions)
        return markup.reading(given, films), markup.columns(given, films, self.pictures), asks, asked.json()

    def show_example(self, text: str, set_name: str) -> tuple[str, str, str, Any, str]:
        return text, *self.show(text, set_name)

    def mark(self, text: str, set_name: str, finding: str, polarity: Polarity) -> tuple[str, str, str]:
        """The same films, marked by what the visitor says was meant."""
        asked = Asked(text, set_name, (finding, polarity))
        films = self.room.films(set_name)
        try:
            given = self.room.answer(asked)
        except AnswerError as error:
            return markup.complaint(str(error)), "", Asked("").json()
        said = markup.reading(given, films, corrected=True)
        return said, markup.columns(given, films, self.pictures), asked.json()

    def search(self, prompt: str, collection: str = "", k: int = 10) -> dict[str, Any]:
        """What every model finds for a sentence, as JSON.

        `collection` is the name of the open collection ("" too), for the set that the page opens on, or
        that name with "/test" or "/all".
        """
        try:
            films = self._asked_for(collection)
            found = answer(self.models, films, str(prompt), k=k)
        except AnswerError as error:
            raise gr.Error(str(error), print_exception=False) from error
        return {"collection": films.collection.name, "set": films.name, **found.plain()}

    def origin(self) -> tuple[str, Any]:
        """Where films come from, and whether to look again in a while."""
        said, settled = self.pictures.origin()
        return markup.origin(said), gr.Timer(active=not settled)

    def _asked_for(self, collection: str) -> SearchSet:
        names = {f"{films.collection.name}/{films.name}": films for films in self.sets}
        names |= {"": self.sets[0], self.sets[0].collection.name: self.sets[0]}
        if collection not in names:
            raise AnswerError(
                f"There is no such collection here; ask for {' or '.join(filter(None, names))}."
            )
        return names[collection]


def _lay_out(explore: Explore, page: gr.Blocks) -> None:
    reading, columns = explore.first_paint()
    _html(markup.header())
    with gr.Row(elem_classes="nv-ask"):
        box = gr.Textbox(
            words.EXAMPLES[0],
            label=words.SENTENCE,
            max_lines=1,
            max_length=2 * MAX_CHARACTERS,  # longer than is read, so that a cut can be told
            scale=8,
            html_attributes=gr.InputHTMLAttributes(
                autocomplete="off", spellcheck=False, enterkeyhint="search"
            ),
        )
        button = gr.Button(words.SEARCH, variant="primary", scale=1, min_width=96)
        chosen = gr.Radio(
            [(words.set_choice(films.name, len(films)), films.name) for films in explore.sets],
            value=explore.sets[0].name,
            label=words.SEARCH_IN,
            visible=len(explore.sets) > 1,
        )
    with gr.Row(elem_classes="nv-choices"):
        _html(markup.label(words.TRY))
        chips = [gr.Button(text, size="sm", min_width=0, scale=0) for text in words.EXAMPLES]
    read = _html(reading)
    with gr.Row(visible=False, elem_classes="nv-meant") as ask:
        finding = gr.Dropdown([*FINDINGS], value=FINDINGS[0], label=words.TELL_US)
        polarity = gr.Radio([*_CERTAIN], value=_CERTAIN[0], label=words.POLARITY)
        mark = gr.Button(words.MARK, min_width=96, scale=0)
    found = _html(columns)
    asked = gr.Textbox(explore.example().json(), visible=False)
    board = Board(explore.room, box, asked)
    _lay_out_origin(explore, page.load, found.change)
    _html(markup.footer(explore.sets[0].collection, explore.models))

    private: dict[str, Any] = {
        "api_visibility": "private",
        "concurrency_limit": _AT_ONCE,
        "concurrency_id": "answers",
        "show_progress": "minimal",
    }
    question, shown = [box, chosen], [read, found, ask, asked]
    for event in (box.submit, button.click, chosen.change):
        event(explore.show, question, shown, **private)
    for chip, text in zip(chips, words.EXAMPLES, strict=True):
        chip.click(partial(explore.show_example, text), [chosen], [box, *shown], **private)
    mark.click(explore.mark, [*question, finding, polarity], [read, found, asked], **private)
    board.seal()


def _lay_out_origin(explore: Explore, *events: Callable[..., Any]) -> None:
    """A line that is right as soon as it is known, and brought up to date by `events`."""
    said, _ = explore.pictures.origin()
    line = _html(markup.origin(said))
    if explore.pictures.openi is not None:
        timer = gr.Timer(_LOOK_AGAIN, active=False)
        for when in (*events, timer.tick):
            when(
                explore.origin,
                outputs=[line, timer],
                queue=False,
                api_visibility="private",
                show_progress="hidden",
            )
