"""The films of an archive that lie nearest to a sentence or to a film.

Below 200,000 films search is exact: their vectors are read when the first sentence is put to them, and stay
in memory.  Of more, the table's index is asked, which compares what is asked with the films of some parts, or
every film where it has none.  What is found is put in order here, so that a score is the same as over any
other collection.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from negviz.common.order import best_first, places_by_id, rank_of, top_k
from negviz.films.archive import FACTS, HELD_BELOW, Archive, column
from negviz.films.collection import Film
from negviz.retrieval.cosine import Vectors, cosines

PROBES: Final = 100  # parts of an index that are looked into at least
_SPARE: Final = 10  # films more than are asked for: some have equal scores, or nearly


@dataclass(frozen=True, eq=False)
class Found:
    """Films best first, each with its vector and its similarity to what was asked."""

    films: tuple[Film, ...]
    vectors: Vectors  # [found, dim]
    scores: Vectors  # [found]


def nearest(archive: Archive, tower_id: str, vector: Vectors, k: int) -> Found:
    """The `k` films nearest to `vector` [dim], or all where there are fewer.  Raises `ArchiveError`."""
    if archive.total < HELD_BELOW:
        return _held(archive, tower_id, vector, k)
    rows = _asked(archive, tower_id, vector, k + _SPARE, (*FACTS, column(tower_id)))
    return _ordered(archive.remember(rows.select(FACTS)), archive.matrix(rows, tower_id), vector, k)


def _held(archive: Archive, tower_id: str, vector: Vectors, k: int) -> Found:
    ids, vectors, places = archive.held(tower_id)
    scores = cosines(vectors, vector)
    first = top_k(scores, k, places)
    return Found(tuple(archive.by_ids([ids[row] for row in first])), vectors[first], scores[first])


def rank_in(archive: Archive, tower_id: str, vector: Vectors, film_id: str, most: int) -> int | None:
    """Where a film of the archive stands by its nearness to `vector` [dim]; None beyond the first `most`."""
    if archive.total < HELD_BELOW:
        ids, vectors, places = archive.held(tower_id)
        place = rank_of(ids.index(film_id), cosines(vectors, vector), places)
        return place if place <= most else None
    found = _asked(archive, tower_id, vector, most, ("id",))["id"].to_pylist()
    return 1 + found.index(film_id) if film_id in found else None


def _asked(archive: Archive, tower_id: str, vector: Vectors, k: int, columns: Sequence[str]) -> Any:
    archive.need(tower_id)
    query = archive.table.search(vector, vector_column_name=column(tower_id)).distance_type("dot").limit(k)
    query = query.select([*columns, "_distance"])
    query = by_index(query) if archive.is_indexed(tower_id) else query.bypass_vector_index()
    return (query.where(archive.within, prefilter=True) if archive.within else query).to_arrow()


def by_index(query: Any) -> Any:
    """Look into the parts of an index nearest to what is asked, and into more where too little is found."""
    return query.minimum_nprobes(PROBES).maximum_nprobes(0)


def _ordered(films: list[Film], vectors: Vectors, vector: Vectors, k: int) -> Found:
    scores = cosines(vectors, vector)
    first = best_first(scores, places_by_id([film.id for film in films]))[:k]
    return Found(tuple(films[row] for row in first), vectors[first], scores[first])
