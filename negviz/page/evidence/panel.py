"""The Evidence tab: every results file as plots and tables, and the paper's claims beside ours.

Nothing is read before somebody opens the tab, and then once for everybody.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from markupsafe import Markup

from negviz.page.board import Board, Panel, html
from negviz.page.evidence import words
from negviz.page.opening import Once, on_first_opening
from negviz.page.templates import Template
from negviz.results import paper
from negviz.results.files import RESULTS, read_results
from negviz.results.paper import read_comparisons


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
    return _VIEW("evidence", results=results, beside=read_comparisons(folder))


_COLOURED: Final = {"base": 0, "con1": 1, "con2": 2, "con3": 3, "con4": 7}  # what else there is shares 4 to 6
_VIEW: Final = Template("evidence", words=words, coloured=_COLOURED, paper=paper)
EVIDENCE: Final = Panel("evidence", lay_out)
