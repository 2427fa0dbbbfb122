"""Where a number lies along an axis, in percent, so that whoever draws need not reckon."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Scale:
    """An axis from `low` to `high`; turned round for a picture's height, which grows downwards."""

    low: float
    high: float
    turned: bool = False

    @classmethod
    def around(cls, numbers: Iterable[float], *, turned: bool = False) -> Scale:
        """An axis that holds all numbers and a little room; 0 to 1 where there is none."""
        found = [float(number) for number in numbers if np.isfinite(number)]
        if not found:
            return cls(0.0, 1.0, turned)
        room = 0.06 * (max(found) - min(found)) or 0.05
        return cls(min(found) - room, max(found) + room, turned)

    def place(self, number: float) -> float:
        """Percent of the way along; what lies beyond an end is put at that end."""
        share = (number - self.low) / (self.high - self.low)
        return round(100 * min(max(1 - share if self.turned else share, 0.0), 1.0), 2)

    @property
    def middle(self) -> float:
        return (self.low + self.high) / 2


def points(x: Scale, y: Scale, xs: Sequence[float], ys: Sequence[float]) -> str:
    """The `points` of an SVG polyline or polygon in a box of 100 by 100."""
    return " ".join(f"{x.place(a):g},{y.place(b):g}" for a, b in zip(xs, ys, strict=True))


@dataclass(frozen=True)
class Histogram:
    """How many values lie where, and in which bin one more lies."""

    heights: tuple[float, ...]  # percent of the fullest bin
    mine: int | None

    @classmethod
    def of(cls, values: Sequence[float], mine: float | None, scale: Scale, bins: int) -> Histogram:
        counts, _ = np.histogram([scale.place(value) for value in values], bins, (0.0, 100.0))
        most = max(1, int(counts.max()))
        heights = tuple(round(100 * int(count) / most, 1) for count in counts)
        place = None if mine is None else min(int(scale.place(mine) / 100 * bins), bins - 1)
        return cls(heights, place)
