"""Plots and tables of results as HTML.

A plot is a list: every figure has its name and its number in words, and between them a strip that a ruler of
100 runs along.  So it reads on a phone, in both themes and aloud.
"""

from __future__ import annotations

from typing import Final

from markupsafe import Markup

from negviz.page.evidence import words
from negviz.results.types import Cell, Dot, Figure, Group, Plot, Table

_EMPTY: Final = Markup("")
_COLOURED: Final = ("base", "con1", "con2", "con3")  # the others take what is left
_LINE: Final = Markup('<line class="nv-plot-{}" x1="{}" x2="{}" y1="{}" y2="{}"/>')


def plot(shown: Plot) -> Markup:
    """One plot with its legend and its axis."""
    marks = [
        word
        for word, has in (
            (words.LEGEND_CHANCE, any(group.chance is not None for group in shown.groups)),
            (words.LEGEND_CEILING, any(group.ceiling is not None for group in shown.groups)),
        )
        if has
    ]
    return Markup(
        '<figure class="nv-plot"><figcaption><strong>{}</strong> <span class="nv-label">{}</span>'
        "</figcaption>"
        '{}<div class="nv-plot-axis" aria-hidden="true"><span></span><span class="nv-plot-ends">'
        "<span>{}</span><span>{}</span></span><span></span></div></figure>"
    ).format(
        shown.title,
        " · ".join(marks),
        _EMPTY.join(_group(shown, group) for group in shown.groups),
        *map(words.axis, shown.ends),
    )


def _group(shown: Plot, group: Group) -> Markup:
    heading = Markup('<p class="nv-plot-group">{}</p>').format(group.label) if group.label else _EMPTY
    rows = _EMPTY.join(_dot(shown, group, dot, row) for row, dot in enumerate(group.dots))
    return Markup("{}<ul>{}</ul>").format(heading, rows)


def _dot(shown: Plot, group: Group, dot: Dot, row: int) -> Markup:
    colour = _COLOURED.index(dot.label) if dot.label in _COLOURED else 4 + row % 3
    return Markup(
        '<li class="nv-plot-row nv-series-{}"><span class="nv-plot-name">{}</span>'
        '<svg viewBox="0 0 100 24" preserveAspectRatio="none" aria-hidden="true" focusable="false">{}</svg>'
        '<span class="nv-plot-number">{}</span></li>'
    ).format(colour, dot.label, _strip(shown, group, dot.figure), dot.figure)


def _strip(shown: Plot, group: Group, figure: Figure) -> Markup:
    parts = [_LINE.format("rule", 0, 100, 12, 12)]
    parts += [_upright("zero", shown.place(0))] if shown.ends[0] < 0 else []
    parts += [_upright("chance", shown.place(group.chance))] if group.chance is not None else []
    parts += [_upright("ceiling", shown.place(group.ceiling))] if group.ceiling is not None else []
    if figure.low is not None and figure.high is not None:
        parts.append(_LINE.format("interval", shown.place(figure.low), shown.place(figure.high), 12, 12))
    if figure.value is not None:
        at = shown.place(figure.value)
        parts.append(_LINE.format("dot", at, at, 12, 12))  # a stroke with round ends: no oval when stretched
    return _EMPTY.join(parts)


def _upright(name: str, at: float) -> Markup:
    return _LINE.format(name, at, at, 0, 24)


def table(shown: Table) -> Markup:
    """A table in a box of its own that scrolls sideways."""
    head = _EMPTY.join(
        Markup('<th scope="col">{}</th>').format(name)
        if name
        else Markup("<td></td>")  # a column that needs no name
        for name in shown.head
    )
    body = _EMPTY.join(
        Markup("<tr>{}</tr>").format(_EMPTY.join(_cell(cell, n, shown.words) for n, cell in enumerate(row)))
        for row in shown.rows
    )
    more = Markup('<p class="nv-note">{}</p>').format(words.omitted(shown.omitted)) if shown.omitted else ""
    caption = Markup("<caption>{}</caption>").format(shown.title) if shown.title else ""
    heading = Markup("<thead><tr>{}</tr></thead>").format(head) if any(shown.head) else ""
    return Markup(
        '<div class="nv-table" tabindex="0" role="group" aria-label="{}"><table>{}{}'
        "<tbody>{}</tbody></table></div>{}"
    ).format(shown.title or words.TABLE, caption, heading, body, more)


def _cell(cell: Cell, column: int, words_columns: int) -> Markup:
    if column == 0:
        return Markup('<th scope="row">{}</th>').format(cell)
    kind = "" if column < words_columns else Markup(' class="nv-figure"')
    return Markup("<td{}>{}</td>").format(kind, cell)
