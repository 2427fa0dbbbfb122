"""Open-i on demand: its films and reports from NLM, behind one door and one pace.

openi = open_openi(collection)          # returns at once; nothing is fetched before it is asked for
openi.films.reachable()                 # asked for in the background
openi.films.request(ids); openi.films.get(film_id); openi.films.missing(film_id)
openi.reports.report(uid, wait=10)
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from negviz.common.download import Downloader, Patience
from negviz.common.files import default_cache
from negviz.films.cache import FilmCache
from negviz.films.collection import Collection
from negviz.films.nlm import FilmSource
from negviz.films.nlm_reports import ReportSource
from negviz.films.openi import IMAGE_HOST, REPORTS

CACHE_LIMIT: Final = 500_000_000  # bytes: more than 1,500 films


@dataclass(frozen=True)
class Openi:
    """Films and reports of one collection, both from NLM."""

    films: FilmSource
    reports: ReportSource
    downloader: Downloader

    def close(self) -> None:
        """Drop what waits and close the connections."""
        self.films.close()
        self.reports.close()
        self.downloader.close()


def open_openi(
    collection: Collection,
    *,
    cache: Path | None = None,
    host: str = IMAGE_HOST,
    limit: int | None = CACHE_LIMIT,
    patience: Patience | None = None,
) -> Openi:
    """The sources of a collection's films and reports, kept in `cache` (default `NEGVIZ_CACHE`, or the
    platform's cache folder), the films within `limit` bytes."""
    folder = (cache if cache is not None else default_cache()) / "openi"
    downloader = Downloader(host, patience=patience)
    local = collection.folder / REPORTS if collection.folder is not None else None
    return Openi(
        films=FilmSource(
            downloader, FilmCache(folder / "films", limit=limit), frozenset(film.id for film in collection)
        ),
        reports=ReportSource(downloader, folder / REPORTS, {film.uid for film in collection}, local=local),
        downloader=downloader,
    )
