"""Films that are searched together, and which of a collection's films make a fair search."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Self

import numpy as np

from negviz.films.collection import Collection
from negviz.films.split import FEWEST, TUNED_ON
from negviz.findings import FINDINGS
from negviz.models.encoder import DualEncoder
from negviz.retrieval.embeddings import Progress, film_embeddings
from negviz.retrieval.search import Hit, Vectors

_BALANCED: Final = 100  # films at most


@dataclass(frozen=True, eq=False)
class SearchSet:
    """Some films of a collection and what each image tower makes of them."""

    name: str  # the collection's name and the part of it: "openi/test"; of a list "phantoms/test/edema"
    collection: Collection
    embeddings: Mapping[str, Vectors]  # float32 [films, dim] by tower_id
    lists: Mapping[str, SearchSet] = field(default_factory=dict)  # by finding, what is searched instead

    @classmethod
    def of(
        cls,
        models: Mapping[str, DualEncoder],
        collection: Collection,
        part: str,
        *,
        progress: Progress | None = None,
    ) -> Self:
        """A whole collection, as a part of what it may have been cut from.  Raises `EmbeddingsError`."""
        towers = {model.tower_id: model for model in models.values()}
        embeddings = {
            id_: film_embeddings(model, collection, progress=progress) for id_, model in towers.items()
        }
        return cls(f"{collection.name}/{part}", collection, embeddings)

    def __len__(self) -> int:
        return len(self.collection)

    @property
    def part(self) -> str:
        """ "test", "balanced", "all" or, of a list, its finding."""
        return self.name.rpartition("/")[2]

    def listed(self, finding: str | None) -> SearchSet:
        """What a sentence searches whose main mention is of a finding: its list, or this without one."""
        return self.lists.get(finding or "", self)

    def among(self, films: Collection, name: str) -> SearchSet:
        """Some of these films, under a name of their own."""
        rows = self.collection.rows(films)
        return SearchSet(name, films, {id_: matrix[rows] for id_, matrix in self.embeddings.items()})

    def vectors(self, model: DualEncoder, hits: Iterable[Hit]) -> Vectors:
        """Embeddings [hits, dim] of films that were found here."""
        rows = self.collection.rows(self.collection.by_id(hit.id) for hit in hits)
        return self.embeddings[model.tower_id][rows]


def search_sets(
    models: Mapping[str, DualEncoder], collection: Collection, *, progress: Progress | None = None
) -> tuple[SearchSet, ...]:
    """The sets of one collection that a visitor may search, the default first.

    Films used in tuning flatter a model, so where a collection has test films they are the default.  Over
    films of which nearly all satisfy a prompt every model looks superb, so where there are no test films the
    default is as many with effusion as without, if there are enough; else there is one set, of everything.
    Where films are listed for other findings as well, a sentence about one of them searches its list instead.
    Raises `EmbeddingsError` as `film_embeddings` does.
    """
    everything = SearchSet.of(models, collection, "all", progress=progress)
    part, rows = _fair_part(collection)
    if not rows:
        return (everything,)
    films = replace(collection, films=tuple(collection.films[row] for row in rows))
    default = everything.among(films, f"{collection.name}/{part}")
    lists = {finding: _list(collection, finding) for finding in FINDINGS}
    others = {
        finding: everything.among(films, f"{default.name}/{finding}")
        for finding, films in lists.items()
        if films.films and films != default.collection
    }
    return (replace(default, lists=others), everything)


def _list(collection: Collection, finding: str) -> Collection:
    return collection.where(lambda film: finding in film.lists)


def _fair_part(collection: Collection) -> tuple[str, list[int]]:
    """What to search by default, and the rows of its films; no rows where that is everything."""
    test = [row for row, film in enumerate(collection) if film.split == "test"]
    if test:
        return "test", test
    sides = [
        [row for row, film in enumerate(collection) if film.states(TUNED_ON, polarity)]
        for polarity in ("present", "absent")
    ]
    each = min(_BALANCED // 2, *map(len, sides))
    if each < FEWEST or 2 * each == len(collection):
        return "all", []
    by_id = collection.places_by_id
    apart = (_spread(sorted(side, key=by_id.__getitem__), each) for side in sides)
    return "balanced", sorted(row for side in apart for row in side)


def _spread(rows: Sequence[int], number: int) -> list[int]:
    """`number` of them, evenly apart: films that follow each other by id are often alike."""
    return [rows[place] for place in np.linspace(0, len(rows) - 1, number).round().astype(int)]
