"""An answer in words, as HTML.  What a visitor typed or a manifest says goes in by `Markup.format`, which
escapes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from itertools import pairwise
from typing import Final

from markupsafe import Markup

from negviz.language.identifiers import SIGNS
from negviz.models.encoder import DualEncoder
from negviz.page import words
from negviz.page.diagnosis.words import apart as apart_in_words
from negviz.results.averages import Usual
from negviz.retrieval.answer import Answer, SearchSet
from negviz.retrieval.examples import Example

_ECHOED: Final = 300  # characters of a sentence that are shown with its reading
_UNDERLINED: Final = ("negation", "uncertainty")
_EMPTY: Final = Markup("")


def join(parts: Iterable[Markup]) -> Markup:
    return _EMPTY.join(parts)


def _say(text: str) -> Markup:
    return Markup('<p class="nv-say">{}</p>').format(text)


def note(text: str) -> Markup:
    return Markup('<p class="nv-note">{}</p>').format(text)


def header() -> Markup:
    """The strip that cannot be dismissed, and the name of the house."""
    return Markup(
        '<p class="nv-strip" role="note">{}</p><header class="nv-head"><h1>{}</h1></header>'
    ).format(words.NOT_CLINICAL, words.TITLE)


def footer(collections: Iterable[str], models: Mapping[str, DualEncoder]) -> Markup:
    model = next(iter(models.values()))
    lines = [
        words.base_note(model.family, (model.source or {}).get("id")),
        *(words.CREDITS.get(name, "") for name in collections),
    ]
    return Markup('<footer class="nv-foot">{}</footer>').format(
        join(Markup("<p>{}</p>").format(line) for line in lines if line)
    )


def guard() -> Markup:
    """The warning before a sentence that may name a patient is sent; shown by `script.js`."""
    return Markup(
        '<div class="nv-guard" role="alertdialog" aria-labelledby="nv-guard-says" data-signs="{}" '
        'data-says="{}" hidden><p id="nv-guard-says"></p><button type="button" data-guard="back">{}</button>'
        '<button type="button" data-guard="send">{}</button></div>'
    ).format(json.dumps([asdict(sign) for sign in SIGNS]), words.IDENTIFIER, words.GO_BACK, words.SEND_ANYWAY)


def origin(text: str) -> Markup:
    """Where films come from."""
    return Markup('<p class="nv-note nv-origin">{}</p>').format(text)


def label(text: str) -> Markup:
    return Markup('<span class="nv-label">{}</span>').format(text)


def tries(examples: Iterable[Example]) -> Markup:
    """Sentences to try and what they show, followed by `script.js`."""
    buttons = (
        Markup('<button type="button" data-try="{0}"><span>{0}</span>{1}</button>').format(
            example.text,
            Markup(" <small>{}</small>").format(words.SHOWS[example.shows]) if example.shows else "",
        )
        for example in examples
    )
    return Markup(
        '<div class="nv-tries" role="group" aria-label="{0}"><span class="nv-label" aria-hidden="true">{0}'
        "</span>{1}</div>"
    ).format(words.TRY, join(buttons))


def complaint(message: str) -> Markup:
    """One sentence instead of an answer."""
    return Markup('<div class="nv-reading" role="status">{}</div>').format(_say(message))


# The reading and the verdict ------------------------------------------------------------------


def reading(answer: Answer, usual: Usual | None, *, example: bool = False, corrected: bool = False) -> Markup:
    """What was understood and what came of it; announced when it changes.

    `usual` says how sentences like this one go wrong over the films searched: one proves little.
    """
    label = words.EXAMPLE if example else words.YOU_TYPED
    return Markup(
        '<div class="nv-reading" role="status"><p class="nv-sentence"><span class="nv-label">{}</span> '
        '<q dir="auto">{}</q></p>{}</div>'
    ).format(label, _sentence(answer), _said(answer, usual, corrected=corrected))


def apart(answer: Answer) -> Markup:
    """How alike the models hold the sentence and its opposite; empty where it has none."""
    alike = {
        words.column_title(column.model)[0]: column.alike
        for column in answer.columns
        if column.alike is not None
    }
    return note(apart_in_words(alike)) if alike else _EMPTY


def searched(answer: Answer, films: SearchSet) -> Markup:
    """What was searched, and how to read the numbers."""
    line = words.searched(films.part, answer.tally, len(films), marked=answer.marked)
    return note(f"{line} {words.SIMILARITY}.")


def _sentence(answer: Answer) -> Markup:
    """The sentence: cues that negate or hedge underlined twice, what they reach over shaded."""
    text = answer.prompt.text[:_ECHOED]
    cues = [cue.span for cue in answer.prompt.cues if cue.kind in _UNDERLINED]
    edges = {0, len(text)} | {min(edge, len(text)) for span in (*cues, *answer.scopes) for edge in span}
    cuts = sorted(edges)
    parts = [
        _stretch(text[start:end], cue=_within(start, end, cues), scope=_within(start, end, answer.scopes))
        for start, end in pairwise(cuts)
    ]
    rest = Markup("…") if len(answer.prompt.text) > _ECHOED else _EMPTY
    return join([*parts, rest])


def _within(start: int, end: int, spans: Iterable[tuple[int, int]]) -> bool:
    return any(first <= start and end <= last for first, last in spans)


def _stretch(text: str, *, cue: bool, scope: bool) -> Markup:
    shown = Markup("<u>{}</u>").format(text) if cue else Markup("{}").format(text)
    return Markup('<span class="nv-scope">{}</span>').format(shown) if scope else shown


def _said(answer: Answer, usual: Usual | None, *, corrected: bool) -> Markup:
    lines = [_verdict(answer) if answer.marked else _why_unmarked(answer)]
    known = [] if usual is None else [c.model for c in answer.columns if c.model in usual.in_ten]
    lines += [note(words.usual(usual, known))] if usual is not None and known else []
    lines += [note(words.CORRECTED)] if corrected else []
    lines += [note(words.CUT)] if answer.cut else []
    return join(lines)


def _why_unmarked(answer: Answer) -> Markup:
    prompt = answer.prompt
    hedges = (prompt.text[slice(*cue.span)] for cue in prompt.cues if cue.kind == "uncertainty")
    return _say(words.uncertain(next(hedges, None)) if answer.mentions else words.NOTHING_RECOGNISED)


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
