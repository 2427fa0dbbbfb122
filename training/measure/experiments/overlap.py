"""Do prompts that affirm an effusion and prompts that deny one lie apart, and by how much?

For every model of the family, over the vectors of the 99 prompts and of each kind apart:

- silhouette by polarity, cosine distance (`negviz.explain.projection.separation`): 1 far apart, 0 mixed;
- the cosine of the two groups' mean vectors: 1 where they point the same way;
- purity: the share of each prompt's five nearest that have its polarity; about a half where they are mixed;
- accuracy of a linear probe, cross-fitted by template so that no wording is on both sides;
- overlap along the axis between the two means, fitted on the other folds' prompts: one minus the
  Kolmogorov–Smirnov distance, 1 where no threshold tells the groups apart, 0 where one does without error.

Intervals: the jackknife's for the silhouette, over prompts drawn with replacement for the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold

from negviz.evaluation.cells import Json
from negviz.evaluation.prompts import PromptRow, read_prompts, template
from negviz.explain.projection.align import align, standardise
from negviz.explain.projection.pca import pca
from negviz.explain.projection.separation import Separation, cosine_distances, separations
from negviz.models.family import load_models
from negviz.retrieval.metrics import Counts, Floats, draw, interval
from training.measure.experiments.material import EFFUSION, Material
from training.paths import PROMPTS

NEIGHBOURS: Final = 5
FOLDS: Final = 5
STRENGTH: Final = 1.0  # scikit-learn's C of the probe, which is not chosen: prompts are few
WHAT: Final = (
    "how far prompts that affirm an effusion lie from prompts that deny one, in every model's own vectors"
)
Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Measure:
    """One figure of a model: as it is, and on every resample of prompts."""

    value: float
    drawn: Floats  # [resamples]


def runs(seeds: int) -> int:
    """Nothing is tuned: it counts as one."""
    del seeds
    return 1


def measure(material: Material) -> Json:
    rows = [row for row in read_prompts(PROMPTS / EFFUSION) if row.polarity != "uncertain"]
    models = load_models(material.paths.family)
    vectors = {name: model.encode_text([row.prompt for row in rows]) for name, model in models.items()}
    parts = {"all": rows}
    for row in rows:
        parts.setdefault(row.kind, []).append(row)
    apart = {
        part: compare(_select(vectors, rows, chosen), chosen, material.resamples)
        for part, chosen in parts.items()
    }
    material.store.count()
    return {
        "what": WHAT,
        "prompts": apart,
        "map": _map(vectors),
        "polarities": [row.polarity for row in rows],
        "kinds": [row.kind for row in rows],
    }


def _select(
    vectors: Mapping[str, Vectors], rows: Sequence[PromptRow], chosen: Sequence[PromptRow]
) -> dict[str, Vectors]:
    places = [place for place, row in enumerate(rows) if row in chosen]
    return {name: matrix[places] for name, matrix in vectors.items()}


def _map(vectors: Mapping[str, Vectors]) -> Json:
    """Principal components of every model's vectors, turned onto the first model's: {model: {x, y}}."""
    flat = {name: standardise(pca(matrix)) for name, matrix in vectors.items()}
    onto = next(iter(flat.values()))
    turned = {name: align(points, onto).round(4) for name, points in flat.items()}
    return {name: {"x": points[:, 0].tolist(), "y": points[:, 1].tolist()} for name, points in turned.items()}


def compare(vectors: Mapping[str, Vectors], rows: Sequence[PromptRow], resamples: int) -> Json:
    """Every model's figures, the first model being what the others are set against."""
    polarities = [row.polarity for row in rows]
    apart = separations({name: cosine_distances(each) for name, each in vectors.items()}, polarities)
    affirm = np.array([polarity == "present" for polarity in polarities])
    counts = draw(len(rows), times=resamples, seed=0)
    groups = [template(row.prompt) for row in rows]
    measured = {name: _measures(each, affirm, groups, counts) for name, each in vectors.items()}
    base = next(iter(measured))
    return {
        name: {
            "n": len(rows),
            **_silhouette(apart[name]),
            **_figures(mine, None if name == base else measured[base]),
        }
        for name, mine in measured.items()
    }


def _measures(
    vectors: Vectors, affirm: NDArray[np.bool_], groups: Sequence[str], counts: Counts
) -> dict[str, Measure]:
    right, along = _cross_fitted(vectors, affirm, groups)
    pure = _purity(vectors, affirm)
    means: dict[str, Callable[[Floats], float]] = {
        "probe_accuracy": lambda weights: float(np.average(right, weights=weights)),
        "neighbour_purity": lambda weights: float(np.average(pure, weights=weights)),
        "centroid_cosine": lambda weights: _centroid_cosine(vectors, affirm, weights),
        "overlap": lambda weights: _overlap(along, affirm, weights),
    }
    whole = np.ones(len(vectors))
    return {
        name: Measure(of(whole), np.array([_or_nan(of, drawn, affirm) for drawn in counts]))
        for name, of in means.items()
    }


def _or_nan(of: Callable[[Floats], float], drawn: NDArray[Any], affirm: NDArray[np.bool_]) -> float:
    """A resample without one of the two groups says nothing."""
    weights = drawn.astype(np.float64)
    return of(weights) if weights[affirm].any() and weights[~affirm].any() else np.nan


def _cross_fitted(
    vectors: Vectors, affirm: NDArray[np.bool_], groups: Sequence[str]
) -> tuple[Floats, Floats]:
    """Of each prompt, by what the other folds taught: whether a probe has it right, and its place.

    The place is on the axis between the means: from their middle, in units of their distance.
    """
    right, along = np.zeros(len(vectors)), np.zeros(len(vectors))
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0)
    for inside, outside in folds.split(vectors, affirm, groups):
        # not lbfgs, scikit-learn's default: it gives up where vectors are nearly collinear
        probe = LogisticRegression(C=STRENGTH, solver="newton-cholesky", max_iter=2000)
        spread = (
            vectors[inside].std() or 1.0
        )  # one scale for all, so that STRENGTH means the same in all models
        centre = vectors[inside].mean(axis=0)
        probe.fit((vectors[inside] - centre) / spread, affirm[inside])
        right[outside] = probe.predict((vectors[outside] - centre) / spread) == affirm[outside]
        first, second = (vectors[inside][affirm[inside] == side].mean(axis=0) for side in (True, False))
        axis = first - second
        along[outside] = (vectors[outside] - (first + second) / 2) @ axis / max(float(axis @ axis), 1e-12)
    return right, along


def _purity(vectors: Vectors, affirm: NDArray[np.bool_]) -> Floats:
    """[n] share of each prompt's nearest, itself left out, that have its polarity."""
    similarities = vectors @ vectors.T
    np.fill_diagonal(similarities, -np.inf)
    nearest = np.argsort(-similarities, axis=1, kind="stable")[:, :NEIGHBOURS]
    return np.asarray((affirm[nearest] == affirm[:, None]).mean(axis=1))


def _centroid_cosine(vectors: Vectors, affirm: NDArray[np.bool_], weights: Floats) -> float:
    first, second = (weights[affirm == side] @ vectors[affirm == side] for side in (True, False))
    return float(first @ second / (np.linalg.norm(first) * np.linalg.norm(second)))


def _overlap(along: Floats, affirm: NDArray[np.bool_], weights: Floats) -> float:
    """One minus the largest distance between the two cumulative distributions."""
    order = np.argsort(along, kind="stable")
    shares = [
        np.cumsum(np.where(affirm[order] == side, weights[order], 0)) / weights[affirm == side].sum()
        for side in (True, False)
    ]
    last = np.append(np.diff(along[order]) > 0, True)  # equal places enter together
    return float(1 - np.abs(shares[0] - shares[1])[last].max())


def _silhouette(apart: Separation) -> Json:
    ends = apart.minus_base_interval
    return {
        "silhouette": round(apart.value, 6),
        "silhouette_ci": [round(end, 6) for end in apart.interval],
        "silhouette_minus_base": None if apart.minus_base is None else round(apart.minus_base, 6),
        "silhouette_minus_base_ci": None if ends is None else [round(end, 6) for end in ends],
    }


def _figures(mine: Mapping[str, Measure], base: Mapping[str, Measure] | None) -> Json:
    record: Json = {}
    for name, figure in mine.items():
        record |= _figure(name, figure.value, figure.drawn)
        if base is None:
            record |= {f"{name}_minus_base": None, f"{name}_minus_base_ci": None}
        else:
            change, drawn = figure.value - base[name].value, figure.drawn - base[name].drawn
            record |= _figure(f"{name}_minus_base", change, drawn)
    return record


def _figure(name: str, value: float, drawn: Floats) -> Json:
    bounds = interval(drawn)
    ends = None if bounds is None else [round(end, 6) for end in bounds]
    return {name: round(value, 6), f"{name}_ci": ends}
