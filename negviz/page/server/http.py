"""What the page's own routes share."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from negviz.common.errors import NegvizError
from negviz.common.read_files import parse_json

NOT_KEPT: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}  # headers


class TooLongError(NegvizError):
    """More was sent than a route takes."""


class PortError(NegvizError):
    """A port that cannot be listened at."""

    def __init__(self, port: int, host: str | None) -> None:
        super().__init__(
            f"Port {port} of {host or 'this machine'} cannot be used: it is taken, or the host is not this "
            "machine; choose another with --port or --host."
        )


class NotJsonError(NegvizError):
    """What was sent is no JSON object, or is not said to be one."""


async def read_body(request: Request, most: int) -> bytes:
    """What is sent, of at most so many bytes.  Raises `TooLongError` before more than that is held."""
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > most:
            raise TooLongError(f"More than {most} bytes were sent.")
    return bytes(content)


async def read_object(request: Request, most: int) -> dict[str, Any]:
    """A JSON object of so many bytes at most, said to be one: no form on another site can send that unasked.

    Raises `TooLongError`, `NotJsonError`.
    """
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise NotJsonError("JSON is sent as application/json.")
    content = await read_body(request, most)
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise NotJsonError("What was sent is no UTF-8.") from error
    return parse_json(text, "What was sent", NotJsonError, typed=True)


def send(request: Request, gzipped: bytes, kind: str, headers: Mapping[str, str]) -> Response:
    """As it is, or unpacked for a client that takes no gzip."""
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(gzipped, media_type=kind, headers={**headers, "Content-Encoding": "gzip"})
    return Response(gzip.decompress(gzipped), media_type=kind, headers=dict(headers))
