"""The map panel without a browser: its HTML, its routes and its endpoint."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from negviz.explain.projection import METHODS
from negviz.films.collection import open_collection
from negviz.models.encoder import DualEncoder
from negviz.page.map import words
from negviz.page.map.panel import MapPanel
from negviz.page.map.panel import routes as map_routes
from negviz.page.pictures import Pictures
from negviz.page.room import Asked, Room
from negviz.retrieval.sets import search_sets
from tests.tiny_maps import tiny_maps

SCRIPT = "<img src=x onerror=alert(1)>"
MODELS = ["base", "con1", "con2"]


@pytest.fixture(scope="module")
def maps(family_folder: Path, collection_folder: Path) -> Path:
    return tiny_maps(family_folder, collection_folder)


@pytest.fixture
def room(models: dict[str, DualEncoder], collection_folder: Path) -> Room:
    collection = open_collection(collection_folder)
    return Room(models, search_sets(models, collection), Pictures(collection))


@pytest.fixture
def panel(room: Room, maps: Path, monkeypatch: pytest.MonkeyPatch) -> MapPanel:
    monkeypatch.setenv("NEGVIZ_MAPS", str(maps))
    return MapPanel(room)


@pytest.fixture
def client(room: Room, maps: Path, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    monkeypatch.setenv("NEGVIZ_MAPS", str(maps))
    return TestClient(Starlette(routes=map_routes(room)))


def _drawn(client: TestClient, **view: str) -> dict[str, Any]:
    asked = {"name": "effusion", "method": "tsne", "colour": "polarity"} | view
    answer = client.get("/page/map/drawn", params=asked)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


def _data(html: str) -> dict[str, Any]:
    found = re.search(r'data-placed="([^"]*)"', html)
    assert found is not None
    data: dict[str, Any] = json.loads(unescape(found[1]))
    return data


def test_first_paint_is_small_and_holds_no_figure(panel: MapPanel) -> None:
    shell = panel.shell()
    assert len(shell) < 8_000
    assert words.MEANING in panel.head()
    assert "customdata" not in shell


@pytest.mark.parametrize("colour", ["polarity", "finding", "kind", "right"])
def test_every_prompt_is_drawn_once_in_every_pane(client: TestClient, colour: str) -> None:
    made = _drawn(client, name="findings", colour=colour)
    assert list(made["panes"]) == MODELS
    for figure in made["panes"].values():
        rows = [row for trace in figure["data"] for row in trace["customdata"]]
        assert sorted(rows) == list(range(171))
        styles = [(trace["marker"]["symbol"], trace["marker"]["color"]) for trace in figure["data"]]
        assert len(set(styles)) == len(styles)  # told apart by shape or colour, and most by shape
        assert figure["layout"]["xaxis"]["range"] == figure["layout"]["yaxis"]["range"]
    assert made["table"].count("data-map-mark") == 171
    assert made["apart"]["con2"].count("(") == 4


def test_polarities_differ_in_shape_as_well_as_colour(client: TestClient) -> None:
    figure = _drawn(client)["panes"]["base"]
    assert len({trace["marker"]["symbol"] for trace in figure["data"]}) == len(figure["data"]) == 2


def test_films_are_drawn_by_id(client: TestClient, room: Room) -> None:
    made = _drawn(client, name="films/drawn", colour="finding")
    ids = [film for trace in made["panes"]["base"]["data"] for film in trace["customdata"]]
    assert sorted(ids) == sorted(film.id for film in room.sets[0].collection)


@pytest.mark.parametrize("view", [{"name": "x"}, {"method": "x"}, {"colour": "x"}, {"name": "films/../x"}])
def test_unknown_views_are_refused(client: TestClient, view: dict[str, str]) -> None:
    asked = {"name": "effusion", "method": "tsne", "colour": "polarity"} | view
    answer = client.get("/page/map/drawn", params=asked)
    assert (answer.status_code, answer.text) == (404, "There is no such map.")


def test_plotly_is_served_compressed_and_for_ever(client: TestClient) -> None:
    answer = client.get("/page/map/plotly.js")
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) < 1_600_000
    assert "immutable" in answer.headers["cache-control"]
    plain = client.get("/page/map/plotly.js", headers={"Accept-Encoding": "identity"})
    assert plain.content == answer.content
    assert b"plotly.js v" in plain.content[:200]


def test_a_sentence_is_placed_in_every_map_and_pane(panel: MapPanel) -> None:
    data = _data(panel.show(Asked("no fluid here").json()))
    assert data["models"] == MODELS
    assert data["exact"] == []
    assert len(data["maps"]) == 3 * len(METHODS)  # of two sheets and of the films
    assert all(list(paths) == MODELS for paths in data["maps"].values())
    assert len(data["hits"]["films/drawn"]["con1"]) == len(panel.room.sets[0])
    assert _data(panel.show(Asked("no pleural effusion").json()))["exact"] == ["effusion", "findings"]


def test_nothing_asked_is_calm(panel: MapPanel) -> None:
    for asked in (Asked("").json(), "", "[]"):
        html = panel.show(asked)
        assert words.WAITING in html
        assert 'data-placed=""' in html


def test_markup_in_a_sentence_is_only_text(panel: MapPanel) -> None:
    html = panel.show(Asked(f"effusion {SCRIPT}").json())
    assert SCRIPT not in html
    assert _data(html)["text"] == f"effusion {SCRIPT}"


def test_places_are_forgotten_with_the_visit(panel: MapPanel, monkeypatch: pytest.MonkeyPatch) -> None:
    panel.show(Asked("no effusion left").json())
    kept = panel._places._known
    assert kept
    panel.room.forget(["no effusion left"])
    assert not kept


def test_the_endpoint_says_where_and_what_is_near(panel: MapPanel) -> None:
    given = panel.map("no pleural effusion", "umap")
    assert list(given["models"]) == MODELS
    base = given["models"]["base"]
    assert not base["placement"]
    assert len(base["point"]) == 2
    assert len(base["nearest"]) == 3
    assert panel.map("no fluid here")["models"]["con2"]["placement"]
    json.dumps(given)


@pytest.mark.parametrize(("prompt", "method"), [("", "tsne"), ("no effusion", "isomap")])
def test_the_endpoint_refuses_in_one_sentence(panel: MapPanel, prompt: str, method: str) -> None:
    with pytest.raises(gr.Error, match=r"\.'$"):
        panel.map(prompt, method)


def test_without_fitting_maps_the_panel_says_so(
    room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEGVIZ_MAPS", str(tmp_path))
    panel = MapPanel(room)
    assert "There are no maps for this family" in panel.head()
    assert panel.shell() == panel.show(Asked("no effusion").json()) == ""
    with pytest.raises(gr.Error, match="There are no maps"):
        panel.map("no effusion")
    client = TestClient(Starlette(routes=map_routes(room)))
    assert client.get("/page/map/drawn", params={"name": "effusion"}).status_code == 404
