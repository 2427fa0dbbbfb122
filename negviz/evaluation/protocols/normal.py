"""Is it the "no", or is it "normal"?  Three ways to tell them apart.

A model that answers every "no" with normal chests looks as if it understood: most films that lack a finding
are normal.  So a denial is also put to films that all show *another* finding, half of them with what is
denied; it is put beside an affirmed finding, where a normal film is a miss; and, since even among ill chests
one may simply pick the least ill, it is put to pairs of simulated chests that differ in one finding only,
which may be another than the one that is denied.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from negviz.evaluation.ceiling import Indices
from negviz.evaluation.protocols.asked import FEWEST, Asked, ProtocolFigure, showing
from negviz.evaluation.protocols.retrieval import both
from negviz.findings import BY_NAME
from negviz.retrieval.estimate import Estimate
from negviz.retrieval.metrics import Floats, Ranked, average

FIRST: Final = 10
_A_SIDE: Final = 25  # films with what is denied, and films without


@dataclass(frozen=True)
class Denial:
    """A sentence that denies one finding."""

    text: str
    finding: str


def denials(asked: Asked, sentences: Sequence[Denial]) -> list[ProtocolFigure]:
    """Of the first ten films, those that are right and those that are normal; then among ill ones only."""
    figures = []
    for finding, texts in _by_finding(sentences).items():
        if finding not in asked.findings:
            continue
        truth = 1 - asked.shown[finding]
        figures += _first_ten(asked, f"{finding}: all films", texts, _rows(truth, texts), of_right=True)
        with_, without = _another_shown(asked, finding)
        if (a_side := min(len(with_), len(without), _A_SIDE)) >= FEWEST:
            ill = asked.where(np.sort(np.concatenate([with_[:a_side], without[:a_side]])))
            truth = 1 - ill.shown[finding]
            group = f"{finding}: films with another finding"
            figures += _first_ten(ill, group, texts, _rows(truth, texts), of_right=True)[:1]
    return figures


def combinations(asked: Asked) -> list[ProtocolFigure]:
    """The same of "cardiomegaly without pleural effusion", where a normal film is a miss."""
    asks = both(asked)
    if not asks:
        return []
    texts = [f"{_phrase(a).capitalize()} without {_phrase(b)}" for a, b, _ in asks]
    truth = np.stack([row for _, _, row in asks])
    return _first_ten(asked, "one finding without another", texts, truth, of_right=False)


def least_abnormal(asked: Asked, sentences: Sequence[Denial]) -> list[ProtocolFigure]:
    """Of two chests that differ in one finding, how often is the one without it nearer to a denial?

    Where the finding is the one that is denied it should be always; where it is another, both chests lack
    what is denied, and one that reads the sentence has no reason to prefer either.
    """
    by_finding = _by_finding(sentences)
    pairs = list(_pairs(asked))
    if not pairs or not by_finding:
        return []
    near = {finding: asked.scores(texts) for finding, texts in by_finding.items()}
    answers: dict[str, tuple[list[float], list[int]]] = {}
    for less, more, differs in pairs:
        for finding, scores in near.items():
            if differs != finding and not all(asked.shown[finding][row] == 0 for row in (less, more)):
                continue
            group = (
                "chests that differ in what is denied"
                if differs == finding
                else "chests that differ in another"
            )
            prefers, films = answers.setdefault(group, ([], []))
            prefers.append(float(np.mean(0.5 + 0.5 * np.sign(scores[:, less] - scores[:, more]))))
            films.append(less)
    return [
        asked.share("film with one finding less is nearer", group, np.array(prefers), np.array(films), 0.5)
        for group, (prefers, films) in sorted(answers.items())
    ]


def _pairs(asked: Asked) -> Iterator[tuple[int, int, str]]:
    """Two films of one study of which one shows one finding more: the row with less, with more, and it."""
    studies: dict[str, list[int]] = {}
    for row, film in enumerate(asked.films):
        studies.setdefault(film.uid, []).append(row)
    for rows in studies.values():
        if len(rows) == 2:
            less, more = sorted(rows, key=lambda row: len(showing(asked.films.films[row])))
            fewer, others = (set(showing(asked.films.films[row])) for row in (less, more))
            if fewer < others and len(others - fewer) == 1:
                yield less, more, (others - fewer).pop()


def _by_finding(sentences: Sequence[Denial]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for sentence in sentences:
        found.setdefault(sentence.finding, []).append(sentence.text)
    return found


def _another_shown(asked: Asked, finding: str) -> tuple[Indices, Indices]:
    """Films that show another finding: with this one, and without, each in an order that favours none."""
    ids = [film.id for film in asked.films]
    other = np.array([bool(set(showing(film)) - {finding}) for film in asked.films])
    order = np.array(sorted(range(len(ids)), key=lambda row: zlib.crc32(f"{finding}|{ids[row]}".encode())))
    shown = asked.shown[finding]
    return order[(other & (shown == 1))[order]], order[(other & (shown == 0))[order]]


def _rows(truth: Floats, texts: Sequence[str]) -> Floats:
    return np.tile(truth, (len(texts), 1))


def _first_ten(
    asked: Asked, group: str, texts: Sequence[str], truth: Floats, *, of_right: bool
) -> list[ProtocolFigure]:
    """`of_right`: how many normal films chance would give among films that are right, else among all."""
    scores, places = asked.scores(texts), asked.films.places_by_id
    normal = np.tile(np.nan_to_num(asked.shown["normal"]), (len(texts), 1))
    base = truth == 1 if of_right else np.ones_like(truth, dtype=bool)
    chances = {
        "right of 10": average(average(truth)),
        "normal of 10": average(average(np.where(base, normal, np.nan))),
    }
    figures = []
    for (quantity, chance), counted in zip(chances.items(), (truth, normal), strict=True):
        ranked = Ranked.of(counted, scores, places)
        whole = np.ones((1, len(asked.films)), np.int64)
        (point,), drawn = (FIRST * average(ranked.precision(FIRST, each)) for each in (whole, asked.draws))
        estimate = Estimate.of(float(point), drawn)
        studies = len(np.unique(asked.study))
        figures.append(ProtocolFigure(quantity, group, estimate, FIRST * float(chance), len(texts), studies))
    return figures


def _phrase(finding: str) -> str:
    return BY_NAME[finding].said[1]
