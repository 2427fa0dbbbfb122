"""A comparison as an address: the sentence lies in the fragment, which browsers send to no server.

fragment("No pleural effusion", films="openi/test")  # "#q=No%20pleural%20effusion&films=openi%2Ftest"
qr_code(address("https://example.org/", fragment("effusion")))  # SVG
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Final
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

import segno

from negviz.common.errors import NegvizError
from negviz.findings import Polarity

_LONGEST: Final = 2_000  # characters of a page's own address


class PermalinkError(NegvizError):
    """An address that cannot be made; the message is one sentence that says what to do."""


def fragment(
    text: str,
    *,
    films: str = "",
    meant: tuple[str, Polarity] | None = None,
    models: Sequence[str] = (),
    opposite: str = "",
    boxes: tuple[str, str] = ("", ""),
) -> str:
    """What a page reads at load: the sentence, the set it was put to, what it was said to mean, the models
    that were added, the contrary in the visitor's words, and two boxes that were both filled."""
    show, but_not = boxes if all(boxes) else ("", "")
    parts = {
        "q": text,
        "films": films,
        "meant": ".".join(meant or ()),
        "models": ".".join(models),
        "opposite": opposite,
        "show": show,
        "not": but_not,
    }
    given = {name: value for name, value in parts.items() if value}
    return "#" + urlencode(
        given, quote_via=quote, safe="", errors="replace"
    )  # half a surrogate pair has no code


def address(page: str, with_fragment: str) -> str:
    """The address of a page, as its browser knows it, with a fragment in place of its own."""
    try:
        parts = urlsplit(page)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.netloc or len(page) > _LONGEST:
        raise PermalinkError(
            "The address of the page must begin with http:// or https:// and be a short one."
        )
    return urlunsplit((parts.scheme, parts.netloc, parts.path, "", "")) + with_fragment


def qr_code(text: str, *, label: str = "") -> str:
    """A QR code as an SVG element, black on white in every theme, since readers expect that."""
    try:
        code = segno.make(text, micro=False, error="m", boost_error=False)
    except segno.DataOverflowError:
        raise PermalinkError("This sentence is too long for a QR code; copy the link instead.") from None
    out = io.BytesIO()
    code.save(
        out,
        kind="svg",
        xmldecl=False,
        border=4,
        dark="#000",
        light="#fff",
        omitsize=True,
        title=label or None,
    )
    return out.getvalue().decode().replace("<svg ", '<svg role="img" ', 1)
