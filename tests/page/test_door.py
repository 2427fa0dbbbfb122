"""What answers on the page's addresses, what goes out with it, and what is told of a fault."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import gradio as gr
import pytest
from gradio.routes import App
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from negviz.common.errors import NegvizError
from negviz.page.server.door import MOST_SENT, guarded
from negviz.page.server.faults import FAULT, NOT_TAKEN, Page

MARK = "ouagadougou"
USED = {  # by method, the addresses of gradio's that the page and its clients ask
    "GET": {
        *("/", "/config", "/config/", "/theme.css", "/robots.txt", "/favicon.ico"),
        *("/assets/{path:path}", "/static/{path:path}", "/svelte/{path:path}"),
        *("/gradio_api/info", "/gradio_api/info/", "/gradio_api/theme.css", "/gradio_api/startup-events"),
        *("/gradio_api/queue/data", "/gradio_api/heartbeat/{session_hash}"),
        "/gradio_api/call/{api_name}/{event_id}",
    },
    "POST": {
        *("/gradio_api/queue/join", "/gradio_api/call/{api_name}", "/gradio_api/call/{api_name}/"),
        *("/gradio_api/cancel", "/gradio_api/reset", "/gradio_api/reset/"),
    },
}


class OursError(NegvizError):
    """One of ours."""


def _ask(text: str, choice: str) -> str:
    if text == "ours":
        raise OursError("Ask something else.")
    return f"{int(text)} {choice}"


def _page() -> Page:
    return asyncio.run(_made())  # gradio leaves a loop open where none is running


async def _made() -> Page:
    page: Page
    with Page(analytics_enabled=False) as page:
        text, choice = gr.Textbox(), gr.Radio(["a", "b"])
        gr.Button().click(_ask, [text, choice], gr.Textbox(), api_name="ask")
    page.queue(api_open=False)
    return page


def _app(routes: list[Route], host: str | None = None) -> App:
    page = _page()

    async def made() -> App:
        return App.create_app(page, app_kwargs=guarded(routes, host))

    return asyncio.run(made())


async def _break(request: Request) -> Response:
    raise ValueError(str(request.query_params))


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.delenv("GRADIO_SERVER_NAME", raising=False)
    routes = [Route("/break", _break), Route("/ours", lambda _: PlainTextResponse("ours"))]
    with TestClient(_app(routes), base_url="http://127.0.0.1:7860", raise_server_exceptions=False) as client:
        yield client


def _every_address() -> Iterator[tuple[str, str]]:
    routes = [*_app([]).routes]
    while routes:
        route = routes.pop()
        routes += getattr(getattr(route, "original_router", None), "routes", [])
        for method in getattr(route, "methods", None) or ():
            yield method, str(getattr(route, "path", ""))


def _answers(response: Any) -> bool:
    """A HEAD is answered without a body."""
    closed = response.text == "There is nothing at this address." or response.request.method == "HEAD"
    return not (closed and response.status_code == 404)


def test_only_what_the_page_uses_answers(client: TestClient) -> None:
    addresses = sorted(set(_every_address()))
    assert len(addresses) > 60  # gradio's own, in the release we pin
    for method, path in addresses:
        filled = re.sub(r"\{[^}]*\}", MARK, path)
        open_ = path in USED.get("GET" if method == "HEAD" else method, set())
        if not open_:
            assert not _answers(client.request(method, filled, content=b"{}")), (method, path)
    known = {(method, path) for method, paths in USED.items() for path in paths}
    assert known <= set(addresses)
    assert client.get("/ours").text == "ours"
    assert _answers(client.get("/config"))


def test_nothing_is_uploaded(client: TestClient) -> None:
    sent = client.post("/gradio_api/upload", files={"files": ("film.png", b"film")})
    assert (sent.status_code, _answers(sent)) == (404, False)


def test_every_answer_forbids_what_the_page_does_not_need(client: TestClient) -> None:
    for path in ("/", "/config", "/ours", "/break", "/nowhere"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
        assert policy["default-src"] == "'self'"
        assert policy["object-src"] == "'none'"
        assert "https:" not in policy["script-src"]
        assert policy["frame-ancestors"] == "'self' https://huggingface.co https://*.hf.space"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:7860", 200),
        ("LOCALHOST", 200),
        ("127.0.0.1", 200),
        ("[::1]:7860", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example:7860", 421),
        ("localhost:7860.evil.example", 421),
        ("", 421),
    ],
)
def test_a_foreign_name_is_refused_on_this_machine_alone(client: TestClient, host: str, status: int) -> None:
    assert client.get("/ours", headers={"host": host}).status_code == status


@pytest.mark.parametrize("how", ["host", "environment", "proxy"])
def test_what_the_world_can_reach_goes_by_any_name(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    if how != "host":
        monkeypatch.setenv(
            *{"environment": ("GRADIO_SERVER_NAME", "0.0.0.0"), "proxy": ("NEGVIZ_PROXY", "1")}[how]
        )
    routes = [Route("/ours", lambda _: PlainTextResponse("ours"))]
    with TestClient(_app(routes, "0.0.0.0" if how == "host" else None)) as client:
        assert client.get("/ours", headers={"host": "negviz.example"}).status_code == 200


def test_no_more_is_read_than_a_question_can_hold(client: TestClient) -> None:
    def without_end() -> Iterator[bytes]:
        for _ in range(MOST_SENT // 100_000 + 5):
            yield b" " * 100_000

    assert client.post("/gradio_api/queue/join", content=without_end()).status_code == 413


def test_a_fault_behind_the_door_is_a_sentence_and_tells_nobody_what_was_sent(
    client: TestClient, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = client.get("/break", params={"text": MARK})
    assert (answer.status_code, answer.text) == (500, FAULT)
    said = capsys.readouterr()
    assert "_break" in said.err  # where it happened
    assert "ValueError" in said.err
    assert MARK not in said.err + said.out


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"data": "ouagadougou"}', b'{"fn_index": "ouagadougou"}'])
def test_a_question_of_another_shape_is_not_repeated(client: TestClient, body: bytes) -> None:
    answer = client.post("/gradio_api/queue/join", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()) == (422, {"detail": NOT_TAKEN})


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (["ours", "a"], "Ask something else."),
        ([MARK, "a"], FAULT),
        ([MARK], "1 values were sent where 2 belong."),
        (["7", MARK], NOT_TAKEN),
        (["7", {MARK: MARK}], NOT_TAKEN),
        (["7", [MARK]], NOT_TAKEN),
    ],
)
def test_every_error_is_one_sentence_to_whoever_asked(
    data: list[Any], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    page = _page()
    fn = next(iter(page.fns.values()))
    with pytest.raises(gr.Error) as error:
        asyncio.run(page.process_api(fn, data))
    assert error.value.message == said
    assert not error.value.print_exception  # gradio would print what it quotes
    told = capsys.readouterr()
    assert MARK not in told.err + told.out
    assert ("Traceback" in told.err) is (said == FAULT)
