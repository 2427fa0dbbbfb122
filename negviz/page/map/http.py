"""What the map sends over HTTP, compressed once: plotly.js from the installed package, and drawn maps."""

from __future__ import annotations

import gzip
from functools import cache
from importlib.metadata import version
from typing import Final

HEADERS: Final = {"X-Content-Type-Options": "nosniff", "Vary": "Accept-Encoding"}
FOR_EVER: Final = {**HEADERS, "Cache-Control": "public, max-age=31536000, immutable"}
FRESH: Final = {**HEADERS, "Cache-Control": "no-cache"}


def plotly_address() -> str:
    """Relative to the page; the version lets browsers keep the file."""
    return f"page/map/plotly.js?v={version('plotly')}"


@cache
def plotly_script() -> bytes:
    """gzipped, 1.5 MB"""
    from plotly.offline import get_plotlyjs

    return gzip.compress(get_plotlyjs().encode(), mtime=0)
