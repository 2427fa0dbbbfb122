"""A film with its mark, and what goes into an address: what sharing and the lesson have in common."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from markupsafe import Markup

from negviz.page import words
from negviz.page.pictures import Pictures
from negviz.page.room import Asked
from negviz.retrieval.permalink import fragment
from negviz.retrieval.search import Hit
from negviz.retrieval.sets import SearchSet

SHAPES: Final = {
    True: ("✓", words.MATCHES, "matches"),
    False: ("✗", words.CONTRADICTS, "contradicts"),
    None: ("?", words.NOT_STATED, "not-stated"),
}


def fragment_of(asked: Asked) -> str:
    return fragment(asked.text, films=asked.films, meant=asked.meant)


def film(hit: Hit, films: SearchSet, pictures: Pictures) -> Markup:
    """A black well and the mark under it, for HTML that is put in the page once and never patched."""
    shape, word, name = SHAPES[hit.relevant]
    known = films.collection.by_id(hit.id)
    image = (
        Markup('<img src="film/tile?{}" alt="" loading="lazy" decoding="async">').format(
            urlencode({"id": known.id})
        )
        if pictures.hoped_for(known)
        else ""
    )
    return Markup(
        '<li class="nv-tile"><span class="nv-well"><span class="nv-id">{}</span>{}</span>'
        '<p class="nv-mark nv-{}"><i aria-hidden="true">{}</i> {}</p></li>'
    ).format(known.id, image, name, shape, word)
