"""`python -m training likeness`: whether a classifier tells simulated films from real ones."""

from __future__ import annotations

from typing import Final

from negviz.results.kinds.kind import Kind, holds
from negviz.results.types import Json, Table, figure

_WHO: Final = ("network", "regression")


def _summary(value: Json) -> Table:
    sets = value["told_apart"]
    views = next(iter(sets.values()))["views"]
    rows = tuple(
        (view, *(figure(of["views"][view], f"{who}_auroc") for of in sets.values() for who in _WHO))
        for view in views
    )
    counts = "; ".join(f"{name}: {of['simulated']} and {of['real']} real ones" for name, of in sets.items())
    note = f"AUROC of telling the two apart, 95 % intervals over films; chance 0.5. {counts}."
    return Table(
        "",
        ("what is looked at", *(f"{name}, {who}" for name in sets for who in _WHO)),
        rows,
        words=1,
        note=note,
    )


LIKENESS: Final = Kind("likeness", holds("told_apart"), _summary)
