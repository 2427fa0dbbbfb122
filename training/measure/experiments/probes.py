"""What an image tower still tells apart: a cross-fitted probe for each finding, before and after tuning."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from negviz.evaluation.ceiling import probe_scores
from negviz.evaluation.cells import Json
from negviz.films.collection import Collection
from negviz.findings import FINDINGS
from negviz.retrieval.metrics import Floats, Ranked, draw, interval
from training.measure.experiments.cells import Vectors
from training.measure.probe import labels_of


def probe_records(films: Collection, before: Vectors, after: Sequence[Vectors], resamples: int) -> Json:
    """AUROC by finding of a probe on embeddings [films, dim]: of the frozen tower and of the tuned ones.

    `after` is a matrix a seed, and the tuned towers' figure their mean.  Intervals are over films.  Findings
    too rare to be probed are left out.
    """
    draws = draw(len(films), times=resamples, seed=0)
    studies = np.array([film.uid for film in films])
    everything = np.arange(len(films))
    records: Json = {}
    for finding in FINDINGS:
        labels = labels_of(films, finding)
        measured = []
        for vectors in (before, *after):
            scores = probe_scores(vectors, labels, studies, train=everything[:0], test=everything)
            if scores is None:
                break
            ranked = Ranked.of(labels[None], scores[None], films.places_by_id)
            measured.append([ranked.measure(1, of)["auroc"][:, 0] for of in (None, draws)])
        else:
            frozen, tuned = measured[0], [np.mean(part, axis=0) for part in zip(*measured[1:], strict=True)]
            records[finding] = {
                "films_with": int((labels == 1).sum()),
                **_figure("frozen", frozen),
                **_figure("unfrozen", tuned),
                **_figure("unfrozen_minus_frozen", [b - a for a, b in zip(frozen, tuned, strict=True)]),
            }
    return records


def _figure(name: str, parts: Sequence[Floats]) -> Json:
    """`parts`: the figure [1] and its resamples [times]."""
    bounds = interval(parts[1])
    ends = None if bounds is None else [round(end, 6) for end in bounds]
    return {f"{name}_auroc": round(float(parts[0][0]), 6), f"{name}_auroc_ci": ends}
