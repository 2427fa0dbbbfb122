"""The frame that every picture of results stands in: SVG that a README renders, in light and dark.

Drawn by hand because it is a few dozen lines a picture, without a plotting library's fonts and dates.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from xml.sax.saxutils import escape

_STYLE: Final = (
    "text{{font:{size}px system-ui,sans-serif;fill:#14181B}}.muted{{fill:#525C63}}.line{{stroke:#7A848B}}"
    ".ground{{fill:#FFFFFF}}@media(prefers-color-scheme:dark){{text{{fill:#E9EDEF}}.muted{{fill:#A7B1B8}}"
    ".ground{{fill:#15191C}}}}"
)


def frame(
    width: float, height: float, title: str, body: Iterable[str], *, size: int = 13, style: str = ""
) -> str:
    """A whole SVG: a ground, and on it the elements of `body`; text is `size` pixels high.

    `style` is CSS for classes of the picture's own; a class holds in light and dark alike.
    """
    drawn = "\n".join(body)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" role="img" '
        f'aria-label="{escape(title)}"><style>{_STYLE.format(size=size)}{style}</style>\n'
        f'<rect class="ground" width="{width:.0f}" height="{height:.0f}"/>\n{drawn}\n</svg>\n'
    )


def heading(title: str) -> str:
    """A title at the upper left."""
    return f'<text x="16" y="26" font-weight="bold">{escape(title)}</text>'
