"""What goes into an address."""

from __future__ import annotations

from negviz.page.room import Asked
from negviz.retrieval.permalink import fragment


def fragment_of(asked: Asked) -> str:
    return fragment(asked.text, films=asked.films, meant=asked.meant)
