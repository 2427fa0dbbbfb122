"""How large a film may be, wherever one is decoded: asked before any of its pixels are.

A film of 43 cm at a tenth of a millimetre has 4,300 pixels a side, and the longest are those of a whole
spine, some three or four times as long as wide.
"""

from __future__ import annotations

from typing import Final

from negviz.common.errors import NegvizError

MAX_PIXELS: Final = 25_000_000
MAX_SIDE: Final = 20_000
MAX_ASPECT: Final = 20
TOO_MANY: Final = f"has more than {MAX_PIXELS // 1_000_000} million pixels; make it smaller."


class FilmSizeError(NegvizError):
    """A picture of another size than any film; the message is a sentence that lacks only its subject."""


def check_size(width: int, height: int) -> None:
    """Refuse what would take too long, or too much memory, to decode or to make smaller."""
    if width * height > MAX_PIXELS:
        raise FilmSizeError(TOO_MANY)
    longest, shortest = max(width, height), min(width, height)
    if longest > MAX_SIDE or longest > MAX_ASPECT * shortest:
        raise FilmSizeError(
            f"measures {width:,} × {height:,} pixels, which is no film: sides of at most {MAX_SIDE:,}, "
            f"one at most {MAX_ASPECT} times the other."
        )
