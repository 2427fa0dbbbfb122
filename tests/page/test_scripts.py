"""The page's scripts on their way to a browser."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.testclient import TestClient

from negviz.page.theme.scripts import script, script_routes


def test_scripts_come_packed_to_whoever_unpacks_them() -> None:
    client = TestClient(Starlette(routes=script_routes()))
    packed = client.get("/page/negviz.js", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(script()) / 2
    plain = client.get("/page/negviz.js", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content == script()
