"""Whether the app is up: `GET health`, for whoever hosts it.  It costs nothing and tells of no visitor."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from negviz.page.room import Room


def health_routes(room: Room) -> list[Route]:
    """{status, models, collections}: models and collections are opened before anybody can ask."""
    content = {"status": "ok", "models": [*room.models], "collections": [*room.pictures.collections]}

    async def respond(_: Request) -> Response:
        return JSONResponse(content, headers={"Cache-Control": "no-store"})

    return [Route("/health", respond)]
