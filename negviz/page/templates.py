"""The panels' HTML: Jinja2 templates, `view.html` in a panel's folder, whose macros Python calls.

    VIEW: Final = Template("dial", words=words)
    VIEW("film", chest=chest, severity=0.6)      # the macro `film` of dial/view.html

Everything that goes in is escaped.  The server fills them in and sends HTML: a `html_template` of `gr.HTML`
is filled in by the browser, anew whenever a value changes, and would save 1.3 kB of an answer, compressed.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.environment import TemplateModule
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream
from markupsafe import Markup

from negviz.page import words as common

_BETWEEN_TAGS: Final = re.compile(r"(?<![^>])\s*\n\s*|\s*\n\s*(?![^<])")
_WITHIN: Final = re.compile(r"\s*\n\s*")


class _Unbroken(Extension):
    """A line of a template ends where it is easy to read: beside a tag that is nothing, elsewhere a space."""

    def filter_stream(self, stream: TokenStream) -> Iterable[Token]:
        for token in stream:
            if token.type == "data":
                yield Token(token.lineno, "data", _WITHIN.sub(" ", _BETWEEN_TAGS.sub("", token.value)))
            else:
                yield token


_TEMPLATES: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    auto_reload=False,
    extensions=[_Unbroken],
)
_TEMPLATES.globals["common"] = common
_TEMPLATES.filters |= {
    "base64": lambda data: b64encode(data).decode(),
    "column_title": common.column_title,
    "json": json.dumps,
    "query": urlencode,
}


class Template:
    """The template of a panel: `words` and what else its macros know is given once.

    It is compiled where it is first filled in, since most panels are opened after the first paint.
    """

    def __init__(self, folder: str, **known: Any) -> None:
        self._folder, self._known = folder, known

    @cached_property
    def _macros(self) -> TemplateModule:
        return _TEMPLATES.get_template(f"{self._folder}/view.html", globals=self._known).module

    def __call__(self, macro: str, **given: Any) -> Markup:
        made: Markup = getattr(self._macros, macro)(**given)
        return made


_SHARED: Final = Template("theme")


def note(text: str) -> Markup:
    """A line in small print."""
    return _SHARED("note", text=text)
