"""The study's page over HTTP: blinded, off unless asked for, and polite about what it cannot take."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

import app
from negviz.films.collection import Collection
from negviz.page import launch
from negviz.page.options import parser
from negviz.page.pictures import Pictures
from negviz.page.study import markup, words
from negviz.page.study import panel as page
from negviz.study.design import StudyError
from negviz.study.plan import plan
from negviz.study.store import StudyFile
from tests.tiny_study import MODELS, tiny_design

TIMES = {"active_ms": 1200, "paused_ms": 0, "pauses": 0, "loading_ms": 30}
HOSTILE = '"><img src=x onerror=alert(1)>'


@pytest.fixture
def study(tmp_path: Path) -> Iterator[StudyFile]:
    study = StudyFile.make(tmp_path / "study", tiny_design(2))
    yield study
    study.close()


@pytest.fixture
def client(study: StudyFile, collection: Collection) -> Iterator[TestClient]:
    with TestClient(Starlette(routes=page.study_routes(study, Pictures(collection)))) as client:
        yield client


def begin(client: TestClient, **said: Any) -> str:
    """Agree; the code."""
    answer = client.post("/study/begin", json={"agreed": True, "background": "radiologist", **said})
    assert answer.status_code == 200
    found = re.search(r'data-code="(\w{8})"', answer.text)
    assert found is not None
    return found[1]


def test_nothing_that_is_sent_names_a_model_and_the_study_comes_to_an_end(
    client: TestClient, study: StudyFile
) -> None:
    code = begin(client)
    answer = client.post("/study/next", json={"code": code})
    sent = [markup.shell(page.consent(study.design)), answer.text, client.get("/health").text]
    for place in range(6):
        assert f'data-place="{place}"' in answer.text
        message = {"code": code, "place": place, "choice": "left", "wrong": ["film01"], **TIMES}
        answer = client.post("/study/decide", json=message)
        assert answer.status_code == 200
        sent.append(answer.text)
    assert words.DONE in answer.text
    assert [model for model in MODELS if any(model in each for each in sent)] == []
    assert [record.decision.choice for record in study.records()] == ["left"] * 6


def test_the_films_of_each_side_are_those_of_the_plan(client: TestClient, study: StudyFile) -> None:
    code = begin(client)
    text = client.post("/study/next", json={"code": code}).text
    sides = [re.findall(r'data-id="(\w+)"', side) for side in text.split("<section")[1:]]
    trial = plan(study.design, code)[0]
    item = study.design.items[trial.item]
    assert sides == [[film.id for film in item.of(model)] for model in trial.models(study.design)]


def test_a_class_may_begin_behind_one_address_and_a_flood_may_not(
    client: TestClient, study: StudyFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert page.MOST_FROM_ONE_ADDRESS >= 100
    monkeypatch.setattr(page, "MOST_FROM_ONE_ADDRESS", 3)
    code, *_ = [begin(client) for _ in range(3)]
    refused = client.post("/study/begin", json={"agreed": True})
    assert (refused.status_code, refused.text) == (429, words.MANY)
    assert len(study.readers()) == 3
    assert client.post("/study/next", json={"code": code}).status_code == 200


def test_readers_of_an_hour_ago_count_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "MOST_FROM_ONE_ADDRESS", 1)
    now = 0.0
    begun = page.Begun(lambda: now)
    begun.add("192.0.2.1")
    assert not begun.may("192.0.2.1")
    assert begun.may("192.0.2.2")
    now = 3_601.0
    assert begun.may("192.0.2.1")


def test_nobody_begins_without_agreeing(client: TestClient, study: StudyFile) -> None:
    for said in ({}, {"agreed": False}, {"agreed": "yes"}, {"agreed": True, "background": "Dr Somebody"}):
        assert client.post("/study/begin", json=said).status_code == 400
    assert study.readers() == ()


def test_what_is_agreed_to_is_the_study_s_own_text(tmp_path: Path, collection: Collection) -> None:
    own = StudyFile.make(tmp_path / "own", tiny_design(2, consent=f"First {HOSTILE}\n\nSecond\nline"))
    assert page.consent(own.design) == (f"First {HOSTILE}", "Second line")
    assert HOSTILE not in str(markup.shell(page.consent(own.design)))
    assert page.consent(tiny_design()) == words.CONSENT
    own.close()


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"code": "00000000"}, 404),
        ({"place": 1}, 409),
        ({"place": "x"}, 400),
        ({"choice": "neither"}, 400),
        ({"choice": ["left"]}, 400),
        ({"wrong": ["elsewhere"]}, 400),
        ({"wrong": 3}, 400),
        ({"active_ms": -1}, 400),
        ({"active_ms": None}, 400),
    ],
)
def test_a_decision_that_makes_no_sense_is_refused_in_a_sentence(
    client: TestClient, study: StudyFile, change: dict[str, Any], status: int
) -> None:
    code = begin(client)
    client.post("/study/next", json={"code": code})
    message = {"code": code, "place": 0, "choice": "same", "wrong": [], **TIMES, **change}
    answer = client.post("/study/decide", json=message)
    assert answer.status_code == status
    assert answer.text.endswith(".")
    assert "\n" not in answer.text
    assert study.records() == ()


def test_what_other_sites_can_send_is_refused(client: TestClient) -> None:
    for body, kind in (
        (b'{"agreed": true}', "text/plain"),
        (b"[]", "application/json"),
        (b"{", "application/json"),
    ):
        assert client.post("/study/begin", content=body, headers={"Content-Type": kind}).status_code == 400
    long = b'{"agreed": true, "background": "' + b"x" * 30_000 + b'"}'
    answer = client.post("/study/begin", content=long, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400


def test_a_decision_sent_again_is_not_made_again(client: TestClient, study: StudyFile) -> None:
    code = begin(client)
    client.post("/study/next", json={"code": code})
    message = {"code": code, "place": 0, "choice": "left", "wrong": [], **TIMES}
    answers = [
        client.post("/study/decide", json=message | {"choice": choice}) for choice in ("left", "right")
    ]
    assert all('data-place="1"' in answer.text for answer in answers)
    assert [record.decision.choice for record in study.records()] == ["left"]


def test_a_reader_can_delete_everything(client: TestClient, study: StudyFile) -> None:
    code = begin(client)
    assert client.post("/study/withdraw", json={"code": code}).status_code == 200
    assert client.post("/study/next", json={"code": code}).status_code == 404
    assert study.readers() == ()


def test_a_study_of_films_that_are_not_open_is_not_shown(collection: Collection) -> None:
    page.check_films(tiny_design(), Pictures(collection))
    with pytest.raises(StudyError, match="not open"):
        page.check_films(tiny_design(), Pictures(collection.where(lambda film: film.id != "film01")))


def test_there_is_no_study_unless_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEGVIZ_STUDY", raising=False)
    assert parser().parse_args([]).study is None
    monkeypatch.setenv("NEGVIZ_STUDY", "some.study")
    assert parser().parse_args([]).study == Path("some.study")


def test_the_app_makes_a_study_once_and_then_shows_it(
    family_folder: Path, collection_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[list[str]] = []
    monkeypatch.setattr(page, "build_study_page", lambda *_: None)  # the browser's tests build it
    monkeypatch.setattr(
        launch, "serve_routes", lambda made, routes, **_: served.append([route.path for route in routes])
    )
    path = tmp_path / "a.study"
    arguments = ["--family", str(family_folder), "--collection", str(collection_folder), "--nlm", "off"]
    for _ in range(2):
        app.main([*arguments, "--study", str(path)])
    assert served[0] == served[1]
    assert "/study/next" in served[0]
    assert not [route for route in served[0] if route.startswith(("/page/ranks", "/share", "/own"))]
    study = StudyFile(path)
    assert {*study.design.models} == {"base", "con1", "con2"}
    study.close()


def test_a_file_that_is_no_study_stops_the_app_in_a_sentence(
    family_folder: Path, collection_folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("notes", encoding="utf-8")
    arguments = ["--family", str(family_folder), "--collection", str(collection_folder), "--nlm", "off"]
    with pytest.raises(SystemExit, match=r"^negviz: .*cannot be opened as a study"):
        app.main([*arguments, "--study", str(path)])
    assert path.read_text(encoding="utf-8") == "notes"


WRONG: dict[str, Any] = {
    "place beyond SQLite": {"place": 10**20},
    "place below zero": {"place": -1},
    "place of text": {"place": "0"},
    "place of half": {"place": 0.5},
    "place of true": {"place": True},
    "place of null": {"place": None},
    "code of half a pair": {"code": "\ud800"},
    "code without end": {"code": "A" * 10_000},
    "code of a list": {"code": ["A"]},
    "code of NUL": {"code": "\0"},
    "choice of a list": {"choice": ["left"]},
    "choice of an object": {"choice": {}},
    "wrong of text": {"wrong": "film01"},
    "wrong of an object": {"wrong": {"film01": 1}},
    "wrong of numbers": {"wrong": [1]},
    "wrong of half a pair": {"wrong": ["\ud800"]},
    "times of text": {"active_ms": "1"},
    "times without end": {"paused_ms": 10**30},
}


@pytest.mark.parametrize("name", WRONG)
def test_a_message_of_wrong_types_is_refused_in_a_sentence(
    client: TestClient, study: StudyFile, name: str
) -> None:
    code = begin(client)
    client.post("/study/next", json={"code": code})
    sent = {"code": code, "place": 0, "choice": "left", "wrong": [], **TIMES, **WRONG[name]}
    answer = client.post(
        "/study/decide", content=json.dumps(sent), headers={"Content-Type": "application/json"}
    )
    assert 400 <= answer.status_code < 500
    assert answer.text.endswith(".")
    assert study.records() == ()


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e999", "9" * 5000, "[" * 9_000, '{"a": 1, "a": 2}'])
def test_a_message_that_is_no_json_is_refused_in_a_sentence(client: TestClient, value: str) -> None:
    sent = '{"code": "A", "place": ' + value + "}"
    answer = client.post("/study/decide", content=sent, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert answer.text.endswith(".")
