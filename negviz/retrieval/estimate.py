"""A figure and how sure it is: what a mean over some chests or films would be, had others been drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from negviz.retrieval.metrics import Floats, auroc, auroc_interval, average, draw, interval

RESAMPLES = 1_000


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval; `low` and `high` are None where there is none."""

    value: float
    low: float | None = None
    high: float | None = None

    @property
    def sign(self) -> int:
        """1 or −1 where the whole interval lies above or below zero, else 0; 0 without an interval."""
        return self.side_of(0)

    def side_of(self, level: float) -> int:
        """The same for another number than zero."""
        if self.low is None or self.high is None:
            return 0
        return int(self.low > level) - int(self.high < level)

    def record(self, name: str) -> dict[str, Any]:
        """As results files hold it: the figure under `name`, its interval under NAME_ci."""
        ends = None if self.low is None or self.high is None else [round(self.low, 6), round(self.high, 6)]
        return {name: round(self.value, 6), f"{name}_ci": ends}

    @classmethod
    def of(cls, value: float, drawn: Floats) -> Estimate:
        """A figure and the same on every resample [times]."""
        return cls(float(value), *(interval(drawn) or ()))

    @property
    def shown(self) -> tuple[float, float] | None:
        """The interval for people: none where no resample moved the figure."""
        if self.low is None or self.high is None or self.low == self.high:
            return None
        return self.low, self.high


def mean_estimates(values: Floats, *, seed: int = 0) -> list[Estimate]:
    """Mean over the last axis of `values` [n, drawn things], each with an interval over those things.

    What is nan is left out; a row of nothing else gives nan.  One thing alone has no interval.
    """
    means = average(values)
    if values.shape[-1] < 2:
        return [Estimate(float(mean)) for mean in means]
    counts = draw(values.shape[-1], times=RESAMPLES, seed=seed)
    return [Estimate.of(mean, average(row[None, :], counts)) for mean, row in zip(means, values, strict=True)]


def auroc_estimate(relevance: Floats, scores: Floats) -> Estimate | None:
    """AUROC of `scores` [films] with its interval; None unless films that satisfy and that violate are there.

    `relevance` [films] is 1, 0 or nan: not judged.
    """
    area = auroc(relevance, scores)
    if area is None:
        return None
    satisfying, violating = (int((relevance == side).sum()) for side in (1, 0))
    return Estimate(area, *auroc_interval(area, satisfying, violating))
