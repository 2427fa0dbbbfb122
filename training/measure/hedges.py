"""Which way a hedge leans: does "cannot rule out effusion" fall between "effusion" and "no effusion"?

A prompt *leans* towards a finding as far as it ranks films with it above films without: the AUROC of
"present".  A hedge has no right answer, but it should lean less than the prompts that affirm its finding and
more than those that deny it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from negviz.evaluation.cells import Cell
from negviz.retrieval.metrics import Counts, Floats, average, draw
from training.measure.conditions import AskedOfFilms, QuestionFigures

Json = dict[str, Any]


def leaning(asked: AskedOfFilms, measured: QuestionFigures) -> Json | None:
    """Mean leaning of hedges and of prompts that affirm and deny the same findings; None without hedges."""
    hedges = _hedges(asked)
    if not len(hedges):
        return None
    times = len(asked.draws)
    cell = Cell(np.arange(len(hedges)), draw(len(hedges), times=times, seed=times))
    point = _sides(asked, hedges, measured.point["auroc"][None])
    drawn = _sides(asked, hedges, measured.drawn["auroc"])
    return {
        "n": len(hedges),
        **{
            f"{name}{ending}": figure
            for name, values in point.items()
            for ending, figure in (("", cell.mean(values[0])), ("_ci", cell.interval(drawn[name])))
        },
    }


def _hedges(asked: AskedOfFilms) -> Counts:
    """Hedges on findings that these films can tell, and that other prompts affirm and deny."""
    return np.array(
        [
            i
            for i, question in enumerate(asked.questions)
            if question.uncertain
            and asked.measured[i]
            and all(len(_others(asked, question.row.finding, side)) for side in ("present", "absent"))
        ],
        dtype=np.int64,
    )


def _others(asked: AskedOfFilms, finding: str, polarity: str) -> list[int]:
    return [
        i
        for i, question in enumerate(asked.questions)
        if asked.measured[i] and question.alone and question.row.finding == finding
        if question.row.polarity == polarity
    ]


def _sides(asked: AskedOfFilms, hedges: Counts, auroc: Floats) -> dict[str, Floats]:
    """`auroc` [times, questions] → [times, hedges]: the hedge itself, the affirming, the denying, and whether
    it lies between."""
    findings = [asked.questions[i].row.finding for i in hedges]
    affirming = np.stack([average(auroc[:, _others(asked, f, "present")]) for f in findings], axis=1)
    denying = np.stack([1 - average(auroc[:, _others(asked, f, "absent")]) for f in findings], axis=1)
    own = auroc[:, hedges]
    known = ~np.isnan(affirming + own + denying)
    between = np.where(known, (denying < own) & (own < affirming), np.nan)
    return {"affirming": affirming, "hedging": own, "denying": denying, "between": between}
