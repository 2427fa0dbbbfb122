"""What is let in, and what goes out with every answer: the one middleware around the page.

Gradio answers on some seventy addresses, of which the page and its named endpoints use a dozen.  Only these,
and our own routes, answer; whatever goes wrong behind the door is one sentence outside it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any, Final

from fastapi.exceptions import RequestValidationError
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from negviz.page.faults import FAULT, NOT_TAKEN, log_fault
from negviz.page.http import NOT_KEPT
from negviz.page.lanes import BusyError
from negviz.page.visitors import address_of, proxies

MOST_SENT: Final = 2_000_000  # bytes of one question to gradio; a thousand long sentences are less
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "[::1]", "::1"})

# By method, the paths of gradio's that the page, `gradio_client` and plain HTTP clients use.
_OPEN: Final = {
    "GET": re.compile(
        r"/|/config/?|/theme\.css|/robots\.txt|/favicon\.ico|/(?:assets|static|svelte)/.+"
        r"|/gradio_api/(?:info/?|theme\.css|startup-events|queue/data|heartbeat/[\w-]+|call/\w+/\w+)"
    ),
    "POST": re.compile(r"/gradio_api/(?:queue/join|call/\w+/?|cancel|reset/?)"),
}
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
        begun = False

        async def with_headers(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                for name, value in _SENT_ALONG.items():
                    headers.setdefault(name, value)
            await send(message)

        refused = self._refusal(scope)
        if refused is not None:
            await refused(scope, receive, with_headers)
            return
        scope = {**scope, "client": (address_of(scope, self._behind), 0)}
        try:
            await self._app(scope, self._measured(scope, receive), with_headers)
        except BusyError as error:
            later = {"Retry-After": "5", **NOT_KEPT}
            await PlainTextResponse(str(error), 503, headers=later)(scope, receive, with_headers)
        except _TooMuchError:
            await PlainTextResponse("This is more than is taken at once.", 413)(scope, receive, with_headers)
        except Exception as error:  # noqa: BLE001  # outside, its message would be printed
            log_fault(error)
            if not begun:
                await PlainTextResponse(FAULT, 500)(scope, receive, with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        if self._loopback and _name(Headers(scope=scope).get("host", "")) not in _LOOPBACK:
            # a page elsewhere whose name was pointed here (DNS rebinding)
            return PlainTextResponse("This page is for this machine; open it as localhost.", 421)
        if any(route.matches(scope)[0] is not Match.NONE for route in self._routes):
            return None
        path = str(scope["path"]).removeprefix(str(scope.get("root_path", "")).rstrip("/")) or "/"
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        known = _OPEN.get(method)
        if (known and known.fullmatch(path)) or (self._tools and _TOOLS.fullmatch(path)):
            return None
        return PlainTextResponse("There is nothing at this address.", 404)

    def _measured(self, scope: Scope, receive: Receive) -> Receive:
        """What is sent, up to `MOST_SENT`; our own routes count for themselves, with bounds of their own."""
        if not str(scope["path"]).startswith("/gradio_api/"):
            return receive
        read = 0

        async def measured() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > MOST_SENT:
                raise _TooMuchError
            return message

        return measured


class _TooMuchError(Exception):
    """More was sent than is read; it never leaves the door."""


def _name(host: str) -> str:
    """A `Host` without its port."""
    return re.sub(r":\d*$", "", host.lower())


async def _not_taken(_: Request, __: Exception) -> Response:
    """FastAPI's own answer repeats what was sent."""
    return JSONResponse({"detail": NOT_TAKEN}, 422)


def guarded(routes: Sequence[BaseRoute], host: str | None) -> dict[str, Any]:
    """What gradio's app is made with so that the door is before it, and our `routes` behind."""
    bound = host or os.environ.get("GRADIO_SERVER_NAME") or "127.0.0.1"
    behind = proxies()
    # A proxy on this machine passes the names on by which it is known.
    loopback = bound in _LOOPBACK and not behind
    tools = os.environ.get("NEGVIZ_MCP") == "1"
    return {
        "routes": [*routes],  # before gradio's
        "middleware": [Middleware(Door, routes=routes, loopback=loopback, tools=tools, behind=behind)],
        "exception_handlers": {RequestValidationError: _not_taken},
    }
