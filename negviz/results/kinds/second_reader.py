"""`python -m training second-reader`: rules alone, and rules with a second reader."""

from __future__ import annotations

from typing import Final

from negviz.results.kinds.kind import Kind, holds
from negviz.results.kinds.typed import SHARES
from negviz.results.types import Json, Table, TableCell, figure


def _summary(value: Json) -> Table:
    rows: tuple[tuple[TableCell, ...], ...] = tuple(
        (
            f"{where} ({measured['sentences']})",
            said,
            *(figure(measured[who][what], "value", places=3) for what in SHARES),
        )
        for where, measured in value["sets"].items()
        for who, said in (("rules", "rules alone"), ("both", "both readers"))
    )
    note = (
        "Shares of sentences, 95 % intervals over them; right is all that a sentence says, and nothing else."
    )
    return Table("", ("sentences", "read by", *SHARES.values()), rows, words=2, note=note)


SECOND_READER: Final = Kind("second-reader", holds("sets", "by_kind", "learned_from"), _summary)
