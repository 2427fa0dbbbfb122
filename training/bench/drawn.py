"""Archives of drawn films, as large as nobody has them here: their vectors lie around the shipped embeddings.

A drawn film is a shipped one that was moved.  Of shipped unit vectors x with mean m and covariance C,
m + (x − m + h·e) / √(1 + h²) with e from N(0, C), brought back to length one: mean and covariance stay, but
for that last step, and with h = `SPREAD` films lie about as far from their nearest neighbour as shipped ones
do (both distances are measured with every run).  What is known of it is what is known of the film it was
drawn around.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from negviz.common.files import write_json
from negviz.common.read_files import read_json
from negviz.films.archive import (
    About,
    Archive,
    ArchiveError,
    as_row,
    drawn,
    engine,
    open_archive,
    open_table,
    schema,
)
from negviz.films.collection import ASSETS, TABLE, Film, is_archive, open_collection
from negviz.models.encoder import DualEncoder
from negviz.retrieval.embeddings import film_embeddings
from training.data.archive import index_vectors, make_quick, with_vectors, without_vectors

SPREAD: Final = 0.3
COLLECTIONS: Final = ("openi", "nih", "phantoms")
_AT_ONCE: Final = 50_000  # films
_INDEXED: Final = "indexed.json"
_FEW: Final = 200
_SHARES: Final = (5, 50, 95)  # percentiles that distances are told by

Vectors = NDArray[np.float32]  # [films, dim], unit-norm
Rows = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Shipped:
    """The shipped films, and what one image tower makes of them."""

    tower: str
    films: tuple[Film, ...]  # images by their paths from assets/
    vectors: Vectors

    @classmethod
    def of(cls, model: DualEncoder, collections: Sequence[str] = COLLECTIONS) -> Shipped:
        """Raises `EmbeddingsError` for a model whose embeddings are not shipped."""
        opened = [open_collection(name) for name in collections]
        films = [replace(film, image=f"{each.name}/{film.image}") for each in opened for film in each]
        vectors = np.concatenate([film_embeddings(model, each) for each in opened])
        return cls(model.tower_id, tuple(films), vectors)

    @cached_property
    def covariance(self) -> NDArray[np.float64]:
        """[dim, dim]"""
        return np.cov(self.vectors.T)

    @cached_property
    def _scatter(self) -> Vectors:
        """What makes numbers from N(0, C) of as many from N(0, 1), [dim, dim]."""
        values, directions = np.linalg.eigh(self.covariance)
        found: Vectors = (directions * np.sqrt(values.clip(0))).T.astype(np.float32)
        return found

    def draw(self, films: int, seed: int = 0) -> Iterator[tuple[Rows, Vectors]]:
        """Some films at a time: what each was drawn around, [n], and its vector, [n, dim].

        Fewer films are the first of more.
        """
        mean, dim = self.vectors.mean(axis=0), self.vectors.shape[1]
        for start in range(0, films, _AT_ONCE):
            random = np.random.default_rng([seed, start])
            around = random.integers(len(self.vectors), size=_AT_ONCE)[: films - start]
            moved = random.standard_normal((len(around), dim), np.float32) @ self._scatter
            moved = mean + (self.vectors[around] - mean + SPREAD * moved) / np.float32(np.hypot(1, SPREAD))
            yield around, moved / np.linalg.norm(moved, axis=1, keepdims=True)


@dataclass(frozen=True, eq=False)
class Drawn:
    """An archive of drawn films, `d0000000` and so on, on disk."""

    place: Path
    archive: Archive
    tower: str
    indexing: Mapping[str, float]  # seconds that its index took: on the clock, and of processors in all

    @classmethod
    def of(cls, place: Path, shipped: Shipped, films: int) -> Drawn:
        """So many drawn films, which are kept at a place: written and indexed, unless they are."""
        if not is_archive(place):
            begun = place.with_name(f"{place.name}-begun")
            shutil.rmtree(begun, ignore_errors=True)
            _write(begun, shipped, films)
            begun.rename(place)
        if not (place / _INDEXED).is_file():
            write_json(place / _INDEXED, _index(open_table(place), shipped.tower))
        return cls(place, open_archive(place), shipped.tower, read_json(place / _INDEXED, ArchiveError))

    @cached_property
    def vectors(self) -> Vectors:
        """Of all its films, by number."""
        ids, vectors = self.archive.vectors(self.tower)
        return vectors[np.argsort(ids)]

    @cached_property
    def gigabytes(self) -> dict[str, float]:
        """On disk: of films, and of indices."""
        sizes = {"indices": 0, "films": 0}
        for path in self.place.rglob("*"):
            sizes["indices" if "_indices" in path.parts else "films"] += path.stat().st_size
        return {name: round(size / 1e9, 3) for name, size in sizes.items()}


def _write(place: Path, shipped: Shipped, films: int) -> None:
    about = About("drawn", str(ASSETS), {shipped.tower: shipped.vectors.shape[1]})
    layout, pa = schema(about), engine("pyarrow")
    table = engine("lancedb").connect(str(place)).create_table(TABLE, schema=layout)
    known = pa.Table.from_pylist(
        list(map(as_row, shipped.films)), schema=without_vectors(layout, shipped.tower)
    )
    written = 0
    for around, vectors in shipped.draw(films):
        ids = [f"d{number:07}" for number in range(written, written + len(around))]
        table.add(with_vectors(_renamed(known.take(around), ids), vectors, shipped.tower, layout))
        written += len(around)
    make_quick(table)


def _index(table: Any, tower: str) -> dict[str, float]:
    began, busy = time.perf_counter(), time.process_time()
    index_vectors(table, tower)
    return {
        "clock_s": round(time.perf_counter() - began, 1),
        "processor_s": round(time.process_time() - busy, 1),
    }


def _renamed(rows: Any, ids: list[str]) -> Any:
    pa = engine("pyarrow")
    own = {"id": pa.array(ids), "draw": pa.array(map(drawn, ids), pa.float64())}
    for name, values in own.items():
        rows = rows.set_column(rows.schema.get_field_index(name), rows.schema.field(name), values)
    return rows


# How it compares ------------------------------------------------------------------------------


def likeness(shipped: Shipped, vectors: Vectors) -> dict[str, Any]:
    """How far drawn films, [films, dim], are from being scattered as shipped ones are.

    Distances to the nearest other film are 1 − cosine, at the 5th, 50th and 95th percentile, over all shipped
    films, over as many drawn ones, and over `_FEW` drawn ones among all that were drawn.
    """
    same = len(shipped.vectors)
    gap = np.linalg.norm(np.cov(vectors[: 10 * same].T) - shipped.covariance)
    distances = {
        "shipped": _nearest(shipped.vectors, shipped.vectors),
        "as_many_drawn": _nearest(vectors[:same], vectors[:same]),
        "all_drawn": _nearest(vectors[:_FEW], vectors),
    }
    return {
        "around": same,
        "spread": SPREAD,
        "dimensions": shipped.vectors.shape[1],
        "covariance_differs_by": round(float(gap / np.linalg.norm(shipped.covariance)), 4),
        "nearest_percentiles": list(_SHARES),
        "nearest": {name: [round(float(d), 4) for d in found] for name, found in distances.items()},
    }


def _nearest(films: Vectors, among: Vectors) -> NDArray[np.float64]:
    """Percentiles of distances of films, which are the first of those among which they lie."""
    best = np.full(len(films), -1, np.float32)
    for start in range(0, len(among), _AT_ONCE // 5):
        cosines = films @ among[start : start + _AT_ONCE // 5].T
        own = np.arange(start, min(start + cosines.shape[1], len(films)))
        cosines[own, own - start] = -1
        best = np.maximum(best, cosines.max(axis=1))
    found: NDArray[np.float64] = np.percentile(1 - best, _SHARES)
    return found
