"""The page's typeface, Atkinson Hyperlegible Next (SIL Open Font License 1.1), served from assets/fonts."""

from __future__ import annotations

from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from negviz.films.collection import ASSETS

FAMILY: Final = "Atkinson Hyperlegible Next"
_FILES: Final = {  # and the characters that each is fetched for, as Fontsource divides them
    "atkinson-hyperlegible-next-latin-wght-normal.woff2": (
        "U+0000-00FF,U+0131,U+0152-0153,U+02BB-02BC,U+02C6,U+02DA,U+02DC,U+0304,U+0308,U+0329,U+2000-206F,"
        "U+20AC,U+2122,U+2191,U+2193,U+2212,U+2215,U+FEFF,U+FFFD"
    ),
    "atkinson-hyperlegible-next-latin-ext-wght-normal.woff2": (
        "U+0100-02BA,U+02BD-02C5,U+02C7-02CC,U+02CE-02D7,U+02DD-02FF,U+0304,U+0308,U+0329,U+1D00-1DBF,"
        "U+1E00-1E9F,U+1EF2-1EFF,U+2020,U+20A0-20AB,U+20AD-20C0,U+2113,U+2C60-2C7F,U+A720-A7FF"
    ),
}
_FOR_EVER: Final = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
}


def font_css() -> str:
    """The faces; a browser fetches a file when it meets one of its characters."""
    return "".join(
        f'@font-face{{font-family:"{FAMILY}";font-weight:200 800;font-display:swap;'
        f'src:url("page/font/{name}") format("woff2");unicode-range:{characters}}}'
        for name, characters in _FILES.items()
    )


def font_routes() -> list[Route]:
    """`page/font/<name>`, for the two files there are."""

    def send(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in _FILES:
            raise HTTPException(404)
        return FileResponse(ASSETS / "fonts" / name, media_type="font/woff2", headers=_FOR_EVER)

    return [Route("/page/font/{name}", send)]
