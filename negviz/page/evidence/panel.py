"""The Evidence tab: every results file as plots and tables, and the paper's few numbers beside ours.

Nothing is read before somebody opens the tab, and then once for everybody.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from markupsafe import Markup

from negviz.page.board import Board, Panel, html
from negviz.page.evidence import words
from negviz.page.evidence.plot import plot, table
from negviz.page.opening import Once, on_first_opening
from negviz.results.files import RESULTS, read_evaluations, read_object, read_results
from negviz.results.paper import PaperComparison, comparisons
from negviz.results.types import Result, Table

_EMPTY = Markup("")


def lay_out(board: Board) -> None:
    """To be called inside the tab; the results are those of the family on show."""
    folder = board.room.home.results or RESULTS
    shown = html(Markup('<p class="nv-note nv-evidence-wait">{}</p>').format(words.OPENING))
    on_first_opening(Once(lambda: evidence(folder)), shown)


def evidence(folder: Path = RESULTS) -> Markup:
    """The whole tab as HTML."""
    results = read_results(folder)
    if not results:
        said = Markup('<div class="nv-evidence"><h2>{}</h2><p class="nv-say">{}</p></div>')
        return said.format(words.HEADING, words.NOTHING)
    beside = comparisons(read_evaluations(folder), read_object(folder / "diagnosis.json"))
    return Markup('<div class="nv-evidence"><h2>{}</h2><p>{}</p>{}{}{}</div>').format(
        words.HEADING,
        words.LEAD,
        _contents(results, paper=bool(beside)),
        _paper(beside) if beside else "",
        _EMPTY.join(map(_result, results)),
    )


def _contents(results: tuple[Result, ...], *, paper: bool) -> Markup:
    names = [("paper", words.PAPER)] if paper else []
    names += [(result.name, words.title(result.name)) for result in results]
    items = _EMPTY.join(
        Markup('<li><a href="#evidence-{}">{}</a></li>').format(name, title) for name, title in names
    )
    return Markup('<nav class="nv-contents" aria-label="{}"><ul>{}</ul></nav>').format(words.CONTENTS, items)


def _result(result: Result) -> Markup:
    return Markup(
        '<section class="nv-result" id="evidence-{0}" tabindex="-1"><h3>{1}</h3>{2}{3}{4}{5}</section>'
    ).format(
        result.name,
        words.title(result.name),
        Markup('<p class="nv-note">{}</p>').format(result.problem or result.what),
        _EMPTY.join(map(plot, result.plots)),
        _EMPTY.join(_table(each, behind=bool(result.plots)) for each in result.tables),
        _provenance(result) if not result.problem else "",
    )


def _table(shown: Table, *, behind: bool) -> Markup:
    """A table, folded where a plot shows the same or where it is long."""
    if not behind and not shown.folded:
        return table(shown)
    label = ": ".join(filter(None, (shown.title, words.rows(len(shown.rows)))))
    return Markup('<details class="nv-fold"><summary>{}</summary>{}</details>').format(label, table(shown))


def _provenance(result: Result) -> Markup:
    facts = [*result.data, (words.FILE, result.sha256)]
    listed = _EMPTY.join(Markup("<dt>{}</dt><dd>{}</dd>").format(*fact) for fact in facts)
    return Markup(
        '<p class="nv-note nv-command">{} <code>{}</code></p>'
        '<details class="nv-fold"><summary>{}</summary><dl class="nv-hashes">{}</dl></details>'
    ).format(words.MADE_BY, result.command or words.NONE, words.PROVENANCE, listed)


# The paper ------------------------------------------------------------------------------------


def _paper(beside: tuple[PaperComparison, ...]) -> Markup:
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
    said = _EMPTY.join(
        Markup("<li>{}</li>").format(line) for each in beside if (line := words.difference(each))
    )
    return Markup(
        '<section class="nv-result nv-paper" id="evidence-paper" tabindex="-1"><h3>{}</h3>'
        '<p class="nv-note">{}</p>{}<ul class="nv-differences">{}</ul></section>'
    ).format(words.PAPER, words.PAPER_LEAD, table(Table("", words.PAPER_HEAD, rows, words=5)), said)


EVIDENCE: Final = Panel("evidence", lay_out)
