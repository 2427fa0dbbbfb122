"""What callers of the named endpoints send: JSON of any kind, which is checked before anything is done.

Gradio tells callers the message of `gr.Error`, and of no other error.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import gradio as gr

from negviz.common.errors import NegvizError
from negviz.retrieval.answer import AnswerError

_NUMBER: Final = "a number"
_KINDS: Final = {
    type(None): "null",
    bool: "true or false",
    int: _NUMBER,
    float: _NUMBER,
    str: "text",
    list: "a list",
}


def text(value: object, name: str) -> str:
    """An argument that is text.  Raises `AnswerError`."""
    if not isinstance(value, str):
        raise AnswerError(f"{name} must be text, not {_KINDS.get(type(value), 'an object')}.")
    return value


def whole(value: object, name: str) -> int:
    """An argument that is a whole number.  Raises `AnswerError`."""
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > 10**9:
        kind = _KINDS.get(type(value), "an object")
        raise AnswerError(f"{name} must be a whole number, not {kind if kind != _NUMBER else 'such a one'}.")
    return value


@contextmanager
def told() -> Iterator[None]:
    """Have callers told what is wrong with what they sent."""
    try:
        yield
    except NegvizError as error:
        raise gr.Error(str(error), print_exception=False) from error
