"""`python -m training second-reader`: rules alone, and rules with a second reader."""

from __future__ import annotations

from typing import Final

from negviz.results.kinds.kind import Kind, holds
from negviz.results.types import Json, Table, figure

_SHARES: Final = {
    "right": "right and sure",
    "right_or_suggested": "right, or rightly suggested",
    "asked": "asked about",
    "marked_wrongly": "marked wrongly",
}


def _summary(value: Json) -> Table:
    rows = tuple(
        (f"{where} ({figures['sentences']})", readers, *(figure(figures, name, places=3) for name in _SHARES))
        for where, measured in value["sets"].items()
        for readers, figures in measured.items()
    )
    asking = value.get("reports")
    note = "Shares of sentences; right: all that a sentence says, and nothing else."
    if asking is not None:
        note += (
            f" Of {asking['sentences']} report sentences that nothing was trained on, the rules ask about "
            f"{asking['asked_by_rules']:.1%}, the second reader about {asking['asked_by_second']:.1%} more."
        )
    return Table("", ("sentences", "read by", *_SHARES.values()), rows, words=2, note=note)


SECOND_READER: Final = Kind("second-reader", holds("sets", "by_kind", "learned_from"), _summary)
