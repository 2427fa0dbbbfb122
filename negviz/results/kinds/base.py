"""`python -m training base`: how well base's image tower tells findings apart."""

from __future__ import annotations

from typing import Final

from negviz.results.kinds.kind import Kind, holds
from negviz.results.types import Json, Table, figure


def _summary(value: Json) -> Table:
    rows = tuple(
        (
            where,
            finding,
            str(row["positives"]),
            str(row["negatives"]),
            *(figure(row, f"{name}_auroc") for name in ("classifier", "probe")),
        )
        for where, measured in value["sets"].items()
        for finding, row in measured["findings"].items()
    )
    head = ("films", "finding", "with", "without", "AUROC, own classifier", "AUROC, probe")
    return Table("", head, rows, words=2, note="95 % intervals over films.")


BASE: Final = Kind("base", holds("sets"), _summary)
