"""Films over HTTP: `film/tile?id=…` and `film/large?id=…`, for the films of the open collection only.

An id from the browser is only ever looked up among the collection's ids; no path is made of it.
"""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Final

from PIL import Image
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from negviz.collection import Collection, CollectionError

TILE_BYTES: Final = 7_000  # thirty of them make the first paint
_TILE_SIDE: Final = 210  # pixels: a well of 105 on a screen of double density
_LARGE_SIDE: Final = 1024
_QUALITIES: Final = (85, 75, 65, 55, 45, 35, 25, 15, 5)
_TILES_KEPT: Final = 4096  # 28 MB at most
_LARGE_KEPT: Final = 64
_HEADERS: Final = {"Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff"}


def film_routes(collection: Collection) -> list[Route]:
    """The two routes, each remembering the films it has made."""

    @lru_cache(maxsize=_TILES_KEPT)
    def tile(film_id: str) -> bytes:
        return thumbnail(collection.image(collection.by_id(film_id)))

    @lru_cache(maxsize=_LARGE_KEPT)
    def large(film_id: str) -> bytes:
        return _jpeg(_within(collection.image(collection.by_id(film_id)), _LARGE_SIDE), _QUALITIES[0])

    def respond(request: Request) -> Response:
        make = large if request.url.path.endswith("/large") else tile
        try:
            return Response(
                make(request.query_params.get("id", "")), media_type="image/jpeg", headers=_HEADERS
            )
        except CollectionError:
            return PlainTextResponse("There is no such film here.", status_code=404)

    return [Route("/film/tile", respond), Route("/film/large", respond)]


def thumbnail(image: Image.Image) -> bytes:
    """A JPEG of at most `TILE_BYTES`, its aspect kept, of the best quality that fits."""
    small = _within(image, _TILE_SIDE)
    return next(
        (made for quality in _QUALITIES if len(made := _jpeg(small, quality)) <= TILE_BYTES),
        _jpeg(_within(image, _TILE_SIDE // 2), _QUALITIES[-1]),
    )


def _within(image: Image.Image, side: int) -> Image.Image:
    copy = image.copy()
    copy.thumbnail((side, side), Image.Resampling.LANCZOS)
    return copy


def _jpeg(image: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality, optimize=True, comment=b"")  # nothing of the file but its pixels
    return out.getvalue()
