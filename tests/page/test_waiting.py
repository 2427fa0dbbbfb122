"""What stands at the page's address until there is a page."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import httpx2
import pytest

from negviz.common.errors import NegvizError
from negviz.page.server.http import PortError
from negviz.page.waiting import server, words
from negviz.page.waiting.progress import EmbeddingProgress
from negviz.page.waiting.server import opened_meanwhile
from negviz.retrieval.embeddings import Progress
from training.bench.running import free_port

ROOT = Path(__file__).parents[2]
_ENDLESS = """
import sys, threading
from negviz.page.waiting import server
server._AT_ONCE = 0.0
server.opened_meanwhile(lambda progress: (progress(0, 9), threading.Event().wait()), port=int(sys.argv[1]))
"""


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_AT_ONCE", 0.0)


def get(port: int, path: str = "") -> httpx2.Response:
    return httpx2.get(f"http://127.0.0.1:{port}/{path}")


@pytest.mark.timing
def test_it_is_served_until_what_is_opened_is_there() -> None:
    port, said = free_port(), list[httpx2.Response]()

    def make(progress: Progress) -> str:
        progress(0, 5_000)
        while not said:
            try:
                said.append(get(port))
            except httpx2.TransportError:
                threading.Event().wait(0.02)
        progress(1_000, 5_000)
        said.extend(get(port, path) for path in ("", "health", "gradio_api/info"))
        return "a room"

    assert opened_meanwhile(make, port=port) == "a room"
    first, page, health, elsewhere = said
    assert words.OPENING in first.text
    assert "0 of 5,000 films embedded.<" in first.text
    assert "1,000 of 5,000 films embedded. Less than a minute" in page.text
    assert page.headers["cache-control"] == "no-store"
    assert (health.status_code, health.json()["status"]) == (503, "opening")
    assert (elsewhere.status_code, elsewhere.text) == (503, words.NOT_YET)
    with socket.create_server(("127.0.0.1", port)):
        pass  # the page's own server has its place


def test_what_is_there_at_once_needs_no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_AT_ONCE", 60.0)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert opened_meanwhile(lambda _: "a room", port=taken.getsockname()[1]) == "a room"


def test_what_embeds_nothing_needs_no_page_however_long_it_takes() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:

        def make(_: Progress) -> str:
            threading.Event().wait(0.2)
            return "a room"

        assert opened_meanwhile(make, port=taken.getsockname()[1]) == "a room"


@pytest.mark.parametrize("at_once", [0.0, 60.0])
@pytest.mark.parametrize("error", [NegvizError("no film"), TimeoutError("of its own")])
def test_what_cannot_be_opened_says_so(
    monkeypatch: pytest.MonkeyPatch, at_once: float, error: Exception
) -> None:
    monkeypatch.setattr(server, "_AT_ONCE", at_once)

    def fail(_: Progress) -> str:
        raise error

    with pytest.raises(type(error), match=str(error)):
        opened_meanwhile(fail, port=free_port())


def test_a_port_that_is_taken_is_told_at_once() -> None:
    def never(progress: Progress) -> None:
        progress(0, 9)
        threading.Event().wait()

    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(PortError, match="it is taken"):
        opened_meanwhile(never, port=taken.getsockname()[1])


@pytest.mark.timing
def test_the_opening_can_be_interrupted() -> None:
    command = [sys.executable, "-c", _ENDLESS, str(free_port())]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        said = [process.stdout.readline().decode() for _ in range(2)]
        assert words.OPENING in said[1]
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) != 0


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (1.0, "25 of 100 films embedded. Less than a minute is left."),
        (20.0, "25 of 100 films embedded. About a minute is left."),
        (600.0, "25 of 100 films embedded. About 30 minutes are left."),
        (6_000.0, "25 of 100 films embedded. About 5.0 hours are left."),
    ],
)
def test_what_is_left_is_estimated_from_what_was_done(seconds: float, said: str) -> None:
    now = [1_000.0]
    progress = EmbeddingProgress(lambda: now[0])
    progress(0, 40)
    now[0] += 500.0  # for another collection
    progress(0, 100)
    assert progress.said == "0 of 100 films embedded."
    now[0] += seconds
    progress(25, 100)
    assert progress.said == said
