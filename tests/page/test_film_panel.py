"""The film panel without a browser: what is drawn once, what is refused, and what the endpoint says."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from negviz.common.files import write_json
from negviz.explain.saliency.offers import check_cosine
from negviz.films.collection import Collection
from negviz.films.masks import MASKS, SIZE, Masks, Place, write_masks
from negviz.models.encoder import DualEncoder
from negviz.page.families.choice import ONLY_ONE
from negviz.page.pictures import Pictures
from negviz.page.room import Asked, Room
from negviz.page.saliency import panel as of_film
from negviz.page.saliency import words
from negviz.page.saliency.panel import FilmPanel, routes
from negviz.retrieval.answer import search_sets

NEGATED = "No pleural effusion"
PRESENT = {"hit": 0.9, "hit_ci": [0.8, 1.0], "hit_other": 0.1, "hit_blind": 0.2}


@pytest.fixture
def room(models: dict[str, DualEncoder], collection: Collection, tmp_path: Path) -> Room:
    """Maps of effusion were scored: base's are clear of chance, con1's are not; con2's were not scored."""
    scored = {
        name: {
            "tower_id": models[name].tower_id,
            "cosine": check_cosine(models[name]),
            "findings": {"effusion": {"offered": offered, "chests": 40, "present": PRESENT}},
        }
        for name, offered in {"base": True, "con1": False}.items()
    }
    write_json(tmp_path / "saliency.json", {"models": scored})
    home = replace(ONLY_ONE, results=tmp_path)
    return Room(models, search_sets(models, collection), Pictures(collection), home)


def asked(room: Room, body: Any) -> Any:
    return TestClient(Starlette(routes=routes(room))).post("/page/saliency", json=body)


def first(collection: Collection) -> tuple[str, Path]:
    film = next(iter(collection))
    path = collection.image_path(film)
    assert path is not None
    return film.id, path


def test_both_sentences_are_drawn_for_every_model(room: Room, collection: Collection) -> None:
    film, _ = first(collection)
    found = asked(room, {"asked": Asked(NEGATED).json(), "id": film}).json()
    assert found["texts"][0] == NEGATED
    assert "effusion" in found["texts"][1]
    assert {name: len(each["lines"]) for name, each in found["models"].items()} == {
        "base": 2,
        "con1": 0,
        "con2": 2,
    }
    assert found["models"]["con1"]["why"] == words.refused("effusion", 0.9, 0.2, 40)
    assert words.hits("effusion", 0.9, 0.2, 40) in found["html"]
    assert words.UNSCORED in found["html"]  # of con2
    assert found["html"].count("<svg") == 4
    assert found["region"] == []
    blue = found["models"]["base"]["lines"][0]["towards"]
    assert all(0 <= end <= 1 for level in blue for line in level for end in line)


def test_a_film_goes_through_a_tower_once_for_everybody(room: Room, collection: Collection) -> None:
    film, path = first(collection)
    panel = FilmPanel(room)
    with ThreadPoolExecutor(4) as pool:
        shown = list(pool.map(lambda _: panel.look(Asked(NEGATED), film, path), range(8)))
    maps = shown[0].models["base"].maps
    assert all(each.models["base"].maps is maps for each in shown)
    room.forget([NEGATED])
    assert panel.look(Asked(NEGATED), film, path).models["base"].maps is not maps


def test_where_the_finding_is_can_be_outlined_on_simulated_films(room: Room, collection: Collection) -> None:
    film, _ = first(collection)
    mask = np.zeros((SIZE, SIZE), bool)
    mask[96:, :32] = True
    assert collection.folder is not None
    path = collection.folder / MASKS
    write_masks(path, Masks.pack({Place(film, "effusion", "left"): mask}, "drawn"))
    try:
        found = asked(room, {"asked": Asked(NEGATED).json(), "id": film}).json()
    finally:
        path.unlink()
    assert sorted(found["region"]) == [
        [0, 0.75, 0, 1],
        [0, 0.75, 0.25, 0.75],
        [0, 1, 0.25, 1],
        [0.25, 0.75, 0.25, 1],
    ]
    assert words.REGION in found["html"]


def test_what_is_sent_is_not_trusted(room: Room, collection: Collection) -> None:
    film, _ = first(collection)
    for body, status in (
        ({"asked": Asked(NEGATED).json(), "id": "../../etc/passwd"}, 404),
        ({"asked": Asked(NEGATED).json()}, 400),
        ({"asked": Asked("").json(), "id": film}, 400),
        ([], 400),
    ):
        answer = asked(room, body)
        assert answer.status_code == status
        assert answer.text.endswith((".", "“id”."))
    hostile = asked(room, {"asked": Asked("<b>No</b> effusion").json(), "id": film}).json()
    assert "<b>" not in hostile["html"]


def test_the_endpoint_gives_maps_and_says_why_not(room: Room, collection: Collection) -> None:
    film, _ = first(collection)
    panel = FilmPanel(room)
    found = panel.saliency(NEGATED, film)
    assert json.loads(json.dumps(found)) == found
    assert (found["prompt"], found["finding"], found["caption"]) == (NEGATED, "effusion", words.CAPTION)
    assert set(found["models"]) == {"base", "con2"}
    assert set(found["left_out"]) == {"con1"}
    base = found["models"]["base"]["prompt"]
    assert base["signed"] is True
    assert len(base["map"]) == len(base["map"][0])
    for prompt, id_ in ((1, film), (NEGATED, "no such film"), ("", film)):
        with pytest.raises(gr.Error) as told:
            panel.saliency(prompt, id_)  # type: ignore[arg-type]
        assert str(told.value).rstrip("'").endswith(".")


def test_a_place_that_speaks_for_both_sentences_is_said_to(room: Room, collection: Collection) -> None:
    film, path = first(collection)
    shown = FilmPanel(room).look(Asked(NEGATED), film, path)
    base, con2 = (shown.models[name].maps for name in ("base", "con2"))
    place = int(con2[1].map.argmax())
    said = {line.partition(":")[0]: line for line in of_film.says(shown)}
    assert said["CON2"].startswith(f"CON2: the place that speaks most for “{shown.texts[1]}”")
    assert ("against" in said["CON2"]) == (con2[0].map.ravel()[place] < 0)
    assert len(base) == 2


def test_where_the_dial_stands_has_maps_as_a_film_has(room: Room) -> None:
    stands = {"finding": "effusion", "side": "right", "severity": "0.8", "seed": "9100000"}
    found = asked(room, {"asked": Asked(NEGATED).json(), "dial": stands}).json()
    assert {name: len(each["lines"]) for name, each in found["models"].items()} == {
        "base": 2,
        "con1": 0,
        "con2": 2,
    }
    assert found["html"] == ""
    clear = asked(room, {"asked": Asked(NEGATED).json(), "dial": {**stands, "severity": "0"}}).json()
    assert clear["models"]["base"] != found["models"]["base"]
    for wrong in ({**stands, "seed": "1"}, {}, "effusion"):
        assert asked(room, {"asked": Asked(NEGATED).json(), "dial": wrong}).status_code == 400
