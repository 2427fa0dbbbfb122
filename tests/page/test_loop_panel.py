"""The loop on the page and as a GIF, without a browser."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from itertools import pairwise

import pytest
from PIL import Image, ImageSequence
from starlette.applications import Starlette
from starlette.testclient import TestClient

from negviz.explain.loop import SECONDS
from negviz.page.loop import words
from negviz.page.loop.panel import play, routes, show
from negviz.page.room import Asked, Room

DENIED = Asked("no pleural effusion")


@pytest.fixture
def client(room: Room) -> Iterator[TestClient]:
    with TestClient(Starlette(routes=routes(room))) as client:
        yield client


def test_every_scene_says_what_was_counted_over_the_films_on_show(room: Room) -> None:
    loop = play(DENIED, room)
    assert loop is not None
    base, tuned = (room.answer(DENIED).columns[place] for place in (0, -1))
    said = [scene.says for scene in loop.scenes]
    wrong = f"{base.tally.contradicts} of 8 films show what was ruled out; random films: 4"
    assert said[0] == f"Base, asked for “no pleural effusion”: {wrong}."
    assert f"{tuned.tally.contradicts} of 8 films show what was ruled out; random films: 4" in said[3]
    assert f"{tuned.normal} of 8 films of CON2 are normal chests" in said[4]
    assert loop.scenes[1].stretches == (("no", True), (" pleural effusion", False))
    assert loop.instead == ""


def test_a_sentence_that_denies_nothing_plays_another_and_says_so(room: Room) -> None:
    shown = show(Asked("pleural effusion").json(), room)
    assert "Your sentence rules out no single thing" in shown
    assert "<s>No</s>" in shown
    assert words.NOTHING in show(Asked("").json(), room)
    hostile = show(Asked("no effusion <script>alert(1)</script>").json(), room)
    assert "<script>" not in hostile


def test_the_gif_goes_round_in_twenty_seconds_with_a_frame_a_scene(client: TestClient, room: Room) -> None:
    sent = {"asked": json.loads(DENIED.json()), "page": "https://example.org/x"}
    answer = client.post("/page/loop", json=sent)
    assert answer.headers["content-type"] == "image/gif"
    with Image.open(io.BytesIO(answer.content)) as picture:
        frames = [(frame.info["duration"], frame.convert("L")) for frame in ImageSequence.Iterator(picture)]
        assert picture.info["loop"] == 0
    loop = play(DENIED, room)
    assert loop is not None
    assert len(frames) == len(loop.scenes)
    assert sum(duration for duration, _ in frames) == 1000 * SECONDS
    for one, other in pairwise(frames):
        assert one[1].tobytes() != other[1].tobytes()
    below = frames[0][1].crop((0, frames[0][1].height - 60, *frames[0][1].size))
    assert len(below.getcolors() or []) > 5  # the caption


def test_a_question_that_no_page_sends_is_refused_in_a_sentence(client: TestClient) -> None:
    for body in ({}, {"asked": {"text": ""}}, {"asked": 7}):
        answer = client.post("/page/loop", json=body)
        assert (answer.status_code, answer.text.count(".")) == (400, 1)
    assert client.post("/page/loop", content=b"{").status_code == 400
