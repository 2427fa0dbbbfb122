"""What the page says while it is not there yet."""

from __future__ import annotations

from typing import Final

OPENING: Final = "The page is being opened"
WAIT: Final = (
    "Films that are new to these models are embedded once, and what is made of them is kept. This page goes "
    "on by itself."
)
NOT_YET: Final = "The page is not open yet; load it, and it says how far it is."
ENDED: Final = (
    "Nobody answers any more. Whoever started this page finds out why where it was started; what was made is "
    "kept."
)
_MINUTES_UP_TO: Final = 90


def embedded(done: int, films: int, seconds_left: float | None) -> str:
    """How far it is, and where that can be told, how long it will take."""
    left = "" if seconds_left is None else f" {_left(seconds_left)}"
    return f"{done:,} of {films:,} films embedded.{left}"


def _left(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return "Less than a minute is left."
    if minutes == 1:
        return "About a minute is left."
    if minutes <= _MINUTES_UP_TO:
        return f"About {minutes} minutes are left."
    return f"About {seconds / 3600:.1f} hours are left."
