"""The address that a host asks whether the app is up."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.testclient import TestClient

from negviz.films.collection import Collection
from negviz.models.encoder import DualEncoder
from negviz.page.pictures import Pictures
from negviz.page.room import Room
from negviz.page.server.health import health_routes
from negviz.retrieval.answer import search_sets


def test_it_says_what_is_open(models: dict[str, DualEncoder], collection: Collection) -> None:
    room = Room(models, search_sets(models, collection), Pictures(collection))
    with TestClient(Starlette(routes=health_routes(room))) as client:
        reply = client.get("/health")
        assert reply.status_code == 200
        assert reply.json() == {"status": "ok", "models": ["base", "con1", "con2"], "collections": ["drawn"]}
        assert reply.headers["cache-control"] == "no-store"
        assert client.post("/health").status_code == 405
