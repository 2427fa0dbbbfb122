"""How likely a film is to satisfy a sentence, and whether a model can be asked that sentence at all.

Similarities of two sentences cannot be compared, so a film's figure is measured against the other films
searched: by default its *margin*, how much nearer it is to the sentence than to the opposite, from the middle
of films of which half satisfy the sentence.  `python -m training calibration` fits a curve from that figure
to log-odds on films and wordings that the model was not tuned on, as if half of the films were right; the
share of right films in the set searched, where it is known, then moves the odds (Saerens et al., 2002).

A model *abstains* where a figure that needs no label is so low that, on training prompts, it ranked no better
than chance.  A calibration belongs to the weights it was fitted on: a model with other weights has none, and
then nothing is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from itertools import pairwise
from math import fsum
from pathlib import Path
from typing import Any, Final, Literal, Self, get_args

import numpy as np
import numpy.typing as npt
from torch import Tensor

from negviz.common.files import FileError
from negviz.common.order import FilmPlaces, top_k
from negviz.common.read_files import read_json
from negviz.films.collection import ASSETS
from negviz.findings import FINDINGS
from negviz.models.encoder import DualEncoder, weights_id
from negviz.retrieval.metrics import Floats

Feature = Literal["standardised margin", "margin", "standardised similarity"]
Statistic = Literal["agreement", "lift", "hits' margin", "spread"]
FEATURES: Final = get_args(Feature)
STATISTICS: Final = get_args(Statistic)
RESULTS: Final = ASSETS / "results" / "calibration.json"
HITS: Final = 10  # films that `lift` and `hits' margin` look at, as many as a column shows
_SAMPLED: Final = 512  # numbers of a tensor, evenly apart


@dataclass(frozen=True, eq=False)
class Seen:
    """What a model makes of the films searched for one sentence, each [films]."""

    similarities: Floats
    margins: Floats  # similarity to the sentence less that to its opposite
    satisfied: Floats  # 1 where a film satisfies the sentence, 0 where it contradicts it, nan: not judged
    places: FilmPlaces  # what equal similarities go by

    def of(self, films: npt.NDArray[np.bool_]) -> Seen:
        """The same of some of the films."""
        return Seen(*(getattr(self, each.name)[films] for each in fields(self)))

    @property
    def share(self) -> float:
        """Of the judged films, how many satisfy the sentence; nan where none is judged."""
        judged = self.satisfied[~np.isnan(self.satisfied)]
        return float(judged.mean()) if judged.size else np.nan

    @property
    def halved(self) -> Floats:
        """A weight a film, as if half of them were right; the unjudged weigh nothing.

        Where not both kinds of film are there, all weigh the same.
        """
        right, wrong = self.satisfied == 1, self.satisfied == 0
        if not (right.any() and wrong.any()):
            return np.full(len(self.satisfied), 1 / len(self.satisfied))
        return np.where(right, 0.5 / right.sum(), 0.0) + np.where(wrong, 0.5 / wrong.sum(), 0.0)


def feature(name: Feature, seen: Seen, of: Seen | None = None) -> Floats:
    """A film's figure `<float64>[films]`, from the middle of films of which half are right.

    `of` are the films that are asked about, where they are others than those seen.
    """
    values, asked = (_figures(name, each) for each in (seen, of or seen))
    weights = seen.halved
    middle = fsum(weights * values)  # exact: no order of films changes its last digit
    centred: Floats = asked - middle
    return centred if name == "margin" else _over(centred, fsum(weights * (values - middle) ** 2) ** 0.5)


def _figures(name: Feature, seen: Seen) -> Floats:
    return seen.similarities if name == "standardised similarity" else seen.margins


def statistic(name: Statistic, seen: Seen) -> float:
    """What may go with how well a model ranks, without a label; 0 where all films are alike.

    None says that a model tells the sentence from its opposite: films chosen for being near to the sentence
    are nearer to it than to the opposite where embeddings are noise, too.

    `agreement` is the correlation of similarity and margin: does the order in which films are shown follow
    how much they prefer the sentence?  `hits' margin` is the mean margin of the first ten films, `lift` the
    same in standard deviations from the mean of all, `spread` the standard deviation of the margins.
    """
    margins = seen.margins - seen.margins.mean()
    if name == "spread":
        return float(margins.std())
    if name == "agreement":
        similarities = seen.similarities - seen.similarities.mean()
        covariance = np.array([(similarities * margins).mean()])
        return float(_over(covariance, float(similarities.std() * margins.std()))[0])
    hits = top_k(seen.similarities, HITS, seen.places)
    if name == "hits' margin":
        return float(seen.margins[hits].mean())
    return float(_over(margins[hits], float(margins.std())).mean())


def _over(values: Floats, size: float) -> Floats:
    return values / size if size > 1e-9 else np.zeros_like(values)


@dataclass(frozen=True, eq=False)
class Certainty:
    """What may be said of one model's answer to one sentence."""

    abstains: bool  # whether it had better not be asked: on training prompts such an order was worth nothing
    probabilities: Floats | None  # [films] of satisfying the sentence; None where that is not known


@dataclass(frozen=True)
class Calibration:
    """How one model's figures become probabilities, and from where on it abstains."""

    feature: Feature
    knots: tuple[tuple[float, float], ...]  # figure and log-odds, joined by straight lines, level outside
    findings: tuple[str, ...]  # what it was fitted on; of other findings nothing is said
    statistic: Statistic
    least: float  # below it the model abstains

    def certainty(self, seen: Seen, finding: str | None, of: Seen | None = None) -> Certainty:
        """`finding` is what the films are judged by; None where that is nothing, or several."""
        known = finding in self.findings and 0 < seen.share < 1
        return Certainty(
            abstains=statistic(self.statistic, seen) < self.least,
            probabilities=self.probabilities(seen, of) if known else None,
        )

    def probabilities(self, seen: Seen, of: Seen | None = None) -> Floats:
        """`<float64>[films]` of those seen or, where others are asked about, `of` these.

        They are for the share of right films in the set searched, which lies inside (0, 1).
        """
        figures, log_odds = zip(*self.knots, strict=True)
        odds = np.interp(feature(self.feature, seen, of), figures, log_odds)
        moved = odds + np.log(seen.share / (1 - seen.share))
        probabilities: Floats = 1 / (1 + np.exp(-moved))
        return probabilities

    def record(self) -> dict[str, Any]:
        """As `read` reads it."""
        return {
            "feature": self.feature,
            "knots": [[round(number, 6) for number in knot] for knot in self.knots],
            "findings": list(self.findings),
            "statistic": self.statistic,
            "least": round(self.least, 6),
        }

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> Self:
        """Raises a `ValueError`, `LookupError` or `TypeError` where it is no record of ours."""
        knots = tuple((float(figure), float(log_odds)) for figure, log_odds in record["knots"])
        numbers = [number for knot in knots for number in knot] + [float(record["least"])]
        rising = all(first[0] < second[0] for first, second in pairwise(knots))
        known = (
            record["feature"] in FEATURES
            and record["statistic"] in STATISTICS
            and set(record["findings"]) <= set(FINDINGS)
        )
        if not (knots and rising and known and np.isfinite(numbers).all()):
            raise ValueError("not a calibration")
        findings = tuple(map(str, record["findings"]))
        return cls(record["feature"], knots, findings, record["statistic"], float(record["least"]))


def model_id(model: DualEncoder) -> str:
    """16 hex digits over the image tower's id and numbers from every tensor of the text tower.

    All of them would take seconds at every start, and tuning moves every tensor it may touch.
    """
    sample = {name: _thinned(tensor) for name, tensor in model.text.state_dict().items()}
    return weights_id(sample, {"tower_id": model.tower_id})


def _thinned(tensor: Tensor) -> Tensor:
    flat = tensor.flatten()
    return flat[:: max(1, len(flat) // _SAMPLED)]


def read_calibrations(models: Mapping[str, DualEncoder], path: Path = RESULTS) -> dict[str, Calibration]:
    """By name, of those models whose weights are the ones that the file was fitted on; else empty."""
    try:
        records = read_json(path, FileError)["calibrations"].values()
        known = {str(record["weights_id"]): Calibration.read(record) for record in records}
    except (FileError, ValueError, LookupError, TypeError, AttributeError):
        return {}  # it only adds to what the page says
    # What rewrites the sentences of a model (`TrainingFree`) borrows its weights, but not its figures.
    whole = {name: model for name, model in models.items() if known and type(model) is DualEncoder}
    found = {name: known.get(model_id(model)) for name, model in whole.items()}
    return {name: calibration for name, calibration in found.items() if calibration is not None}
