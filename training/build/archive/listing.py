"""Which films an archive is to hold, and what is known of each."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from negviz.common.read_files import read_text
from negviz.films.archive import ArchiveError
from negviz.films.collection import MANIFEST, Film, open_collection
from negviz.films.label_files import IMAGES

_LONGEST_LIST: Final = 20_000_000_000  # bytes


@dataclass(frozen=True)
class Listing:
    """Films and the folder that their images are named from."""

    films: tuple[Film, ...]
    folder: Path
    notes: tuple[str, ...] = ()


def list_films(where: Path, labels: Path | None = None) -> Listing:
    """The films of a folder, by its `manifest.csv` or by `labels` where there are any, or of a list of files.

    Raises `CollectionError` where there are none, or two have one id.
    """
    if where.is_dir() and (labels is not None or (where / MANIFEST).is_file()):
        opened = open_collection(where, labels=labels)
        films = opened.films if not opened.drawn else tuple(map(_in_no_split, opened.films))
        return Listing(films, where.resolve(), () if opened.drawn else opened.notes)
    if labels is not None:
        raise ArchiveError(f"{where} is not a folder; give --films the folder that --labels tells of.")
    if where.is_dir():
        return _listed(_images_below(where.resolve()), where.resolve())
    if not where.is_file():
        raise ArchiveError(
            f"{where} is neither a folder nor a file; give --films a folder or a list of films."
        )
    paths = [
        _beside(where, line) for line in read_text(where, ArchiveError, _LONGEST_LIST).splitlines() if line
    ]
    if not paths:
        raise ArchiveError(f"{where} names no film; give --films a file with the path of one a line.")
    return _listed(paths, Path(os.path.commonpath([path.parent for path in paths])))


def _in_no_split(film: Film) -> Film:
    """A split that is drawn anew for more films would be another."""
    return Film(**{**vars(film), "split": "", "fold": ""})


def _beside(file: Path, line: str) -> Path:
    return Path(os.path.normpath(file.resolve().parent / line.strip()))


def _images_below(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders.sort()
        yield from (Path(parent, name) for name in sorted(names) if Path(name).suffix.lower() in IMAGES)


def _listed(paths: Iterable[Path], folder: Path) -> Listing:
    """Of films nothing is known of but where they lie: their ids are their paths, in one word."""
    films: dict[str, Film] = {}
    for path in paths:
        image = path.relative_to(folder)
        id_ = "-".join(image.with_suffix("").parts)
        if id_ in films:
            raise ArchiveError(
                f"{films[id_].image} and {image} would both be called {id_}; "
                f"give the films ids, in a {MANIFEST}."
            )
        films[id_] = Film(id_, image.as_posix(), uid=id_)
    if not films:
        raise ArchiveError(
            f"{folder} holds no PNG, JPEG or DICOM file; give --films the folder of the films."
        )
    return Listing(tuple(films.values()), folder)
