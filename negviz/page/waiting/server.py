"""A page that says how far it is, at the address of the page that is being opened.

room = opened_meanwhile(open_room, port=7860)     # `open_room(progress)` may take an hour
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Final, TypeVar

import uvicorn
from markupsafe import Markup
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from negviz.page.server.http import NOT_KEPT, PortError
from negviz.page.templates import Template
from negviz.page.waiting import words
from negviz.page.waiting.progress import EmbeddingProgress
from negviz.retrieval.embeddings import Progress

T = TypeVar("T")

_VIEW: Final = Template("waiting")
_AT_ONCE: Final = 2.0  # seconds: films embedded within need no page that says so
_CLOSING: Final = 1  # second that requests have to end in


def opened_meanwhile(make: Callable[[Progress], T], *, port: int, host: str | None = None) -> T:
    """What `make` opens, in a thread of its own; while it embeds films its progress is served, and printed.

    Where there is nothing to embed nothing is served before the page itself: a visitor who came between the
    two would be refused.  Raises what `make` raises, and `PortError`.
    """
    progress, worth_saying = EmbeddingProgress(), threading.Event()

    def report(done: int, films: int) -> None:
        progress(done, films)
        print(f"negviz: {progress.said}", flush=True)
        worth_saying.set()

    made = _begun(lambda: make(report))
    made.add_done_callback(lambda _: worth_saying.set())
    worth_saying.wait()
    try:
        return made.result(_AT_ONCE)
    except TimeoutError:
        if made.done():  # one of its own
            raise
    _serve_until(made, progress, port, host)
    return made.result()


def waiting(title: str, lines: Sequence[str], said: str) -> Markup:
    """A page that goes on by itself where something else answers at its address."""
    return _VIEW("waiting", title=title, lines=lines, said=said, ended=words.ENDED)


def _begun(make: Callable[[], T]) -> Future[T]:
    made: Future[T] = Future()

    def work() -> None:
        try:
            made.set_result(make())
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            made.set_exception(error)

    threading.Thread(target=work, daemon=True).start()  # so that the process can be ended meanwhile
    return made


def _serve_until(made: Future[T], progress: EmbeddingProgress, port: int, host: str | None) -> None:
    config = uvicorn.Config(
        _app(progress),
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=_CLOSING,
    )
    server = uvicorn.Server(config)
    listening = _listening(port, host)
    made.add_done_callback(lambda _: setattr(server, "should_exit", True))
    print(f"negviz: {words.OPENING} at port {port}", flush=True)
    server.run(sockets=[listening])


def _listening(port: int, host: str | None) -> socket.socket:
    """As gradio listens.  Raises `PortError`."""
    name = (host or os.environ.get("GRADIO_SERVER_NAME") or "127.0.0.1").strip("[]")
    family = socket.AF_INET6 if ":" in name else socket.AF_INET
    try:
        return socket.create_server((name, port), family=family)
    except OSError as error:
        raise PortError(port, host) from error


def _app(progress: EmbeddingProgress) -> Starlette:
    async def page(_: Request) -> Response:
        return HTMLResponse(waiting(words.OPENING, [words.WAIT], progress.said), headers=NOT_KEPT)

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "opening", "said": progress.said}, 503, headers=NOT_KEPT)

    async def elsewhere(_: Request) -> Response:
        return PlainTextResponse(words.NOT_YET, 503, headers=NOT_KEPT)

    rest = ["GET", "POST", "HEAD"]
    return Starlette(
        routes=[Route("/", page), Route("/health", health), Route("/{rest:path}", elsewhere, methods=rest)]
    )
