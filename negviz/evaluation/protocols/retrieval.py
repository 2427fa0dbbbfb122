"""Retrieval-Neg (NegBench, arXiv 2501.09425, section 3.1): films that show one thing and lack another.

NegBench adds a negated statement to the caption of one image and looks for that image.  Findings have many
films, so a query here is right for every film that shows A and lacks B, and R@K is the share of queries with
such a film among the first K.  Beside it stands the same query without its "but not", judged alike: what is
gained by minding the "no".

A film that is drawn twice takes two of the K places, so every resample finds a little less than the films as
they are; the draws are moved to have the figure as their mean.
"""

from __future__ import annotations

from itertools import permutations
from math import comb
from typing import Final

import numpy as np

from negviz.common.order import best_first, places_by_id
from negviz.evaluation.protocols.asked import Asked, ProtocolFigure, called
from negviz.findings import ABNORMAL
from negviz.retrieval.estimate import Estimate
from negviz.retrieval.metrics import Floats

KS: Final = (1, 5, 10)
_MATCHING: Final = 5  # films that satisfy a query, and films that violate it, for it to be asked


def both(asked: Asked) -> list[tuple[str, str, Floats]]:
    """Findings A and B, and [films] 1 where A is shown and B is lacked, 0 where either is not so, or nan."""
    found = []
    for a, b in permutations(ABNORMAL, 2):
        has, lacks = asked.shown[a], 1 - asked.shown[b]
        truth = np.where((has == 0) | (lacks == 0), 0.0, has * lacks)
        if min((truth == side).sum() for side in (1, 0)) >= _MATCHING:
            found.append((a, b, truth))
    return found


def retrieval_neg(asked: Asked) -> list[ProtocolFigure]:
    """R@1, R@5 and R@10 of "A but not B", and of "A" for the same films."""
    queries = both(asked)
    if not queries:
        return []
    truth = np.stack([row for _, _, row in queries])
    worded = {
        "A but not B": [f"This image shows {called(a)} but not {called(b)}." for a, b, _ in queries],
        "the same, “but not B” left out": [f"This image shows {called(a)}." for a, _, _ in queries],
    }
    chance = {k: float(np.mean([hit_by_chance(row, k) for row in truth])) for k in KS}
    figures = []
    for group, texts in worded.items():
        before = first_right(asked, truth, asked.scores(texts))
        for k in KS:
            value, *drawn = (before < k).mean(axis=1)
            moved = np.clip(np.array(drawn) - np.mean(drawn) + value, 0, 1)
            # where none differs there is no interval: queries share films, and no count gives an exact bound
            estimate = Estimate.of(float(value), moved)
            n, studies = len(queries), len(np.unique(asked.study[~np.isnan(truth).all(axis=0)]))
            figures.append(ProtocolFigure(f"R@{k}", group, estimate, chance[k], n, studies))
    return figures


def first_right(asked: Asked, truth: Floats, scores: Floats) -> Floats:
    """How many films stand before the first right one, [1 + resamples, queries]; inf where none was drawn.

    `truth` and `scores` are [queries, films]; films that are not judged are not searched.
    """
    counts = np.vstack([np.ones(len(asked.films), np.int64), asked.draws])
    places = places_by_id([film.id for film in asked.films])
    before = np.empty((len(counts), len(truth)))
    for query, (row, near) in enumerate(zip(truth, scores, strict=True)):
        judged = np.flatnonzero(~np.isnan(row))
        order = judged[best_first(near[judged], places[judged])]
        copies = counts[:, order]
        ahead = (np.cumsum(copies, axis=1) - copies).astype(np.float64)
        before[:, query] = np.where((copies > 0) & (row[order] == 1), ahead, np.inf).min(axis=1)
    return before


def hit_by_chance(truth: Floats, k: int) -> float:
    """How likely a right film is among `k` of the judged ones picked at random."""
    judged, right = int((~np.isnan(truth)).sum()), int((truth == 1).sum())
    return 1 - comb(judged - right, k) / comb(judged, k) if k < judged else float(right > 0)
