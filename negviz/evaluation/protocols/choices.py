"""Multiple-choice questions: which of several sentences does a model put nearest to a film?

NegBench (arXiv 2501.09425, sections 3.1 and 3.2) and the Open-I audits of CXR-ContraBench (2605.05810).  What
each is, and where ours differs, stands in `sources`.  A question is put once a film and finding; the other
finding that it names is one that the film is known to lack.  Sentences that are equally near share the point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from negviz.evaluation.protocols.asked import Asked, ProtocolFigure, called, lacking, pick, showing
from negviz.films.collection import Film
from negviz.retrieval.metrics import Floats


@dataclass(frozen=True)
class MultipleChoice:
    """A question put to a film; the right sentence is the first."""

    film: int  # its row
    options: tuple[str, ...]
    kind: str


def affirmation_control(asked: Asked) -> list[ProtocolFigure]:
    """NegBench, section 3.2, task 1: what a film shows, or what it lacks?"""
    return _accuracies(asked, _controls)


def negation_understanding(asked: Asked) -> list[ProtocolFigure]:
    """NegBench, section 3.2, task 2: does a film show a finding, or does it not?"""
    return _accuracies(asked, _understandings)


def mcq_neg(asked: Asked) -> list[ProtocolFigure]:
    """NegBench, section 3.1: affirmed, negated and hybrid descriptions, one in four right."""
    return _accuracies(asked, _four_ways)


def presence_audit(asked: Asked) -> list[ProtocolFigure]:
    """CXR-ContraBench: a finding that is there, another, or the first one's denial?"""
    choices = _choices(asked, _presences)
    return [*answered(asked, choices), *_contradictions(asked, choices)]


def absence_audit(asked: Asked) -> list[ProtocolFigure]:
    """CXR-ContraBench: a finding's denial, that finding, or another, where the film lacks both?"""
    return _accuracies(asked, _absences)


def _controls(row: int, film: Film) -> Iterator[MultipleChoice]:
    for a, b in _pairs(film):
        yield MultipleChoice(row, (_shows(a), _shows(b)), "all")


def _understandings(row: int, film: Film) -> Iterator[MultipleChoice]:
    shown = showing(film)
    for finding in shown:
        yield MultipleChoice(row, (_shows(finding), _shows_not(finding)), "finding there")
    if lacked := lacking(film):
        finding = pick(lacked, film.id)  # most films lack most findings: one each
        kind = "absent, another finding there" if shown else "absent, normal film"
        yield MultipleChoice(row, (_shows_not(finding), _shows(finding)), kind)


def _four_ways(row: int, film: Film) -> Iterator[MultipleChoice]:
    for a, b in _pairs(film):
        wrong = (_shows(b), _shows_not(a), _hybrid(b, a))
        for kind, right in (
            ("affirmation", _shows(a)),
            ("negation", _shows_not(b)),
            ("hybrid", _hybrid(a, b)),
        ):
            yield MultipleChoice(row, (right, *wrong), kind)


def _presences(row: int, film: Film) -> Iterator[MultipleChoice]:
    for a, b in _pairs(film):
        yield MultipleChoice(row, (called(a), called(b), f"No {called(a)}"), "all")


def _absences(row: int, film: Film) -> Iterator[MultipleChoice]:
    lacked = lacking(film)
    if len(lacked) > 1:
        a = pick(lacked, film.id)
        b = pick([finding for finding in lacked if finding != a], film.id, a)
        kind = "another finding there" if showing(film) else "normal film"
        yield MultipleChoice(row, (f"No {called(a)}", called(a), called(b)), kind)


def _pairs(film: Film) -> Iterator[tuple[str, str]]:
    """Each finding that a film shows, with one that it lacks."""
    lacked = lacking(film)
    if lacked:
        yield from ((shown, pick(lacked, film.id, shown)) for shown in showing(film))


def _shows(finding: str) -> str:
    return f"This image shows {called(finding)}."


def _shows_not(finding: str) -> str:
    return f"This image does not show {called(finding)}."


def _hybrid(shown: str, lacked: str) -> str:
    return f"This image shows {called(shown)} but not {called(lacked)}."


Questions = Callable[[int, Film], Iterable[MultipleChoice]]


def _choices(asked: Asked, questions: Questions) -> list[MultipleChoice]:
    return [choice for row, film in enumerate(asked.films) for choice in questions(row, film)]


def _accuracies(asked: Asked, questions: Questions) -> list[ProtocolFigure]:
    return answered(asked, _choices(asked, questions))


def answered(
    asked: Asked, choices: Sequence[MultipleChoice], quantity: str = "accuracy"
) -> list[ProtocolFigure]:
    """Share of questions answered rightly: all of them, and each kind of several."""
    if not choices:
        return []
    points = nearest(nearness(asked, choices))
    film, kind = np.array([c.film for c in choices], np.intp), np.array([c.kind for c in choices])
    kinds = list(dict.fromkeys(kind.tolist()))
    groups = {"all": np.full(len(choices), True)} | (
        {k: kind == k for k in kinds} if kinds != ["all"] else {}
    )
    return [
        asked.share(quantity, group, points[inside, 0], film[inside], 1 / points.shape[1])
        for group, inside in groups.items()
    ]


def nearness(asked: Asked, choices: Sequence[MultipleChoice]) -> Floats:
    """Cosines [choices, options]; all questions have as many options."""
    texts = asked.texts([text for choice in choices for text in choice.options])
    options = texts.reshape(len(choices), -1, texts.shape[1])
    films = asked.vectors[[choice.film for choice in choices]]
    found: Floats = np.vecdot(options, films[:, None])
    return found


def nearest(near: Floats) -> Floats:
    """1 for the option that is nearest, shared where several are: [choices, options]."""
    best = near == near.max(axis=1, keepdims=True)
    points: Floats = best / best.sum(axis=1, keepdims=True)
    return points


def _contradictions(asked: Asked, choices: Sequence[MultipleChoice]) -> list[ProtocolFigure]:
    """How often the denial of what is there is nearest: the benchmark's negated-option attraction."""
    if not choices:
        return []
    points = nearest(nearness(asked, choices))
    film = np.array([choice.film for choice in choices], np.intp)
    return [asked.share("denial of what is there chosen", "all", points[:, 2], film, 1 / 3)]
