"""How well the image tower tells findings: its own classifier and a fresh probe, with intervals.

Held-out studies (a fold the tower never saw), the hand-confirmed test films, and films of another
institution are reported apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from negviz.evaluation.ceiling import probe_scores
from negviz.films.collection import Collection
from negviz.findings import FINDINGS
from negviz.retrieval.metrics import Ranked, auroc_interval, draw, interval

MANY: Final = 25  # positives a finding needs to count in the mean
FEW: Final = 5
_RESAMPLES: Final = 1000


@dataclass(frozen=True)
class ProbeScores:
    """What the base makes of films: embeddings `<float32>[n, dim]`, classifier `<float32>[n, findings]`."""

    collection: Collection
    embeddings: NDArray[np.float32]
    classifier: NDArray[np.float32]


def measure(scores: ProbeScores, evaluated: Collection, trained: Collection) -> dict[str, Any]:
    """AUROC by finding over `evaluated`; the probe is fitted on `trained`, or within `evaluated` if none."""
    test, train = (np.array(scores.collection.rows(films), dtype=np.intp) for films in (evaluated, trained))
    studies = np.array([film.uid for film in scores.collection])
    rows: dict[str, Any] = {}
    for column, finding in enumerate(FINDINGS):
        labels = labels_of(scores.collection, finding)
        positives, negatives = (int((labels[test] == value).sum()) for value in (1, 0))
        if min(positives, negatives) < FEW:
            continue
        probe = probe_scores(scores.embeddings, labels, studies, train=train, test=test)
        rows[finding] = {
            "positives": positives,
            "negatives": negatives,
            **figures("classifier", labels[test], scores.classifier[test, column]),
            **(figures("probe", labels[test], probe) if probe is not None else {}),
        }
    return {"films": len(evaluated), "findings": rows, **_means(rows)}


def labels_of(collection: Collection, finding: str) -> NDArray[np.float64]:
    """`<float64>[n]`: 1 has it, 0 denies it, nan does not say."""
    states = (film.states(finding, "present") for film in collection)
    return np.array([np.nan if state is None else float(state) for state in states])


def figures(name: str, labels: NDArray[np.float64], scores: NDArray[Any]) -> dict[str, Any]:
    """AUROC of `scores` over the films that have or deny a finding, and its 95 % interval.

    Where all of one side stand above the other no resample moves it, and the interval is that of its formula.
    """
    ranked = Ranked.of(labels[None], np.asarray(scores, np.float64)[None], None)
    point = float(ranked.measure(1)["auroc"][0, 0])
    drawn = ranked.measure(1, draw(len(labels), times=_RESAMPLES, seed=0))["auroc"][:, 0]
    sides = (int((labels == side).sum()) for side in (1, 0))
    bounds = auroc_interval(point, *sides) if point in (0, 1) else interval(drawn) or ()
    return {f"{name}_auroc": point, f"{name}_auroc_ci": list(bounds)}


def _means(rows: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    many = [row for name, row in rows.items() if row["positives"] >= MANY and name != "normal"]
    if not many:
        return {}
    means = {
        f"mean_{name}_auroc": float(np.mean([row[f"{name}_auroc"] for row in many]))
        for name in ("classifier", "probe")
    }
    return {**means, "mean_over": [name for name, row in rows.items() if row in many]}
