"""Turns over HTTP: no visitor's flood stops the page or another visitor, and what is alike is shared."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any

import gradio as gr
import pytest
from gradio.events import api
from gradio.routes import App
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from negviz.page.server import mailboxes
from negviz.page.server.door import guarded
from negviz.page.server.faults import Page
from negviz.page.server.lanes import IN_SEARCH, IN_SLOW, Lane, lanes

FLOOD, OTHER = "192.0.2.1", "192.0.2.2"
MANY = 120  # more than gradio begins by itself, and than there are threads


class Gate:
    """A question that takes until it is opened, and what was asked in the order it began."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self._open = threading.Event()

    def ask(self, text: str) -> str:
        self.begun.append(text)
        assert self._open.wait(60)
        return text.upper()

    def open(self) -> None:
        self._open.set()


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.open()


async def _page(gate: Gate) -> Page:
    def heat(text: str) -> str:
        return gate.ask(text)

    page: Page
    with Page(analytics_enabled=False) as page:
        api(gate.ask, api_name="search", **IN_SEARCH)
        api(heat, api_name="attribute", **IN_SLOW)
        box = gr.Textbox()
        box.change(len, [box], gr.Number(), api_name="length", concurrency_limit=None)
    page.queue(api_open=False)
    return page


def _routes(gate: Gate) -> list[Route]:
    async def ask(request: Request) -> Response:
        given = await lanes().search.run_in_thread(request, gate.ask, request.query_params["text"])
        return PlainTextResponse(given)

    return [Route("/health", lambda _: PlainTextResponse("ok")), Route("/ask", ask)]


@pytest.fixture
def client(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setenv("NEGVIZ_PROXY", "1")

    async def made() -> App:
        return App.create_app(await _page(gate), app_kwargs=guarded(_routes(gate), None))

    with TestClient(asyncio.run(made()), base_url="http://127.0.0.1:7860") as client:
        client.get("/gradio_api/startup-events")
        yield client


def send(client: TestClient, text: str, address: str, *, to: str = "search") -> str:
    """The id of a question that has been sent."""
    called = client.post(
        f"/gradio_api/call/{to}", json={"data": [text]}, headers={"X-Forwarded-For": address}
    )
    assert called.status_code == 200
    return str(called.json()["event_id"])


def answer(client: TestClient, event: str, *, to: str = "search") -> Any:
    said = client.get(f"/gradio_api/call/{to}/{event}").text.strip().split("\n\n")[-1].splitlines()
    return said[0], json.loads(said[1].removeprefix("data: "))


def test_a_flood_neither_holds_up_another_visitor_nor_the_page(client: TestClient, gate: Gate) -> None:
    flood = [send(client, f"flood {number}", FLOOD) for number in range(MANY)]
    mine = send(client, "mine", OTHER)
    assert client.get("/health").text == "ok"
    assert answer(client, send(client, "four", OTHER, to="length"), to="length") == ("event: complete", [4])
    gate.open()
    assert answer(client, mine) == ("event: complete", ["MINE"])
    assert answer(client, flood[-1]) == ("event: complete", [f"FLOOD {MANY - 1}"])
    assert gate.begun.index("mine") <= 8  # what was under way, and what stood before it in turn
    assert len(gate.begun) == MANY + 1


def test_questions_over_our_own_routes_take_the_same_turns(client: TestClient, gate: Gate) -> None:
    for number in range(MANY):
        send(client, f"flood {number}", FLOOD)
    asked: list[str] = []

    def ask() -> None:
        asked.append(client.get("/ask?text=mine", headers={"X-Forwarded-For": OTHER}).text)

    asking = threading.Thread(target=ask)
    asking.start()
    gate.open()
    asking.join(60)
    assert asked == ["MINE"]
    assert gate.begun.index("mine") < MANY


def test_a_panel_of_one_visitor_does_not_hold_up_galleries(client: TestClient, gate: Gate) -> None:
    for number in range(MANY):
        send(client, f"slow {number}", FLOOD, to="attribute")
    mine = send(client, "mine", FLOOD)
    assert client.get("/health").text == "ok"
    gate.open()
    assert answer(client, mine) == ("event: complete", ["MINE"])
    assert gate.begun.index("mine") < MANY


def test_the_same_sentence_asked_by_a_whole_room_is_worked_out_once(
    client: TestClient, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrived = threading.Semaphore(0)
    run = Lane.run

    async def counted(*given: Any, **named: Any) -> Any:
        arrived.release()
        return await run(*given, **named)

    monkeypatch.setattr(Lane, "run", counted)
    events = [send(client, "the same", f"198.51.100.{number}") for number in range(40)]
    for _ in events:  # gradio passes them on in its own time
        assert arrived.acquire(timeout=60)
    gate.open()
    assert {answer(client, event)[1][0] for event in events} == {"THE SAME"}
    assert gate.begun == ["the same"]


def test_more_than_is_ever_read_does_not_wait(client: TestClient) -> None:
    event, said = answer(client, send(client, "x" * 200_000, OTHER))
    assert event == "event: error"
    assert "x" * 100 not in json.dumps(said)


def test_answers_that_nobody_fetches_do_not_cost_another_visitor_theirs(
    client: TestClient, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailboxes, "MOST", 8)
    mine = send(client, "mine", OTHER)
    told = [send(client, "four", FLOOD, to="length") for _ in range(40)]
    gate.open()
    assert answer(client, mine) == ("event: complete", ["MINE"])
    assert answer(client, told[-1], to="length") == ("event: complete", [4])
    gone = client.get(f"/gradio_api/call/length/{told[0]}")  # nor is everything kept
    assert "complete" not in gone.text
