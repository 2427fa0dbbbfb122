"""Best first: the one order in which films are ranked, by score and, of equal scores, by id.

A ranking is then the same on every call and in any order of the films, and a figure measured on it is that of
the films that the page shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.floating[Any]]
FilmPlaces = npt.NDArray[np.intp]  # [films] the place of each, were they sorted by id


def places_by_id(ids: Sequence[str]) -> FilmPlaces:
    """What equal scores of these films go by."""
    return np.argsort(np.argsort(np.array(ids, dtype=object)))


def best_first(scores: Scores, places: FilmPlaces) -> npt.NDArray[np.intp]:
    """Indices of `scores` [..., films], along the films; `places` [films] or of the same shape."""
    return np.lexsort((np.broadcast_to(places, scores.shape), -scores), axis=-1)


def top_k(scores: Scores, k: int, places: FilmPlaces) -> npt.NDArray[np.intp]:
    """The first `k` of `best_first`, of `scores` [films], sorting no more than it must."""
    if k < len(scores):
        least = np.partition(scores, -k)[-k]
        candidates = np.flatnonzero(scores >= least)
    else:
        candidates = np.arange(len(scores))
    return candidates[best_first(scores[candidates], places[candidates])][:k]


def rank_of(row: int, scores: Scores, places: FilmPlaces) -> int:
    """The rank of one film, 1 the best, in that order, without sorting the others."""
    before = (scores > scores[row]) | ((scores == scores[row]) & (places < places[row]))
    return 1 + int(before.sum())
