"""A film in a gallery: a black well, how it was found and what it is marked."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from markupsafe import Markup

from negviz.page import words
from negviz.page.pictures import Pictures
from negviz.page.templates import Template
from negviz.retrieval.search import Hit
from negviz.retrieval.sets import SearchSet


class Mark(NamedTuple):
    """The shape tells marks apart as well as the colour does."""

    shape: str
    word: str
    name: str  # in the style sheet


MARKS: Final = {
    True: Mark("✓", words.MATCHES, "matches"),
    False: Mark("✗", words.CONTRADICTS, "contradicts"),
    None: Mark("?", words.NOT_STATED, "not-stated"),
}
_VIEW: Final = Template("widgets/tile", words=words, marks=MARKS)


@dataclass(frozen=True)
class Tile:
    """What `view.html` shows of a film that was found."""

    hit: Hit
    mark: Mark | None
    label: str  # for those who do not see it
    element: str
    stays: bool = False  # shown for the other sentence of a comparison, too
    in_tuning: bool = False
    picture: bool = False  # whether there is hope of one


@dataclass(frozen=True, eq=False)
class Wall:
    """Where films hang: the set they are from, and their pictures."""

    films: SearchSet
    pictures: Pictures

    def tiles(self, hits: Iterable[Hit], *, marked: bool, stay: Container[str] = ()) -> list[Tile]:
        return [
            self._tile(hit, MARKS[hit.relevant] if marked else None, stays=hit.id in stay) for hit in hits
        ]

    def still(self, hits: Iterable[Hit]) -> Markup:
        """Films with their marks and no more, for HTML that is put in the page once and never patched."""
        return _VIEW("still", tiles=self.tiles(hits, marked=True))

    def _tile(self, hit: Hit, mark: Mark | None, *, stays: bool) -> Tile:
        """Gradio patches old nodes into new ones, and a patched <img> goes on showing its old film until the
        new one has come: under a new mark, a falsehood.  An element name per film makes gradio replace it.
        """
        film = self.films.collection.by_id(hit.id)
        said = [*([mark.word] if mark else []), *([words.STAYS] if stays else [])]
        return Tile(
            hit,
            mark,
            words.film_label(hit.id, hit.rank, said, hit.score),
            f"nv-film-{hashlib.sha256(hit.id.encode()).hexdigest()[:12]}",
            stays=stays,
            in_tuning=film.split == "train" and self.films.part == "all",
            picture=self.pictures.hoped_for(film),
        )
