"""Films that are searched together, and which of a collection's films make a fair search."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final, Self

import numpy as np

from negviz.common.order import rank_of, top_k
from negviz.films.archive import Archive, quoted
from negviz.films.collection import Collection, CollectionError
from negviz.films.split import FEWEST, TUNED_ON
from negviz.films.verdicts import conditions
from negviz.findings import FINDINGS
from negviz.language.prompt import Prompt
from negviz.models.encoder import DualEncoder
from negviz.retrieval.archived import Found, nearest, rank_in
from negviz.retrieval.cosine import Vectors, cosines
from negviz.retrieval.embeddings import Progress, film_embeddings
from negviz.retrieval.search import Hit

RANKED: Final = 1_000  # films of an archive that have a rank
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

    def nearest(self, tower_id: str, vector: Vectors, k: int, scores: Vectors | None = None) -> Found:
        """The `k` films nearest to `vector` [dim]; `scores` [films], where they are worked out already."""
        embeddings, films = self.embeddings[tower_id], self.collection
        known = cosines(embeddings, vector) if scores is None else scores
        first = top_k(known, k, films.places_by_id)
        return Found(tuple(films.films[row] for row in first), embeddings[first], known[first])

    def rank(self, film_id: str, tower_id: str, vector: Vectors) -> tuple[int | None, float]:
        """Where a film stands by its similarity to `vector` [dim], None beyond `RANKED`; and that similarity.

        Raises `CollectionError` where there is no such film.
        """
        (row,) = self.collection.rows([self.collection.by_id(film_id)])
        scores = cosines(self.embeddings[tower_id], vector)
        return rank_of(row, scores, self.collection.places_by_id), float(scores[row])

    def vector(self, film_id: str, tower_id: str) -> Vectors:
        """What an image tower makes of one film, [dim].  Raises `CollectionError` where there is none."""
        (row,) = self.collection.rows([self.collection.by_id(film_id)])
        found: Vectors = self.embeddings[tower_id][row]
        return found

    def counts(self, prompt: Prompt, verdicts: Sequence[bool | None]) -> tuple[int, int, int]:
        """How many films satisfy a prompt, contradict it, or do not say; `verdicts` of the collection's."""
        return verdicts.count(True), verdicts.count(False), verdicts.count(None)

    @cached_property
    def normal(self) -> float:
        """The share of films that are known to be normal."""
        films = self.collection
        return sum(film.states("normal", "present") is True for film in films) / max(len(films), 1)

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


@dataclass(frozen=True, eq=False)
class ArchiveSet(SearchSet):
    """The films of an archive: found and counted among all of them, seen as a whole in a sample."""

    collection: Archive

    def __len__(self) -> int:
        return self.collection.total

    def nearest(self, tower_id: str, vector: Vectors, k: int, scores: Vectors | None = None) -> Found:
        return nearest(self.collection, tower_id, vector, k)

    def rank(self, film_id: str, tower_id: str, vector: Vectors) -> tuple[int | None, float]:
        score = float(cosines(self.vector(film_id, tower_id)[None], vector)[0])
        return rank_in(self.collection, tower_id, vector, film_id, RANKED), score

    def vector(self, film_id: str, tower_id: str) -> Vectors:
        _, vectors = self.collection.vectors(tower_id, f"id = {quoted(film_id)}")
        if not len(vectors):
            raise CollectionError(f"The collection {self.collection.name!r} has no film {film_id!r}.")
        found: Vectors = vectors[0]
        return found

    def vectors(self, model: DualEncoder, hits: Iterable[Hit]) -> Vectors:
        return np.stack([self.vector(hit.id, model.tower_id) for hit in hits])

    def counts(self, prompt: Prompt, verdicts: Sequence[bool | None]) -> tuple[int, int, int]:
        right, wrong = map(self.collection.count, conditions(prompt))
        return right, wrong, len(self) - right - wrong

    @cached_property
    def normal(self) -> float:
        return self.collection.count("has_normal") / max(len(self), 1)

    @classmethod
    def all_of(
        cls, models: Mapping[str, DualEncoder], archive: Archive, progress: Progress | None
    ) -> tuple[SearchSet, ...]:
        """Its test films, where it has some, and all its films."""
        parts = {"test": archive.select("test"), "all": archive}
        return tuple(
            cls.of(models, films, part, progress=progress)
            for part, films in parts.items()
            if len(films) or part == "all"
        )


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
    if isinstance(collection, Archive):
        return ArchiveSet.all_of(models, collection, progress)
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
