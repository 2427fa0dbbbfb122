"""A results file nobody has described, read by its shape: every record in it becomes a row of a table.

A record is an object that holds plain values; where it hangs in the file is its label.  Records with the same
keys at the same depth share a table, so a file of models by kinds by polarities reads as one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from negviz.results.types import Dot, Figure, Group, Json, Plot, Table, TableCell, figure

_ROWS: Final = 60  # of one table; more would bury the page
_OPEN: Final = 24  # longer tables are folded
_DOTS: Final = 48
MADE_WITH: Final = ("data", "family", "training", "bootstrap", "versions")
_SIDE: Final = ("command", "what", *MADE_WITH)  # said of a file, not measured
_OVER_BASE: Final = "_minus_base"  # base has no such figures, and stands in one table with those that have
_LISTED: Final = 8  # numbers of a list that are written out
_Path = tuple[str, ...]
_Records = list[tuple[_Path, Json]]


def plain(value: Json) -> tuple[tuple[Plot, ...], tuple[Table, ...]]:
    """All that a file measured, as tables, and a plot of each table that holds figures with intervals."""
    kinds: dict[tuple[int, tuple[str, ...]], _Records] = {}
    measured = {key: part for key, part in value.items() if key not in _SIDE}
    for path, record in _records(measured, ()):
        shape = tuple(key for key in record if not key.removesuffix("_ci").endswith(_OVER_BASE))
        kinds.setdefault((len(path), shape), []).append((path, record))
    tables = tuple(_table(records) for records in kinds.values())
    plots = (_plot(records) for records in kinds.values())
    return tuple(plot for plot in plots if plot), tables


def _records(value: Any, path: _Path) -> Iterator[tuple[_Path, Json]]:
    if isinstance(value, Mapping):
        own = {key: part for key, part in value.items() if _is_plain(part)}
        if own:
            yield path, own
        for key, part in value.items():
            if key not in own:
                yield from _records(part, (*path, str(key)))
    elif isinstance(value, list):
        own = {"others": [part for part in value if _is_plain(part)]}  # beside records, or lists of them
        if own["others"]:
            yield path, own
        for part in value:
            if not _is_plain(part):
                yield from _records(part, path)


def _is_plain(value: Any) -> bool:
    if isinstance(value, Mapping):
        return not value
    if isinstance(value, Sequence) and not isinstance(value, str):
        return not any(isinstance(part, Mapping | list) for part in value)
    return True


def _columns(records: _Records) -> list[str]:
    """The keys to be shown, of the fullest record; an interval stands with its figure."""
    fullest = max((record for _, record in records), key=len)
    return [key for key in fullest if not (key.endswith("_ci") and key.removesuffix("_ci") in fullest)]


def _table(records: _Records) -> Table:
    where, common = _labels([path for path, _ in records])
    keys = _columns(records)
    if len(records) == 1:
        rows: list[tuple[TableCell, ...]] = [(_spell(key), _cell(records[0][1], key)) for key in keys]
        return Table(common, ("", ""), tuple(rows), words=1)
    rows = [
        (*label, *(_cell(record, key) for key in keys))
        for label, (_, record) in zip(where, records, strict=True)
    ]
    of_words = [all(isinstance(_cell(record, key), str) for _, record in records) for key in keys]
    words = len(where[0]) + (of_words.index(False) if False in of_words else len(keys))
    return Table(
        common,
        (*[""] * len(where[0]), *map(_spell, keys)),
        tuple(rows[:_ROWS]),
        words=words,
        folded=len(rows) > _OPEN,
        omitted=max(0, len(rows) - _ROWS),
    )


def _labels(paths: Sequence[_Path]) -> tuple[list[_Path], str]:
    """The parts of paths that tell records apart, and those that all of them share."""
    varying = [n for n in range(len(paths[0])) if len({path[n] for path in paths}) > 1]
    common = [part for n, part in enumerate(paths[0]) if n not in varying]
    return [tuple(path[n] for n in varying) for path in paths], " · ".join(map(_spell, common))


def _plot(records: _Records) -> Plot | None:
    """The first figure of the records that comes with intervals."""
    record = records[0][1]
    key = next((k for k in record if figure(record, k).low is not None), None)
    if key is None or not 1 < len(records) <= _DOTS:
        return None
    where, common = _labels([path for path, _ in records])
    words = [k for k in record if isinstance(record[k], str)]
    groups: dict[str, list[Dot]] = {}
    for label, (_, each) in zip(where, records, strict=True):
        names = [*label, *(str(each[k]) for k in words)]
        groups.setdefault(" · ".join(names[:-1]), []).append(Dot("".join(names[-1:]), figure(each, key)))
    title = " · ".join(filter(None, (common, _spell(key))))
    return Plot(title, tuple(Group(name, tuple(dots)) for name, dots in groups.items()))


def _cell(record: Json, key: str) -> TableCell:
    value = record.get(key)
    if isinstance(value, float):
        return figure(record, key, signed=_is_change(key), places=_places(value))
    if figure(record, key).low is not None:
        return figure(record, key, signed=_is_change(key))
    if value is None:
        return Figure(None)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return _listed(value)
    return f"{value:,}" if isinstance(value, int) and abs(value) >= 10_000 else str(value)


def _is_change(key: str) -> bool:
    return "change" in key or "minus" in key


def _places(value: float) -> int:
    return 2 if abs(value) >= 0.1 or not value else 3 if abs(value) >= 0.01 else 5


def _listed(values: Sequence[Any]) -> str:
    if len(values) > _LISTED:
        return f"{len(values)} values"
    return ", ".join(f"{value:.3g}" if isinstance(value, float) else str(value) for value in values)


def _spell(key: str) -> str:
    return key.replace("_", " ")
