"""An answer as HTML: its reading, its verdict and the galleries, by the macros of `view.html`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from itertools import pairwise
from typing import Final, NamedTuple

from markupsafe import Markup

from negviz.language.identifiers import SIGNS
from negviz.models.training_free import TWO_BOXES
from negviz.page import words
from negviz.page.diagnosis.words import apart as apart_in_words
from negviz.page.pictures import Pictures
from negviz.page.room import Asked
from negviz.page.templates import Template, note
from negviz.page.widgets.tile import MARKS, Wall
from negviz.results.averages import Usual
from negviz.retrieval.answer import Answer, Tally
from negviz.retrieval.comparison import Comparison
from negviz.retrieval.examples import Example
from negviz.retrieval.own_films import Nearest

_VIEW: Final = Template("explore", words=words, marks=MARKS)
MORE: Final = 50  # films that a column shows when somebody asks for more
_ECHOED: Final = 300  # characters of a sentence that are shown with its reading
_UNDERLINED: Final = ("negation", "uncertainty")
_SCRIPT: Final = json.dumps(  # what the script writes itself
    {
        "pick": words.PICK,
        "inTen": words.IN_TEN,
        "rank": words.RANK,
        "beyond": words.BEYOND,
        "notSearched": words.NOT_SEARCHED,
        "fewer": words.SHOW.format(10),
        "failed": words.NOT_REACHED,
        "similarity": words.SIMILARITY_OF_FILM,
        "marks": {json.dumps(relevant): mark for relevant, mark in MARKS.items()},
    }
)


def header() -> Markup:
    return _VIEW("header")


def footer(lines: Iterable[str]) -> Markup:
    return _VIEW("footer", lines=lines)


def guard() -> Markup:
    return _VIEW("guard", signs=[asdict(sign) for sign in SIGNS])


def origin(text: str) -> Markup:
    return _VIEW("origin", text=text)


def tries(examples: Iterable[Example]) -> Markup:
    return _VIEW("tries", examples=examples)


def complaint(message: str) -> Markup:
    return _VIEW("complaint", message=message)


# The reading and the verdict ------------------------------------------------------------------


def reading(
    answer: Answer, usual: Usual | None, *, example: bool = False, corrected: bool = False, instead: str = ""
) -> Markup:
    """What was understood and what came of it; `instead` says why other films than asked for are shown.

    `usual` says how sentences like this one go wrong over the films searched: one proves little.
    """
    known = [] if usual is None else [c.model for c in answer.columns if c.model in usual.right]
    others = _wordings(usual, known) if usual is not None and known else []
    notes = [instead] if instead else []
    notes += [words.CORRECTED] if corrected else []
    notes += [words.CUT] if answer.cut else []
    notes += _left_aside(answer) if answer.marked and not corrected else []
    return _VIEW(
        "reading",
        label=words.EXAMPLE if example else words.YOU_TYPED,
        stretches=_stretches(answer),
        cut=len(answer.prompt.text) > _ECHOED,
        verdict=verdict(answer) if answer.marked else None,
        unmarked=why_unmarked(answer),
        others=others,
        usual=words.usual(usual, known) if usual is not None and known else "",
        notes=notes,
    )


class _Wording(NamedTuple):
    text: str
    right: float  # share of ten
    says: str


def _wordings(usual: Usual, models: Sequence[str]) -> list[_Wording]:
    """What else rules the same out, best found first by the first of the models."""
    right = usual.right[models[0]]
    order = sorted(range(len(right)), key=lambda place: -right[place])
    return [
        _Wording(usual.sentences[place], right[place] / 10, words.wording(usual, place, models))
        for place in order
    ]


def apart(answer: Answer) -> Markup:
    """How alike the models hold the sentence and its opposite; empty where it has none."""
    alike = {
        words.column_title(column.model)[0]: column.alike
        for column in answer.columns
        if column.alike is not None
    }
    return note(apart_in_words(alike)) if alike else Markup("")


class _Stretch(NamedTuple):
    text: str
    cue: bool
    scope: bool


def _stretches(answer: Answer) -> Iterator[_Stretch]:
    """The sentence, cut where a cue that negates or hedges, or what one reaches over, begins or ends."""
    text = answer.prompt.text[:_ECHOED]
    cues = [cue.span for cue in answer.prompt.cues if cue.kind in _UNDERLINED]
    edges = {0, len(text)} | {min(edge, len(text)) for span in (*cues, *answer.scopes) for edge in span}
    for start, end in pairwise(sorted(edges)):
        yield _Stretch(text[start:end], _within(start, end, cues), _within(start, end, answer.scopes))


def _within(start: int, end: int, spans: Iterable[tuple[int, int]]) -> bool:
    return any(first <= start and end <= last for first, last in spans)


def why_unmarked(answer: Answer) -> str:
    """Why no film is marked, in a sentence."""
    prompt = answer.prompt
    match answer.unmarked:
        case "language":
            return words.ENGLISH_ONLY
        case "ask":
            return words.did_you_mean(
                [(each.finding, each.polarity) for each in answer.suggestion],
                [(each.finding, each.polarity) for each in prompt.besides],
            )
        case "both":
            counts = Counter(mention.finding for mention in answer.mentions)
            twice = [finding for finding, times in counts.items() if times > 1]
            return words.both_ways(twice, sides=any(mention.side for mention in answer.mentions))
        case "side":
            return words.ONE_SIDE
        case "uncertain":
            hedge = next((cue for cue in prompt.cues if cue.kind == "uncertainty"), None)
            left_open = next((mention for mention in prompt.mentions if mention.bound), None)
            denials = [cue for cue in prompt.cues if cue.kind == "negation"]
            if hedge is None and left_open is not None and denials:
                nearest = min(denials, key=lambda cue: abs(cue.span[0] - left_open.span[0]))
                return words.left_open(left_open.finding, prompt.text[slice(*nearest.span)])
            return words.uncertain(prompt.text[slice(*hedge.span)] if hedge else None)
        case _:
            return words.NOTHING_RECOGNISED


def _left_aside(answer: Answer) -> list[str]:
    """Sides where films record none, and sizes: read, and said not to be judged."""
    sided = [mention for mention in answer.mentions if mention.side and not answer.by_side]
    of = [mention for mention in answer.mentions if mention.sized or mention in sided]
    if not of:
        return []
    side, size = bool(sided), any(mention.sized for mention in of)
    return [words.left_aside([mention.finding for mention in of], side=side, size=size)]


def verdict(answer: Answer) -> tuple[str, str, str]:
    """What was asked for and how many films contradict it, in three parts; of a marked answer."""
    asked = words.asked_for(
        [(each.finding, each.polarity, each.side if answer.by_side else None) for each in answer.mentions]
    )
    first = answer.columns[0]
    if not any(column.tally.judged for column in answer.columns):
        return words.verdict(asked, None, [], len(first.hits))
    showing = None if first.showing is None else answer.mentions[0].finding
    present = showing is not None and answer.mentions[0].polarity == "present"
    counts = [
        (column.model, column.tally.contradicts if column.showing is None else column.showing)
        for column in answer.columns
    ]
    chances = {
        column.random_picks if present else column.contradicting_picks
        for column in answer.columns  # which differ where not every film says
    }
    chance = chances.pop() if len(chances) == 1 else None
    return words.verdict(asked, showing, counts, len(first.hits), chance)


# The galleries --------------------------------------------------------------------------------


def columns(
    answer: Answer,
    asked: Asked,
    pictures: Pictures,
    comparison: Comparison | None = None,
    *,
    pinned: str = "",
) -> Markup:
    """A column a model; with a comparison, both its sentences in each.  A link tells what is pinned."""
    searched = words.searched(answer.films.part, answer.tally, len(answer.films), marked=answer.marked)
    return _VIEW(
        "columns",
        answer=answer,
        asked=asked.json(),
        wall=Wall(answer.films, pictures),
        comparison=comparison,
        script_words=_SCRIPT,
        searched=f"{searched} {words.SIMILARITY}.",
        most=min(MORE, len(answer.films)),
        pinned=pinned,
        boxes=words.two_boxes(asked.show, asked.but_not),
        two_boxes=TWO_BOXES,
    )


def further_films(answer: Answer, wall: Wall) -> Markup:
    """What one column shows beyond its ten films, and how many of all are right."""
    (column,) = answer.columns
    tiles = wall.tiles(column.hits, marked=answer.marked)[words.AT_FIRST :]
    return _VIEW("further", answer=answer, column=column, tiles=tiles)


def like_place() -> Markup:
    """Where films like one are put, in place of the galleries."""
    return _VIEW("like_place")


def like(
    film: str, asked: Asked, answer: Answer, found: Iterable[tuple[Nearest, Tally]], wall: Wall
) -> Markup:
    """The films nearest to one, by image tower, marked by what was asked."""
    columns = [(each, tally, wall.tiles(each.hits, marked=answer.marked)) for each, tally in found]
    return _VIEW("like", film=film, asked=asked.json(), answer=answer, columns=columns)
