"""The Evidence tab: every results file as plots and tables, and the paper's few numbers beside ours.

Nothing is read before somebody opens the tab, and then once for everybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from markupsafe import Markup

from negviz.page.board import Board, Panel, html
from negviz.page.evidence import words
from negviz.page.opening import Once, on_first_opening
from negviz.page.templates import Template
from negviz.results.files import RESULTS, read_evaluations, read_object, read_results
from negviz.results.paper import PaperComparison, comparisons
from negviz.results.types import Table


def lay_out(board: Board) -> None:
    """To be called inside the tab; the results are those of the family on show."""
    folder = board.room.home.results or RESULTS
    shown = html(_VIEW("waiting"))
    on_first_opening(Once(lambda: evidence(folder, board.room.home.hint(words.NOTHING))), shown)


def evidence(folder: Path = RESULTS, nothing: str = words.NOTHING) -> Markup:
    """The whole tab as HTML."""
    results = read_results(folder)
    if not results:
        return _VIEW("nothing", sentence=nothing)
    beside = comparisons(read_evaluations(folder), read_object(folder / "diagnosis.json"))
    return _VIEW("evidence", results=results, beside=beside)


def _in_rows(beside: Sequence[PaperComparison]) -> Table:
    """The paper's numbers, and ours."""
    rows = tuple(
        (
            words.CLAIMS[each.claim],
            words.THEIRS[each.claim],
            words.source(each.films),
            ", ".join(map(str, each.ours)),
            words.VERDICTS[each.verdict],
        )
        for each in beside
    )
    return Table("", words.PAPER_HEAD, rows, words=5)


_COLOURED: Final = {name: place for place, name in enumerate(("base", "con1", "con2", "con3"))}
_VIEW: Final = Template("evidence", words=words, coloured=_COLOURED, in_rows=_in_rows)
EVIDENCE: Final = Panel("evidence", lay_out)
