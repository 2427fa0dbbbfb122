"""A model card as HTML: Markdown without raw HTML, since a card may be of somebody else's model.

Front matter and comments are dropped; headings sink below the page's own; addresses stay text, so that no
card can lead anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

_FRONT: Final = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
_COMMENT: Final = re.compile(r"<!--.*?-->", re.DOTALL)
_SINK: Final = 3  # "#" becomes <h4>


def card(text: str) -> Markup:
    """The HTML of a card."""
    tokens = _MARKDOWN.parse(_COMMENT.sub("", _FRONT.sub("", text)))
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + _SINK)}"
        elif token.type in ("th_open", "td_open"):
            token.attrs = {"scope": "col"} if token.tag == "th" else {}  # no style of its own
    return Markup(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}))


def _table(_: Any, tokens: Sequence[Token], place: int, *__: Any) -> Markup:
    first = tokens[place + 4]  # what stands in <table><thead><tr><th>
    opened = '<div class="nv-table" tabindex="0" role="group" aria-label="{}"><table>'
    return Markup(opened).format(first.content)


def _code(_: Any, tokens: Sequence[Token], place: int, *__: Any) -> Markup:
    return Markup('<pre tabindex="0"><code>{}</code></pre>').format(tokens[place].content)


_MARKDOWN: Final = MarkdownIt("commonmark", {"html": False}).enable("table")
_MARKDOWN.disable(["autolink", "image", "link", "reference"])
_MARKDOWN.add_render_rule("table_open", _table)
_MARKDOWN.add_render_rule("table_close", lambda *_: "</table></div>")
_MARKDOWN.add_render_rule("fence", _code)
_MARKDOWN.add_render_rule("code_block", _code)
