"""What a results file holds, ready to be shown: figures with intervals, tables of them, and plots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

Json = Mapping[str, Any]
_FINEST: Final = 4  # places of a figure


@dataclass(frozen=True)
class Figure:
    """One measured number and its interval of 95 %, where there is one."""

    value: float | None
    low: float | None = None
    high: float | None = None
    signed: bool = False  # a difference: its sign is always written
    places: int = 2

    def __str__(self) -> str:
        """`0.71 [0.62, 0.80]`, or a dash where nothing was measured."""
        if self.value is None:
            return "—"
        if self.low is None or self.high is None:
            return self.write(self.value)
        return f"{self.write(self.value)} [{self.write(self.low)}, {self.write(self.high)}]"

    @property
    def readable(self) -> Figure:
        """With as many places as it takes to tell the two ends of its interval apart, four at most."""
        if self.low is None or self.high is None or self.places >= _FINEST:
            return self
        apart = self.write(self.low) != self.write(self.high)
        return self if apart else replace(self, places=self.places + 1).readable

    def write(self, number: float) -> str:
        return f"{number:{'+' if self.signed else ''}.{self.places}f}".replace("-", "−")


TableCell = str | Figure


@dataclass(frozen=True)
class Table:
    title: str  # "" where the heading above says enough
    head: tuple[str, ...]
    rows: tuple[tuple[TableCell, ...], ...]
    words: int = 1  # columns of words that stand before the figures
    folded: bool = False  # long: shown when asked for
    omitted: int = 0  # rows that are left out
    note: str = ""  # what was measured over what, in whole sentences

    def __post_init__(self) -> None:
        if not all(isinstance(cell, str | Figure) for row in self.rows for cell in row):
            raise TypeError("A table holds words and figures.")


@dataclass(frozen=True)
class Dot:
    label: str
    figure: Figure


@dataclass(frozen=True)
class Group:
    """Dots that are compared with each other, and what they are read beside."""

    label: str
    dots: tuple[Dot, ...]
    chance: float | None = None
    ceiling: float | None = None

    def __post_init__(self) -> None:
        if not all(value is None or is_number(value) for value in (self.chance, self.ceiling)):
            raise TypeError("What figures are read beside are numbers.")


@dataclass(frozen=True)
class Plot:
    title: str
    groups: tuple[Group, ...]

    @cached_property
    def ends(self) -> tuple[float, float]:
        """Where the axis begins and ends: 0 and 1, or further out where a figure lies beyond."""
        figures = [dot.figure for group in self.groups for dot in group.dots]
        every = [n for f in figures for n in (f.value, f.low, f.high) if n is not None]
        return min([0.0, *every]), max([1.0 if max([0.0, *every]) > 0.2 else 0.2, *every])

    def place(self, number: float) -> float:
        """How far along the axis a number lies, in percent."""
        low, high = self.ends
        return round(100 * (number - low) / (high - low), 2)


@dataclass(frozen=True)
class Result:
    """One results file."""

    name: str
    what: str = ""
    plots: tuple[Plot, ...] = ()
    tables: tuple[Table, ...] = ()
    command: str = ""
    data: tuple[tuple[str, str], ...] = ()
    sha256: str = ""  # of the file itself
    problem: str = ""  # why it cannot be shown, in one sentence


def figure(row: Json, name: str, *, signed: bool = False, places: int = 2) -> Figure:
    """A figure of a record and its interval, which stands beside it as NAME_ci or in one list with it.

    An interval that no resample moved tells nothing of how sure the figure is, and is left out.
    """
    value: Any = row.get(name)
    ends: Any = row.get(f"{name}_ci")
    if is_measured(value):
        value, ends = value[0], value[1:]
    low, high = ends if is_interval(ends) and ends[0] < ends[1] else (None, None)
    return Figure(value if is_number(value) else None, low, high, signed, places).readable


def ignored(present: Figure) -> Figure:
    """The AUROC on denials of a model that ignores the “no”: that on affirming sentences turned round."""
    if present.value is None:
        return Figure(None)
    if present.low is None or present.high is None:
        return Figure(1 - present.value, places=present.places)
    return Figure(1 - present.value, 1 - present.high, 1 - present.low, places=present.places)


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_interval(value: Any) -> bool:
    return isinstance(value, Sequence) and len(value) == 2 and all(map(is_number, value))


def is_measured(value: Any) -> bool:
    """A list of a figure and the two ends of its interval, which hold it between them."""
    if not isinstance(value, Sequence) or len(value) != 3 or not all(isinstance(n, float) for n in value):
        return False
    return bool(value[1] <= value[0] <= value[2])
