"""The page's JavaScript as one file under `page/`: what all panels share, then those of their folders."""

from __future__ import annotations

import gzip
import hashlib
from functools import cache
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from negviz.page.server.http import send

_SHARED: Final = Path(__file__).with_name("core.js")
_FOR_EVER: Final = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Accept-Encoding",
}


@cache
def script() -> bytes:
    page = _SHARED.parents[1]
    of_panels = (path for path in sorted(page.rglob("*.js")) if path != _SHARED)
    return b"\n".join(path.read_bytes() for path in (_SHARED, *of_panels))


def head() -> str:
    """What goes into the page's head; the hash in the address lets browsers keep the file."""
    return f'<script defer src="page/negviz.js?v={hashlib.sha256(script()).hexdigest()[:12]}"></script>'


def script_routes() -> list[Route]:
    def respond(request: Request) -> Response:
        return send(request, _packed(), "text/javascript", _FOR_EVER)

    return [Route("/page/negviz.js", respond)]


@cache
def _packed() -> bytes:
    return gzip.compress(script(), mtime=0)
