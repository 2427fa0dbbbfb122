"""How the C library keeps memory that is free: of a page that many threads answer, it must come back."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress
from typing import Final

_ARENA_MAX: Final = -8  # of glibc's malloc.h, as the next
_TRIM_THRESHOLD: Final = -1
_ARENAS: Final = 2
_KEPT: Final = 100_000  # bytes at the top of a heap


def return_freed_memory() -> None:
    """Few heaps, and what is free at their end given back: call it first of all.

    glibc gives each thread a heap, and lets what it keeps of large blocks grow with them: over 5,000 visits
    600 MB, of which nothing was in use.  Elsewhere nothing is done.
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # another C library
            mallopt = ctypes.CDLL(None).mallopt
            mallopt(_ARENA_MAX, _ARENAS)
            mallopt(_TRIM_THRESHOLD, _KEPT)
