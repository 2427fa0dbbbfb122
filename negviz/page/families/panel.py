"""Further families of models: a page each, opened when somebody first asks for it.

    home = Home(choices, choices[0].key)
    routes = family_routes(home, open_room, mount)     # beside those of the first family's page

The first family's page is served at once and knows the others by name only.  Each of them is opened in a
thread of its own, once for everybody, and from then on served under `family/KEY/`: a room, a page and routes
of its own, so that no panel has to know that there are several.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import gradio as gr
from markupsafe import Markup
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from negviz.common.errors import NegvizError
from negviz.page.families import words
from negviz.page.families.choice import FURTHER, Home, OfferedFamily
from negviz.page.room import Room
from negviz.page.server.http import NOT_KEPT
from negviz.page.templates import Template
from negviz.page.waiting.progress import EmbeddingProgress
from negviz.page.waiting.server import waiting
from negviz.retrieval.embeddings import Progress

_VIEW: Final = Template("families", words=words)

OpenRoom = Callable[[OfferedFamily, Progress], Room]
MakePage = Callable[[Room], gr.Blocks]
MountPage = Callable[[gr.Blocks, Room, str], Starlette]  # the page of a room at an address


@dataclass(frozen=True)
class Opener:
    """How a family becomes a page."""

    room: OpenRoom
    page: MakePage
    mount: MountPage


class FurtherFamily:
    """One further family: not asked for, being opened, open, or not to be opened."""

    def __init__(self, choice: OfferedFamily, opener: Opener) -> None:
        self.choice = choice
        self.error = ""
        self.progress = EmbeddingProgress()
        self._opener = opener
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._made: tuple[gr.Blocks, Room] | None = None
        self._serving: asyncio.Task[None] | None = None  # kept, or it would be collected
        self._served: asyncio.Future[ASGIApp] | None = None

    def begin(self) -> None:
        """Open it in the background, unless that has begun or failed already."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._open, daemon=True)
                self._thread.start()

    def again(self) -> None:
        """Forget that it failed."""
        with self._lock:
            if self.error:
                self.error, self._thread = "", None

    async def app(self) -> ASGIApp | None:
        """What serves it; None while there is nothing to serve.  Called on the server's own loop only."""
        if self._served is None:
            if self._made is None:
                return None
            self._served = asyncio.get_running_loop().create_future()
            page, room = self._made
            app = self._opener.mount(page, room, f"/{FURTHER}/{self.choice.key}")
            self._serving = asyncio.create_task(self._serve(app, self._served))
        return await asyncio.shield(self._served)

    def _open(self) -> None:
        try:
            room = self._opener.room(self.choice, self.progress)
            self._made = self._opener.page(room), room
        except NegvizError as error:
            said = " ".join(str(error).split())
            self.error = said.replace(str(self.choice.folder), self.choice.title)  # no paths of this machine
            print(f"negviz: {said}", file=sys.stderr)
        except Exception:  # noqa: BLE001 - somebody waits for it
            self.error = words.BROKEN
            traceback.print_exc()

    async def _serve(self, app: Starlette, served: asyncio.Future[ASGIApp]) -> None:
        """Hold its lifespan open, in a task of its own, for as long as the server runs."""
        try:
            async with app.router.lifespan_context(app):
                served.set_result(app)
                await asyncio.Event().wait()
        except BaseException as error:
            if not served.done():
                served.set_exception(error)
            raise


class FamilyPages:
    """The ASGI app under `family/`."""

    def __init__(self, home: Home, opener: Opener) -> None:
        self._first = home.choices[0].key if home.choices else ""
        self._families = {choice.key: FurtherFamily(choice, opener) for choice in home.choices[1:]}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path = str(scope["path"]).removeprefix(str(scope.get("root_path", "")))
        key, slash, rest = path.lstrip("/").partition("/")
        family = self._families.get(key)
        if family is None:
            answer: Response = self._elsewhere(key)
        elif not slash:
            answer = RedirectResponse(f"{key}/")
        elif (app := await family.app()) is not None:
            await app(_within(scope, key), receive, send)
            return
        else:
            answer = _opening(family, rest, str(scope["query_string"], "latin-1"))
        await answer(scope, receive, send)

    def _elsewhere(self, key: str) -> Response:
        if key and key == self._first:
            return RedirectResponse("../../")
        return PlainTextResponse(words.UNKNOWN, status_code=404, headers=NOT_KEPT)


def _opening(family: FurtherFamily, rest: str, query: str) -> Response:
    """What is said until there is a page."""
    if rest:
        return PlainTextResponse(words.NOT_YET, status_code=503, headers=NOT_KEPT)
    if family.error and query == "again=1":
        family.again()
        return RedirectResponse("./", headers=NOT_KEPT)
    if family.error:
        return HTMLResponse(
            _VIEW("failed", choice=family.choice, why=family.error), status_code=503, headers=NOT_KEPT
        )
    family.begin()
    said = waiting(words.OPENING.format(title=family.choice.title), [words.WAIT], family.progress.said)
    return HTMLResponse(said, headers=NOT_KEPT)


def _within(scope: Scope, key: str) -> Scope:
    """The scope as the family's app sees it; what it answers is compressed further out, once."""
    headers = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
    return {**scope, "root_path": f"{scope.get('root_path', '')}/{key}", "headers": headers}


def picker(home: Home) -> Markup:
    """A select whose values are addresses."""
    return _VIEW("picker", home=home)


def family_routes(home: Home, opener: Opener) -> list[Mount]:
    """`family/KEY/…` for every further family; none where there is one family only."""
    return [Mount(f"/{FURTHER}", FamilyPages(home, opener))] if len(home.choices) > 1 else []
