"""The Lesson tab: steps that ask first and reveal after, the same for everybody and measured once.

A vote is a pressed button in one browser; only in a room that somebody presents to is it counted (`votes`).
The script makes a slide show of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from negviz.explain.lesson import Step, make_lesson
from negviz.films.record import middle_pair
from negviz.page.attribution.panel import WordsPanel
from negviz.page.board import Board, Panel, html
from negviz.page.lesson import words
from negviz.page.opening import Once, on_first_opening
from negviz.page.room import Asked, Room
from negviz.page.saliency.panel import FilmPanel
from negviz.page.share.file import fragment_of
from negviz.page.templates import Template
from negviz.page.widgets.tile import Wall
from negviz.page.words import set_choice
from negviz.retrieval.answer import Answer

_VIEW: Final = Template("lesson", words=words)


def lay_out(board: Board) -> None:
    """To be called inside the tab."""
    shown = html(_VIEW("waiting"))
    on_first_opening(Once(lambda: lesson(board.room)), shown)


def measure(room: Room) -> tuple[Step, ...]:
    """The steps, on the films that the page opens on."""
    films = room.sets[0]

    def ask(text: str) -> Answer:
        return room.answer(Asked(text, films.name))

    def shares(text: str) -> Mapping[str, float]:
        every = room.own(WordsPanel).cue_shares(Asked(text, films.name))
        return {name: share for name, share in every.items() if share is not None}

    def within(denied: Answer, finding: str) -> Mapping[str, float]:
        pair = middle_pair(films.collection, finding)
        asked = Asked(denied.prompt.text, films.name)
        return room.own(FilmPanel).within(asked, pair[1].id, finding) if pair else {}

    return make_lesson(ask, films.collection, shares, within)


def lesson(room: Room) -> Markup:
    """The whole tab as HTML."""
    steps, films = measure(room), room.sets[0]
    if not steps:
        return _VIEW("nothing")
    lead = words.lead(set_choice(films.collection.name, films.part, len(films)))
    return _VIEW("lesson", lead=lead, shown=[_shown(step, room) for step in steps])


@dataclass(frozen=True)
class _Shown:
    """A step with what its links lead to, and the films of every model or, of a map, of one."""

    step: Step
    asked: Asked
    fragment: str
    films: Markup  # of a map
    rows: Mapping[str, Markup]  # by model, in column order


def _shown(step: Step, room: Room) -> _Shown:
    text = step.sentences[-1] if step.about == "taken away" else step.sentences[0]
    asked, films, rows = Asked(text, room.sets[0].name), Markup(""), dict[str, Markup]()
    if step.answer is not None:
        wall = Wall(step.answer.films, room.pictures)
        rows = {column.model: wall.still(column.hits) for column in step.answer.columns}
    elif step.about == "where" and (pair := middle_pair(room.sets[0].collection, step.finding)):
        films = room.own(FilmPanel).pair(asked, [film.id for film in pair], step.subject)
    return _Shown(step, asked, fragment_of(asked), films, rows)


LESSON: Final = Panel("lesson", lay_out)
