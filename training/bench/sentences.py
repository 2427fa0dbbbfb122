"""Sentences that the app has not been asked: nothing is known of them beforehand."""

from __future__ import annotations

import itertools
from typing import Final

from negviz.findings import ABNORMAL

_OPENINGS: Final = (
    "no",
    "no sign of",
    "without",
    "there is a small",
    "marked",
    "no evidence of any",
    "possible",
    "film free of",
    "new",
    "neither old nor new",
    "a film with",
    "improved",
)


def sentences() -> list[str]:
    """All different, and none of them one of the 99 prompts."""
    sides = ("left", "right")
    parts = itertools.product(_OPENINGS, sides, ABNORMAL)
    return [" ".join(each) for each in parts]
