"""How far probabilities and abstaining can be trusted, on films and prompts that chose nothing.

*Reliability*: of the films given a probability of about 0.7, do seven of ten match?  In ten bins;
the expected calibration error (ECE) is the mean distance between the two, the gap its mean with its sign, the
Brier score the mean square error, beside what it would be if the share of right films were always said.
*Coverage*: how well a model ranks the prompts that it does not abstain from, the surest first.  Intervals are
drawn over prompts and films, as in `negviz.retrieval.metrics`; a mean of distances is never 0 by chance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from negviz.evaluation.prompts import PromptRow
from negviz.films.collection import Collection
from negviz.models.encoder import DualEncoder
from negviz.retrieval.calibration import Calibration, Seen, statistic
from negviz.retrieval.estimate import Estimate
from negviz.retrieval.metrics import Counts, Floats, Ranked, average, draw
from negviz.retrieval.search import Vectors, cosines
from training.measure.diagnosis import opposite_of

BINS: Final = 10
COVERAGES: Final = tuple(round(0.1 * tenth, 1) for tenth in range(1, 11))
K: Final = 10
Json = dict[str, Any]


@dataclass(frozen=True, eq=False)
class PromptedFilms:
    """Films, and prompts put to them."""

    films: Collection
    rows: tuple[PromptRow, ...]

    @property
    def satisfied(self) -> Floats:
        """[prompts, films] 1 satisfies, 0 contradicts, nan not judged."""
        return np.array(
            [[film.states(row.finding, row.polarity) for film in self.films] for row in self.rows], np.float64
        )


@dataclass(frozen=True, eq=False)
class Draws:
    """How often each resample draws each prompt and film; the first row is everything once."""

    prompts: Counts  # [1 + times, prompts]
    films: Counts  # [1 + times, films]

    @classmethod
    def of(cls, prompts: int, films: int, times: int) -> Draws:
        return cls(
            *(
                np.vstack([np.ones((1, size), np.int64), draw(size, times=times, seed=seed)])
                for seed, size in ((1, prompts), (0, films))
            )
        )

    def total(self, matrix: Floats) -> Floats:
        """[1 + times] sums of `matrix` [prompts, films]."""
        summed: Floats = np.einsum("tf,tf->t", self.prompts @ matrix, self.films.astype(np.float64))
        return summed


def seen_by(model: DualEncoder, vectors: Vectors, bench: PromptedFilms) -> list[Seen]:
    """What a model makes of every prompt; `vectors` [films, dim]."""
    texts = [*(row.prompt for row in bench.rows), *map(opposite_of, bench.rows)]
    scores = cosines(vectors.astype(np.float64), model.encode_text(texts).astype(np.float64))
    (own, opposed), places = np.split(scores, 2), bench.films.places_by_id
    return [Seen(*each, places) for each in zip(own, own - opposed, bench.satisfied, strict=True)]


def reliability(
    calibration: Calibration, seen: Sequence[Seen], rows: Sequence[PromptRow], times: int
) -> Json:
    """Over the prompts of which something is said; empty where there is none."""
    given = [calibration.certainty(each, row.finding) for each, row in zip(seen, rows, strict=True)]
    said = [(g.probabilities, s) for g, s in zip(given, seen, strict=True) if g.probabilities is not None]
    if not said:
        return {}
    chances, right = np.array([chance for chance, _ in said]), np.array([s.satisfied for _, s in said])
    share = np.array([[s.share] for _, s in said])
    known = ~np.isnan(right)
    draws, right = Draws.of(len(right), right.shape[1], times), np.nan_to_num(right)
    judged = draws.total(known.astype(np.float64))
    bins = [_Bin.of(number, chances, right, known, draws) for number in range(BINS)]
    figures = {
        "ece": sum(abs(each.said - each.right) for each in bins) / judged,
        "gap": sum(each.said - each.right for each in bins) / judged,
        "brier": draws.total(known * (chances - right) ** 2) / judged,
        "brier_of_share": draws.total(known * (share - right) ** 2) / judged,
    }
    records = [_estimate(values).record(name) for name, values in figures.items()]
    return {
        "prompts": len(said),
        **{name: value for record in records for name, value in record.items()},
        "bins": [each.record() for each in bins if each.films[0]],
    }


@dataclass(frozen=True, eq=False)
class _Bin:
    """Films given a probability within a tenth: sums on every resample."""

    films: Floats
    said: Floats
    right: Floats

    @classmethod
    def of(cls, number: int, chances: Floats, right: Floats, known: Any, draws: Draws) -> _Bin:
        inside = (known & (np.minimum((chances * BINS).astype(int), BINS - 1) == number)).astype(np.float64)
        return cls(draws.total(inside), draws.total(inside * chances), draws.total(inside * right))

    def record(self) -> Json:
        with np.errstate(invalid="ignore"):  # a resample may draw none of a rare bin: nan, left out
            right = self.right / self.films
        return {
            "films": int(self.films[0]),
            "said": round(float(self.said[0] / self.films[0]), 6),
            **_estimate(right).record("right"),
        }


def coverage(calibration: Calibration, seen: Sequence[Seen], times: int) -> Json:
    """How well the prompts are ranked that a model answers; those that cannot be ranked are left out."""
    asked = [each for each in seen if 0 < each.share < 1]
    if not asked:
        return {}
    values = np.array([statistic(calibration.statistic, each) for each in asked])
    ranked = Ranked.of(
        np.array([each.satisfied for each in asked]),
        np.array([each.similarities for each in asked]),
        np.array([each.places for each in asked]),
    )
    draws = Draws.of(len(asked), len(asked[0].similarities), times)
    measured = ranked.measure(K, draws.films)
    order, answers = np.argsort(-values, kind="stable"), values >= calibration.least

    def figures(chosen: Any) -> Json:
        """Of some prompts, by number; nothing where there is none."""
        found: Json = {"prompts": len(chosen)}
        for name in ("auroc", "p_at_k") if len(chosen) else ():
            drawn = average(measured[name][:, chosen], draws.prompts[:, chosen])
            found |= _estimate(drawn).record(name)
        return found

    share = (draws.prompts @ answers.astype(np.float64)) / draws.prompts.sum(axis=1)
    return {
        **_estimate(share).record("answered"),
        "when_it_answers": figures(np.flatnonzero(answers)),
        "when_it_abstains": figures(np.flatnonzero(~answers)),
        "curve": [
            {"coverage": part, **figures(order[: max(1, round(part * len(order)))])} for part in COVERAGES
        ],
    }


def _estimate(drawn: Floats) -> Estimate:
    """From a figure and the same on every resample."""
    return Estimate.of(float(drawn[0]), drawn[1:])


def measure(
    calibrations: Mapping[str, Calibration],
    models: Mapping[str, DualEncoder],
    vectors: Mapping[str, Vectors],
    bench: PromptedFilms,
    *,
    times: int,
    covers: bool = True,
) -> Json:
    """Every calibrated model on one bench; `vectors` [films, dim] by tower."""
    found: Json = {}
    for name, calibration in calibrations.items():
        seen = seen_by(models[name], vectors[models[name].tower_id], bench)
        found[name] = {"reliability": reliability(calibration, seen, bench.rows, times)}
        if covers:
            found[name]["coverage"] = coverage(calibration, seen, times)
    return found
