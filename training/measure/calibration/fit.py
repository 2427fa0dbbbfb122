"""Fitting calibrations, and choosing by cross-validation what they go by.

A *question* is one training wording put to one finding and one model, over films that neither the model nor,
where it was kept from a fold, its image tower has learned from; the model has not been taught that wording
either (`training.measure.retuned_wordings`).  Each of five folds fits on the wordings and studies of the
other four and is scored on its own: curves by log loss, as if half of the films were right; abstention by
what it gains. Findings count alike, whatever the number of their wordings.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any, Final, Literal, get_args

import numpy as np
import numpy.typing as npt
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from negviz.common.errors import NegvizError
from negviz.films.split import FOLDS
from negviz.retrieval.calibration import (
    FEATURES,
    STATISTICS,
    Calibration,
    Feature,
    Seen,
    Statistic,
    feature,
    statistic,
)
from negviz.retrieval.metrics import Floats, auroc

Curve = Literal["Platt", "isotonic"]
Knots = tuple[tuple[float, float], ...]
FEWEST: Final = 10  # films of either kind without which a finding is not fitted
_SUREST: Final = 0.98  # isotonic regression would say 1 where its films ran out
Json = dict[str, Any]


class CalibrationError(NegvizError):
    """Films or prompts that nothing can be fitted on; the message is one sentence that says what to do."""


@dataclass(frozen=True, eq=False)
class FittedQuestion:
    """A sentence put to a model."""

    finding: str
    wording: int  # the fold of the wording
    seen: Seen  # over the unseen films


@dataclass(frozen=True, eq=False)
class FittingMaterial:
    """What is fitted on."""

    questions: Mapping[str, Sequence[FittedQuestion]]  # by model
    studies: npt.NDArray[np.int64]  # [films] fold of their study

    @cached_property
    def findings(self) -> tuple[str, ...]:
        """Those with enough films of either kind.  Raises `CalibrationError` where there is none."""
        asked = next(iter(self.questions.values()), ())
        kinds = {question.finding: question.seen.satisfied for question in asked}
        enough = tuple(name for name, kind in kinds.items() if _fewest(kind) >= FEWEST)
        if not enough:
            raise CalibrationError(
                f"No finding has {FEWEST} unseen films of either kind; calibrate on a larger collection."
            )
        return enough

    def asked(self, model: str) -> list[FittedQuestion]:
        """The questions about findings that are fitted on."""
        known = self.findings
        return [question for question in self.questions[model] if question.finding in known]


def _fewest(kind: Floats) -> int:
    return min(int((kind == 1).sum()), int((kind == 0).sum()))


# Probabilities --------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class JudgedFilms:
    """One question's judged films: figure, whether right, and a weight that halves right and wrong."""

    figures: Floats
    right: Floats
    weights: Floats

    @classmethod
    def of(cls, name: Feature, question: FittedQuestion, films: npt.NDArray[np.bool_]) -> JudgedFilms | None:
        """Of some of the films; None unless both kinds are among them."""
        seen = question.seen
        part = seen.of(films)
        if not 0 < part.share < 1:
            return None
        judged = ~np.isnan(part.satisfied)
        return cls(feature(name, seen)[films][judged], part.satisfied[judged], part.halved[judged])

    def log_loss(self, knots: Knots) -> float:
        known, said = np.array(knots).T
        log_odds = np.interp(self.figures, known, said)
        return float(self.weights @ np.logaddexp(0, np.where(self.right == 1, -log_odds, log_odds)))


def fit_curve(curve: Curve, points: Sequence[JudgedFilms], weights: Sequence[float]) -> Knots:
    """Figure to log-odds, over the range of the figures; `weights` one a question."""
    figures, right = (np.concatenate([getattr(p, name) for p in points]) for name in ("figures", "right"))
    each = np.concatenate([weight * p.weights for weight, p in zip(weights, points, strict=True)])
    each *= len(each) / each.sum()
    if curve == "Platt":
        ends = np.array([figures.min(), figures.max()])
        fitted = LogisticRegression(C=1e6).fit(figures[:, None], right, sample_weight=each)
        return _knots(ends, fitted.decision_function(ends[:, None]))
    steps = IsotonicRegression(y_min=1 - _SUREST, y_max=_SUREST).fit(figures, right, sample_weight=each)
    return _knots(steps.X_thresholds_, np.log(steps.y_thresholds_) - np.log1p(-steps.y_thresholds_))


def _knots(figures: Floats, log_odds: Floats) -> Knots:
    rising = np.concatenate(([True], np.diff(figures.round(6)) > 0))  # as precise as they are stored
    return tuple(zip(figures[rising].tolist(), log_odds[rising].tolist(), strict=True))


def fit_model(
    material: FittingMaterial, model: str, name: Feature, curve: Curve, without: int | None = None
) -> Knots:
    """A model's curve from all its questions, or from those and the studies of all folds but one."""
    films = np.ones(len(material.studies), np.bool_) if without is None else material.studies != without
    asked = [q for q in material.asked(model) if q.wording != without]
    made = [(q.finding, points) for q in asked if (points := JudgedFilms.of(name, q, films)) is not None]
    counts = Counter(finding for finding, _ in made)
    return fit_curve(curve, [points for _, points in made], [1 / counts[finding] for finding, _ in made])


def _held_out_loss(material: FittingMaterial, model: str, name: Feature, curve: Curve) -> float:
    losses: dict[str, list[float]] = {}
    for fold in range(FOLDS):
        knots = fit_model(material, model, name, curve, fold)
        for question in material.asked(model):
            points = (
                JudgedFilms.of(name, question, material.studies == fold) if question.wording == fold else None
            )
            if points is not None:
                losses.setdefault(question.finding, []).append(points.log_loss(knots))
    return float(np.mean([np.mean(values) for values in losses.values()]))


def choose_curve(material: FittingMaterial) -> tuple[Feature, Curve, list[Json]]:
    """What goes into the curve and what kind it is, the same for all models, and how every choice did."""
    tried = []
    for name, curve in product(FEATURES, get_args(Curve)):
        losses = {model: _held_out_loss(material, model, name, curve) for model in material.questions}
        mean = float(np.mean(list(losses.values())))
        tried.append((mean, name, curve, losses))
    best = min(tried, key=lambda trial: trial[0])
    records = [
        {
            "feature": name,
            "curve": curve,
            "log_loss": round(mean, 6),
            **{f"log_loss_{model}": round(loss, 6) for model, loss in losses.items()},
        }
        for mean, name, curve, losses in tried
    ]
    return best[1], best[2], records


# Abstention -----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class AbstentionData:
    """Every model's questions: the statistic, how much better than chance it ranked, weight and fold."""

    values: Floats
    gains: Floats  # AUROC over 0.5
    weights: Floats
    wordings: npt.NDArray[np.int64]

    @classmethod
    def of(cls, name: Statistic, material: FittingMaterial) -> AbstentionData:
        rows = []
        for model in material.questions:
            asked = material.asked(model)
            alike = Counter(question.finding for question in asked)
            for question in asked:
                seen = question.seen
                known = ~np.isnan(seen.satisfied)
                gain = (auroc(seen.satisfied[known], seen.similarities[known]) or 0.5) - 0.5
                rows.append((statistic(name, seen), gain, 1 / alike[question.finding], question.wording))
        values, gains, weights, wordings = np.array(rows, np.float64).T
        return cls(values, gains, weights / weights.sum(), wordings.astype(np.int64))

    def threshold(self, kept: npt.NDArray[np.bool_]) -> float:
        """The value from which on answering gains most over chance, half way to the next lower one.

        Questions of one value are all answered or none.
        """
        values, which = np.unique(-self.values[kept], return_inverse=True)  # the surest first
        gained = np.cumsum(np.bincount(which, (self.gains * self.weights)[kept]))
        best = int(gained.argmax())
        return -float(values[best] + values[min(best + 1, len(values) - 1)]) / 2

    def held_out_gain(self) -> float:
        """What thresholds gain on wordings that they were not chosen on."""
        gain = 0.0
        for fold in range(FOLDS):
            here = self.wordings == fold
            answered = here & (self.values >= self.threshold(~here))
            gain += float(self.gains[answered] @ self.weights[answered])
        return gain


def choose_statistic(material: FittingMaterial) -> tuple[Statistic, float, list[Json]]:
    """The statistic, from where on models answer, the same for all of them, and how every choice did."""
    tried = {name: AbstentionData.of(name, material) for name in STATISTICS}
    gains = {name: judged.held_out_gain() for name, judged in tried.items()}
    best = max(gains, key=lambda name: gains[name])
    every = np.ones(len(tried[best].values), np.bool_)
    always = float(tried[best].gains @ tried[best].weights)
    records = [{"statistic": name, "gain": round(gain, 6)} for name, gain in gains.items()]
    return best, tried[best].threshold(every), [*records, {"statistic": "never", "gain": round(always, 6)}]


def calibrate(material: FittingMaterial) -> tuple[dict[str, Calibration], Json]:
    """Every model's calibration, and the record of what was chosen and how the rest did."""
    name, curve, curves = choose_curve(material)
    best, least, statistics = choose_statistic(material)
    made = {
        model: Calibration(name, fit_model(material, model, name, curve), material.findings, best, least)
        for model in material.questions
    }
    return made, {
        "feature": name,
        "curve": curve,
        "statistic": best,
        "curves": curves,
        "abstaining": statistics,
    }
