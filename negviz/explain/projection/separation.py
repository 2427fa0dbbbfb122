"""How far groups lie apart: the mean silhouette (Rousseeuw, 1987) and its interval.

1 is far apart, 0 is mixed, below 0 is nearer to another group than to the own.  It does not depend on the
scale of the distances, so vectors (cosine distance) and maps (Euclidean) can be read side by side.

Intervals are the jackknife's (every prompt left out in turn).  The bootstrap will not do: where groups are
small, a resample leaves single prompts that pass for whole groups, and its interval misses the value itself
(by finding: -0.24, but -0.73 to -0.32).  By polarity, with large groups, the two agree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from negviz.retrieval.metrics import Counts, Floats

_NORMAL: Final = 1.96  # standard errors on either side: 95 %


@dataclass(frozen=True)
class Separation:
    """A mean silhouette with its 95 % interval over prompts, and how it differs from base's."""

    value: float
    interval: tuple[float, float]
    minus_base: float | None = None  # None for base itself
    minus_base_interval: tuple[float, float] | None = None


def separations(distances: Mapping[str, Floats], groups: Sequence[str]) -> dict[str, Separation]:
    """The separation of `groups` [n] in every model's `distances` [n, n]; the first model is base.

    Left-out prompts are the same in all models, so that differences are between equals.
    """
    belongs = np.array([[group == name for name in dict.fromkeys(groups)] for group in groups], np.float64)
    everything = np.ones((1, len(groups)), np.int64)
    one_out = everything - np.eye(len(groups), dtype=np.int64)
    values = {name: float(_silhouette(far, belongs, everything)[0]) for name, far in distances.items()}
    without = {name: _silhouette(far, belongs, one_out) for name, far in distances.items()}
    base = next(iter(distances))
    return {
        name: Separation(value, _interval(value, without[name]))
        if name == base
        else Separation(
            value,
            _interval(value, without[name]),
            value - values[base],
            _interval(value - values[base], without[name] - without[base]),
        )
        for name, value in values.items()
    }


def cosine_distances(vectors: NDArray[np.floating[Any]]) -> Floats:
    """[n, n] for unit vectors [n, dim]."""
    far = 1 - np.asarray(vectors, np.float64) @ np.asarray(vectors, np.float64).T
    np.fill_diagonal(far, 0)
    return np.asarray(far.clip(0))


def plane_distances(points: NDArray[np.floating[Any]]) -> Floats:
    """[n, n] for points [n, 2]."""
    return np.asarray(np.linalg.norm(points[:, None] - points[None], axis=-1))


def _silhouette(distances: Floats, belongs: Floats, counts: Counts) -> Floats:
    """Mean silhouette of every selection of prompts, [times].

    `distances` [n, n], `belongs` [n, groups] 1 or 0, `counts` [times, n] 1 where a prompt is in, else 0.  A
    prompt that is alone in its group counts 0, as in scikit-learn.
    """
    own, there = belongs.astype(bool), counts.astype(np.float64)
    sizes = there @ belongs  # [times, groups]
    sums = np.einsum("ij,tj,jg->tig", distances, there, belongs, optimize=True)
    others = (sizes @ belongs.T) - there  # [times, n] the rest of its group
    within = (sums * own).sum(axis=-1) / np.maximum(others, 1)
    means = sums / np.maximum(sizes, 1)[:, None]
    between = np.where(own | (sizes[:, None] == 0), np.inf, means).min(axis=-1)
    larger = np.maximum(within, between)
    each = np.where(others > 0, between - within, 0) / np.where(larger > 0, larger, 1)
    return np.asarray((each * there).sum(axis=1) / there.sum(axis=1))


def _interval(value: float, without: Floats) -> tuple[float, float]:
    """95 % about `value` by what becomes of it `without` each prompt, [n]."""
    n = len(without)
    error = np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum())
    return float(value - _NORMAL * error), float(value + _NORMAL * error)
