"""Fetching films of a shipped collection from their publisher, into a folder that app and training read.

    python -m training fetch openi --to DIR --films test

Films that are there and whole are skipped, so the same command goes on where it was stopped.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from tqdm import tqdm

from negviz.common.download import Downloader, DownloadError, Patience
from negviz.common.errors import NegvizError
from negviz.common.files import running_alone
from negviz.films.cache import FilmCache
from negviz.films.collection import ASSETS, MANIFEST, Collection, Film, open_collection, write_manifest
from negviz.films.nlm import FilmSource
from negviz.films.nlm_reports import ReportSource
from negviz.films.openi import IMAGE_HOST, REPORTS

CONNECTIONS: Final = 2
PER_SECOND: Final = 3.0  # what NLM allows for its other services without a key
PATIENCE: Final = Patience(connect=10.0, read=20.0, whole=60.0, attempts=5, longest_wait=300.0)
_IMAGES: Final = "images"
_HOPELESS: Final = ("offline", "busy", "disk")  # it will be no better for the next film
_IN_A_ROW: Final = 5  # failures of any kind but "gone": then the connection is to blame
_NAMED: Final = 5


class FetchError(NegvizError):
    """Films that cannot be fetched; the message says what to do."""


@dataclass
class Fetched:
    """What came of it."""

    here: dict[str, Path] = field(default_factory=dict)
    failed: dict[str, DownloadError] = field(default_factory=dict)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("collection", choices=("openi",), help="the Open-i films, from the National Library of Medicine")
    add("--to", required=True, type=Path, metavar="DIR", help="collection folder to write, or to go on with")
    which = "test films only, all of them, or this many, test films first (default: all, several hundred MB)"
    add("--films", type=_which, default="all", metavar="N|all|test", help=which)
    add(
        "--host", default=IMAGE_HOST, metavar="URL", help="a mirror in the same layout (default: %(default)s)"
    )


def run(args: argparse.Namespace) -> int:
    """Fetch as `add_arguments` says; 1 where single films could not be had.  Raises `FetchError`."""
    everything = open_collection(args.collection)
    wanted = choose(everything, args.films)
    with running_alone(args.to, "fetch"):
        outcome = fetch(everything, wanted, args.to, host=args.host)
    missing = [film.id for film in wanted if film.id not in outcome.here]
    print(f"{args.to}: {len(wanted) - len(missing)} of {len(wanted)} films, and the archive of reports.")
    for film_id in missing[:_NAMED]:
        print(f"  {outcome.failed[film_id]}")
    if len(missing) > _NAMED:
        print(f"  … and {len(missing) - _NAMED} more.")
    print(f"Show them with: python app.py --films {args.to}")
    return 1 if missing else 0


def choose(collection: Collection, which: str) -> tuple[Film, ...]:
    """The films meant by "test", "all" or a number."""
    test = collection.select("test").films
    if which == "test":
        return test
    ordered = (*test, *(film for film in collection if film.split != "test"))
    return ordered if which == "all" else ordered[: int(which)]


def fetch(
    collection: Collection,
    wanted: Sequence[Film],
    folder: Path,
    *,
    host: str = IMAGE_HOST,
    patience: Patience = PATIENCE,
    per_second: float = PER_SECOND,
) -> Fetched:
    """Bring the archive of reports and the wanted films into `folder`, and list all that lie there.

    Raises `FetchError` where going on is of no use; what came until then stays, and is listed.
    """
    _refuse_foreign(folder / MANIFEST)
    cache = FilmCache(folder / _IMAGES)
    outcome = Fetched(_at_hand(cache, collection))
    downloader = Downloader(host, patience=patience, per_second=per_second, connections=CONNECTIONS)
    with closing(downloader), _listed(collection, folder, outcome), _explained(wanted, folder, outcome):
        _fetch_reports(downloader, collection, folder)
        source = FilmSource(downloader, cache, {film.id for film in wanted}, workers=CONNECTIONS)
        with closing(source):
            _fetch_films(source, wanted, outcome)
    return outcome


def _which(text: str) -> str:
    if text in ("all", "test") or (text.isdecimal() and int(text) > 0):
        return text
    raise argparse.ArgumentTypeError(f"{text!r} is neither all, test nor a number of films")


def _refuse_foreign(manifest: Path) -> None:
    """A manifest with other columns is somebody's own and not to be replaced."""
    ours = (ASSETS / "openi" / MANIFEST).read_text(encoding="utf-8").partition("\n")[0]
    if manifest.is_file() and manifest.read_text(encoding="utf-8-sig").partition("\n")[0].strip() != ours:
        raise FetchError(f"{manifest} was not written by fetch; give --to a new folder.")


def _at_hand(cache: FilmCache, collection: Collection) -> dict[str, Path]:
    found = {}
    for film in tqdm(collection, desc="looking for films already here", unit="film", leave=False):
        path = cache.find(film.id)
        if path is not None:
            found[film.id] = path
    return found


@contextmanager
def _listed(collection: Collection, folder: Path, outcome: Fetched) -> Iterator[None]:
    """However it ends, the manifest lists the films that are there."""
    try:
        yield
    finally:
        here = outcome.here
        films = [
            replace(film, image=f"{_IMAGES}/{here[film.id].name}") for film in collection if film.id in here
        ]
        if films:
            write_manifest(folder, films)


@contextmanager
def _explained(wanted: Sequence[Film], folder: Path, outcome: Fetched) -> Iterator[None]:
    """What stops everything says how far it came and how to go on."""
    try:
        yield
    except DownloadError as error:
        here = sum(film.id in outcome.here for film in wanted)
        raise FetchError(
            f"{error} {here} of {len(wanted)} films are in {folder}; run the same command again to go on."
        ) from error


def _fetch_reports(downloader: Downloader, collection: Collection, folder: Path) -> None:
    studies = {film.uid for film in collection}
    with closing(ReportSource(downloader, folder / REPORTS, studies)) as reports:
        reports.ask().result()


def _fetch_films(source: FilmSource, wanted: Sequence[Film], outcome: Fetched) -> None:
    """Ask for a film whenever one has come.  Raises the `DownloadError` that makes going on useless."""
    todo = iter([film.id for film in wanted if film.id not in outcome.here])
    here = sum(film.id in outcome.here for film in wanted)
    under_way: dict[Future[Path], str] = {}
    in_a_row = 0
    with tqdm(total=len(wanted), initial=here, desc="films", unit="film") as bar:
        while True:
            _fill(under_way, source, todo)
            if not under_way:
                return
            for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                film_id = under_way.pop(future)
                error = _settle(film_id, future, outcome)
                bar.update()
                in_a_row = in_a_row + 1 if error is not None and error.reason != "gone" else 0
                if error is not None and (error.reason in _HOPELESS or in_a_row == _IN_A_ROW):
                    raise error


def _fill(under_way: dict[Future[Path], str], source: FilmSource, todo: Iterator[str]) -> None:
    while len(under_way) < 2 * CONNECTIONS and (film_id := next(todo, None)) is not None:
        under_way[source.ask(film_id)] = film_id


def _settle(film_id: str, future: Future[Path], outcome: Fetched) -> DownloadError | None:
    """Note what became of one film."""
    try:
        outcome.here[film_id] = future.result()
    except DownloadError as error:
        outcome.failed[film_id] = error
        return error
    return None
