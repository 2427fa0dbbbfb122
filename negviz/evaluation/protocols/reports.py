"""Reports put to films: turned round, with a sentence left out, and looked for among all others.

In the style of CXR-Align (arXiv 2505.22079), whose benchmark holds for every case a report, the same with one
positive finding negated, and the same with it left out.  Here a sentence is turned round by the reader
(`Prompt.opposite`), and only sentences that speak of one finding alone, as the film's labels have it, are
taken.  Reports are read from memory and never leave it: what comes back are figures.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from negviz.common.order import best_first
from negviz.evaluation.ceiling import Indices
from negviz.evaluation.protocols.asked import Asked, ProtocolFigure, pick
from negviz.evaluation.protocols.choices import MultipleChoice, answered, nearest, nearness
from negviz.evaluation.protocols.retrieval import KS, hit_by_chance
from negviz.films.collection import Film
from negviz.language.prompt import read_mentions, read_prompt
from negviz.retrieval.metrics import Floats

Reports = Mapping[str, Sequence[str]]  # by study, its sentences in order
_MOST: Final = 250  # films: a report is ten times as long as a sentence, and has to be encoded three times


@dataclass(frozen=True)
class _Turned:
    """A sentence of a report that speaks of one finding alone."""

    number: int  # its place in the report
    finding: str
    affirmed: bool
    opposite: str


def reports_turned(asked: Asked, reports: Reports) -> list[ProtocolFigure]:
    """A sentence, and the report around it, against its negation and its omission."""
    asked = _reported(asked, reports)
    sentences: list[MultipleChoice] = []
    whole: list[MultipleChoice] = []
    read = {uid: _turned(tuple(reports[uid])) for uid in {f.uid for f in asked.films} if uid in reports}
    for row, film in enumerate(asked.films):
        for turned in _taken(film, read.get(film.uid, ())):
            text = reports[film.uid]
            kind = "a finding affirmed" if turned.affirmed else "a finding denied"
            sentences.append(MultipleChoice(row, (text[turned.number], turned.opposite), kind))
            if turned.affirmed:
                with_it = [turned.opposite if n == turned.number else s for n, s in enumerate(text)]
                without = [s for n, s in enumerate(text) if n != turned.number]
                whole.append(MultipleChoice(row, tuple(map(" ".join, (text, with_it, without))), "all"))
    return [*answered(asked, sentences, "sentence against its opposite"), *_whole(asked, whole)]


def _reported(asked: Asked, reports: Reports) -> Asked:
    """Before films with a report; before `_MOST` of them where there are more, picked without favour."""
    rows = [row for row, film in enumerate(asked.films) if reports.get(film.uid)]
    by_sum = sorted(rows, key=lambda row: zlib.crc32(asked.films.films[row].id.encode()))
    return asked.where(np.array(sorted(by_sum[:_MOST]), np.intp))


@lru_cache(maxsize=4096)  # the same reports are read once for all models
def _turned(sentences: tuple[str, ...]) -> list[_Turned]:
    found = []
    for number, sentence in enumerate(sentences):
        mentions = read_mentions(sentence)
        if len(mentions) != 1 or mentions[0].polarity == "uncertain" or mentions[0].finding == "normal":
            continue
        opposite = read_prompt(sentence).opposite
        if opposite is not None:
            affirmed = mentions[0].polarity == "present"
            found.append(_Turned(number, mentions[0].finding, affirmed, opposite.text))
    return found


def _taken(film: Film, sentences: Sequence[_Turned]) -> Iterator[_Turned]:
    """The first sentence that affirms each finding, and one of those that deny one."""
    true = [s for s in sentences if film.states(s.finding, "present") is s.affirmed]
    firsts = {(s.finding, s.affirmed): s for s in reversed(true)}
    yield from (s for (_, affirmed), s in sorted(firsts.items()) if affirmed)
    if denied := sorted(finding for finding, affirmed in firsts if not affirmed):
        yield firsts[pick(denied, film.id), False]


def _whole(asked: Asked, choices: Sequence[MultipleChoice]) -> list[ProtocolFigure]:
    if not choices:
        return []
    near = nearness(asked, choices)
    film = np.array([choice.film for choice in choices], np.intp)
    against = {
        "report against its negation": near[:, :2],
        "report against its omission": near[:, ::2],
        "report first of the three": near,
    }
    return [
        asked.share(quantity, "a finding affirmed", nearest(options)[:, 0], film, 1 / options.shape[1])
        for quantity, options in against.items()
    ]


def report_retrieval(asked: Asked, reports: Reports) -> list[ProtocolFigure]:
    """R@1, R@5 and R@10 of a film's report among all reports, and of a report's film among all films.

    Reports of the same words are one.  Intervals are over what is looked for; what is searched stays.
    """
    asked = _reported(asked, reports)
    if len(asked.films) < 2:
        return []
    text_of = [" ".join(reports[film.uid]) for film in asked.films]
    texts = list(dict.fromkeys(text_of))
    right = np.array([[own == text for text in texts] for own in text_of], np.float64)  # [films, texts]
    near = asked.scores(texts).T
    rows, first_film = np.arange(len(text_of)), right.argmax(axis=0)  # whose study it is, for the intervals
    sides = {
        "film → report": (right, near, np.arange(len(texts)), rows),
        "report → film": (right.T, near.T, asked.films.places_by_id, first_film),
    }
    return [
        asked.share(
            f"R@{k}",
            group,
            (_before(truth, scores, places) < k).astype(np.float64),
            film,
            np.array([hit_by_chance(row, k) for row in truth]),
        )
        for group, (truth, scores, places, film) in sides.items()
        for k in KS
    ]


def _before(truth: Floats, scores: Floats, places: Indices) -> Indices:
    """How many stand before the first right one, [looked for]."""
    order = best_first(scores, places)
    return np.asarray(np.take_along_axis(truth, order, axis=1).argmax(axis=1), np.intp)
