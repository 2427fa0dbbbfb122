"""Archives: more films than a folder's manifest is read for, with their embeddings, in one Lance table.

    archive = open_archive(Path("archive"))   # made by `python -m training archive`
    archive.total, len(archive)               # films in it, and films of its sample
    archive.select("test").count("has_effusion")

What is known of a film stands in columns, so that films are counted and found without being read.  The films
that an archive goes through as a collection are a fixed random sample of 20,000, or all where they are no
more: each film has a number drawn from its id, and those with the smallest are taken, whatever the order that
films were added in.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from negviz.common.order import FilmPlaces, places_by_id
from negviz.films.collection import TABLE, Collection, CollectionError, Film, Split
from negviz.films.verdicts import facts
from negviz.findings import FINDINGS

ENGINES: Final = "pip install 'lancedb==0.40.0' 'ray[data]==2.60.0'"
SAMPLE: Final = 20_000  # films
HELD_BELOW: Final = 200_000  # films; of so many, vectors are found by an index and not held in memory
_ABOUT: Final = b"negviz"  # the key of what is known of the archive as a whole
_SETS: Final = ("findings", "denied", "uncertain", "indexed", "lists")
_TEXTS: Final = ("id", "image", "uid", "view", "split", "fold", "report")
FACTS: Final = (*_TEXTS, *_SETS, "sides")  # what a film is made of
_KEPT: Final = 50_000  # films that are remembered beside the sample
EVERY_ROW: Final = 10**9  # rows: all of them

Vectors = NDArray[np.float32]  # [films, dim], unit-norm


class ArchiveError(CollectionError):
    """An archive that cannot be opened; the message is one sentence that says what to do."""


@dataclass(frozen=True)
class About:
    """What holds for a whole archive: its name, the folder of its images, and the towers of its vectors."""

    name: str
    folder: str
    towers: Mapping[str, int]  # dimensions by tower_id

    def metadata(self) -> dict[bytes, bytes]:
        """As a table keeps it."""
        return {_ABOUT: json.dumps(vars(self)).encode()}


@dataclass(frozen=True, eq=False, kw_only=True)
class Archive(Collection):
    """Films of a Lance table; as a collection, a sample of them.  Only read, by any thread."""

    total: int  # films
    towers: Mapping[str, int]
    table: Any = field(repr=False)
    within: str = ""  # the condition that its films hold
    _seen: dict[str, Film] = field(default_factory=dict, init=False, repr=False)
    _reading: Lock = field(default_factory=Lock, init=False, repr=False)

    @cached_property
    def hash(self) -> str:
        """SHA-256 over what is said of the sample, and how many films there are."""
        return hashlib.sha256(f"{super().hash} {self.total}".encode()).hexdigest()

    def by_id(self, film_id: str) -> Film:
        """Any film of the archive, of the sample or not."""
        found = self._by_id.get(film_id) or self._seen.get(film_id) or self._read(film_id)
        if found is None:
            raise CollectionError(f"The collection {self.name!r} has no film {film_id!r}.")
        return found

    def _read(self, film_id: str) -> Film | None:
        if "\0" in film_id:
            return None
        return next(iter(self.remember(self.read(f"id = {quoted(film_id)}", FACTS, limit=1))), None)

    def remember(self, rows: Any) -> list[Film]:
        """The films of some rows, which are about to be asked for by id."""
        films = list(map(as_film, rows.to_pylist()))
        if len(self._seen) > _KEPT:
            self._seen.clear()
        self._seen.update((film.id, film) for film in films)
        return films

    def by_ids(self, ids: Sequence[str]) -> list[Film]:
        """Films by id, in that order."""
        if ids:
            self.remember(self.read(f"id IN ({', '.join(map(quoted, ids))})", FACTS))
        return [self.by_id(film_id) for film_id in ids]

    def image_path(self, film: Film) -> Path | None:
        """Where its image lies, if it still does; no other name is looked for among millions."""
        return self.lies_at(film.image)

    def read(self, condition: str, columns: Sequence[str], *, limit: int = EVERY_ROW) -> Any:
        """Some columns of its films that meet a condition ("": of all), as an Arrow table."""
        query, both = self.table.search().select(list(columns)).limit(limit), self._both(condition)
        return (query.where(both) if both else query).to_arrow()

    def count(self, condition: str) -> int:
        """How many of its films meet a condition, counted by the table."""
        return int(self.table.count_rows(self._both(condition) or None))

    def _both(self, condition: str) -> str:
        """That of its films, and another."""
        return " AND ".join(f"({each})" for each in (self.within, condition) if each)

    def vectors(self, tower_id: str, condition: str = "") -> tuple[list[str], Vectors]:
        """Ids and unit vectors float32 [films, dim] of films that meet a condition, in the table's order."""
        rows = self.read(condition, ("id", column(tower_id)))
        return rows["id"].to_pylist(), self.matrix(rows, tower_id)

    def matrix(self, rows: Any, tower_id: str) -> Vectors:
        """The vectors of some rows, float32 [rows, dim]."""
        flat = rows[column(tower_id)].combine_chunks().flatten().to_numpy(zero_copy_only=False)
        found: Vectors = flat.reshape(rows.num_rows, self.towers[tower_id])
        return found

    def is_indexed(self, tower_id: str) -> bool:
        """Whether the table has its films in parts that lie near to each other."""
        return column(tower_id) in self._indexed

    @cached_property
    def _indexed(self) -> frozenset[str]:
        return indexed(self.table)

    def need(self, tower_id: str) -> None:
        if tower_id not in self.towers:
            raise ArchiveError(
                f"The archive {self.name!r} has no embeddings by image tower {tower_id}; "
                "make one for these models: python -m training archive --family DIR."
            )

    @cached_property
    def _held(self) -> dict[str, tuple[list[str], Vectors, FilmPlaces]]:
        return {}

    def held(self, tower_id: str) -> tuple[list[str], Vectors, FilmPlaces]:
        """Ids of all its films, their vectors and what equal scores go by; read once, and kept in memory."""
        with self._reading:
            if tower_id not in self._held:
                self.need(tower_id)
                ids, vectors = self.vectors(tower_id)
                self._held[tower_id] = ids, vectors, places_by_id(ids)
            return self._held[tower_id]

    def kept_vectors(self, tower_id: str) -> Vectors:
        """Of the sample, [films, dim] in its order.  Raises `ArchiveError` where there are none."""
        self.need(tower_id)
        ids, found = self.vectors(tower_id, "" if len(self) == self.total else f"draw <= {self._last}")
        row = {id_: number for number, id_ in enumerate(ids)}
        made: Vectors = found[[row[film.id] for film in self.films]]
        return made

    @cached_property
    def _last(self) -> float:
        return max((drawn(film.id) for film in self.films), default=0.0)

    def select(self, split: Split) -> Collection:
        """The films of one split, picked by the table."""
        if split == "all":
            return self
        return self.only("array_length(lists) > 0" if split == "lists" else f"split = {quoted(split)}")

    def only(self, condition: str) -> Archive:
        """Its films that meet a condition on columns, such as `has_effusion AND view = 'PA'`."""
        return _sampled(replace(self, within=self._both(condition)))

    def where(self, keep: Callable[[Film], bool]) -> Collection:
        """Films of the sample."""
        return Excerpt(
            self.name, tuple(film for film in self.films if keep(film)), self.folder, self.notes, archive=self
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class Excerpt(Collection):
    """Some films of an archive's sample."""

    archive: Archive

    def image_path(self, film: Film) -> Path | None:
        return self.archive.image_path(film)

    def kept_vectors(self, tower_id: str) -> Vectors:
        return self.archive.kept_vectors(tower_id)[self.archive.rows(self.films)]

    def where(self, keep: Callable[[Film], bool]) -> Collection:
        return replace(self, films=tuple(film for film in self.films if keep(film)))


# Opening --------------------------------------------------------------------------------------


def open_archive(place: Path) -> Archive:
    """Open what `python -m training archive` made; no vector is read.  Raises `ArchiveError`."""
    table = open_table(place)
    about = read_about(table, place)
    archive = Archive(about.name, (), Path(about.folder), total=0, towers=about.towers, table=table)
    return _sampled(archive)


def open_table(place: Path) -> Any:
    """The table of an archive."""
    try:
        return engine("lancedb").connect(str(place)).open_table(TABLE)
    except (ValueError, OSError, RuntimeError) as error:
        raise ArchiveError(
            f"The archive {place} cannot be read ({error}); make it with: python -m training archive."
        ) from error


def engine(name: str) -> Any:
    """One of the packages that archives need and nothing else does."""
    try:
        return import_module(name)
    except ImportError as error:
        raise ArchiveError(f"Archives need two more packages; run: {ENGINES}") from error


def indexed(table: Any) -> frozenset[str]:
    """The columns that a table has an index of."""
    return frozenset(name for index in table.list_indices() for name in index.columns)


def read_about(table: Any, place: Path) -> About:
    try:
        return About(**json.loads((table.schema.metadata or {})[_ABOUT]))
    except (LookupError, ValueError, TypeError) as error:
        raise ArchiveError(
            f"{place} holds a table of films that is no archive of ours; make one with: "
            "python -m training archive."
        ) from error


def _sampled(archive: Archive) -> Archive:
    total = archive.count("")
    films, share = list[Film](), 1.2 * SAMPLE / max(total, 1)
    while len(films) < min(SAMPLE, total):
        rows = archive.read(f"draw < {share}" if share < 1 else "", FACTS)
        films, share = list(map(as_film, rows.to_pylist())), 2 * share
    films.sort(key=lambda film: (drawn(film.id), film.id))
    sample = tuple(films[:SAMPLE])
    opened = replace(archive, films=sample, total=total)
    return opened if len(sample) == total else replace(opened, notes=(_about_sample(opened),))


def _about_sample(archive: Archive) -> str:
    said = (
        f"Margins, how sure a model may be, and maps are of a fixed random sample of {len(archive):,} of "
        f"{archive.total:,} films; films are found, marked and counted among all"
    )
    by_index = archive.total >= HELD_BELOW and any(map(archive.is_indexed, archive.towers))
    return f"{said}, by an index that may miss a few." if by_index else f"{said}."


# Rows -----------------------------------------------------------------------------------------


def column(tower_id: str) -> str:
    """Where the vectors of an image tower stand."""
    return f"vector_{tower_id}"


def quoted(text: str) -> str:
    """A text in a condition."""
    return "'" + text.replace("'", "''") + "'"


def drawn(film_id: str) -> float:
    """A number in [0, 1) that looks random, and is always the same for one id."""
    return int.from_bytes(hashlib.sha256(film_id.encode()).digest()[:6], "big") / 2**48


def schema(about: About) -> Any:
    """The Arrow schema of an archive's table."""
    pa = engine("pyarrow")
    texts = [(name, pa.string()) for name in _TEXTS]
    lists = [(name, pa.list_(pa.string())) for name in (*_SETS, "sides")]
    has = [(f"has_{name}", pa.bool_()) for name in FINDINGS]
    sides = [(f"side_{name}", pa.string()) for name in FINDINGS]
    vectors = [(column(tower), pa.list_(pa.float32(), dim)) for tower, dim in about.towers.items()]
    return pa.schema(
        [*texts, *lists, ("draw", pa.float64()), *has, *sides, *vectors], metadata=about.metadata()
    )


def as_row(film: Film) -> dict[str, Any]:
    """A film as a row without vectors."""
    return {
        **{name: getattr(film, name) for name in _TEXTS},
        **{name: sorted(getattr(film, name)) for name in _SETS},
        "sides": sorted(f"{finding}:{side}" for finding, side in film.sides),
        "draw": drawn(film.id),
        **facts(film),
    }


def as_film(row: Mapping[str, Any]) -> Film:
    """A film as it was before it became a row."""
    sides = frozenset(tuple(each.split(":", 1)) for each in row["sides"])
    texts = {name: row[name] for name in _TEXTS}
    sets = {name: frozenset(row[name]) for name in _SETS}
    return Film(**texts, **sets, sides=sides)  # type: ignore[arg-type]
