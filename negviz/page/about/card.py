"""A model card as HTML: the few Markdown constructs that our cards are written in, everything else escaped.

Front matter and comments are dropped; headings sink below the page's own; addresses stay text, so that a
card of somebody else's model cannot lead anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from markupsafe import Markup

_EMPTY: Final = Markup("")
_FRONT: Final = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
_COMMENT: Final = re.compile(r"<!--.*?-->", re.DOTALL)
_FENCE: Final = re.compile(r"^```[^\n]*\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_INLINE: Final = re.compile(r"\*\*(.+?)\*\*|`([^`]+)`")
_SINK: Final = 3  # "#" becomes <h4>


def card(text: str) -> Markup:
    """The HTML of a card."""
    text = _COMMENT.sub("", _FRONT.sub("", text))
    parts = _FENCE.split(text)  # outside, inside, outside …
    return _EMPTY.join(
        Markup('<pre tabindex="0"><code>{}</code></pre>').format(part)
        if n % 2
        else _EMPTY.join(_blocks(part))
        for n, part in enumerate(parts)
    )


def _blocks(text: str) -> Iterator[Markup]:
    for block in filter(None, map(str.strip, re.split(r"\n\s*\n", text))):
        heading = re.match(r"(#{1,3}) (.*)", block)
        if heading and "\n" not in block:
            level = min(6, len(heading[1]) + _SINK)
            yield Markup("<h{0}>{1}</h{0}>").format(level, _inline(heading[2]))
        elif block.startswith("|"):
            yield _table(block.splitlines())
        elif block.startswith("- "):
            items = re.split(r"^- ", block, flags=re.MULTILINE)[1:]
            yield Markup("<ul>{}</ul>").format(
                _EMPTY.join(Markup("<li>{}</li>").format(_inline(" ".join(item.split()))) for item in items)
            )
        else:
            yield Markup("<p>{}</p>").format(_inline(" ".join(block.split())))


def _table(lines: list[str]) -> Markup:
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines]
    head, body = rows[0], rows[2:]
    return Markup(
        '<div class="nv-table" tabindex="0" role="group" aria-label="{}"><table><thead><tr>{}</tr></thead>'
        "<tbody>{}</tbody></table></div>"
    ).format(
        head[0],
        _EMPTY.join(Markup('<th scope="col">{}</th>').format(cell) for cell in head),
        _EMPTY.join(
            Markup("<tr>{}</tr>").format(_EMPTY.join(Markup("<td>{}</td>").format(_inline(c)) for c in row))
            for row in body
        ),
    )


def _inline(text: str) -> Markup:
    parts, at = [], 0
    for match in _INLINE.finditer(text):
        parts.append(Markup("{}").format(text[at : match.start()]))
        element = "strong" if match[1] else "code"
        parts.append(Markup("<{0}>{1}</{0}>").format(element, match[1] or match[2]))
        at = match.end()
    return _EMPTY.join([*parts, Markup("{}").format(text[at:])])
