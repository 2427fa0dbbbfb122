"""`python -m training reader`: the reader of sentences beside others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from negviz.results.kinds.kind import Kind, holds
from negviz.results.types import Dot, Group, Json, Plot, Table, TableCell, figure

_SHARES: Final = {
    "recall": "of what was labelled",
    "precision": "of what was read",
    "accuracy": "of both together",
}


def _readers(value: Json) -> Iterator[tuple[str, str, Json]]:
    for where, measured in value["sets"].items():
        for reader in ("negviz", *value["rivals"]):
            if measured.get(reader) is not None:
                yield f"{where} ({measured['sentences']})", reader, measured[reader]


def _summary(value: Json) -> Table:
    rows: tuple[tuple[TableCell, ...], ...] = tuple(
        (where, reader, *(figure(figures, name, places=3) for name in _SHARES))
        for where, reader, figures in _readers(value)
    )
    note = "Shares of mentions with the right finding and polarity; 95 % intervals over sentences."
    return Table("", ("sentences", "reader", *_SHARES.values()), rows, words=2, note=note)


def _rest(value: Json) -> tuple[Iterable[Plot], Iterable[Table]]:
    dots: dict[str, list[Dot]] = {}
    for where, reader, figures in _readers(value):
        dots.setdefault(where, []).append(Dot(reader, figure(figures, "recall", places=3)))
    groups = tuple(Group(name, tuple(each)) for name, each in dots.items())
    return (Plot("Labelled mentions read right", groups),), ()


READER: Final = Kind("reader", holds("rivals", "sets"), _summary, _rest)
