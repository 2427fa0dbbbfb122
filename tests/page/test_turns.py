"""Turns over HTTP: no visitor's flood stops the page or another visitor, and what is alike is shared."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any

import gradio as gr
import pytest
from gradio.events import api
from gradio.routes import App
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from negviz.page.server import visits
from negviz.page.server.door import Door, guarded
from negviz.page.server.faults import Page
from negviz.page.server.lanes import IN_SEARCH, IN_SLOW, MOST_GALLERIES, lanes
from negviz.page.server.visitors import Visitor

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
def page(gate: Gate) -> Page:
    return asyncio.run(_page(gate))


@pytest.fixture
def client(gate: Gate, page: Page, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setenv("NEGVIZ_PROXY", "1")

    async def made() -> App:
        return App.create_app(page, app_kwargs=guarded(_routes(gate), None))

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


@pytest.mark.timing
def test_the_same_sentence_asked_by_a_whole_room_is_worked_out_once(client: TestClient, gate: Gate) -> None:
    events = [send(client, "the same", f"198.51.100.{number}") for number in range(40)]
    send(client, "mine", OTHER)
    while "mine" not in gate.begun:  # then those before it have come as far
        time.sleep(0.01)
    gate.open()
    assert {answer(client, event)[1][0] for event in events} == {"THE SAME"}
    assert gate.begun == ["the same", "mine"]


def test_more_than_is_ever_read_does_not_wait(client: TestClient) -> None:
    event, said = answer(client, send(client, "x" * 200_000, OTHER))
    assert event == "event: error"
    assert "x" * 100 not in json.dumps(said)


def test_answers_that_nobody_fetches_do_not_cost_another_visitor_theirs(
    client: TestClient, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visits, "MOST_UNREAD", 8)
    mine = send(client, "mine", OTHER)
    told = [send(client, "four", FLOOD, to="length") for _ in range(40)]
    gate.open()
    assert answer(client, mine) == ("event: complete", ["MINE"])
    assert answer(client, told[-1], to="length") == ("event: complete", [4])
    gone = client.get(f"/gradio_api/call/length/{told[0]}")  # nor is everything kept
    assert "complete" not in gone.text


def test_taking_a_question_describes_no_component(
    client: TestClient, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    described: list[gr.Textbox] = []

    def describe(box: gr.Textbox) -> dict[str, Any]:
        described.append(box)
        return {}

    monkeypatch.setattr(gr.Textbox, "get_config", describe)
    event = send(client, "mine", OTHER)
    gate.open()
    assert answer(client, event) == ("event: complete", ["MINE"])
    assert described == []


def test_programs_that_tell_no_session_throw_out_no_visit(
    client: TestClient, gate: Gate, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder = page.state_holder
    monkeypatch.setattr(holder, "capacity", 5)
    visit = holder["visit"]
    gate.open()
    for number in range(20):
        answer(client, send(client, f"flood {number}", FLOOD))
    assert holder["visit"] is visit
    assert [*holder.session_data] == ["visit"]


# At the door ----------------------------------------------------------------------------------


@dataclass
class Behind:
    """The door, and behind it what answers when it may; whose requests it was given, in their order."""

    begun: list[str] = field(default_factory=list)
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.door = Door(self._answer, routes=[], loopback=False, tools=False)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.begun.append(scope["client"][0])
        await self.may_answer.wait()
        await PlainTextResponse(await Request(scope, receive).body())(scope, receive, send)

    def ask(
        self,
        address: str,
        *,
        body: bytes = b"{}",
        sent: asyncio.Event | None = None,
        read: asyncio.Event | None = None,
    ) -> asyncio.Task[bytes]:
        """A question's answer; its end is sent, and the answer read, when the events are set."""
        parts = [(body[:1], True), (body[1:], False)]
        answered: list[bytes] = []

        async def receive() -> Message:
            if len(parts) == 1 and sent is not None:
                await sent.wait()
            part, more = parts.pop(0)
            return {"type": "http.request", "body": part, "more_body": more}

        async def send(message: Message) -> None:
            if read is not None:
                await read.wait()
            answered.append(message.get("body", b""))

        async def asked() -> bytes:
            scope = {
                "type": "http",
                "method": "POST",
                "path": "/gradio_api/call/search",
                "headers": [],
                "client": (address, 1),
            }
            await self.door(scope, receive, send)
            return b"".join(answered)

        return asyncio.create_task(asked())


def on_a_loop(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 60))


async def settle() -> None:
    """Until everything that can go on has."""
    for _ in range(50):
        await asyncio.sleep(0)


def wait_in(lane: Any, address: str, number: int) -> tuple[asyncio.Event, list[asyncio.Task[Any]]]:
    """What keeps a lane busy until the event is set, and so many questions of an address that wait in it."""
    done = asyncio.Event()
    under_way = [asyncio.create_task(lane.run(Visitor("busy"), done.wait)) for _ in range(lane._at_once)]
    return done, under_way + [
        asyncio.create_task(lane.run(Visitor(address), done.wait)) for _ in range(number)
    ]


def test_the_next_question_taken_is_another_visitors_however_many_one_has_sent() -> None:
    async def test() -> None:
        behind = Behind()
        flood = [behind.ask(FLOOD) for _ in range(MANY)]
        await settle()
        taken = len(behind.begun)
        assert taken < 8
        mine = behind.ask(OTHER)
        await settle()
        behind.may_answer.set()
        assert await asyncio.gather(mine, *flood) == [b"{}"] * (MANY + 1)
        assert behind.begun.index(OTHER) <= taken + 1

    on_a_loop(test)


def test_who_has_many_questions_waiting_is_slowed_at_the_door_and_nobody_else() -> None:
    async def test() -> None:
        behind = Behind()
        behind.may_answer.set()
        done, waiting = wait_in(lanes().search, FLOOD, MOST_GALLERIES)
        await settle()
        flood = [behind.ask(FLOOD) for _ in range(MANY)]
        await settle()
        assert behind.begun == []
        assert await behind.ask(OTHER) == b"{}"
        assert behind.begun == [OTHER]
        done.set()
        assert await asyncio.gather(*flood) == [b"{}"] * MANY
        await asyncio.gather(*waiting)

    on_a_loop(test)


def test_a_class_behind_one_address_is_not_slowed_at_the_door() -> None:
    async def test() -> None:
        behind = Behind()
        behind.may_answer.set()
        done, galleries = wait_in(lanes().search, OTHER, 100)
        also_done, panels = wait_in(lanes().slow, OTHER, 800)
        await settle()
        assert await asyncio.gather(*(behind.ask(OTHER) for _ in range(100))) == [b"{}"] * 100
        done.set()
        also_done.set()
        await asyncio.gather(*galleries, *panels)

    on_a_loop(test)


@pytest.mark.parametrize("slowly", ["sent", "read"])
def test_who_sends_or_reads_slowly_holds_no_place(slowly: str) -> None:
    async def test() -> None:
        behind, now = Behind(), asyncio.Event()
        behind.may_answer.set()
        held = {"sent": now} if slowly == "sent" else {"read": now}
        slow = [behind.ask(FLOOD, sent=held.get("sent"), read=held.get("read")) for _ in range(MANY)]
        await settle()
        assert await behind.ask(OTHER, body=b"mine") == b"mine"
        now.set()
        assert await asyncio.gather(*slow) == [b"{}"] * MANY

    on_a_loop(test)
