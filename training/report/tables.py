"""The tables of results as Markdown; what is in them, the kinds of results say (`negviz.results.kinds`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from negviz.results import paper
from negviz.results.files import describe
from negviz.results.kinds import kind_of
from negviz.results.kinds.evaluation import four_cells
from negviz.results.types import Figure, Json, Table, TableCell


def render(results: Json, name: str) -> str:
    """The table of one results file, and a line on what was measured.  Raises as indexing does."""
    summary = kind_of(results).summary
    if summary is None:
        raise LookupError("of a kind that has no table")
    table = summary(results)
    return f"{_markdown(table, _cell)}\n\n{describe(results, table.note)} From `{name}`.\n"


def render_paper(folder: Path) -> str:
    """What a paper claims beside our figures, and how they stand to each other."""
    return f"{paper.LEAD}\n\n{_markdown(paper.in_rows(paper.read_comparisons(folder)), _cell)}\n"


def render_cells(results: Json, name: str) -> str:
    """The four cells of an evaluation, small enough for a phone.  Raises as indexing does."""
    table = four_cells(results)
    return f"{_markdown(table, _narrow)}\n\n{table.note} From `{name}`.\n"


FORMS: Final[Mapping[str, Callable[[Json, str], str]]] = {"": render, "cells": render_cells}


def _markdown(table: Table, write: Callable[[TableCell], str]) -> str:
    rule = [*["---"] * table.words, *["---:"] * (len(table.head) - table.words)]
    rows = ([write(cell) for cell in row] for row in table.rows)
    return "\n".join(f"| {' | '.join(row)} |" for row in (table.head, rule, *rows))


def _cell(cell: TableCell) -> str:
    return str(cell)


def _narrow(cell: TableCell) -> str:
    """A figure's interval on a line of its own."""
    if not isinstance(cell, Figure) or cell.value is None or cell.low is None or cell.high is None:
        return str(cell)
    return f"{cell.write(cell.value)}<br>{cell.write(cell.low)}–{cell.write(cell.high)}"
