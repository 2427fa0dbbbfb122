"""Where the dial stands: which chest, with which finding, on which side."""

from __future__ import annotations

from dataclasses import dataclass

from negviz.explain.dose import sides_of
from negviz.findings import ABNORMAL
from negviz.page.dial.films import SEEDS
from negviz.phantoms import Side


@dataclass(frozen=True)
class DialSetting:
    """One chest with one finding; how severe it is, the slider says."""

    finding: str
    side: Side | None
    seed: int

    @classmethod
    def read(cls, finding: str, side: str | None, seed: int) -> DialSetting:
        """From the components; what is not offered becomes the first that is."""
        name = finding if finding in ABNORMAL else ABNORMAL[0]
        sides = sides_of(name)
        where = next((each for each in sides if each == side), next(iter(sides), None))
        return cls(name, where, seed if seed in SEEDS else SEEDS[0])

    @property
    def number(self) -> int:
        return SEEDS.index(self.seed) + 1

    @property
    def next(self) -> DialSetting:
        return DialSetting(self.finding, self.side, SEEDS[self.number % len(SEEDS)])
