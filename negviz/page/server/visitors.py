"""Who asks: an address, as far as it can be believed, and the session that a client says it is of."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import Scope

from negviz.common.errors import NegvizError

SWITCH: Final = "NEGVIZ_PROXY"
_PORT: Final = re.compile(r"^\[(.+)\](?::\d+)?$|^([\d.]+):\d+$")  # some proxies tell it too
_HOME: Final = 64  # bits of an IPv6 address that one house has; it may choose all others


class ProxyError(NegvizError):
    """A setting that is no number of proxies."""


@dataclass(frozen=True)
class Visitor:
    """Whoever sent a request."""

    address: str
    session: object = field(default_factory=object)  # gradio's name of a visit; one of its own without


def proxies() -> int:
    """How many proxies of ours stand before the page, as `NEGVIZ_PROXY` says.  Raises `ProxyError`."""
    told = os.environ.get(SWITCH, "").strip()
    if told and not (told.isdecimal() and 1 <= int(told) <= 9):
        raise ProxyError(
            f"{SWITCH} is the number of proxies in front of the page, from 1 to 9; leave it out without any."
        )
    return int(told or 0)


def address_of(scope: Scope, behind: int) -> str:
    """Where a request comes from: the connection or, `behind` so many proxies, what the first one saw.

    Each proxy appends the address it was asked from to `X-Forwarded-For`; what stands further left was sent
    by whoever asked, and may be anything.
    """
    client = scope.get("client")
    address = str(client[0]) if client else ""
    if behind:
        told = ",".join(Headers(scope=scope).getlist("x-forwarded-for")).split(",")
        address = told[-behind].strip() if len(told) >= behind and told[-behind].strip() else address
    return _house(address)


def _house(address: str) -> str:
    """An IPv4 address, or the network of an IPv6 one; what is neither is itself."""
    try:
        parsed = ip_address(_PORT.sub(r"\1\2", address))
    except ValueError:
        return address[:64]
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or ip_network((parsed, _HOME), strict=False).network_address)


def visitor_of(request: HTTPConnection) -> Visitor:
    """The visitor of a request that has passed the door, which put the address where it belongs."""
    return Visitor(request.client.host if request.client else "")
