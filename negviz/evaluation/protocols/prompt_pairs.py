"""Bi-MCQ's measures (arXiv 2601.22696): can a prompt, its negation, and the two together rank films?

By finding, from "There is X" and "There is no X": the AUC of the positive prompt for films that show X, of
the negative one for films that lack it, and of the positive-negative combination (PNC), the softmax over
both logits, for films that show it.  A softmax over two rises with their difference whatever the logit
scale, so that difference ranks the films.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from negviz.evaluation.protocols.asked import Asked, ProtocolFigure, called
from negviz.findings import ABNORMAL
from negviz.retrieval.estimate import Estimate
from negviz.retrieval.metrics import Counts, Floats, Ranked, auroc_interval, average

POSITIVE: Final = "AUC, positive prompt"
NEGATIVE: Final = "AUC, negative prompt"
PNC: Final = "AUC, PNC"
GAP: Final = "positive − negative"


def prompt_pairs(asked: Asked) -> list[ProtocolFigure]:
    """All four measures: the mean over findings, each finding, and those of few films pooled."""
    known = [f for f in ABNORMAL if all((asked.shown[f] == side).any() for side in (1, 0))]
    if not known:
        return []
    shown = np.stack([asked.shown[finding] for finding in known])
    own = np.isin(known, asked.findings)
    areas = _areas(asked, known, shown)
    weights = np.stack([_weights(asked, row) for row in shown], axis=1)  # [1 + resamples, findings]
    film_count = [int((~np.isnan(row)).sum()) for row in shown]
    figures = []
    for quantity, area in areas.items():
        groups: list[tuple[str, Floats, list[int]]] = []
        if own.any():
            groups.append(("mean of findings", average(area[:, own]), np.flatnonzero(own).tolist()))
        groups += [(known[i], area[:, i], [int(i)]) for i in np.flatnonzero(own)]
        if (~own).any():
            pooled = average(area[:, ~own], weights[:, ~own])
            groups.append(("findings of few films, pooled", pooled, np.flatnonzero(~own).tolist()))
        for group, values, members in groups:
            judged = ~np.isnan(shown[members]).all(axis=0)
            figures.append(
                ProtocolFigure(
                    quantity,
                    group,
                    _estimate(values, shown[members], quantity),
                    0.0 if quantity == GAP else 0.5,
                    sum(film_count[i] for i in members),
                    len(np.unique(asked.study[judged])),
                )
            )
    return figures


def _areas(asked: Asked, findings: list[str], shown: Floats) -> dict[str, Floats]:
    """By measure, [1 + resamples, findings]: on the films as they are, and on every resample."""
    positive = asked.scores([f"There is {called(finding)}" for finding in findings])
    negative = asked.scores([f"There is no {called(finding)}" for finding in findings])
    areas = {
        POSITIVE: _auroc(asked, shown, positive),
        NEGATIVE: _auroc(asked, 1 - shown, negative),
        PNC: _auroc(asked, shown, positive - negative),
    }
    return areas | {GAP: areas[POSITIVE] - areas[NEGATIVE]}


def _auroc(asked: Asked, relevance: Floats, scores: Floats) -> Floats:
    ranked = Ranked.of(relevance, scores, None)
    return np.vstack([ranked.measure(1)["auroc"], ranked.measure(1, asked.draws)["auroc"]])


def _weights(asked: Asked, shown: Floats) -> Counts:
    """[1 + resamples] pairs of a film that shows the finding and one that lacks it: an AUC's weight."""
    counts = np.vstack([np.ones(len(shown), np.int64), asked.draws])
    weights: Counts = (counts @ (shown == 1)) * (counts @ (shown == 0))
    return weights


def _estimate(values: Floats, shown: Floats, quantity: str) -> Estimate:
    value, drawn = float(values[0]), values[1:]
    if np.nanmin(drawn) < np.nanmax(drawn):
        return Estimate.of(value, drawn)
    if quantity == GAP or len(shown) > 1:
        return Estimate(value)
    return Estimate(value, *auroc_interval(value, int((shown == 1).sum()), int((shown == 0).sum())))
