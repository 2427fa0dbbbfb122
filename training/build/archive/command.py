"""Archives: `python -m training archive --films DIR|LIST --to PLACE [--ray ADDRESS]`.

Films are written as they are embedded, many at a time and each time in one step, by this process alone: after
any kill the same command goes on with the films that are not there yet, and no film is there twice.
"""

from __future__ import annotations

import argparse
import csv
import io
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import monotonic
from typing import Any, Final

import numpy as np
from tqdm import tqdm

from negviz.common.files import running_alone, write_atomically
from negviz.films.archive import (
    EVERY_ROW,
    About,
    ArchiveError,
    as_row,
    engine,
    open_table,
    read_about,
    schema,
)
from negviz.films.collection import TABLE, Film, is_archive
from training.build.archive.embedding import Batch, Cluster, base_of
from training.build.archive.listing import Listing, list_films
from training.data.archive import finish, with_vectors, without_vectors
from training.options import count
from training.paths import add_family_option, add_labels_option

SKIPPED: Final = "skipped.csv"  # films that could not be read, and why
KEPT_EVERY: Final = 20.0  # seconds of work that may be lost when it is stopped
_NAMED: Final = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m training archive`."""
    add = parser.add_argument
    films = "folder of films, with a manifest.csv or without, or a file with the path of a film a line"
    add("--films", type=Path, required=True, metavar="DIR|LIST", help=films)
    add(
        "--to",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder of the archive, to make or to go on with",
    )
    add(
        "--ray",
        metavar="ADDRESS",
        help="of a Ray cluster that sees the same folders; this machine by default",
    )
    add(
        "--workers",
        type=count,
        default=os.cpu_count(),
        metavar="N",
        help="films are embedded by (default: a core)",
    )
    add_family_option(parser, "folder of the models whose image tower embeds the films")
    add_labels_option(parser)


def run(args: argparse.Namespace) -> int:
    """Embed what is not there yet.  Raises a `NegvizError`; a film that cannot be read is listed instead."""
    for needed in ("lancedb", "ray", "pyarrow"):
        engine(needed)
    listing = list_films(args.films, args.labels)
    with running_alone(args.to, "archive"):
        writer = Writer.open(args.to, listing, args.family)
        todo = writer.missing(listing.films)
        cluster = Cluster(args.ray, args.workers)
        writer.write(
            todo, cluster.embed(args.family.resolve(), listing.folder, [film.image for film in todo])
        )
        writer.finish()
    print(writer.summary())
    return 0


class Writer:
    """The one process that adds rows to an archive."""

    def __init__(self, place: Path, table: Any, about: About) -> None:
        self.place, self.table, self.about = place, table, about
        (self.tower,) = about.towers
        self.skipped: list[tuple[Film, str]] = []

    @classmethod
    def open(cls, place: Path, listing: Listing, family: Path) -> Writer:
        """Go on with an archive, or begin one.  Raises `ArchiveError` where it is one of something else."""
        base = base_of(family)
        about = About(listing.folder.name, str(listing.folder), {base.tower_id: base.dim})
        if is_archive(place):
            table = open_table(place)
            _refuse_another(read_about(table, place), about, place)
            return cls(place, table, about)
        connection = engine("lancedb").connect(str(place))
        return cls(place, connection.create_table(TABLE, schema=schema(about)), about)

    def missing(self, films: Sequence[Film]) -> list[Film]:
        """Those of the films that are not in it."""
        there = set(self.table.search().select(["id"]).limit(EVERY_ROW).to_arrow()["id"].to_pylist())
        return [film for film in films if film.id not in there]

    def write(self, films: Sequence[Film], batches: Iterator[Batch]) -> None:
        """Add films as they are embedded, and say how far it is and how long it will take."""
        waiting, kept = list[Batch](), monotonic()
        with tqdm(total=len(films), desc="archive", unit="film", mininterval=1) as bar:
            for batch in batches if films else ():
                waiting.append(batch)
                bar.update(len(batch["row"]))
                if monotonic() - kept >= KEPT_EVERY:
                    self._add(films, waiting)
                    waiting, kept = [], monotonic()
        self._add(films, waiting)

    def _add(self, films: Sequence[Film], batches: Sequence[Batch]) -> None:
        rows, vectors = list[dict[str, Any]](), []
        for batch in batches:
            good = batch["why"] == ""
            rows += [as_row(films[number]) for number in batch["row"][good]]
            vectors.append(batch["vector"][good])
            self.skipped += [
                (films[number], str(why))
                for number, why in zip(batch["row"], batch["why"], strict=True)
                if why
            ]
        if rows:
            layout = self.table.schema
            known = engine("pyarrow").Table.from_pylist(rows, schema=without_vectors(layout, self.tower))
            self.table.add(with_vectors(known, np.concatenate(vectors), self.tower, layout))

    def finish(self) -> None:
        """List what was left out, and make films quick to be found."""
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(
            [("id", "image", "why"), *((film.id, film.image, why) for film, why in self.skipped)]
        )
        write_atomically(self.place / SKIPPED, out.getvalue().encode())
        if self.table.count_rows():
            finish(self.table, self.tower)

    def summary(self) -> str:
        films = f"{self.place}: {self.table.count_rows():,} films"
        if not self.skipped:
            return films
        named = "; ".join(why for _, why in self.skipped[:_NAMED])
        return f"{films}, {len(self.skipped):,} left out, listed in {SKIPPED}: {named}"


def _refuse_another(there: About, wanted: About, place: Path) -> None:
    if there.towers != wanted.towers:
        raise ArchiveError(f"{place} was made with another image tower; give --to another folder.")
    if there.folder != wanted.folder:
        raise ArchiveError(f"{place} holds films of {there.folder}; give --to another folder.")
