"""The figures of an evaluation: what every model is asked, and how well each ranked the films.

A *cell* is the prompts of one kind and polarity ("natural/absent"); its figures are means over prompts,
its intervals are drawn over prompts and films (see `negviz.retrieval.metrics`), and its difference to base is
taken prompt by prompt on the same draws.  Beside them stands how many of the first films are normal, and how
many would be were films that are right picked at random: whether a "no" is answered with normal chests.
Uncertain prompts have no right answer: listed, not measured.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from negviz.common.errors import NegvizError
from negviz.common.order import FilmPlaces
from negviz.evaluation.ceiling import Indices, probe_scores
from negviz.evaluation.prompts import PromptRow
from negviz.films.collection import Collection, Split, Unmentioned
from negviz.language.prompt import read_prompt
from negviz.models.encoder import DualEncoder
from negviz.retrieval.embeddings import film_embeddings
from negviz.retrieval.metrics import METRICS, Counts, Floats, Ranked, average, draw, interval
from negviz.retrieval.search import cosines

BASE: Final = "base"
NORMAL: Final = "normal_at_k"  # share of the first k that are normal films
Json = dict[str, Any]


class EvaluationError(NegvizError):
    """An evaluation that cannot be made; the message is one sentence that says what to do."""


@dataclass(frozen=True)
class Cell:
    """Some of the prompts, and how often each resample draws each of them."""

    prompts: Indices
    counts: Counts  # [resamples, prompts of the cell]

    def mean(self, values: Floats) -> float | None:
        """Mean over the cell's prompts of `values` [prompts], those without a value left out."""
        return _number(average(values[self.prompts]))

    def interval(self, drawn: Floats) -> list[float | None] | None:
        """95 % interval of that mean; `drawn` [resamples, prompts] holds the values on resampled films."""
        bounds = interval(average(drawn[:, self.prompts], self.counts))
        return None if bounds is None else [_number(bound) for bound in bounds]


@dataclass(frozen=True)
class Task:
    """What every model is asked, and the draws they are all measured on."""

    rows: tuple[PromptRow, ...]  # prompts with a right answer
    uncertain: tuple[PromptRow, ...]
    films: Collection
    evaluated: Indices  # the films that are ranked
    shown: dict[str, Floats]  # by finding, [films] 1 shows it, 0 does not, nan not judged
    relevance: Floats  # [rows, evaluated films] 1 satisfies, 0 violates, nan not judged or not searched
    searched: npt.NDArray[np.bool_]  # [rows, evaluated films] all, or those of the finding's list
    cells: dict[str, Cell]
    normal: Floats  # [evaluated films] 1 where it is known to be normal, else 0
    draws: Counts  # [resamples, evaluated films]
    k: int
    seed: int

    @property
    def places(self) -> FilmPlaces:
        """[evaluated films] what equal scores go by."""
        return self.films.places_by_id[self.evaluated]


def make_task(
    rows: Sequence[PromptRow],
    films: Collection,
    *,
    split: Split,
    k: int,
    unmentioned: Unmentioned,
    bootstrap: int,
    seed: int,
) -> Task:
    """Lay out an evaluation; of `lists`, each prompt is put to its finding's.

    Raises `EvaluationError` where there is nothing to measure.
    """
    if k < 1 or bootstrap < 1 or seed < 0:
        raise EvaluationError(f"k and bootstrap start at 1, seed at 0, not {k}, {bootstrap} and {seed}.")
    asked = tuple(row for row in rows if row.polarity != "uncertain")
    evaluated = np.array(films.rows(films.select(split)), dtype=np.intp)
    if not evaluated.size:
        lacks = "lists of films" if split == "lists" else f"{split} films"
        raise EvaluationError(f"{films.name} has no {lacks}; use --split all.")
    shown = {
        finding: np.array([film.states(finding, "present", unmentioned) for film in films], dtype=np.float64)
        for finding in dict.fromkeys(row.finding for row in asked)
    }
    wanted = [(row.finding, row.polarity, row.side) for row in asked]
    right = {
        (finding, polarity, side): [
            films.films[i].states(finding, polarity, unmentioned, side) for i in evaluated
        ]
        for finding, polarity, side in dict.fromkeys(wanted)
    }
    searched = np.array([_searched(films, evaluated, row.finding, split) for row in asked])
    relevance = np.where(searched, np.array([right[each] for each in wanted], dtype=np.float64), np.nan)
    if np.isnan(relevance).all():
        raise EvaluationError(f"No film of {films.name} ({split}) is judged for any prompt.")
    return Task(
        rows=asked,
        uncertain=tuple(row for row in rows if row.polarity == "uncertain"),
        films=films,
        evaluated=evaluated,
        shown=shown,
        relevance=relevance,
        searched=searched,
        cells=_cells(asked, bootstrap, seed),
        normal=np.array([films.films[i].states("normal", "present") is True for i in evaluated], np.float64),
        draws=draw(len(evaluated), times=bootstrap, seed=seed),
        k=k,
        seed=seed,
    )


def _searched(films: Collection, evaluated: Indices, finding: str, split: Split) -> list[bool]:
    """Which of the evaluated films are searched for a finding: its list, or all where it has none."""
    listed = [finding in films.films[row].lists for row in evaluated]
    return listed if split == "lists" and any(listed) else [True] * len(listed)


def _cells(rows: Sequence[PromptRow], bootstrap: int, seed: int) -> dict[str, Cell]:
    members: dict[str, list[int]] = {}
    for i, row in enumerate(rows):
        members.setdefault(f"{row.kind}/{row.polarity}", []).append(i)
    for polarity in ("present", "absent"):
        if inside := [i for i, row in enumerate(rows) if row.polarity == polarity]:
            members[f"all/{polarity}"] = inside
    return {
        # seeded by its name, so that a cell's interval does not depend on which others there are
        name: Cell(
            np.array(inside, dtype=np.intp),
            draw(len(inside), times=bootstrap, seed=(seed, zlib.crc32(name.encode()))),
        )
        for name, inside in members.items()
    }


@dataclass(frozen=True)
class Measured:
    """One model's figures: on the films as they are, and on every resample of them."""

    point: dict[str, Floats]  # by metric, [prompts]
    drawn: dict[str, Floats]  # by metric, [resamples, prompts]
    cosines: list[float | None]  # of each prompt, uncertain ones last, with its opposite
    ceiling: dict[str, Floats]  # by metric, [prompts] what the probe reaches; empty where it was left out


def measure_models(task: Task, models: Mapping[str, DualEncoder]) -> Json:
    """Every model's cells and prompts, as `python -m training evaluate` writes them."""
    measured = measure(task, models)
    base = measured.get(BASE)
    return {name: _results(task, figures, base) for name, figures in measured.items()}


def seed_spread(task: Task, models: Sequence[DualEncoder]) -> dict[str, Json]:
    """By cell, the standard deviation of the figures of models that differ by their seed alone."""
    once = replace(task, draws=task.draws[:1])
    found = [
        measure(once, {f"seed {number}": model}, probe=False)[f"seed {number}"].point
        for number, model in enumerate(models)
    ]
    return {
        name: {
            "seeds": len(models),
            **{
                f"{metric}_sd": _number(np.std([average(of[metric][cell.prompts]) for of in found], ddof=1))
                for metric in METRICS
            },
        }
        for name, cell in task.cells.items()
    }


def measure(task: Task, models: Mapping[str, DualEncoder], *, probe: bool = True) -> dict[str, Measured]:
    """Every model's figures on the same draws, so that any two may be compared, and the ceiling's probe."""
    prompts = [row.prompt for row in (*task.rows, *task.uncertain)]
    opposites = [_opposite(prompt) for prompt in prompts]
    measured: dict[str, Measured] = {}
    ceilings: dict[str, dict[str, Floats]] = {}  # by image tower: same embeddings, same probe
    bar = tqdm(models.items(), desc="evaluate", unit="model", disable=None)
    for name, model in bar:
        bar.set_postfix_str(name)
        embeddings = _embed(model, task.films)
        if model.tower_id not in ceilings:
            ceilings[model.tower_id] = ceiling(task, embeddings) if probe else {}
        measured[name] = _measure(task, model, embeddings, prompts, opposites, ceilings[model.tower_id])
    return measured


def _embed(model: DualEncoder, films: Collection) -> npt.NDArray[np.float32]:
    with tqdm(desc="embed", unit="film", disable=None, leave=False) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        return film_embeddings(model, films, progress=show)


def _opposite(prompt: str) -> str | None:
    opposite = read_prompt(prompt).opposite
    return None if opposite is None else opposite.text


def _measure(
    task: Task,
    model: DualEncoder,
    embeddings: npt.NDArray[Any],
    prompts: Sequence[str],
    opposites: Sequence[str | None],
    ceiling: dict[str, Floats],
) -> Measured:
    contraries = [text for text in opposites if text is not None]
    vectors = np.asarray(model.encode_text([*prompts, *contraries]), dtype=np.float64)
    own, opposed = vectors[: len(prompts)], iter(vectors[len(prompts) :])
    if vectors.shape[1] != embeddings.shape[1]:
        raise EvaluationError(
            f"{model.name} gives prompts {vectors.shape[1]} dimensions and films {embeddings.shape[1]}; "
            "compute the film embeddings anew with this model."
        )
    scores = cosines(embeddings[task.evaluated].astype(np.float64), own[: len(task.rows)])
    ranked = Ranked.of(task.relevance, scores, task.places, task.searched)
    healthy = replace(ranked, gains=task.normal[ranked.order], judged=np.ones(scores.shape))
    as_they_are = np.ones((1, len(task.evaluated)), np.int64)
    return Measured(
        point={name: values[0] for name, values in ranked.measure(task.k).items()}
        | {NORMAL: healthy.precision(task.k, as_they_are)[0]},
        drawn=ranked.measure(task.k, task.draws) | {NORMAL: healthy.precision(task.k, task.draws)},
        cosines=[
            None if text is None else float(vector @ next(opposed))
            for text, vector in zip(opposites, own, strict=True)
        ],
        ceiling=ceiling,
    )


def ceiling(task: Task, embeddings: npt.NDArray[Any]) -> dict[str, Floats]:
    """What the probe reaches on each prompt: its score for the finding, turned round for absence."""
    studies = np.array([film.uid for film in task.films])
    train = np.flatnonzero([film.split == "train" for film in task.films])
    figures = {name: np.full(len(task.rows), np.nan) for name in METRICS}
    bar = tqdm(task.shown.items(), desc="ceiling", unit="finding", disable=None, leave=False)
    for finding, labels in bar:
        odds = probe_scores(embeddings, labels, studies, train=train, test=task.evaluated, seed=task.seed)
        if odds is None:
            continue
        asks = np.flatnonzero([row.finding == finding for row in task.rows])
        signs = np.array([[1.0 if task.rows[i].polarity == "present" else -1.0] for i in asks])
        ranked = Ranked.of(task.relevance[asks], signs * odds, task.places, task.searched[asks])
        for name, values in ranked.measure(task.k).items():
            figures[name][asks] = values[0]
    return figures


def _results(task: Task, figures: Measured, base: Measured | None) -> Json:
    """One model's part of the results file."""
    cosines = iter(figures.cosines)
    return {
        "cells": {name: _cell(task, cell, figures, base) for name, cell in task.cells.items()},
        "prompts": [
            {
                **_row(row),
                **{name: _number(figures.point[name][i]) for name in (*METRICS, NORMAL)},
                "chance": _number(average(task.relevance[i])),
                "cosine_opposite": _number(next(cosines)),
            }
            for i, row in enumerate(task.rows)
        ],
        "uncertain": [{**_row(row), "cosine_opposite": _number(next(cosines))} for row in task.uncertain],
    }


def _cell(task: Task, cell: Cell, figures: Measured, base: Measured | None) -> Json:
    result: Json = {"n": len(cell.prompts)}
    for name in (*METRICS, NORMAL):
        result[name] = cell.mean(figures.point[name])
        result[f"{name}_ci"] = cell.interval(figures.drawn[name])
    result["minus_base"] = result["minus_base_ci"] = None
    if base is not None and base is not figures:
        result["minus_base"] = cell.mean(figures.point["p_at_k"] - base.point["p_at_k"])
        result["minus_base_ci"] = cell.interval(figures.drawn["p_at_k"] - base.drawn["p_at_k"])
    # no mean over some of a cell's findings: it would not compare with the cell's own figure
    complete = not np.isnan(figures.ceiling["ap"][cell.prompts]).any()
    for key, name in (("ceiling", "p_at_k"), ("ceiling_ap", "ap"), ("ceiling_auroc", "auroc")):
        result[key] = cell.mean(figures.ceiling[name]) if complete else None
    result["chance"] = _number(average(average(task.relevance[cell.prompts])))
    right = np.where(task.relevance[cell.prompts] == 1, task.normal, np.nan)
    result["normal_chance"] = _number(average(average(right)))
    return result


def _row(row: PromptRow) -> Json:
    own = {"prompt": row.prompt, "finding": row.finding, "polarity": row.polarity, "kind": row.kind}
    return {**row.extra, **own}


def _number(value: Any) -> float | None:
    """A figure fit for JSON: six decimals, None where there is none."""
    return None if value is None or np.isnan(value) else round(float(value), 6)
