"""The galleries as HTML: a column a model, its count, its margin and its films on black."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Container
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from markupsafe import Markup

from negviz.films.collection import Film
from negviz.page import words
from negviz.page.explore.markup import join, note, searched
from negviz.page.pictures import Pictures
from negviz.page.room import Asked
from negviz.retrieval.answer import Answer, Column, SearchSet
from negviz.retrieval.comparison import Comparison, Pair
from negviz.retrieval.search import Hit

_MARKS: Final = {  # the shape tells them apart as well as the colour does
    True: ("✓", words.MATCHES, "matches"),
    False: ("✗", words.CONTRADICTS, "contradicts"),
    None: ("?", words.NOT_STATED, "not-stated"),
}
_WORDS: Final = json.dumps(  # for what the script writes itself
    {
        "pick": words.PICK,
        "inTen": words.IN_TEN,
        "rank": words.RANK,
        "notSearched": words.NOT_SEARCHED,
        "similarity": words.SIMILARITY_OF_FILM,
        "marks": {json.dumps(relevant): mark for relevant, mark in _MARKS.items()},
    }
)


_WARNING: Final = Markup('<p class="nv-margin nv-warning">{}</p>')


@dataclass(frozen=True, eq=False)
class Wall:
    """Where films hang: the set they are from, and their pictures."""

    films: SearchSet
    pictures: Pictures

    def column(self, column: Column, *, marked: bool) -> Markup:
        """The films one model found, and a spare cell for the film that was selected."""
        tiles = self.tiles(column.hits, marked=marked)
        spare = Markup('<li class="nv-spare" data-model="{}">{}</li>').format(column.model, words.PICK)
        return Markup('<ol class="nv-tiles">{}{}</ol>').format(tiles, spare)

    def pair(self, pair: Pair, comparison: Comparison) -> Markup:
        """The films one model found for either sentence, those among both marked."""
        said = words.stays(len(pair.stay), len(pair.first.hits))
        sides = (
            Markup('<h3><q dir="auto">{}</q>{}</h3><ol class="nv-tiles nv-small">{}</ol>').format(
                answer.prompt.text,
                Markup(" <span>{}</span>").format(_matching(column)) if answer.marked else "",
                self.tiles(column.hits, marked=answer.marked, stay=pair.stay),
            )
            for answer, column in ((comparison.first, pair.first), (comparison.second, pair.second))
        )
        return Markup('<p class="nv-stays"><strong>{}</strong></p>{}').format(said, join(sides))

    def tiles(self, hits: tuple[Hit, ...], *, marked: bool, stay: Container[str] = ()) -> Markup:
        return join(self._tile(hit, marked=marked, stays=hit.id in stay) for hit in hits)

    def _tile(self, hit: Hit, *, marked: bool, stays: bool) -> Markup:
        film = self.films.collection.by_id(hit.id)
        in_tuning = film.split == "train" and self.films.part == "all"
        return Markup(
            '<li class="nv-tile{}" data-film="{}" data-rank="{}" data-mark="{}" data-score="{:.4f}">'
            "{}{}{}</li>"
        ).format(
            " nv-stay" if stays else "",
            film.id,
            hit.rank,
            _MARKS[hit.relevant][2] if marked else "",
            hit.score,
            self._well(film, hit, marked=marked, stays=stays),
            _mark(hit.relevant) if marked else "",
            Markup('<p class="nv-tuned">{}</p>').format(words.IN_TUNING) if in_tuning else "",
        )

    def _well(self, film: Film, hit: Hit, *, marked: bool, stays: bool) -> Markup:
        """A black well with the film in it as soon as it comes, or with its id where there is no hope of it.

        Gradio patches old nodes into new ones, and a patched <img> goes on showing its old film until the
        new one has come: under a new mark, a falsehood.  An element name per film makes gradio replace it.
        """
        element = f"nv-film-{hashlib.sha256(film.id.encode()).hexdigest()[:12]}"
        said = [_MARKS[hit.relevant][1]] if marked else []
        said += [words.STAYS] if stays else []
        return Markup(
            '<{0} class="nv-well"><button type="button" class="nv-pick" aria-pressed="false" '
            'aria-label="{1}"><span class="nv-id">{2}</span>{3}<span class="nv-rank">{4}</span>'
            '<span class="nv-score">{5}</span>{6}</button>{7}</{0}>'
        ).format(
            element,
            words.film_label(film.id, hit.rank, said, hit.score),
            film.id,
            self._picture(film),
            hit.rank,
            words.number(hit.score),
            Markup('<span class="nv-stays-here">{}</span>').format(words.STAYS) if stays else "",
            self._link(film),
        )

    def _picture(self, film: Film) -> Markup:
        if not self.pictures.hoped_for(film):
            return Markup("")
        return Markup('<img src="film/tile?{}" alt="" decoding="async">').format(urlencode({"id": film.id}))

    def _link(self, film: Film) -> Markup:
        return Markup(
            '<a class="nv-view" href="film/large?{}" target="_blank" rel="noopener" aria-label="{}">{}</a>'
        ).format(urlencode({"id": film.id}), words.OPEN_FILM.format(id=film.id), words.VIEW)


def columns(
    answer: Answer, asked: Asked, films: SearchSet, pictures: Pictures, comparison: Comparison | None = None
) -> Markup:
    """A column a model; with a comparison, both its sentences in each."""
    wall = Wall(films, pictures)
    if comparison is None:
        inside = [wall.column(column, marked=answer.marked) for column in answer.columns]
    else:
        inside = [wall.pair(pair, comparison) for pair in comparison.pairs]
    sections = (
        Markup('<section class="nv-column" data-model="{}" aria-label="{}">{}{}{}</section>').format(
            column.model,
            words.column_title(column.model)[0],
            _head(column, counted=answer.marked, compared=comparison is not None),
            _warning(column) or (_margin(column) if comparison is None else ""),
            shown,
        )
        for column, shown in zip(answer.columns, inside, strict=True)
    )
    return Markup('{}<div class="nv-columns{}" data-asked="{}" data-words="{}">{}</div>{}{}').format(
        _switch(answer),
        " nv-compared" if comparison else "",
        asked.json(),
        _WORDS,
        join(sections),
        searched(answer, films),
        note(words.ABSTAINING) if any(column.abstains for column in answer.columns) else "",
    )


def _switch(answer: Answer) -> Markup:
    """On a phone: every model's count, and which of the columns is shown."""
    buttons = (
        Markup('<button type="button" data-show="{}" aria-pressed="false">{} {}</button>').format(
            column.model,
            words.column_title(column.model)[0],
            Markup("<strong>{}</strong><span>{}</span>").format(
                words.count_short(column.tally.matches, column.tally.judged), _marks(column)
            )
            if answer.marked
            else "",
        )
        for column in answer.columns
    )
    return Markup('<div class="nv-switch" role="group" aria-label="{}">{}</div>').format(
        words.SHOW_COLUMN, join(buttons)
    )


def _head(column: Column, *, counted: bool, compared: bool) -> Markup:
    name, role = words.column_title(column.model)
    return Markup('<div class="nv-named"><h2>{} <small>{}</small></h2>{}</div>{}').format(
        name,
        role,
        Markup("") if compared else _normal(column),
        _count(column) if counted and not compared else "",
    )


def _matching(column: Column) -> str:
    tally = column.tally
    return words.precision(tally.matches, tally.judged, len(column.hits), column.random_picks)[0]


def _count(column: Column) -> Markup:
    tally = column.tally
    matching, chance = words.precision(tally.matches, tally.judged, len(column.hits), column.random_picks)
    return Markup(
        '<div class="nv-tally"><p class="nv-count"><strong>{}</strong>{}</p>'
        '<p class="nv-marks" aria-hidden="true">{}</p></div>'
    ).format(matching, Markup(" <span>· {}</span>").format(chance) if chance else "", _marks(column))


def _normal(column: Column) -> Markup:
    if column.normal is None or column.normal_by_chance is None:
        return Markup("")
    return Markup('<p class="nv-normal">{}</p>').format(words.normal(column.normal, column.normal_by_chance))


def _marks(column: Column) -> Markup:
    return join(_shape(hit.relevant) for hit in column.hits)


def _warning(column: Column) -> Markup:
    """Where the model does not tell the sentence from its opposite, or is known to order films badly."""
    separation = None if column.margin is None else column.margin.separation
    said = []
    if separation is not None and (side := separation.side_of(0.5)) < 1:
        said.append(words.WRONG_WAY if side else words.NOT_SEPARATED)
    if column.abstains:
        said.append(words.ABSTAINS)
    return _WARNING.format(" ".join(said)) if said else Markup("")


def _margin(column: Column) -> Markup:
    """How much nearer its films are to the sentence; nothing where that is not known to tell anything."""
    if column.margin is None or not column.margin.separates:
        return Markup("")
    return Markup('<p class="nv-margin">{}</p>').format(words.margin(column.margin.value))


def _shape(relevant: bool | None) -> Markup:
    shape, _, name = _MARKS[relevant]
    return Markup('<i class="nv-{}" aria-hidden="true">{}</i>').format(name, shape)


def _mark(relevant: bool | None) -> Markup:
    _, word, name = _MARKS[relevant]
    return Markup('<p class="nv-mark nv-{}">{} {}</p>').format(name, _shape(relevant), word)
