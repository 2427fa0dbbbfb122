"""Statistics of a reader study; those with `weights` [times, n] give one value a resample, [times]."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from negviz.retrieval.metrics import Floats

_Z: Final = NormalDist().inv_cdf(0.975)


def mean(values: Floats, weights: Floats) -> Floats:
    """Weighted means, [times]; nan where nothing was drawn."""
    total = weights.sum(axis=1)
    return np.where(total > 0, weights @ values / np.where(total > 0, total, 1.0), np.nan)


def median(values: Floats, weights: Floats) -> Floats:
    """Weighted medians, [times]: with whole weights, the median of so many copies of each value."""
    order = np.argsort(values, kind="stable")
    ranked, filled = values[order], np.cumsum(weights[:, order], axis=1)
    half = filled[:, -1:] / 2
    last = len(ranked) - 1
    lower = ranked[np.minimum((filled < half).sum(axis=1), last)]
    upper = ranked[np.minimum((filled <= half).sum(axis=1), last)]
    return np.where(half[:, 0] > 0, (lower + upper) / 2, np.nan)


def wilson(wins: int, of: int) -> tuple[float, float] | None:
    """Wilson's 95 % interval of a share; None of nothing."""
    if not of:
        return None
    share, spread = wins / of, _Z**2 / of
    middle = share + spread / 2
    reach = _Z * ((share * (1 - share) + spread / 4) / of) ** 0.5
    return max(0.0, (middle - reach) / (1 + spread)), min(1.0, (middle + reach) / (1 + spread))


def krippendorff(counts: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> Floats:
    """Krippendorff's alpha for nominal categories, [times]; nan where all answers are one and the same.

    `counts` [units, categories] says how many gave each answer about each unit; a unit with fewer than two
    answers is left out.  `weights` [times, units] says how often each unit is counted.
    """
    given = np.asarray(counts, np.float64)
    answers = given.sum(axis=1)
    kept = answers >= 2
    given, answers = given[kept], answers[kept]
    drawn = np.ones((1, len(kept))) if weights is None else np.asarray(weights, np.float64)
    drawn = drawn[:, kept]
    differing = (answers**2 - (given**2).sum(axis=1)) / np.maximum(answers - 1, 1)  # observed, by unit
    totals = drawn @ given  # [times, categories]
    number = totals.sum(axis=1)
    expected = number**2 - (totals**2).sum(axis=1)
    possible = expected > 0
    ratio = (number - 1) * (drawn @ differing) / np.where(possible, expected, 1.0)
    return np.where(possible, 1 - ratio, np.nan)


def cohen(first: npt.NDArray[Any], second: npt.NDArray[Any]) -> float:
    """Cohen's kappa of two readers' answers; nan where both only ever gave one and the same."""
    from sklearn.metrics import cohen_kappa_score

    if len(np.union1d(first, second)) < 2:
        return float("nan")
    return float(cohen_kappa_score(first, second))


def cohen_resampled(first: npt.NDArray[Any], second: npt.NDArray[Any], weights: Floats) -> Floats:
    """`cohen` of every row of weights, [times]: scikit-learn takes minutes for a thousand of each pair."""
    answers = np.union1d(first, second)
    one, other = (own[:, None] == answers for own in (first, second))  # [n, answers]
    total = weights.sum(axis=1)
    safe = np.where(total > 0, total, 1.0)
    agreed = weights @ (first == second) / safe
    chance = ((weights @ one) * (weights @ other)).sum(axis=1) / safe**2
    possible = (total > 0) & (chance < 1)
    return np.where(possible, (agreed - chance) / np.where(possible, 1 - chance, 1.0), np.nan)
