"""Many sentences over HTTP: each is answered as it would be alone, and nothing of it is kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from negviz.page.many import panel, words
from negviz.page.room import Room
from negviz.retrieval.answer import answer

TEXTS = ("no pleural effusion", "cardiomegaly", "cardiomegaly without effusion", "the weather is fine")


@pytest.fixture
def client(room: Room) -> Iterator[TestClient]:
    with TestClient(Starlette(routes=panel.routes(room))) as client:
        yield client


def test_a_row_says_what_the_sentence_alone_would_be_answered(client: TestClient, room: Room) -> None:
    films = room.sets[-1]
    rows = client.post("/page/many", json={"texts": TEXTS, "films": films.name}).json()["rows"]
    assert [row["text"] for row in rows] == list(TEXTS)
    assert [row["group"] for row in rows] == ["absent", "present", "both", "unmarked"]
    for row in rows:
        alone = answer({name: room.models[name] for name in room.first}, films, row["text"])
        assert list(row["models"]) == [column.model for column in alone.columns]
        for column in alone.columns:
            cell = row["models"][column.model]
            assert (cell["right"], cell["wrong"]) == (column.tally.matches, column.tally.contradicts)
            assert cell["normal"] == column.normal
            assert cell["margin"] == (column.margin.value if column.margin else None)
        assert row["chance"] == (alone.columns[0].random_picks if alone.marked else None)


def test_what_is_not_marked_says_why(client: TestClient) -> None:
    (row,) = client.post("/page/many", json={"texts": [TEXTS[-1]]}).json()["rows"]
    assert row["read"].startswith("No finding was recognised")


def test_nothing_that_was_sent_is_kept(
    client: TestClient, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kept(*_: Any) -> None:
        raise AssertionError("a sentence of many was remembered")

    monkeypatch.setattr(Room, "answer", kept)
    reply = client.post("/page/many", json={"texts": TEXTS})
    assert reply.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"texts": "no effusion"},
        {"texts": [1]},
        {"texts": ["no effusion"] * (panel.AT_ONCE + 1)},
        {"texts": [" "]},
    ],
    ids=["nothing", "no list", "no text", "too many", "empty"],
)
def test_what_the_page_does_not_send_is_refused(client: TestClient, sent: dict[str, Any]) -> None:
    reply = client.post("/page/many", json=sent)
    assert reply.status_code == 400
    assert reply.text.endswith(".")


def test_every_shipped_file_can_be_asked_and_no_other(client: TestClient) -> None:
    for name in words.FILES:
        head = client.get("/page/many/prompts", params={"of": name}).text.partition("\n")[0].strip()
        assert {"prompt", "text"} & {*head.split(",")}
    for name in ("../../app", "wordings", ""):
        assert client.get("/page/many/prompts", params={"of": name}).status_code == 404
