"""Films over HTTP: `film/tile?id=…` and `film/large?id=…`, for the films of the open collection only.

An id from the browser is only ever looked up among the collection's ids; no path is made of it.  While a
film is fetched no thread is held up, and no connection of the browser's for long: it has six for a host, and
a search needs one.  So a film that takes its time is answered with a redirect to itself.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from PIL import Image
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from negviz.common.download import DownloadError, Reason
from negviz.films.collection import CollectionError, open_image
from negviz.films.openi import OpeniError
from negviz.page import words
from negviz.page.pictures import Pictures
from negviz.page.server.http import NOT_KEPT
from negviz.page.server.lanes import lanes
from negviz.page.server.once import EachOnce

TILE_BYTES: Final = 7_000  # thirty of them make the first paint
_TILE_SIDE: Final = 210  # pixels: a well of 105 on a screen of double density
_LARGE_SIDE: Final = 1024
_DRAWN_ON: Final = 448  # pixels: twice as dense as a map of it is wide
_QUALITIES: Final = (85, 75, 65, 55, 45, 35, 25, 15, 5)
_TILES_KEPT: Final = 4096  # 28 MB at most
_LARGE_KEPT: Final = 64
_TURN: Final = 2.0  # seconds for which a request may wait for a film
_TURNS: Final = 9  # browsers follow ten redirects at least
_HEADERS: Final = {"Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff"}
_STATUS: Final[dict[Reason, int]] = {"gone": 404, "offline": 503, "busy": 503, "slow": 504, "disk": 507}
_STATUS_ELSE: Final = 502  # what came from the other host was of no use
# Browsers show the picture of an answer whatever its status is; the film's id shines through.
_CANNOT_BE_HAD: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="105" height="105" viewBox="0 0 105 105">'
    '<text x="52.5" y="82" text-anchor="middle" font-family="sans-serif" font-size="12" fill="#E9EDEF">'
    f"{words.CANNOT_BE_HAD}</text></svg>"
)


def film_routes(pictures: Pictures) -> list[Route]:
    """The two routes, each remembering the films it has made."""

    tile = EachOnce[Path, bytes](lambda path: thumbnail(open_image(path)), most=_TILES_KEPT)
    large = EachOnce[Path, bytes](
        lambda path: _jpeg(_within(open_image(path), _LARGE_SIDE), _QUALITIES[0]), most=_LARGE_KEPT
    )

    async def respond(request: Request) -> Response:
        make = large if _is_large(request) else tile
        try:
            path = await pictures.find(request.query_params.get("id", ""), wait=_TURN)
            if path is None:
                return _another_turn(request)
            content = make.known(path) or await lanes().films.run_in_thread(request, make, path)
        except (CollectionError, OpeniError):
            return PlainTextResponse("There is no such film here.", status_code=404)
        except DownloadError as error:
            return _cannot_be_had(request, error)
        return Response(content, media_type="image/jpeg", headers=_HEADERS)

    return [Route("/film/tile", respond), Route("/film/large", respond)]


def _is_large(request: Request) -> bool:
    return request.url.path.endswith("/large")


def _another_turn(request: Request) -> Response:
    film_id, turns = (request.query_params.get(name, "") for name in ("id", "turns"))  # a dot a turn
    if len(turns) >= _TURNS:
        return _cannot_be_had(request, DownloadError("slow", "The film does not come; try again later."))
    query = urlencode({"id": film_id, "turns": f"{turns}."})
    return RedirectResponse(f"{'large' if _is_large(request) else 'tile'}?{query}", headers=NOT_KEPT)


def _cannot_be_had(request: Request, error: DownloadError) -> Response:
    """Why, in a sentence, where somebody reads it; in a tile, that."""
    status = _STATUS.get(error.reason, _STATUS_ELSE)
    if _is_large(request):
        return PlainTextResponse(str(error), status_code=status, headers=NOT_KEPT)
    return Response(_CANNOT_BE_HAD, status_code=status, media_type="image/svg+xml", headers=NOT_KEPT)


def thumbnail(image: Image.Image) -> bytes:
    """A JPEG of at most `TILE_BYTES`, its aspect kept, of the best quality that fits."""
    small = _within(image, _TILE_SIDE)
    return next(
        (made for quality in _QUALITIES if len(made := _jpeg(small, quality)) <= TILE_BYTES),
        _jpeg(_within(image, _TILE_SIDE // 2), _QUALITIES[-1]),
    )


def in_a_file(image: Image.Image) -> bytes:
    """A JPEG that something can be drawn on, and that a page may hold within."""
    return _jpeg(_within(image, _DRAWN_ON), _QUALITIES[0])


def _within(image: Image.Image, side: int) -> Image.Image:
    copy = image.copy()
    copy.thumbnail((side, side), Image.Resampling.LANCZOS)
    return copy


def _jpeg(image: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality, optimize=True, comment=b"")  # nothing of the file but its pixels
    return out.getvalue()
