"""Models by conditions: how well each ranks films for each way of wording and for each finding.

A *condition* is a phenomenon or a finding with a polarity ("lay words/absent"), or the paper's kind with one;
its figures are means over its prompts, its intervals are drawn over prompts and films
(`negviz.retrieval.metrics`), and differences between models are taken prompt by prompt on the same draws.  A
prompt is measured where at least `FEWEST` films satisfy it and as many violate it; a condition with no such
prompt is listed as not measured. Hedges belong to no condition: they have no right answer (`leaning` says
which way they lean).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from negviz.evaluation.ceiling import probe_scores
from negviz.evaluation.cells import Cell, EvaluationError
from negviz.films.collection import Collection
from negviz.retrieval.metrics import Counts, Floats, Ranked, average, draw
from negviz.retrieval.search import cosines
from training.measure.questions import Question

FEWEST: Final = 5
GROUPS: Final = ("phenomena", "findings", "kinds")
RIVALS: Final = ("base", "con2")  # what every model is set against, where the family has them
_METRICS: Final = ("auroc", "p_at_k")
_POLARITIES: Final = ("present", "absent")
Json = dict[str, Any]


@dataclass(frozen=True)
class AskedOfFilms:
    """Questions put to one collection, and the draws that every model is measured on."""

    questions: tuple[Question, ...]
    films: Collection  # those that are ranked
    relevance: Floats  # [questions, films] 1, 0, nan not judged; a hedge as if it affirmed
    measured: npt.NDArray[np.bool_]  # [questions] enough films of either kind
    cells: Mapping[str, Mapping[str, Cell]]  # by group and condition; only measured questions
    draws: Counts  # [resamples, films]
    k: int

    @property
    def not_measured(self) -> dict[str, list[str]]:
        """Conditions of the file that no film of these can tell, by group."""
        named = {group: dict.fromkeys(_names(group, self.questions)) for group in GROUPS}
        return {
            group: [name for name in names if name and name not in self.cells[group]]
            for group, names in named.items()
        }


def ask(
    questions: Sequence[Question],
    films: Collection,
    *,
    k: int = 10,
    bootstrap: int = 1000,
    seed: int = 0,
    fewest: int = FEWEST,
) -> AskedOfFilms:
    """Lay questions before films.  Raises `EvaluationError` where nothing could be measured."""
    if bootstrap < 1 or k < 1 or fewest < 1:
        raise EvaluationError(f"k, bootstrap and fewest start at 1, not {k}, {bootstrap} and {fewest}.")
    if not len(films):
        raise EvaluationError(f"{films.name} holds no films to rank; give another collection.")
    relevance = np.stack([question.judge(films.films) for question in questions])
    enough = np.minimum((relevance == 1).sum(1), (relevance == 0).sum(1)) >= fewest
    if not enough.any():
        raise EvaluationError(f"{films.name} has fewer than {fewest} films of either kind for every prompt.")
    return AskedOfFilms(
        questions=tuple(questions),
        films=films,
        relevance=relevance,
        measured=enough,
        cells={group: _cells(group, questions, enough, bootstrap, seed) for group in GROUPS},
        draws=draw(len(films), times=bootstrap, seed=seed),
        k=k,
    )


def _names(group: str, questions: Sequence[Question]) -> Iterator[str]:
    """The condition of each question in a group; "" where it belongs to none."""
    for question in questions:
        row = question.row
        if question.uncertain:
            yield ""
        elif group == "findings":  # what is said beside it would blur what the finding is worth
            yield f"{row.finding}/{row.polarity}" if question.alone else ""
        else:
            yield f"{question.phenomenon if group == 'phenomena' else row.kind}/{row.polarity}"


def _cells(
    group: str, questions: Sequence[Question], enough: npt.NDArray[np.bool_], bootstrap: int, seed: int
) -> dict[str, Cell]:
    members: dict[str, list[int]] = {}
    for i, name in enumerate(_names(group, questions)):
        if name and enough[i]:
            members.setdefault(name, []).append(i)
            if group == "kinds":
                members.setdefault(f"all/{questions[i].row.polarity}", []).append(i)
    return {
        name: Cell(
            np.array(inside, dtype=np.intp),
            draw(len(inside), times=bootstrap, seed=(seed, zlib.crc32(f"{group} {name}".encode()))),
        )
        for name, inside in members.items()
    }


@dataclass(frozen=True)
class QuestionFigures:
    """One model's figures a question: on the films as they are, and on every resample of them."""

    point: Mapping[str, Floats]  # by metric, [questions]
    drawn: Mapping[str, Floats]  # by metric, [resamples, questions]

    def minus(self, other: QuestionFigures) -> QuestionFigures:
        return QuestionFigures(
            {name: values - other.point[name] for name, values in self.point.items()},
            {name: values - other.drawn[name] for name, values in self.drawn.items()},
        )


class Reads(Protocol):
    """All that is asked of a model here; a rival that needs no training has as much."""

    def encode_text(self, texts: Sequence[str]) -> npt.NDArray[np.float32]: ...


def measure(asked: AskedOfFilms, model: Reads, embeddings: npt.NDArray[np.float32]) -> QuestionFigures:
    """Rank `embeddings` [films, dim] by every question."""
    texts = model.encode_text([question.row.prompt for question in asked.questions])
    scores = cosines(embeddings.astype(np.float64), texts.astype(np.float64))
    ranked = Ranked.of(asked.relevance, scores, asked.films.places_by_id)
    point, drawn = ranked.measure(asked.k), ranked.measure(asked.k, asked.draws)
    return QuestionFigures(
        {name: point[name][0] for name in _METRICS}, {name: drawn[name] for name in _METRICS}
    )


@dataclass(frozen=True)
class Probed:
    """How surely a supervised probe on the same embeddings sees each finding on each film."""

    films: Collection
    sure: Mapping[str, Floats | None]  # by finding, [films]; None where too few films show or lack it

    @classmethod
    def of(
        cls,
        findings: Sequence[str],
        collection: Collection,
        embeddings: npt.NDArray[np.float32],
        *,
        train: Collection,
        test: Collection,
        seed: int = 0,
    ) -> Probed:
        """Fitted on `train`; where that is empty within `test`, fold by fold.  Both are of `collection`."""
        studies = np.array([film.uid for film in collection])
        inside, outside = (np.array(collection.rows(films), dtype=np.intp) for films in (train, test))
        sure = {
            finding: probe_scores(
                embeddings, _labels(collection, finding), studies, train=inside, test=outside, seed=seed
            )
            for finding in tqdm(findings, desc=f"ceiling, {test.name}", unit="finding", leave=False)
        }
        return cls(test, sure)


def _labels(collection: Collection, finding: str) -> Floats:
    states = (film.states(finding, "present") for film in collection)
    return np.array([np.nan if state is None else float(state) for state in states])


def ceiling(asked: AskedOfFilms, probed: Probed) -> dict[str, Floats]:
    """What the probe reaches on each question, by metric, [questions]; nan where it was not fitted.

    For a question that says several things a film is as right as the least sure of them.
    """
    rows = probed.films.rows(asked.films)
    figures = {name: np.full(len(asked.questions), np.nan) for name in _METRICS}
    for i, question in enumerate(asked.questions):
        parts = [
            sure[rows] * (1 if mention.polarity == "present" else -1)
            for mention in question.mentions
            if (sure := probed.sure[mention.finding]) is not None
        ]
        if not question.uncertain and len(parts) == len(question.mentions):
            least, places = np.min(parts, axis=0)[None], asked.films.places_by_id
            found = Ranked.of(asked.relevance[[i]], least, places).measure(asked.k)
            for name in _METRICS:
                figures[name][i] = found[name][0, 0]
    return figures


def records(
    asked: AskedOfFilms, measured: Mapping[str, QuestionFigures], reach: Mapping[str, Floats] | None = None
) -> dict[str, Json]:
    """By model, group and condition: figures, differences, ceiling and chance."""
    return {
        name: {
            group: {
                condition: _record(asked, cell, name, measured, reach) for condition, cell in cells.items()
            }
            for group, cells in asked.cells.items()
        }
        for name in measured
    }


def _record(
    asked: AskedOfFilms,
    cell: Cell,
    name: str,
    measured: Mapping[str, QuestionFigures],
    reach: Mapping[str, Floats] | None,
) -> Json:
    result: Json = {"n": len(cell.prompts), **_figures(cell, measured[name])}
    for rival in RIVALS:
        if rival in measured:
            against = None if rival == name else measured[name].minus(measured[rival])
            result |= _figures(cell, against, f"_minus_{rival}")
    whole = reach is not None and not np.isnan(reach["auroc"][cell.prompts]).any()
    for metric in _METRICS:  # no mean over some of the prompts: it would not compare with the figure
        result[f"ceiling_{metric}"] = cell.mean(reach[metric]) if reach is not None and whole else None
    result["chance"] = round(float(average(average(asked.relevance[cell.prompts]))), 6)
    return result


def _figures(cell: Cell, values: QuestionFigures | None, suffix: str = "") -> Json:
    return {
        f"{metric}{suffix}{ending}": figure
        for metric in _METRICS
        for ending, figure in (
            ("", None if values is None else cell.mean(values.point[metric])),
            ("_ci", None if values is None else cell.interval(values.drawn[metric])),
        )
    }
