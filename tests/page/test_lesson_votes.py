"""Votes of a room: counted in memory, bounded, and there only where a phone can reach the page."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from negviz.page.lesson import votes as ballots
from negviz.page.lesson import words
from negviz.page.lesson.votes import LASTS, VoteError, Votes, vote_routes
from negviz.page.server.door import only_here

ADDRESS = "/page/lesson/votes"
ONE, OTHER = "0" * 32, "1" * 32  # voters


@pytest.fixture
def client() -> TestClient:
    return TestClient(Starlette(routes=vote_routes()))


def test_a_vote_counts_once_a_voter_and_step(client: TestClient) -> None:
    room = client.post(ADDRESS, json={"open": True}).json()["room"]
    cast = [
        client.post(ADDRESS, json={"room": room, "step": 1, "vote": vote, "voter": voter})
        for voter, vote in ((ONE, 0), (OTHER, 2), (ONE, 2))
    ]
    assert [each.json()["counts"] for each in cast] == [[1, 0, 0], [1, 0, 1], [0, 0, 2]]
    assert client.post(ADDRESS, json={"room": room, "step": 0}).json() == {"counts": [0, 0, 0]}
    assert cast[0].headers["cache-control"] == "no-store"
    other = client.post(ADDRESS, json={"open": True}).json()["room"]
    assert client.post(ADDRESS, json={"room": other, "step": 1}).json() == {"counts": [0, 0, 0]}


@pytest.mark.parametrize(
    "changed",
    [
        *({"room": room} for room in ("elsewhere", 3, None)),
        *({"step": step} for step in (-1, 20, "0", True)),
        *({"vote": vote} for vote in (3, 0.5, None)),
        *({"voter": voter} for voter in ("me", None)),
        {"more": "x" * 400},
    ],
)
def test_anything_else_is_refused_in_a_sentence(client: TestClient, changed: dict[str, Any]) -> None:
    room = client.post(ADDRESS, json={"open": True}).json()["room"]
    vote = {"room": room, "step": 0, "vote": 0, "voter": ONE}
    answer = client.post(ADDRESS, json={**vote, **changed})
    assert answer.status_code == 400
    assert answer.text in (words.NO_VOTE, words.NO_SUCH_ROOM)
    assert client.post(ADDRESS, json={"room": room, "step": 0}).json() == {"counts": [0, 0, 0]}
    assert client.post(ADDRESS, content=b"{}").status_code == 400  # no form on another site votes


def test_rooms_and_voters_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ballots, "MOST_ROOMS", 3)
    monkeypatch.setattr(ballots, "FROM_ONE_ADDRESS", 2)
    monkeypatch.setattr(ballots, "MOST_VOTERS", 1)
    now = [0.0]
    votes = Votes(lambda: now[0])
    first, second, third = (votes.open("school") for _ in range(3))
    with pytest.raises(VoteError):
        votes.counts(first, 0)  # the school's own took its place
    votes.open("home")
    with pytest.raises(VoteError):
        votes.open("elsewhere")
    votes.cast(third, 0, ONE, 1)
    with pytest.raises(VoteError):
        votes.cast(third, 1, OTHER, 1)
    votes.cast(third, 1, ONE, 1)
    now[0] = LASTS - 1
    assert votes.counts(second, 0) == [0, 0, 0]
    now[0] = LASTS + 1  # of the lesson that nobody asked for since, nothing is left
    with pytest.raises(VoteError):
        votes.counts(third, 0)
    assert votes.counts(second, 0) == [0, 0, 0]
    votes.open("elsewhere")


def test_only_where_a_phone_reaches_the_page_are_there_votes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GRADIO_SERVER_NAME", raising=False)
    monkeypatch.delenv("NEGVIZ_PROXY", raising=False)
    assert only_here(None)
    assert only_here("localhost")
    assert not only_here("0.0.0.0")
    monkeypatch.setenv("NEGVIZ_PROXY", "1")
    assert not only_here(None)
