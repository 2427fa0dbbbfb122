"""The reader study as HTML.  Films are known by their ids, and nothing here has heard of a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from markupsafe import Markup

from negviz.page.study import words
from negviz.page.templates import Template
from negviz.study.design import IDLE_SECONDS

_VIEW: Final = Template("study", words=words)
_ON_SCRIPT: Final = ("LOADING", "PAUSED", "SAVED", "NOT_YET", "FAILED", "CANVAS", "NO_FILM", "PAUSE", "GO_ON")
_CLOSER: Final = (  # what a press does, its words, its key
    ("previous", words.PREVIOUS, "←"),
    ("next", words.NEXT, "→"),
    ("wrong", words.MARK_WRONG, "X"),
    ("larger", words.LARGER, "+"),
    ("smaller", words.SMALLER, "−"),
    ("brighter", words.BRIGHTER, "B"),
    ("darker", words.DARKER, "D"),
    ("harder", words.HARDER, "C"),
    ("softer", words.SOFTER, "S"),
    ("invert", words.INVERT, "I"),
    ("reset", words.RESET, "0"),
    ("close", words.CLOSE, "Esc"),
)


def shell(consent: Sequence[str]) -> Markup:
    said = {name: getattr(words, name) for name in _ON_SCRIPT}
    idle = IDLE_SECONDS * 1000
    return _VIEW("shell", paragraphs=consent, idle=idle, script_words=said, closer=_CLOSER)


def code(given: str) -> Markup:
    return _VIEW("code", given=given)


def trial(sentence: str, sides: Mapping[str, Sequence[str]], place: int, of: int) -> Markup:
    return _VIEW("trial", sentence=sentence, sides=sides, place=place, of=of)


def done() -> Markup:
    return _VIEW("done")


def deleted() -> Markup:
    return _VIEW("deleted")
