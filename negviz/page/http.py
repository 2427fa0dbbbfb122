"""What the page's own routes share."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request

NOT_KEPT: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}  # headers


class TooLongError(ValueError):
    """More was sent than a route takes."""


async def read_body(request: Request, most: int) -> bytes:
    """What is sent, of at most so many bytes.  Raises `TooLongError` before more than that is held."""
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > most:
            raise TooLongError(f"More than {most} bytes were sent.")
    return bytes(content)
