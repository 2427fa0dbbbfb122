"""CSV files, read with care: what is wrong with one is said, with its line, and no row is lost in silence.

table = read_csv(path, ("image", "findings"), CollectionError)
table.header, table.rows        # each row: its line, and its cells by name
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from negviz.common.errors import NegvizError
from negviz.common.read_files import read_text

_BETWEEN: Final = ((";", "semicolons"), ("\t", "tabs"))


@dataclass(frozen=True)
class Row:
    """One row: the line it ends on, and its cells, without the space around them."""

    line: int
    cells: dict[str, str]

    def __getitem__(self, name: str) -> str:
        return self.cells[name]

    def get(self, name: str) -> str:
        """What a column says, "" where the file has no such column."""
        return self.cells.get(name, "")


@dataclass(frozen=True)
class CsvTable:
    """A CSV file: the names of its columns, and its rows, at least one."""

    header: tuple[str, ...]
    rows: tuple[Row, ...]


def read_csv(
    path: Path, needed: Sequence[str], error: type[NegvizError], *, prose: Collection[str] = ()
) -> CsvTable:
    """A CSV file with a header and the columns `needed`.  Raises `error` with one sentence.

    Only columns of `prose` may hold line breaks: elsewhere a line break is what a quote that is never closed
    leaves, having swallowed the rows below it.
    """
    lines = _lines(path, error)
    _, header = next(lines, (0, []))
    names = tuple(name.strip() for name in header)
    if len(names) == 1 and (between := next((what for sign, what in _BETWEEN if sign in names[0]), "")):
        raise error(f"{path} has {between} between its columns; save it with commas.")
    twice = {name for name in names if name and names.count(name) > 1}
    if twice:
        raise error(f"{path} has the column {min(twice)} twice; leave one of them.")
    missing = [name for name in needed if name not in names]
    if missing:
        raise error(f"{path} {_lacks(missing, names)}; it needs {', '.join(needed)}.")
    rows = tuple(_row(line, fields, names, path, error, prose) for line, fields in lines)
    if not rows:
        raise error(f"{path} holds nothing below its header; add at least one line.")
    return CsvTable(names, rows)


def read_header(path: Path, error: type[NegvizError]) -> tuple[str, ...]:
    """The names of the columns of a CSV file."""
    _, header = next(_lines(path, error), (0, []))
    return tuple(name.strip() for name in header)


def _lacks(missing: Sequence[str], names: Sequence[str]) -> str:
    """What keeps the columns from being found, where that can be told."""
    other = next((name for name in names for each in missing if name.lower() == each), "")
    if other:
        return f"has the column {other}, which is to be spelt {other.lower()}"
    return f"lacks the column {', '.join(missing)}"


def _lines(path: Path, error: type[NegvizError]) -> Iterator[tuple[int, list[str]]]:
    """Fields, with the line they end on, of every line that is not empty."""
    reader = csv.reader(io.StringIO(read_text(path, error), newline=""), strict=True)
    try:
        for fields in reader:
            if fields:
                yield reader.line_num, fields
    except csv.Error as said:
        raise error(
            f"{path}, line {reader.line_num} is not CSV ({said}): perhaps a quote before it is never closed."
        ) from said


def _row(
    line: int,
    fields: list[str],
    names: tuple[str, ...],
    path: Path,
    error: type[NegvizError],
    prose: Collection[str],
) -> Row:
    if len(fields) != len(names):
        raise error(
            f"{path}, line {line} has not as many fields as the header ({len(fields)} for {len(names)}); "
            "quote what holds commas."
        )
    for name, field in zip(names, fields, strict=True):
        if name not in prose and len(field.splitlines()) > 1:
            raise error(
                f"{path}, line {line}: the column {name!r} holds a line break; perhaps a quote before it is "
                "never closed, else put it on one line."
            )
    return Row(line, {name: field.strip() for name, field in zip(names, fields, strict=True) if name})


__all__ = ["CsvTable", "Row", "read_csv", "read_header"]
