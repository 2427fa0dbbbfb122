"""Several families of models on one page: how they are named, found, opened and served."""

from __future__ import annotations

import html
import json
import os
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import gradio as gr
import httpx2
import pytest
from gradio.blocks import Block
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from negviz.common.shipped import CHECKPOINTS, COMPACT
from negviz.common.tensor_files import CheckpointError
from negviz.films.collection import Collection
from negviz.models.encoder import DualEncoder
from negviz.models.family import load_models, open_hub_model, save_base
from negviz.page import opened
from negviz.page.about.panel import about
from negviz.page.build import foot
from negviz.page.evidence.panel import evidence
from negviz.page.evidence.words import NOTHING
from negviz.page.explore.panel import Explore
from negviz.page.families import words
from negviz.page.families.choice import ONLY_ONE, Home, OfferedFamily, choices_of
from negviz.page.families.panel import Opener, family_routes, picker
from negviz.page.map.panel import MapPanel
from negviz.page.opened import find_families, results_of
from negviz.page.options import parser
from negviz.page.pictures import Pictures
from negviz.page.room import Room
from negviz.retrieval.answer import search_sets
from negviz.retrieval.calibration import model_id
from negviz.retrieval.embeddings import Progress
from tests.tiny_hub import tiny_clip
from training.report.cards import write_cards


def test_families_are_known_by_their_folders(tmp_path: Path) -> None:
    folders = [
        tmp_path / "a" / "mine",
        tmp_path / "b" / "mine",
        tmp_path / "Über uns",
        tmp_path / "a" / "mine",
    ]
    choices = choices_of(folders)
    assert [choice.title for choice in choices] == ["a/mine", "b/mine", "Über uns"]
    assert [choice.key for choice in choices] == ["a-mine", "b-mine", "ber-uns"]
    assert [choice.key for choice in choices_of([tmp_path / "x_y", tmp_path / "x-y"])] == ["x-y", "x-y-1"]


def test_a_page_knows_the_way_to_every_other(tmp_path: Path) -> None:
    choices = choices_of([tmp_path / name for name in ("one", "two", "three")])
    first, second = Home(choices, "one"), Home(choices, "two")
    assert [first.address(choice) for choice in choices] == ["./", "family/two/", "family/three/"]
    assert [second.address(choice) for choice in choices] == [
        "../../",
        "../../family/two/",
        "../../family/three/",
    ]
    assert second.folder == (tmp_path / "two").resolve()
    assert ONLY_ONE.folder is None


def test_the_picker_escapes_names_and_says_what_is_left_out(tmp_path: Path) -> None:
    choices = choices_of([tmp_path / "one", tmp_path / "<b>"])
    html = picker(Home(choices, choices[1].key, left_out=("No films of <i>openi</i>.",)))
    assert "<b>" not in html
    assert "<i>" not in html
    assert f'value="../../family/{choices[1].key}/" selected>' in html
    assert "No films of" in html


class Fakes:
    """Stand-ins for rooms and pages; an opening waits for `go`."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.opened: list[str] = []
        self.fail: Exception | None = None
        self.ended: list[str] = []

    def room(self, choice: OfferedFamily, progress: Progress) -> Room:
        self.opened.append(choice.key)
        progress(32, 1_024)
        self.go.wait(10)
        if self.fail is not None:
            raise self.fail
        return cast(Room, choice)

    def page(self, room: Room) -> gr.Blocks:
        return cast(gr.Blocks, room)

    def mount(self, page: gr.Blocks, room: Room, path: str) -> Starlette:
        def tell(request: Any) -> JSONResponse:
            return JSONResponse(
                {"family": cast(OfferedFamily, room).title, "root": request.scope["root_path"]}
            )

        return Starlette(routes=[Route("/", tell), Route("/health", tell)])


@pytest.fixture
def fakes() -> Fakes:
    return Fakes()


@pytest.fixture
def client(fakes: Fakes, tmp_path: Path) -> Any:
    home = Home(choices_of([tmp_path / name for name in ("one", "two")]), "one")
    routes = family_routes(home, Opener(fakes.room, fakes.page, fakes.mount))
    with TestClient(Starlette(routes=routes)) as client:
        yield client


def until(ask: Callable[[], httpx2.Response], holds: Callable[[httpx2.Response], bool]) -> httpx2.Response:
    end = time.monotonic() + 20
    while not holds(answer := ask()):
        assert time.monotonic() < end, answer.text
        time.sleep(0.02)
    return answer


def test_a_family_is_opened_once_when_somebody_asks(fakes: Fakes, client: TestClient) -> None:
    assert fakes.opened == []
    assert client.get("/family/two/health").status_code == 503
    assert fakes.opened == []  # only its page opens it
    waiting = until(lambda: client.get("/family/two/"), lambda answer: "1,024 films" in answer.text)
    assert waiting.status_code == 200
    assert words.OPENING.format(title="two") in waiting.text
    assert waiting.headers["cache-control"] == "no-store"
    fakes.go.set()
    served = until(lambda: client.get("/family/two/"), lambda answer: answer.text.startswith("{"))
    assert served.json() == {"family": "two", "root": "/family/two"}
    assert client.get("/family/two/health").json()["family"] == "two"
    assert fakes.opened == ["two"]


def test_addresses_that_lead_elsewhere(client: TestClient) -> None:
    assert client.get("/family/nobody/").status_code == 404
    assert client.get("/family/two", follow_redirects=False).headers["location"] == "two/"
    assert client.get("/family/one/", follow_redirects=False).headers["location"] == "../../"


def test_what_cannot_be_opened_is_one_sentence_and_may_be_tried_again(
    fakes: Fakes, client: TestClient, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fakes.fail = CheckpointError(f"{tmp_path.resolve() / 'two'}/con1 is truncated; fetch it anew.")
    fakes.go.set()
    failed = until(lambda: client.get("/family/two/"), lambda answer: answer.status_code == 503)
    assert "two/con1 is truncated; fetch it anew." in failed.text
    assert str(tmp_path) not in failed.text  # a visitor needs no path of this machine
    assert "con1 is truncated" in capsys.readouterr().err
    assert client.get("/family/two/").status_code == 503
    assert fakes.opened == ["two"]
    fakes.fail = None
    until(lambda: client.get("/family/two/?again=1"), lambda answer: answer.text.startswith("{"))
    assert fakes.opened == ["two", "two"]


def test_a_fault_of_ours_is_not_shown(
    fakes: Fakes, client: TestClient, capsys: pytest.CaptureFixture[str]
) -> None:
    fakes.fail = RuntimeError("a secret")
    fakes.go.set()
    failed = until(lambda: client.get("/family/two/"), lambda answer: answer.status_code == 503)
    assert words.BROKEN in failed.text
    assert "a secret" not in failed.text
    assert "a secret" in capsys.readouterr().err


def test_with_one_family_there_is_nothing_to_serve(tmp_path: Path, fakes: Fakes) -> None:
    home = Home(choices_of([tmp_path / "one"]), "one")
    assert family_routes(home, Opener(fakes.room, fakes.page, fakes.mount)) == []


def test_no_handler_makes_a_component(models: dict[str, DualEncoder], collection: Collection) -> None:
    """Gradio would add it to whichever page is being built in another thread."""
    explore = Explore(Room(models, search_sets(models, collection), Pictures(collection)))
    asked = ("No pleural effusion", "", (), False, "", "")
    returned = [*explore.origin(""), *explore.ask(*asked), *explore.clear("", "[]", "", "", False, "", "")]
    assert len(returned) > 10
    assert not any(isinstance(value, Block) for value in returned)


def test_families_by_option_by_environment_and_from_the_shelf(
    family_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = tmp_path / "checkpoints"
    for name in ("another", "compact", "zoo"):
        shutil.copytree(family_folder, shelf / name)
    (shelf / "none").mkdir()
    monkeypatch.setattr(opened, "COMPACT", shelf / "compact")
    monkeypatch.delenv("NEGVIZ_FAMILY", raising=False)
    assert [folder.name for folder in find_families(None)] == ["compact", "another", "zoo"]
    monkeypatch.setenv("NEGVIZ_FAMILY", os.pathsep.join([str(shelf / "zoo"), str(family_folder)]))
    assert find_families(None) == [shelf / "zoo", family_folder]
    options = parser().parse_args(["--family", str(shelf / "another"), "--family", str(shelf / "zoo")])
    assert find_families(options.family) == [shelf / "another", shelf / "zoo"]
    with pytest.raises(CheckpointError, match=r"none holds no family\.json"):
        find_families([shelf / "zoo", shelf / "none"])
    with pytest.raises(CheckpointError, match="give at most 4"):
        find_families([shelf / "zoo"] * 5)
    assert results_of(shelf / "compact") is None
    assert results_of(shelf / "zoo") == shelf / "zoo" / "results"


@pytest.fixture
def own_room(tmp_path: Path, collection: Collection) -> Room:
    """A tiny CLIP as somebody's family, in a folder of their own."""
    tiny_clip(tmp_path / "secret" / "my-clip")
    model, folder = open_hub_model(str(tmp_path / "secret" / "my-clip")), tmp_path / "secret" / "my-base"
    save_base(folder, model, licence="CC0-1.0", data={}, training={})
    write_cards(folder)
    models, choices = load_models(folder), choices_of([folder])
    home = Home(choices, choices[0].key, results_of(folder))
    return Room(models, search_sets(models, collection), Pictures(collection), home)


def test_a_family_of_ones_own_is_spoken_of_as_what_it_is(own_room: Room, tmp_path: Path) -> None:
    panels = MapPanel(own_room).head() + evidence(tmp_path, own_room.home.hint(NOTHING))
    text = html.unescape(str(about(own_room)) + "".join(foot(own_room)) + panels)
    assert "my-clip" in text
    assert "and under its licence: CC0-1.0" in text
    assert "all-MiniLM-L6-v2" not in text
    for command in ("maps", "results"):
        assert f"python -m training {command} --family my-base" in text
    assert str(tmp_path) not in text
    assert "secret" not in text


def test_maps_and_calibrations_of_a_family_are_looked_for_beside_it(
    own_room: Room, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NEGVIZ_MAPS", str(tmp_path / "others"))
    folder = own_room.home.folder
    assert folder is not None
    assert own_room.home.maps is None
    (folder / "maps").mkdir()
    (folder / "maps" / "clip.json").write_text('{"format": 2}', "utf-8")
    said = str(MapPanel(own_room).atlas)
    assert "clip.json is not of format 1" in said
    assert str(tmp_path) not in said
    assert own_room.calibrations == {}
    fitted = {
        "feature": "margin",
        "knots": [[0, 0], [1, 1]],
        "findings": [],
        "statistic": "spread",
        "least": 0,
    }
    record = fitted | {"weights_id": model_id(own_room.models["base"])}
    (folder / "results").mkdir()
    (folder / "results" / "calibration.json").write_text(
        json.dumps({"calibrations": {"base": record}}), "utf-8"
    )
    assert list(Room(own_room.models, own_room.sets, own_room.pictures, own_room.home).calibrations) == [
        "base"
    ]


def test_hints_about_the_shipped_family_name_none() -> None:
    sentence = "make them with: python -m training maps."
    assert ONLY_ONE.hint(sentence) == sentence
    shipped = choices_of([COMPACT])
    assert Home(shipped, shipped[0].key).hint(sentence) == sentence
    own = choices_of([CHECKPOINTS / "my base"])
    assert Home(own, own[0].key).hint(sentence).endswith("maps --family 'checkpoints/my base'.")
