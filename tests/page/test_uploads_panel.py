"""The panel of own films: off unless asked for; nothing of a film on disk, in a log or on another's page."""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import gradio as gr
import pytest
from gradio.context import Context
from starlette.applications import Starlette
from starlette.testclient import TestClient

from negviz.page.board import Board
from negviz.page.room import Asked, Room
from negviz.page.saliency.panel import FilmPanel
from negviz.page.saliency.words import CAPTION
from negviz.page.server.films import TILE_BYTES
from negviz.page.uploads import http, panel, words
from negviz.retrieval.own_films import File
from tests.retrieval.test_own_films import dicom, png, zipped

SENTENCE = Asked("No pleural effusion")
HOSTILE = '"><img src=x onerror=alert(1)>.png'


@pytest.fixture
def client(room: Room, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setenv(panel.SWITCH, "1")
    with TestClient(Starlette(routes=panel.routes(room))) as client:
        yield client


class Visit(gr.Request):
    """What gradio says of a visit."""

    def __init__(self, name: str) -> None:
        self.session_hash = name


def send(client: TestClient, secret: str, name: str, data: bytes, **more: str) -> Any:
    headers = {
        "Content-Type": "application/octet-stream",
        "X-Negviz-Shelf": secret,
        "X-Negviz-Name": name,
        "X-Negviz-As": "list",
    }
    return client.post("/own/film", content=data, headers=headers | more)


def lines(response: Any) -> list[dict[str, Any]]:
    assert response.status_code == 200
    return [json.loads(line) for line in response.text.splitlines()]


# The switch -----------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [None, "", "0", "yes"])
def test_without_the_switch_there_is_nothing(
    room: Room, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.delenv(panel.SWITCH, raising=False)
    if value is not None:
        monkeypatch.setenv(panel.SWITCH, value)
    monkeypatch.setattr(Context, "root_block", object())  # a page that nothing can be laid out on
    panel.lay_out(cast(Board, None))
    assert panel.routes(room) == []
    assert panel.warning("0.0.0.0") is None


@pytest.mark.parametrize("host", [None, "127.0.0.1", "localhost", "0.0.0.0", "192.0.2.1"])
def test_a_page_that_others_reach_draws_a_warning(monkeypatch: pytest.MonkeyPatch, host: str | None) -> None:
    monkeypatch.setenv(panel.SWITCH, "1")
    monkeypatch.delenv("GRADIO_SERVER_NAME", raising=False)
    said = panel.warning(host)
    assert said is not None
    assert ("WARNING" in said) == (host in ("0.0.0.0", "192.0.2.1"))


# Films on their way in ------------------------------------------------------------------------


def test_films_are_opened_and_bad_ones_named(client: TestClient, room: Room) -> None:
    secret = room.own(panel.shelves_of).open("visit")
    archive = zipped({"a/one.png": png(1), "two.dcm": dicom(), "three.txt": b"no film"})
    one, two, three = lines(send(client, secret, "films.zip", archive))
    assert [each["name"] for each in (one, two, three)] == ["one.png", "two.dcm", "three.txt"]
    assert (one["problem"], two["problem"]) == ("", "")
    assert "not a PNG" in three["problem"]
    assert (three["done"], three["of"]) == (3, 3)
    shelf = room.own(panel.shelves_of).of("visit")
    assert shelf is not None
    assert [film.name for film in shelf.films] == ["one.png", "two.dcm"]
    assert all(len(film.picture) <= TILE_BYTES for film in shelf.films)


def test_an_archive_that_cannot_be_opened_is_a_sentence(client: TestClient, room: Room) -> None:
    secret = room.own(panel.shelves_of).open("visit")
    (line,) = lines(send(client, secret, "films.zip", zipped({"a.png": png()})[:-30]))
    assert line["name"] == "films.zip"
    assert line["problem"] == "The archive is damaged and cannot be opened."


def test_a_file_that_is_too_large_is_dropped_on_the_way(
    client: TestClient, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "MAX_FILE", 1000)
    secret = room.own(panel.shelves_of).open("visit")
    (line,) = lines(send(client, secret, "large.png", bytes(2000)))
    assert line["problem"] == words.TOO_LARGE


def test_only_the_page_itself_can_open_films(client: TestClient, room: Room) -> None:
    secret = room.own(panel.shelves_of).open("visit")
    assert send(client, "", "a.png", png()).status_code == 410
    assert send(client, "guessed", "a.png", png()).text == words.GONE
    foreign = send(client, secret, "a.png", png(), **{"Content-Type": "text/plain"})
    assert (foreign.status_code, foreign.text) == (400, words.FOREIGN)
    room.own(panel.shelves_of).close("visit")
    assert send(client, secret, "a.png", png()).status_code == 410


def test_nothing_is_written_or_logged(
    client: TestClient,
    room: Room,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "gradio"))
    monkeypatch.setenv("NEGVIZ_CACHE", str(tmp_path / "cache"))
    caplog.set_level(logging.DEBUG)
    secret = room.own(panel.shelves_of).open("visit")
    for name, data in (("xanadu.dcm", dicom()), ("xanadu.zip", zipped({"xanadu.png": png(5, side=600)}))):
        assert lines(send(client, secret, name, data))[0]["problem"] == ""
    panel.OwnFilms(room).show(SENTENCE.json(), Visit("visit"))
    assert list(tmp_path.rglob("*")) == []
    said = "".join(capfd.readouterr()) + caplog.text
    assert "xanadu" not in said.casefold()
    assert secret not in said


# What is shown --------------------------------------------------------------------------------


def opened(room: Room, *names: str, visit: str = "visit", seek: str = "") -> panel.OwnFilms:
    room.own(panel.shelves_of).open(visit)
    shelf = room.own(panel.shelves_of).of(visit)
    assert shelf is not None
    for number, name in enumerate(names):
        shelf.put(File(name, png(300 + number)))
    if seek:
        shelf.put(File(seek, png(400)), seek=True)
    return panel.OwnFilms(room)


def test_own_films_are_shown_in_every_column_unjudged(room: Room) -> None:
    own = opened(room, *(f"film{number}.png" for number in range(12)))
    shown = own.show(SENTENCE.json(), Visit("visit"))
    assert shown.count("nv-own-tile") == 10 * len(room.models)
    assert words.NO_LABELS in shown
    assert "data:image/jpeg;base64," in shown
    assert "✓" not in shown


def test_films_like_one_are_one_ranking_where_models_share_a_tower(room: Room) -> None:
    own = opened(room, seek="mine.png")
    shown = own.show(SENTENCE.json(), Visit("visit"))
    assert shown.count('<li class="nv-tile') == min(10, len(room.films("")))
    assert "mine.png" in shown
    assert words.SIMILARITY in shown
    assert shown.count('<th scope="row">') == len(room.models)


def test_where_on_ones_own_film_is_drawn_as_on_any_other_and_kept_nowhere(room: Room) -> None:
    own = opened(room, "a.png", seek="mine.png")
    shown = own.where(SENTENCE.json(), Visit("visit"))
    assert shown.count("<figure") == 2 * len(room.models)  # the sentence and its opposite
    assert 'src="data:image/jpeg;base64,' in shown
    assert "film/large" not in shown
    assert CAPTION in shown
    assert list(room.own(FilmPanel)._drawn._known) == []
    assert words.NONE_SOUGHT in own.where(SENTENCE.json(), Visit("another"))
    own.delete(SENTENCE.json(), Visit("visit"))
    assert words.NONE_SOUGHT in own.where(SENTENCE.json(), Visit("visit"))


def test_without_a_sentence_films_are_kept_and_nothing_is_searched(room: Room) -> None:
    own = opened(room, "a.png", seek="mine.png")
    shown = own.show(Asked("").json(), Visit("visit"))
    assert words.NO_SENTENCE in shown
    assert "nv-own-tile" not in shown


def test_a_sentence_without_an_opposite_has_a_row_without(room: Room) -> None:
    own = opened(room, seek="mine.png")
    assert words.NO_OPPOSITE in own.show(Asked("xanadu").json(), Visit("visit"))


def test_names_are_escaped(room: Room) -> None:
    own = opened(room, HOSTILE, seek=HOSTILE)
    assert "<img src=x" not in own.show(SENTENCE.json(), Visit("visit"))


def test_visits_never_see_each_others_films(room: Room) -> None:
    own = opened(room, "mine.png", visit="one")
    opened(room, "theirs.png", visit="two")
    assert "theirs" not in own.show(SENTENCE.json(), Visit("one"))
    assert "mine" not in own.show(SENTENCE.json(), Visit("two"))
    assert words.EMPTY in own.show(SENTENCE.json(), Visit("three"))


def test_films_are_deleted_by_the_button_and_with_the_visit(room: Room) -> None:
    own = opened(room, "mine.png", seek="mine.png")
    shelf = room.own(panel.shelves_of).of("visit")
    assert shelf is not None
    assert words.DELETED in own.delete(SENTENCE.json(), Visit("visit"))
    assert (shelf.films, shelf.sought) == ((), None)
    shelf.put(File("mine.png", png()))
    own.leave(Visit("visit"))
    assert shelf.films == ()
    assert room.own(panel.shelves_of).of("visit") is None


def test_too_many_visits_close_the_oldest(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_SHELVES", 1)
    opened(room, "mine.png", visit="one")
    shelf = room.own(panel.shelves_of).of("one")
    assert shelf is not None
    opened(room, "theirs.png", visit="two")
    assert shelf.films == ()
    assert room.own(panel.shelves_of).of("one") is None
