"""The figures of rivals that need no training, beside the models of a family.

Differences are taken prompt by prompt on the same draws: of every model to base, and of every rival to every
tuned model.  A tuned model *beats* a rival where the interval of the difference of their AUROCs lies on its
side of zero, and the other way round.  Every tuned model is compared, for one that wins here may lose there;
the best of them in a cell is marked, which says what ours can do at most.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from negviz.common.files import file_sha256
from negviz.evaluation.cells import BASE, Cell, Measured, Task, make_task, measure
from negviz.evaluation.prompts import PromptRow, read_prompts
from negviz.films.collection import Collection
from negviz.language.prompt import read_prompt
from negviz.models.encoder import DualEncoder
from negviz.models.training_free import rules_out
from negviz.retrieval.metrics import METRICS, Floats, draw, interval
from training.measure.evaluations import Evaluation
from training.paths import PROMPTS

K: Final = 10
Json = dict[str, Any]


def evaluate_beside(
    evaluation: Evaluation,
    models: Mapping[str, DualEncoder],
    rivals: Mapping[str, DualEncoder],
    *,
    films: Collection,
    times: int,
    seed: int,
) -> Json:
    """One pre-listed evaluation of everything, over its `films`."""
    path = PROMPTS / evaluation.prompts
    rows = read_prompts(path)
    task = make_task(
        rows, films, split=evaluation.split, k=K, unmentioned="unknown", bootstrap=times, seed=seed
    )
    measured = measure(task, {**models, **rivals}, probe=False)
    tuned = [name for name in models if name != BASE]
    return {
        "collection": films.name,
        "collection_hash": films.hash,
        "split": evaluation.split,
        "films": len(task.evaluated),
        "prompts": len(rows),
        "prompts_hash": file_sha256(path),
        "tuned": tuned,
        "alike": _alike({**models, **rivals}, rows, times=times, seed=seed),
        "models": {
            name: _cells(task, figures, None if name == BASE else measured[BASE])
            for name, figures in measured.items()
        },
        "minus_tuned": {
            rival: {
                name: {
                    cell: _difference(each, measured[rival], measured[name])
                    for cell, each in task.cells.items()
                }
                for name in tuned
            }
            for rival in rivals
        },
    }


def _alike(
    models: Mapping[str, DualEncoder], rows: Sequence[PromptRow], *, times: int, seed: int
) -> dict[str, list[float] | None]:
    """Mean cosine of two different prompts that rule something out, with its interval over prompts."""
    texts = [row.prompt for row in rows if row.polarity == "absent"]
    if len(texts) < 2:
        return dict.fromkeys(models)
    counts = np.vstack((np.ones(len(texts)), draw(len(texts), times=times, seed=seed))).astype(np.float64)
    pairs = counts.sum(1) ** 2 - (counts**2).sum(1)  # a prompt drawn twice is no pair
    found: dict[str, list[float] | None] = {}
    for name, model in models.items():
        vectors = model.encode_text(texts).astype(np.float64)
        cosines = vectors @ vectors.T
        np.fill_diagonal(cosines, 0)
        means = np.einsum("rp,pq,rq->r", counts, cosines, counts, optimize=True) / pairs
        found[name] = [round(float(value), 6) for value in (means[0], *(interval(means[1:]) or ()))]
    return found


def _cells(task: Task, figures: Measured, base: Measured | None) -> Json:
    """Every cell of one model, and its difference to base."""
    return {
        name: {
            "n": len(cell.prompts),
            **_figures(cell, figures.point, figures.drawn),
            "minus_base": None if base is None else _difference(cell, figures, base),
        }
        for name, cell in task.cells.items()
    }


def _difference(cell: Cell, figures: Measured, other: Measured) -> Json:
    """Of two models, prompt by prompt on the same draws."""
    point, drawn = (
        {metric: mine[metric] - theirs[metric] for metric in METRICS}
        for mine, theirs in ((figures.point, other.point), (figures.drawn, other.drawn))
    )
    return _figures(cell, point, drawn)


def _figures(cell: Cell, point: Mapping[str, Floats], drawn: Mapping[str, Floats]) -> Json:
    """Every metric's mean and interval; see `Measured`."""
    found: Json = {}
    for metric in METRICS:
        found[metric] = cell.mean(point[metric])
        found[f"{metric}_ci"] = cell.interval(drawn[metric])
    return found


def against_tuned(evaluation: str, found: Json) -> Iterator[Json]:
    """Every rival beside every tuned model in every cell, and which tuned model does best there."""
    for rival, by_model in found["minus_tuned"].items():
        for cell in found["models"][rival]:
            scores = {name: found["models"][name][cell]["auroc"] for name in by_model}
            best = max((score for score in scores.values() if score is not None), default=None)
            for name, score in scores.items():
                if score is None:
                    continue
                minus = by_model[name][cell]
                yield {
                    "evaluation": evaluation,
                    "prompts": cell,
                    "rival": rival,
                    "tuned": name,
                    "best_tuned": score == best,
                    "beats": _winner(minus["auroc_ci"], rival, name),
                    "rival_minus_tuned_auroc": minus["auroc"],
                    "rival_minus_tuned_auroc_ci": minus["auroc_ci"],
                    "rival_minus_tuned_p_at_k": minus["p_at_k"],
                    "rival_minus_tuned_p_at_k_ci": minus["p_at_k_ci"],
                }


def _winner(ends: Sequence[float | None] | None, rival: str, tuned: str) -> str:
    low, high = ends or (None, None)
    if low is not None and low > 0:
        return rival
    return tuned if high is not None and high < 0 else "neither"


def tallies(rows: Sequence[Json]) -> list[Json]:
    """How often each tuned model beats each rival, and where it is beaten, over cells of one kind."""
    kinds = [row for row in rows if not row["prompts"].startswith("all/")]
    pairs = dict.fromkeys((row["tuned"], row["rival"]) for row in kinds)
    return [_tally([row for row in kinds if (row["tuned"], row["rival"]) == pair], *pair) for pair in pairs]


def _tally(rows: Sequence[Json], tuned: str, rival: str) -> Json:
    winners = [row["beats"] for row in rows]
    where = [f"{row['evaluation']} {row['prompts']}" for row in rows if row["beats"] == rival]
    return {
        "tuned": tuned,
        "rival": rival,
        "cells": len(rows),
        "tuned_beats_rival": winners.count(tuned),
        "rival_beats_tuned": winners.count(rival),
        "cannot_be_told": winners.count("neither"),
        "rival_beats_tuned_in": ", ".join(where),
    }


def say(tally: Json) -> str:
    """A tally as a sentence."""
    won, lost, neither = (
        tally[name] for name in ("tuned_beats_rival", "rival_beats_tuned", "cannot_be_told")
    )
    where = f" ({tally['rival_beats_tuned_in']})" if lost else ""
    return (
        f"Of {tally['cells']} cells {tally['tuned']} beats {tally['rival']} in {won} and is beaten in "
        f"{lost}{where}; {neither} do not tell."
    )


def gate(rows: Sequence[PromptRow]) -> Json:
    """How many prompts pass the gate that should (absent), and that should not."""
    passed = [row.polarity for row in rows if rules_out(read_prompt(row.prompt))]
    said = [row.polarity for row in rows]
    return {
        polarity: {"prompts": said.count(polarity), "changed": passed.count(polarity)}
        for polarity in dict.fromkeys(row.polarity for row in rows)
    }
