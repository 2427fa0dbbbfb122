"""An answer as HTML.  What comes from a visitor or a manifest goes in by `Markup.format`, which escapes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import urlencode

from markupsafe import Markup

from negviz.answer import Answer, Column, SearchSet
from negviz.collection import Collection, Film
from negviz.model import DualEncoder
from negviz.page import words
from negviz.page.pictures import Pictures
from negviz.prompt import Prompt
from negviz.retrieval import Hit

_ECHOED: Final = 300  # characters of a sentence that are shown with its reading
_UNDERLINED: Final = ("negation", "uncertainty")
_MARKS: Final = {  # the shape tells them apart as well as the colour does
    True: ("✓", words.MATCHES, "matches"),
    False: ("✗", words.CONTRADICTS, "contradicts"),
    None: ("?", words.NOT_STATED, "not-stated"),
}
_EMPTY: Final = Markup("")


def _join(parts: Iterable[Markup]) -> Markup:
    return _EMPTY.join(parts)


def _say(text: str) -> Markup:
    return Markup('<p class="nv-say">{}</p>').format(text)


def _note(text: str) -> Markup:
    return Markup('<p class="nv-note">{}</p>').format(text)


def header() -> Markup:
    """The strip that cannot be dismissed, and the name of the house."""
    return Markup(
        '<p class="nv-strip" role="note">{}</p><header class="nv-head"><h1>{}</h1><p>{}</p></header>'
    ).format(words.NOT_CLINICAL, words.TITLE, words.TAGLINE)


def footer(collection: Collection, models: Mapping[str, DualEncoder]) -> Markup:
    model = next(iter(models.values()))
    lines = [
        words.base_note(model.family, (model.source or {}).get("id")),
        words.CREDITS.get(collection.name, ""),
    ]
    return Markup('<footer class="nv-foot">{}</footer>').format(
        _join(Markup("<p>{}</p>").format(line) for line in lines if line)
    )


def origin(text: str) -> Markup:
    """Where films come from."""
    return Markup('<p class="nv-note nv-origin">{}</p>').format(text)


def label(text: str) -> Markup:
    return Markup('<span class="nv-label">{}</span>').format(text)


def complaint(message: str) -> Markup:
    """One sentence instead of an answer."""
    return Markup('<div class="nv-reading" role="status">{}</div>').format(_say(message))


# The reading and the verdict ------------------------------------------------------------------


def reading(answer: Answer, films: SearchSet, *, example: bool = False, corrected: bool = False) -> Markup:
    """What was understood, what came of it, and what was searched; announced when it changes."""
    lines = [
        _read_as(answer, example=example),
        _said(answer, corrected=corrected),
        _note(words.searched(films.name, answer.tally, len(films), marked=answer.marked)),
    ]
    return Markup('<div class="nv-reading" role="status">{}</div>').format(_join(lines))


def _read_as(answer: Answer, *, example: bool) -> Markup:
    label = words.EXAMPLE if example else words.YOU_TYPED
    chips = _join(
        Markup('<li class="nv-chip">{}</li>').format(words.reading(mention.finding, mention.polarity))
        for mention in answer.mentions
    )
    return Markup(
        '<div class="nv-read-as"><p class="nv-sentence"><span class="nv-label">{}</span> '
        '<q dir="auto">{}</q></p>{}</div>'
    ).format(
        label, _sentence(answer.prompt), Markup('<ul class="nv-chips">{}</ul>').format(chips) if chips else ""
    )


def _sentence(prompt: Prompt) -> Markup:
    """The sentence with the cues that negate or hedge underlined twice."""
    text, at, parts = prompt.text[:_ECHOED], 0, []
    for cue in sorted(prompt.cues, key=lambda cue: cue.span):
        start, end = cue.span
        if cue.kind in _UNDERLINED and at <= start and end <= len(text):
            parts += [Markup("{}").format(text[at:start]), Markup("<u>{}</u>").format(text[start:end])]
            at = end
    rest = text[at:] + ("…" if len(prompt.text) > _ECHOED else "")
    return _join([*parts, Markup("{}").format(rest)])


def _said(answer: Answer, *, corrected: bool) -> Markup:
    lines = [_verdict(answer) if answer.marked else _why_unmarked(answer)]
    lines += [_note(words.CORRECTED)] if corrected else []
    lines += [_note(words.CUT)] if answer.cut else []
    return _join(lines)


def _why_unmarked(answer: Answer) -> Markup:
    prompt = answer.prompt
    hedges = (prompt.text[slice(*cue.span)] for cue in prompt.cues if cue.kind == "uncertainty")
    why = words.uncertain(next(hedges, None)) if answer.mentions else words.NOTHING_RECOGNISED
    return _say(why)


def _verdict(answer: Answer) -> Markup:
    asked = words.asked_for([(mention.finding, mention.polarity) for mention in answer.mentions])
    first = answer.columns[0]
    showing = None if first.showing is None else answer.mentions[0].finding
    counts = [
        (column.model, column.tally.contradicts if column.showing is None else column.showing)
        for column in answer.columns
    ]
    before, what, after = words.verdict(asked, showing, counts, len(first.hits))
    return _say(Markup("{}<em>{}</em>{}").format(before, what, after))


# Columns --------------------------------------------------------------------------------------


def columns(answer: Answer, films: SearchSet, pictures: Pictures) -> Markup:
    """A column a model: its count, then its films."""
    inside = _join(_column(column, answer, films, pictures) for column in answer.columns)
    return Markup('<div class="nv-columns">{}</div>{}').format(inside, _note(words.SIMILARITY))


def _column(column: Column, answer: Answer, films: SearchSet, pictures: Pictures) -> Markup:
    name, role = words.column_title(column.model)
    tiles = _join(_tile(hit, films, pictures, marked=answer.marked) for hit in column.hits)
    return Markup(
        '<section class="nv-column" data-model="{}"><h2>{} <small>{}</small></h2>{}'
        '<ol class="nv-tiles">{}</ol></section>'
    ).format(column.model, name, role, _count(column) if answer.marked else "", tiles)


def _count(column: Column) -> Markup:
    tally = column.tally
    matching, chance = words.precision(tally.matches, tally.judged, len(column.hits), column.random_picks)
    return Markup(
        '<p class="nv-count"><strong>{}</strong>{}</p><p class="nv-marks" aria-hidden="true">{}</p>'
    ).format(
        matching,
        Markup(" <span>· {}</span>").format(chance) if chance else "",
        _join(_shape(hit.relevant) for hit in column.hits),
    )


def _shape(relevant: bool | None) -> Markup:
    shape, _, name = _MARKS[relevant]
    return Markup('<i class="nv-{}" aria-hidden="true">{}</i>').format(name, shape)


def _mark(relevant: bool | None) -> Markup:
    _, word, name = _MARKS[relevant]
    return Markup('<p class="nv-mark nv-{}">{} {}</p>').format(name, _shape(relevant), word)


def _tile(hit: Hit, films: SearchSet, pictures: Pictures, *, marked: bool) -> Markup:
    film = films.collection.by_id(hit.id)
    in_tuning = film.split == "train" and films.name == "all"
    return Markup(
        '<li class="nv-tile" data-film="{}">{}{}<p class="nv-score"><span>#{}</span> '
        '<span><span class="nv-unseen">{}</span> {}</span></p>{}</li>'
    ).format(
        film.id,
        _well(film, pictures),
        _mark(hit.relevant) if marked else "",
        hit.rank,
        words.SIMILARITY_OF_FILM,
        words.number(hit.score),
        Markup('<p class="nv-tuned">{}</p>').format(words.IN_TUNING) if in_tuning else "",
    )


def _well(film: Film, pictures: Pictures) -> Markup:
    """A black well with the film in it as soon as it comes, or with its id where there is no hope of it.

    Gradio patches old nodes into new ones, and a patched <img> goes on showing its old film until the
    new one has come: under a new mark, a falsehood.  An element name per film makes gradio replace it.
    """
    if not pictures.hoped_for(film):
        return Markup('<div class="nv-well"><span class="nv-id">{}</span></div>').format(film.id)
    element = f"nv-film-{hashlib.sha256(film.id.encode()).hexdigest()[:12]}"
    return Markup(
        '<{0} class="nv-well"><span class="nv-id" aria-hidden="true">{1}</span>'
        '<a href="film/large?{2}" target="_blank" rel="noopener" aria-label="{3}">'
        '<img src="film/tile?{2}" alt="" decoding="async"></a></{0}>'
    ).format(element, film.id, urlencode({"id": film.id}), words.OPEN_FILM.format(id=film.id))
