"""`python -m training films`: MeSH headings against what reports say."""

from __future__ import annotations

from typing import Final

from negviz.results.kinds.kind import Kind, holds
from negviz.results.types import Json, Table, figure

_READ: Final = ("present", "uncertain", "absent", "unmentioned")


def _summary(value: Json) -> Table:
    rows = tuple(
        (
            finding,
            *(str(counts[f"mesh_{mesh}/read_{read}"]) for mesh in ("yes", "no") for read in _READ),
            figure(counts, "kappa"),
        )
        for finding, counts in value["agreement"].items()
    )
    head = ("finding", *(f"{mesh} MeSH, {read}" for mesh in ("in", "not in") for read in _READ), "κ")
    return Table("", head, rows, note=f"{value['studies']} studies, by what the report says.")


LABELS: Final = Kind("films", holds("agreement"), _summary, lambda value: ((), ()))
