"""What is let in, and what goes out with every answer: the one middleware around the page.

Gradio answers on some seventy addresses, of which the page and its named endpoints use a dozen.  Only these,
and our own routes, answer; whatever goes wrong behind the door is one sentence outside it.  Questions and the
page take turns here too, so that who sends many waits for their own.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any, Final

from fastapi.exceptions import RequestValidationError
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from negviz.page.server.faults import FAULT, NOT_TAKEN, log_fault
from negviz.page.server.http import NOT_KEPT
from negviz.page.server.lanes import BusyError, Lane, lanes
from negviz.page.server.visitors import Visitor, address_of, proxies

MOST_SENT: Final = 500_000  # bytes of one question to gradio; what waits in a lane is shorter
TOO_LONG: Final = "This is more than is taken at once."
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "[::1]", "::1"})

# By method, the paths of gradio's that the page, `gradio_client` and plain HTTP clients use.
_OPEN: Final = {
    "GET": re.compile(
        r"/|/config/?|/theme\.css|/robots\.txt|/favicon\.ico|/(?:assets|static|svelte)/.+"
        r"|/gradio_api/(?:info/?|theme\.css|startup-events|queue/data|heartbeat/[\w-]+|call/\w+/\w+)"
    ),
    "POST": re.compile(r"/gradio_api/(?:queue/join|call/\w+/?|cancel|reset/?)"),
}
_QUESTION: Final = re.compile(r"/gradio_api/(?:queue/join|call/\w+/?)")
_PAGE: Final = re.compile(r"/|/config/?")
_TOOLS: Final = re.compile(r"/gradio_api/mcp(?:/.*)?")  # with NEGVIZ_MCP=1 alone

# Gradio puts its configuration into the page as inline script, its components' styles as inline style, and
# compiles the small functions of its events (`js=`) and of plotly in the browser: hence the three 'unsafe-…'.
# Plots and exported pictures are made in the browser as data: and blob:.  The Hub shows a Space in a frame.
POLICY: Final = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' data: blob:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'self' https://huggingface.co https://*.hf.space",
    )
)
_SENT_ALONG: Final = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Door:
    """ASGI middleware; `routes` are our own, `loopback` is whether only this machine is listened to.

    Behind the door a request's `client` is the visitor, as seen by the first of `behind` proxies of ours.
    """

    def __init__(
        self, app: ASGIApp, *, routes: Sequence[BaseRoute], loopback: bool, tools: bool, behind: int = 0
    ) -> None:
        self._app = app
        self._routes = routes
        self._loopback = loopback
        self._tools = tools
        self._behind = behind

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # nothing here speaks over web sockets
            return
        answer = _Answer(send)
        refused = self._refusal(scope)
        if refused is not None:
            await refused(scope, receive, answer.send)
            return
        scope = {**scope, "client": (address_of(scope, self._behind), 0)}
        body = _Body(receive, MOST_SENT if str(scope["path"]).startswith("/gradio_api/") else None)
        try:
            if (lane := self._lane(scope)) is None:
                await self._app(scope, body.receive, answer.send)
            else:
                await self._in_turn(lane, scope, body, answer)
        except BusyError as error:
            later = {"Retry-After": "5", **NOT_KEPT}
            await PlainTextResponse(str(error), 503, headers=later)(scope, receive, answer.send)
        except Exception as error:  # noqa: BLE001  # outside, its message would be printed
            if not body.too_long:
                log_fault(error)
            if not answer.begun:
                sentence, status = (TOO_LONG, 413) if body.too_long else (FAULT, 500)
                await PlainTextResponse(sentence, status)(scope, receive, answer.send)

    @staticmethod
    def _path(scope: Scope) -> str:
        return str(scope["path"]).removeprefix(str(scope.get("root_path", "")).rstrip("/")) or "/"

    def _lane(self, scope: Scope) -> Lane | None:
        """Where a request waits that keeps the server's loop busy, whoever sends many of them."""
        path = self._path(scope)
        if scope["method"] == "POST":
            return lanes().questions if _QUESTION.fullmatch(path) else None
        return lanes().pages if _PAGE.fullmatch(path) else None

    async def _in_turn(self, lane: Lane, scope: Scope, body: _Body, answer: _Answer) -> None:
        """A place in the lane is held while we work, and never while a client sends or reads slowly."""
        if not await body.read():
            return
        said: list[Message] = []

        async def say(message: Message) -> None:
            said.append(message)

        async def work() -> None:
            await self._app(scope, body.receive, say)

        await lane.run(Visitor(scope["client"][0]), work)
        for message in said:
            await answer.send(message)

    def _refusal(self, scope: Scope) -> Response | None:
        if self._loopback and _name(Headers(scope=scope).get("host", "")) not in _LOOPBACK:
            # a page elsewhere whose name was pointed here (DNS rebinding)
            return PlainTextResponse("This page is for this machine; open it as localhost.", 421)
        if any(route.matches(scope)[0] is not Match.NONE for route in self._routes):
            return None
        path = self._path(scope)
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        known = _OPEN.get(method)
        if (known and known.fullmatch(path)) or (self._tools and _TOOLS.fullmatch(path)):
            return None
        return PlainTextResponse("There is nothing at this address.", 404)


class _Answer:
    """What is sent, with the headers that every answer has."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.begun = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            headers = MutableHeaders(scope=message)
            for name, value in _SENT_ALONG.items():
                headers.setdefault(name, value)
        await self._send(message)


class _Body:
    """What is read, up to a number of bytes; our own routes have bounds of their own."""

    def __init__(self, receive: Receive, most: int | None) -> None:
        self._receive = receive
        self._left = most
        self._whole: Message | None = None
        self.too_long = False

    async def read(self) -> bool:
        """Whether all of it came; then it is received in one piece."""
        parts, more = [], True
        while more:
            message = await self.receive()
            if message["type"] != "http.request":
                return False
            parts.append(message.get("body", b""))
            more = message.get("more_body", False)
        self._whole = {"type": "http.request", "body": b"".join(parts), "more_body": False}
        return True

    async def receive(self) -> Message:
        if self._whole is not None:
            whole, self._whole = self._whole, None
            return whole
        message = await self._receive()
        if self._left is not None:
            self._left -= len(message.get("body", b""))
            if self._left < 0:
                self.too_long = True
                raise HTTPException(413, TOO_LONG)  # which FastAPI passes on where it reads a body
        return message


def _name(host: str) -> str:
    """A `Host` without its port."""
    return re.sub(r":\d*$", "", host.lower())


async def _not_taken(_: Request, __: Exception) -> Response:
    """FastAPI's own answer repeats what was sent."""
    return JSONResponse({"detail": NOT_TAKEN}, 422)


def only_here(host: str | None) -> bool:
    """Whether no other machine reaches the page."""
    bound = host or os.environ.get("GRADIO_SERVER_NAME") or "127.0.0.1"
    # A proxy on this machine passes the names on by which it is known.
    return bound in _LOOPBACK and not proxies()


def guarded(routes: Sequence[BaseRoute], host: str | None) -> dict[str, Any]:
    """What gradio's app is made with so that the door is before it, and our `routes` behind."""
    behind, loopback = proxies(), only_here(host)
    tools = os.environ.get("NEGVIZ_MCP") == "1"
    return {
        "routes": [*routes],  # before gradio's
        "middleware": [Middleware(Door, routes=routes, loopback=loopback, tools=tools, behind=behind)],
        "exception_handlers": {RequestValidationError: _not_taken},
    }
