"""Two sentences put to the same models over the same films: how many of the films found stay.

    compare(models, films, "No pleural effusion")  # against its opposite: take the "no" away

A model that reads the "no" finds other films without it; one that is blind to it finds the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from negviz.findings import Polarity
from negviz.models.encoder import DualEncoder
from negviz.retrieval.answer import Answer, AnswerError, Column, SearchSet, answer
from negviz.retrieval.calibration import Calibration


@dataclass(frozen=True)
class Pair:
    """What one model answers to both."""

    model: str
    first: Column
    second: Column
    stay: tuple[str, ...]  # ids of the films among the hits of both, in the order of the first


@dataclass(frozen=True)
class Comparison:
    """Two answers side by side, in column order."""

    first: Answer
    second: Answer
    pairs: tuple[Pair, ...]

    @classmethod
    def of(cls, first: Answer, second: Answer) -> Comparison:
        """Two answers of the same models over the same films."""
        pairs = []
        for one, other in zip(first.columns, second.columns, strict=True):
            others = {hit.id for hit in other.hits}
            pairs.append(Pair(one.model, one, other, tuple(hit.id for hit in one.hits if hit.id in others)))
        return cls(first, second, tuple(pairs))

    def plain(self) -> dict[str, Any]:
        """The comparison as JSON."""
        return {
            "first": self.first.plain(),
            "second": self.second.plain(),
            "stay": {pair.model: list(pair.stay) for pair in self.pairs},
        }


def compare(
    models: Mapping[str, DualEncoder],
    films: SearchSet,
    text: str,
    against: str = "",
    *,
    k: int = 10,
    meant: tuple[str, Polarity] | None = None,
    calibrations: Mapping[str, Calibration] | None = None,
) -> Comparison:
    """Put `text` and `against` (its opposite by default) to every model.

    Raises `AnswerError` as `answer` does, and where a sentence without an opposite is given alone.
    """
    first = answer(models, films, text, k=k, meant=meant, opposite=against, calibrations=calibrations)
    if first.opposite is None:
        raise AnswerError("This sentence has no opposite that we could find; word one to compare it with.")
    second = answer(models, first.films, first.opposite.text, k=k, calibrations=calibrations)
    return Comparison.of(first, second)
