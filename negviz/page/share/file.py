"""A comparison as one file of HTML that opens anywhere, offline and without any script, and says what it is.

The films are in it as thumbnails; its policy forbids it to load anything at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup

from negviz.films.collection import PHANTOMS
from negviz.page import words as page_words
from negviz.page.explore.markup import verdict
from negviz.page.room import Asked, Room
from negviz.page.saliency import words as where
from negviz.page.share import words
from negviz.page.templates import Template
from negviz.page.theme.theme import rules_for_maps
from negviz.page.widgets.tile import MARKS
from negviz.retrieval.answer import Answer, Column
from negviz.retrieval.export import UNSEALED, sealed
from negviz.retrieval.permalink import fragment
from negviz.retrieval.search import Hit

_ECHOED: Final = 300  # characters of a sentence below a picture
VIEW: Final = Template("share", words=words)


def fragment_of(asked: Asked) -> str:
    """A question in an address."""
    return fragment(
        asked.text,
        films=asked.films,
        meant=asked.meant,
        models=asked.models,
        opposite=asked.opposite,
        boxes=(asked.show, asked.but_not),
    )


def caption(given: Answer, room: Room) -> str:
    """What a picture of an answer is of: films, simulated or not, and the models' family and weights."""
    films, model = given.films, next(iter(room.models.values()))
    family = " ".join(filter(None, (model.family, model.origin)))
    searched = page_words.set_choice(films.collection.name, films.part, len(films))
    return words.caption(searched, family, model.tower_id[:8], simulated=films.collection.name == PHANTOMS)


def says(given: Answer, text: str) -> list[str]:
    """What stands below a picture above its caption."""
    credit = page_words.CREDITS.get(given.films.collection.name, "")
    return [f"“{text[:_ECHOED]}”", page_words.NOT_CLINICAL, *filter(None, [credit])]


@dataclass(frozen=True)
class Handout:
    """A comparison in words: what the exports print."""

    sentence: str
    verdict: str  # "" where nothing is marked
    columns: tuple[tuple[str, str, str, Column], ...]  # name, role, count, and the films
    credit: str
    caption: str


def handout(asked: Asked, room: Room) -> tuple[Handout, Answer]:
    """The comparison, anew or from memory.  Raises `AnswerError`."""
    given = room.answer(asked)
    columns = tuple(
        (*page_words.column_title(column.model), _count(given, column), column) for column in given.columns
    )
    credit = page_words.CREDITS.get(given.films.collection.name, "")
    said = "".join(verdict(given)) if given.marked else ""
    return Handout(given.prompt.text, said, columns, credit, caption(given, room)), given


def _count(given: Answer, column: Column) -> str:
    if not given.marked:
        return ""
    tally = column.tally
    said = page_words.precision(tally.matches, tally.judged, len(column.hits), column.random_picks)
    return " · ".join(filter(None, said))


def plain(asked: Asked, room: Room) -> dict[str, Any]:
    """The comparison as JSON, for the browser to draw a picture of."""
    shown, given = handout(asked, room)
    return {
        "title": page_words.TITLE,
        "sentence": shown.sentence,
        "verdict": shown.verdict,
        "notes": [line for line in (page_words.NOT_CLINICAL, shown.credit) if line],
        "columns": [
            {
                "name": name,
                "role": role,
                "count": count,
                "films": [_plain_film(given, hit) for hit in column.hits],
            }
            for name, role, count, column in shown.columns
        ],
    }


def _plain_film(given: Answer, hit: Hit) -> dict[str, Any]:
    shape, word, name = MARKS[hit.relevant] if given.marked else ("", "", "")
    return {"id": hit.id, "shape": shape, "mark": word, "kind": name, "score": page_words.number(hit.score)}


@dataclass(frozen=True)
class Mapped:
    """Where on one film the models find what the sentence says."""

    film: str
    maps: Markup


def to_file(asked: Asked, room: Room, thumbnails: Mapping[str, bytes], mapped: Mapped | None = None) -> bytes:
    """The sealed file; `thumbnails` are JPEGs by id, as far as they are at hand."""
    shown, given = handout(asked, room)
    model = next(iter(room.models.values()))
    facts = {
        "family": " ".join(filter(None, (model.family, model.origin))),
        "tower": ", ".join(sorted({each.tower_id for each in room.chosen(asked).values()})),
        "films": given.films.name,
        "count": f"{len(given.films):,}",
        "hash": given.films.collection.hash,
        "made": page_words.base_note(model.family, model.origin),
    }
    marks = MARKS if given.marked else {}
    page = VIEW(
        "file",
        shown=shown,
        marks=marks,
        thumbnails=thumbnails,
        facts=facts,
        unsealed=UNSEALED,
        mapped=mapped,
        rules=rules_for_maps() if mapped else "",
        where=where,
    )
    return sealed(str(page))
