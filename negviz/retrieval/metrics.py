"""How well scores rank the films that satisfy a prompt, and how sure that figure is.

Three metrics: precision of the first k, average precision (AP) and the area under the ROC curve (AUROC).
`precision_at_k`, `average_precision` and `auroc` judge one ranking; callers with many prompts over the
same films use `Ranked`, and resample it with `draw`, `average` and `interval`.

Relevance is True (satisfies), False (violates) or None / nan (not judged).  A film that is not judged
keeps its place among the first k, as it does in the gallery, but is not counted: precision is over the
judged films there.  AP and AUROC leave such films out.  A metric with nothing to count is None (nan).

Intervals are two-way: prompts and films are both drawn with replacement, independently, so a figure is
uncertain in the prompts we happened to write as well as in the films we happened to hold (Owen, "The
pigeonhole bootstrap", 2007: slightly conservative).  A film drawn twice takes two places in the ranking.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from negviz.common.errors import NegvizError
from negviz.common.order import FilmPlaces, best_first

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]  # how often each prompt or film was drawn
Ties = tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]] | None  # first and last place of each tie, if any
METRICS: Final = ("p_at_k", "ap", "auroc")
_Z: Final = 1.959964  # of 95 %
_FINE: Final = 100_000  # steps between 0 and 1


class MetricError(NegvizError):
    """Scores or relevance that cannot be measured; the message says why."""


def precision_at_k(relevance: Sequence[bool | None] | npt.NDArray[Any], k: int) -> float | None:
    """Share of satisfying films among the judged ones of the first k; `relevance` is best first."""
    if k < 1:
        raise MetricError(f"k must be at least 1, not {k}.")
    top = np.asarray(relevance, dtype=np.float64)[:k]
    judged = top[~np.isnan(top)]
    return float(judged.mean()) if judged.size else None


def average_precision(
    relevance: Sequence[bool | None] | npt.NDArray[Any], scores: Sequence[float] | npt.NDArray[Any]
) -> float | None:
    """AP as scikit-learn defines it: recall steps times precision, equal scores entering together.

    None where no judged film satisfies the prompt.
    """
    return _only(_average_precision(*_single(relevance, scores)))


def auroc(
    relevance: Sequence[bool | None] | npt.NDArray[Any], scores: Sequence[float] | npt.NDArray[Any]
) -> float | None:
    """Probability that a satisfying film outscores a violating one, a tie counting half (mid-ranks).

    None unless both kinds are there.
    """
    return _only(_auroc(*_single(relevance, scores)))


@dataclass(frozen=True)
class Ranked:
    """Films best first, a row a prompt."""

    order: npt.NDArray[np.intp]  # [prompts, films] which film
    gains: Floats  # [prompts, films] 1 where it satisfies, else 0
    judged: Floats  # [prompts, films] 1 where it is judged, else 0
    ties: Ties  # [prompts, films] twice
    searched: Floats | None = None  # [prompts, films] 1 where it is searched for that prompt, else 0

    @classmethod
    def of(
        cls,
        relevance: npt.NDArray[Any],
        scores: npt.NDArray[Any],
        places: FilmPlaces | None,
        searched: npt.NDArray[np.bool_] | None = None,
    ) -> Ranked:
        """Rank `scores` [prompts, films]; `relevance` has the same shape, nan where not judged.

        Equal scores go by `places` [films].  None for what has no ids, or where only AP and AUROC are asked
        for, which take equal scores together: then they stay as they stand.  Films that are not `searched`
        for a prompt, of the same shape, take no place; without it all are, for every prompt.
        """
        truth, values = np.asarray(relevance, np.float64), np.asarray(scores, np.float64)
        if truth.shape != values.shape or values.ndim != 2 or not values.size:
            raise MetricError(f"Scores {values.shape} and relevance {truth.shape} must be [prompts, films].")
        if not np.isfinite(values).all():
            raise MetricError("Scores must be finite numbers.")
        order = best_first(values, np.arange(values.shape[1]) if places is None else places)
        among = None if searched is None else np.take_along_axis(searched, order, axis=1).astype(np.float64)
        truth = np.take_along_axis(truth, order, axis=1)
        ties = _ties(np.take_along_axis(values, order, axis=1))
        return cls(order, np.nan_to_num(truth), (~np.isnan(truth)).astype(np.float64), ties, among)

    def measure(self, k: int, counts: Counts | None = None) -> dict[str, Floats]:
        """Every metric of every prompt, nan where there is nothing to count.

        `counts` [times, films] says how often each resample drew each film.  Returns [times, prompts] a
        metric; without `counts`, one row: the films as they are.
        """
        if k < 1:
            raise MetricError(f"k must be at least 1, not {k}.")
        films = self.order.shape[1]
        copies = np.ones((1, films)) if counts is None else np.asarray(counts, np.float64)
        rows = [self._measure(k, self._copies(drawn)) for drawn in copies]
        return {name: np.stack([row[i] for row in rows]) for i, name in enumerate(METRICS)}

    def precision(self, k: int, counts: Counts) -> Floats:
        """Precision of the first k alone, which costs less: [times, prompts]."""
        copies = map(self._copies, counts.astype(np.float64))
        return np.stack([_precision_at_k(each, self.gains, self.judged, k) for each in copies])

    def _copies(self, drawn: Floats) -> Floats:
        """[prompts, films] best first, of how often each was drawn [films]."""
        copies: Floats = drawn[self.order]
        return copies if self.searched is None else copies * self.searched

    def _measure(self, k: int, copies: Floats) -> tuple[Floats, Floats, Floats]:
        hits, counted = copies * self.gains, copies * self.judged
        return (
            _precision_at_k(copies, self.gains, self.judged, k),
            _average_precision(hits, counted, self.ties),
            _auroc(hits, counted, self.ties),
        )


def draw(size: int, *, times: int, seed: int | Sequence[int]) -> Counts:
    """Draw `size` things with replacement, `times` over: how often each was drawn, [times, size]."""
    return np.random.default_rng(seed).multinomial(size, np.full(size, 1 / size), size=times)


def average(values: Floats, counts: Counts | None = None) -> Floats:
    """Mean over prompts (last axis) of what is not nan, weighted by `counts`; nan where nothing is left."""
    weights = ~np.isnan(values) * (1.0 if counts is None else counts)
    return _ratio((np.nan_to_num(values) * weights).sum(axis=-1), weights.sum(axis=-1))


def interval(draws: Floats, level: float = 0.95) -> tuple[float, float] | None:
    """Percentile interval; resamples in which nothing could be counted are left out."""
    kept = draws[~np.isnan(draws)]
    if not kept.size:
        return None
    low, high = np.quantile(kept, ((1 - level) / 2, (1 + level) / 2))
    return float(low), float(high)


def unanimous_interval(share: float, count: int) -> tuple[float, float] | None:
    """95 % interval of a share of none or all of so many independent things; None for any other share.

    No resample of these tells another share; the bound is exact: every share under which all would be alike
    no more seldom than once in forty (Clopper and Pearson 1934; one-sided it is the rule of three).
    """
    if share not in (0, 1):
        return None
    bound: float = 0.025 ** (1 / count)
    return (bound, 1.0) if share else (0.0, 1 - bound)


def auroc_interval(area: float, satisfying: int, violating: int) -> tuple[float, float]:
    """95 % interval of the AUROC of one ranking of so many films of either kind, in closed form.

    All values whose standard error reaches as far as `area` (method 5 of Newcombe 2006, with Hanley and
    McNeil's variance).  At one half that variance is Mann and Whitney's, so one half lies outside just where
    their test finds that scores go with relevance, however few films there are.  A bootstrap cannot say that:
    one satisfying film, wherever it stands, stands there in every resample.
    """
    return _lower(area, satisfying, violating), 1 - _lower(1 - area, satisfying, violating)


def _lower(area: float, satisfying: int, violating: int) -> float:
    spare = (satisfying + violating) / 2 - 1

    def reaches(step: int) -> bool:
        value = step / _FINE
        spread = value * (1 - value) * (1 + spare * ((1 - value) / (2 - value) + value / (1 + value)))
        return area - value <= _Z * math.sqrt(spread / (satisfying * violating))

    return bisect_left(range(int(area * _FINE)), True, key=reaches) / _FINE


# Below, arrays are [prompts, films] in ranked order and hold numbers of copies: `copies` of every film,
# `counted` of the judged ones, `hits` of those that satisfy.


def _precision_at_k(copies: Floats, gains: Floats, judged: Floats, k: int) -> Floats:
    filled = np.cumsum(copies, axis=1)
    taken = np.clip(k - (filled - copies), 0, copies)  # copies that still find a place among the first k
    return _ratio(_dot(taken, gains), _dot(taken, judged))


def _average_precision(hits: Floats, counted: Floats, ties: Ties) -> Floats:
    found = np.cumsum(hits, axis=1)
    precision = found / np.maximum(np.cumsum(counted, axis=1), 1)
    if ties is not None:
        precision = np.take_along_axis(precision, ties[1], axis=1)
    return _ratio(_dot(hits, precision), found[:, -1])


def _auroc(hits: Floats, counted: Floats, ties: Ties) -> Floats:
    found, misses = np.cumsum(hits, axis=1), counted - hits
    ahead = found  # satisfying films above each film, those level with it counting half
    if ties is not None:
        before = np.take_along_axis(found - hits, ties[0], axis=1)
        ahead = (before + np.take_along_axis(found, ties[1], axis=1)) / 2
    return _ratio(_dot(misses, ahead), found[:, -1] * misses.sum(axis=1))


def _ties(values: Floats) -> Ties:
    same = values[:, 1:] == values[:, :-1]
    if not same.any():
        return None
    edge = np.ones((len(values), 1), dtype=bool)
    place = np.broadcast_to(np.arange(values.shape[1]), values.shape)
    starts, ends = np.hstack((edge, ~same)), np.hstack((~same, edge))
    first = np.maximum.accumulate(np.where(starts, place, 0), axis=1)
    last = np.where(ends, place, values.shape[1])[:, ::-1]
    return first, np.minimum.accumulate(last, axis=1)[:, ::-1]


def _single(
    relevance: Sequence[bool | None] | npt.NDArray[Any], scores: Sequence[float] | npt.NDArray[Any]
) -> tuple[Floats, Floats, Ties]:
    ranked = Ranked.of(np.asarray([relevance], np.float64), np.asarray([scores], np.float64), None)
    return ranked.gains, ranked.judged, ranked.ties


def _only(values: Floats) -> float | None:
    return None if np.isnan(values[0]) else float(values[0])


def _dot(left: Floats, right: Floats) -> Floats:
    total: Floats = np.einsum("pn,pn->p", left, right)
    return total


def _ratio(numerator: Floats, denominator: Floats) -> Floats:
    safe = np.where(denominator > 0, denominator, 1.0)
    return np.where(denominator > 0, numerator / safe, np.nan)
