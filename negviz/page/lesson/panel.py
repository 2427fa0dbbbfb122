"""The Lesson tab: steps that ask first and reveal after, the same for everybody and measured once.

A vote is a pressed button in one browser; only in a room that somebody presents to is it counted (`votes`).
The script makes a slide show of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from negviz.explain.lesson import Asking, Placed, Step, make_lesson
from negviz.films.record import middle_pair
from negviz.models.training_free import TWO_BOXES
from negviz.page.board import Board, Panel, html
from negviz.page.lesson import words
from negviz.page.opening import Once, on_first_opening
from negviz.page.room import Asked, Room
from negviz.page.saliency.panel import FilmPanel
from negviz.page.share.file import fragment_of
from negviz.page.templates import Template
from negviz.page.widgets.tile import Wall
from negviz.page.words import OURS, set_choice
from negviz.results.averages import Usual
from negviz.retrieval.answer import Answer

_VIEW: Final = Template("lesson", words=words)


def lay_out(board: Board) -> None:
    """To be called inside the tab."""
    shown = html(_VIEW("waiting"))
    on_first_opening(Once(lambda: lesson(board.room)), shown)


def measure(room: Room) -> tuple[Step, ...]:
    """The steps, on the films that the page opens on."""
    films = room.sets[0]

    def everywhere(text: str) -> Iterator[Answer]:
        return (room.answer(Asked(text, each.name)) for each in room.sets)

    def placed(denied: Answer, finding: str) -> list[Placed]:
        """On the middle chest of the films on show, and of all that they were taken from."""
        alike = [each.collection for each in room.sets if each.collection.name == films.collection.name]
        pairs = filter(None, (middle_pair(collection, finding) for collection in alike))
        asked, panel = Asked(denied.prompt.text, films.name), room.own(FilmPanel)
        ids = dict.fromkeys((without.id, with_it.id) for without, with_it in pairs)
        found = [Placed(pair, panel.within(asked, pair[1], finding)) for pair in ids]
        return [each for each in found if each.shares]

    def boxes(denied: Answer) -> tuple[tuple[str, str], Answer] | None:
        if room.arithmetic is None:
            return None
        said = room.boxes(denied.prompt)
        return said, room.answer(Asked(denied.prompt.text, films.name, show=said[0], but_not=said[1]))

    asking = Asking(
        lambda text: room.answer(Asked(text, films.name)),
        everywhere,
        placed,
        (lambda text: room.answer(Asked(text, films.name, models=(OURS,)))) if OURS in room.further else None,
        boxes,
    )
    return make_lesson(asking, films.collection)


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
    wordings: Usual | None  # of a step that says how much a wording matters


def _shown(step: Step, room: Room) -> _Shown:
    asked, films, rows = _asked(step, room), Markup(""), dict[str, Markup]()
    answer = step.answer
    if answer is not None and step.about != "instead" and room.can_be_seen(answer.films):
        wall, counted = Wall(answer.films, room.pictures), {each.model for each in step.counts}
        rows = {each.model: wall.still(each.hits) for each in answer.columns if each.model in counted}
    elif step.place is not None:
        films = room.own(FilmPanel).pair(asked, step.place.pair, step.subject)
    usual = room.usual(room.sets[0]) if step.about == "other words" else None
    told = usual if usual and usual.finding == step.finding and step.subject in usual.right else None
    return _Shown(step, asked, fragment_of(asked), films, rows, told)


def _asked(step: Step, room: Room) -> Asked:
    """What a step put to the models."""
    answer, films = step.answer, room.sets[0].name
    if answer is None:
        return Asked(step.sentences[0], films)
    further = tuple(each.model for each in answer.columns if each.model in room.further)
    show, but_not = step.sentences if step.subject == TWO_BOXES else ("", "")
    films = room.choice(answer.films.name).name
    return Asked(answer.prompt.text, films, models=further, show=show, but_not=but_not)


LESSON: Final = Panel("lesson", lay_out)
