"""Placing a sentence that was not laid out, by one rule, and choosing that rule by its error.

t-SNE has no place for a new point, and UMAP's takes seconds to compile, so every map uses the same rule:
the mean of the points of the k most similar prompts, weighted by softmax(cosine / temperature).  k and the
temperature are those with the smallest error when every prompt in turn is left out and placed by the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from negviz.explain.projection.align import Points

Vectors = NDArray[np.floating[Any]]  # [n, dim], unit-norm
NEIGHBOURS: Final = (1, 2, 3, 5, 8, 13)
TEMPERATURES: Final = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2)


@dataclass(frozen=True)
class Rule:
    """How many prompts have a say, and how much the most similar ones prevail."""

    neighbours: int
    temperature: float  # of cosines


@dataclass(frozen=True)
class RuleChoice:
    """The rule with the smallest mean error and what else was tried; errors in radii of the map."""

    rule: Rule
    mean: float
    median: float
    worst_tenth: float  # 90th percentile
    centre: float  # mean error of placing everything at the centre, for comparison
    tried: tuple[tuple[Rule, float], ...]

    def plain(self) -> dict[str, Any]:
        tried = [{**asdict(rule), "mean": round(error, 4)} for rule, error in self.tried]
        errors = {name: round(getattr(self, name), 4) for name in ("mean", "median", "worst_tenth", "centre")}
        return {**asdict(self.rule), "error": errors, "tried": tried}


def place(similarities: Vectors, points: Points, rule: Rule) -> Points:
    """Where sentences belong, [m, 2], by their cosines [m, n] with prompts at `points` [n, 2]."""
    nearest = np.argsort(-similarities, axis=1, kind="stable")[:, : rule.neighbours]
    near = np.take_along_axis(similarities, nearest, axis=1)
    weights = np.exp((near - near[:, :1]) / rule.temperature)
    weights /= weights.sum(axis=1, keepdims=True)
    return np.asarray(np.einsum("mk,mkd->md", weights, points[nearest]))


def left_out_errors(vectors: Vectors, points: Points, rule: Rule) -> NDArray[np.float64]:
    """Distance between every prompt's point and where the others would place it, [n]."""
    similarities = np.asarray(vectors @ vectors.T, np.float64)
    np.fill_diagonal(similarities, -np.inf)
    return np.asarray(np.linalg.norm(place(similarities, points, rule) - points, axis=1))


def choose_rule(maps: Sequence[tuple[Vectors, Points]]) -> RuleChoice:
    """The best rule for some maps, of models that are to share it; of equals the simpler one."""
    tried = {
        rule: np.concatenate([left_out_errors(vectors, points, rule) for vectors, points in maps])
        for rule in (Rule(k, heat) for k in NEIGHBOURS for heat in TEMPERATURES)
        if rule.neighbours < len(maps[0][1])
    }
    best = min(tried, key=lambda rule: float(tried[rule].mean()))
    errors = tried[best]
    centre = np.concatenate([np.linalg.norm(points - points.mean(axis=0), axis=1) for _, points in maps])
    return RuleChoice(
        best,
        float(errors.mean()),
        float(np.median(errors)),
        float(np.quantile(errors, 0.9)),
        float(centre.mean()),
        tuple((rule, float(found.mean())) for rule, found in tried.items()),
    )
