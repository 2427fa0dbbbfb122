"""What films there are and what is known of them.

A collection is a folder with a `manifest.csv` and the images it names.  Silence is not denial: a film
whose report does not mention effusion neither has it nor is free of it, so a film satisfies a prompt,
contradicts it, or does not say; `judge` tells which.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from itertools import combinations
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final, Literal

from PIL import Image

from negviz.common.csv_file import Row, read_csv, read_header
from negviz.common.errors import NegvizError
from negviz.common.files import write_atomically
from negviz.common.order import FilmPlaces, places_by_id
from negviz.common.read_files import open_regular
from negviz.common.shipped import NOT_AT_HAND, ROOT
from negviz.films.grey import UNREADABLE, DeepColourError, grey_picture, is_dicom
from negviz.films.label_files import IMAGES, consistent, read_labels, unknown_names
from negviz.films.openi import film_id, split_sentences
from negviz.films.size import FilmSizeError
from negviz.films.split import with_split
from negviz.findings import FINDINGS, Polarity
from negviz.language.prompt import strongest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from negviz.language.prompt import Prompt
    from negviz.language.sides import Side

MANIFEST: Final = "manifest.csv"
ASSETS: Final = ROOT / "assets"
TABLE: Final = "films"  # of an archive
OPENI: Final = "openi"
_START: Final = 132  # bytes by which a DICOM file is known
PHANTOMS: Final = "phantoms"
Unmentioned = Literal["unknown", "absent"]
Split = Literal["test", "train", "all", "lists"]


class CollectionError(NegvizError):
    """A collection that cannot be opened; the message is one sentence that says what to do."""


@dataclass(frozen=True)
class Film:
    """One image and what its report, or its simulator, says of it."""

    id: str
    image: str  # path within the collection folder, "/"-separated
    uid: str  # the study; films of one study never lie on both sides of a split
    view: str = ""
    findings: frozenset[str] = frozenset()
    denied: frozenset[str] = frozenset()
    uncertain: frozenset[str] = frozenset()
    indexed: frozenset[str] = frozenset()  # what the collection's indexers chose, hedged or not (MeSH)
    split: str = ""  # "test", "train", or "" for neither
    fold: str = ""  # cross-validation fold of a training film
    report: str = ""
    sides: frozenset[tuple[str, str]] = frozenset()  # of findings, where they are known
    lists: frozenset[str] = frozenset()  # findings that it is searched for, where films are chosen for each

    def states(
        self,
        finding: str,
        polarity: Polarity,
        unmentioned: Unmentioned = "unknown",
        side: Side | None = None,
    ) -> bool | None:
        """True if the film is known to match, False if known to contradict, None if it does not say.

        Where the film has the finding on a side that is not known, a `side` asked for is left aside; a
        denial of one side is then not judged.
        """
        if polarity == "uncertain":
            return None
        has = self._has(finding, unmentioned)
        if has and side is not None:
            known = dict(self.sides).get(finding)
            if known is None:
                return True if polarity == "present" else None
            has = known not in ("left", "right") or known == side
        return has if has is None or polarity == "present" else not has

    def _has(self, finding: str, unmentioned: Unmentioned) -> bool | None:
        if finding == "normal":
            if self.findings - {"normal"}:
                return False
            return True if "normal" in self.findings else None
        if finding in self.findings:
            return True
        if finding in self.uncertain:
            return None
        if finding in self.denied or "normal" in self.findings or unmentioned == "absent":
            return False
        return None


def judge(film: Film, prompt: Prompt, unmentioned: Unmentioned = "unknown") -> bool | None:
    """Whether a film is right for a prompt: all its mentions hold, one is violated, or it does not say.

    A prompt that both affirms and denies one finding means two places ("none on the right, small on the
    left"), and no film is judged.
    """
    polarities = {mention.finding: mention.polarity for mention in prompt.mentions}
    if any(polarities[mention.finding] != mention.polarity for mention in prompt.mentions):
        return None
    verdicts = [film.states(m.finding, m.polarity, unmentioned, m.side) for m in prompt.mentions]
    if False in verdicts:
        return False
    return True if verdicts and all(verdicts) else None


def judge_all(films: Collection, prompt: Prompt) -> list[bool | None]:
    """`judge` of every film, in their order: of films of which the same is known, once."""
    unlike, kind_of = films.kinds
    verdicts = [judge(film, prompt) for film in unlike]
    return [verdicts[kind] for kind in kind_of]


@dataclass(frozen=True)
class Collection:
    """Films in a fixed order and the folder their images lie in (`None` where only facts are at hand)."""

    name: str
    films: tuple[Film, ...]
    folder: Path | None = None
    notes: tuple[str, ...] = field(default=(), compare=False)  # what opening it had to report
    drawn: bool = field(default=False, compare=False)  # its split is ours, not the manifest's

    def __len__(self) -> int:
        return len(self.films)

    def __iter__(self) -> Iterator[Film]:
        return iter(self.films)

    @cached_property
    def hash(self) -> str:
        """SHA-256 over everything the manifest says, image bytes aside."""
        return hashlib.sha256(_manifest_text(self.films).encode()).hexdigest()

    @cached_property
    def kinds(self) -> tuple[tuple[Film, ...], tuple[int, ...]]:
        """One film of each kind, of which the same is known, and of what kind each film is."""
        known = [(film.findings, film.denied, film.uncertain, film.sides) for film in self]
        one = dict(zip(known, self.films, strict=True))
        place = {facts: number for number, facts in enumerate(one)}
        return tuple(one.values()), tuple(place[facts] for facts in known)

    @cached_property
    def knows_sides(self) -> bool:
        """Whether films record which side a finding is on."""
        return any(film.sides for film in self.films)

    @cached_property
    def _by_id(self) -> dict[str, Film]:
        return {film.id: film for film in self.films}

    def by_id(self, film_id: str) -> Film:
        try:
            return self._by_id[film_id]
        except KeyError:
            raise CollectionError(f"The collection {self.name!r} has no film {film_id!r}.") from None

    def rows(self, films: Iterable[Film]) -> list[int]:
        """Where films stand in this collection, which is where their embeddings stand."""
        return [self._row[film.id] for film in films]

    @cached_property
    def _row(self) -> dict[str, int]:
        return {film.id: row for row, film in enumerate(self.films)}

    @cached_property
    def places_by_id(self) -> FilmPlaces:
        """[films] what equal scores go by."""
        return places_by_id([film.id for film in self.films])

    def select(self, split: Split) -> Collection:
        """The films of one split, or of any finding's list; `all` is the collection itself."""
        if split == "lists":
            return self.where(lambda film: bool(film.lists))
        return self if split == "all" else self.where(lambda film: film.split == split)

    def as_seen_by(self, tuned_on: Container[str]) -> Collection:
        """As models show it that were tuned on collections of these hashes: nobody was tuned on films of a
        split that is only ours."""
        if not self.drawn or self.hash in tuned_on:
            return self
        return replace(self, films=tuple(f if f.split == "test" else replace(f, split="") for f in self))

    def where(self, keep: Callable[[Film], bool]) -> Collection:
        return replace(self, films=tuple(film for film in self.films if keep(film)))

    def image_path(self, film: Film) -> Path | None:
        """Where its image lies: as the manifest says, else by name; None where it is not at hand."""
        return self.lies_at(film.image) or self._lies_elsewhere(film)

    def lies_at(self, image: str) -> Path | None:
        """A file of the collection's folder by its path there; None where it is not at hand."""
        if self.folder is None:
            return None
        path = self.folder / image
        return path if _lies_in(self.folder, path) else None

    def _lies_elsewhere(self, film: Film) -> Path | None:
        """A file of its name, anywhere in the collection's folder."""
        path = self._by_stem.get(PurePosixPath(film.image).stem)
        return path if self.folder and path and _lies_in(self.folder, path) else None

    def kept_vectors(self, tower_id: str) -> NDArray[np.float32] | None:
        """What an image tower makes of the films, [films, dim], where the collection itself keeps that."""
        return None

    @cached_property
    def _by_stem(self) -> dict[str, Path]:
        """NLM ships PNGs in one flat folder, copies ship JPEGs: the name before the ending is what stays."""
        if self.folder is None:
            return {}
        found = (path for path in self.folder.rglob("*.*") if path.suffix.lower() in IMAGES)
        return {key: path for path in sorted(found) for key in (path.stem, film_id(path.stem))}

    def image(self, film: Film) -> Image.Image:
        """The film as a grey image (mode "L").  Raises `CollectionError` where it cannot be had."""
        path = self.image_path(film)
        if path is None:
            raise CollectionError(
                f"The image of film {film.id!r} is not at hand; give its folder with --films."
            )
        return open_image(path)


def _lies_in(folder: Path, path: Path) -> bool:
    """Whether a path below a folder is a file of that folder, and no link to one that lies elsewhere."""
    parts = path.relative_to(folder).parts
    try:
        if not path.is_file():
            return False
        if any(folder.joinpath(*parts[: n + 1]).is_symlink() for n in range(len(parts))):
            return path.resolve().is_relative_to(folder.resolve())
    except OSError:  # a name longer than the system takes, or links in a circle
        return False
    return True


def open_image(path: Path) -> Image.Image:
    """Open one PNG, JPEG or DICOM file as grey, refusing anything else and anything larger than a film."""
    try:
        with open_regular(path) as file:
            start = file.read(_START)
            file.seek(0)
            return _radiograph(path, file.read()) if is_dicom(start) else grey_picture(file)
    except FilmSizeError as error:
        raise CollectionError(f"{path.name} {error}") from error
    except (*UNREADABLE, DeepColourError) as error:
        raise CollectionError(
            f"{path.name} is not a PNG, JPEG or DICOM image that can be read: {error}."
        ) from error


def _radiograph(path: Path, content: bytes) -> Image.Image:
    from negviz.films.dicom import DicomError, read_dicom  # its library, which few collections need

    try:
        return read_dicom(content)
    except DicomError as error:
        raise CollectionError(f"{path.name} cannot be shown. {error}") from error


def is_archive(place: Path) -> bool:
    """Whether a folder holds the table of films that `python -m training archive` makes."""
    return (place / f"{TABLE}.lance").is_dir()


def is_shipped(name: str) -> bool:
    """Whether a collection of this name, which no path is, lies in `assets/`."""
    return Path(name).name == name and (ASSETS / name / MANIFEST).is_file()


def open_collection(name: str | Path, *, films: Path | None = None, labels: Path | None = None) -> Collection:
    """Open a shipped collection by name ("openi"), a folder that holds a `manifest.csv`, or an archive.

    `films` is a folder with the images where they lie apart from the manifest; ids are looked up
    there as `<image>`, or by file name.  `labels` is a file that tells of a folder of images what a manifest
    would: another manifest, or one of those that `negviz.films.label_files` opens.

    What is shipped of a collection (embeddings, maps, NLM's films, wording) is found by its name, so a
    shipped name is that folder's alone: another folder called "openi" is the collection "own openi".
    """
    folder = ASSETS / name if isinstance(name, str) and is_shipped(name) else Path(name)
    if labels is None and is_archive(folder):
        from negviz.films.archive import open_archive

        archive = open_archive(folder)
        return archive if films is None else replace(archive, folder=films)
    manifest = folder / MANIFEST if labels is None else labels
    if not manifest.is_file():
        if labels is not None:
            raise CollectionError(f"{labels} is no file; give --labels a file of labels.")
        raise CollectionError(
            f"{name} is neither a shipped collection nor a folder with a {MANIFEST} or an archive"
            f"{NOT_AT_HAND}."
        )
    where = films if films is not None else folder
    if films is not None and not films.is_dir():
        raise CollectionError(f"{films} is not a folder; give --films the folder that holds the images.")
    if labels is not None and not where.is_dir():
        raise CollectionError(f"{name} is not a folder; give --collection the folder that holds the images.")
    rows, notes = read_manifest(manifest) if labels is None else _read_labels(labels, where)
    called = _collection_name(folder.resolve())
    if labels is None and folder.resolve().parent == ASSETS.resolve():
        return Collection(called, rows, where)  # as it is shipped, with columns of its own
    return _with_split(Collection(called, rows, where, notes))


def _read_labels(path: Path, folder: Path) -> tuple[tuple[Film, ...], tuple[str, ...]]:
    """As `read_manifest`, of a file of labels in whatever layout."""
    if "image" in read_header(path, CollectionError):
        return read_manifest(path)
    labelled, notes = read_labels(path, folder)
    films = tuple(
        Film(
            each.id,
            each.image,
            each.uid or each.id,
            each.view,
            **_sets(each.states),  # type: ignore[arg-type]
        )
        for each in labelled
    )
    _refuse_duplicates(films, path)
    return films, notes


def _with_split(collection: Collection) -> Collection:
    """With split and folds drawn by study where the manifest has neither and there are films enough."""
    films = None if any(f.split or f.fold for f in collection) else with_split(collection.films)
    if films is None:
        return collection
    parts = Counter(film.split for film in films)
    note = (
        f"{parts['test']} test films and {parts['train']} training films are drawn by study; "
        "columns split and fold would say otherwise."
    )
    return replace(collection, films=films, notes=(*collection.notes, note), drawn=True)


def _collection_name(folder: Path) -> str:
    taken = is_shipped(folder.name) and folder != (ASSETS / folder.name).resolve()
    return f"own {folder.name}" if taken else folder.name


# The manifest ---------------------------------------------------------------------------------

# what a collection is known by: what only simulated films have stands beside it
_SIDES: Final = "sides"
_LISTS: Final = "lists"
_COLUMNS: Final = tuple(f.name for f in fields(Film) if f.name not in (_SIDES, _LISTS))
_SIDE: Final = re.compile(r"([a-z]+)[^a-z|,]+([a-z]+)")  # effusion:right|nodule:left, or JSON
_LONGEST_PATH: Final = 4_000  # bytes
_SETS: Final = ("findings", "denied", "uncertain", "indexed")


def read_manifest(path: Path) -> tuple[tuple[Film, ...], tuple[str, ...]]:
    """Read `image, findings` and the optional columns; names that mean nothing to us come back as notes.

    Where there is a `report` and no `findings`, what a film shows is read in its report.
    """
    told = read_header(path, CollectionError)
    by_report = "report" in told and "findings" not in told
    needed = ("image", "report" if by_report else "findings")
    table = read_csv(path, needed, CollectionError, prose=("report",))
    unknown: dict[str, int] = {}
    films = tuple(_film(row, f"{path}, line {row.line}", unknown) for row in table.rows)
    films = tuple(map(_by_its_report, films)) if by_report else films
    _refuse_duplicates(films, path)
    notes = (unknown_names(unknown),) if unknown else ()
    unread = [name for name in table.header if name and name not in (*_COLUMNS, _SIDES, _LISTS)]
    return films, (*notes, *((f"Columns that negviz does not read: {', '.join(unread)}.",) if unread else ()))


def _film(row: Row, where: str, unknown: dict[str, int]) -> Film:
    cells = {name: row.get(name) for name in _COLUMNS}
    image = PurePosixPath(cells["image"])
    if not cells["image"] or image.is_absolute() or ".." in image.parts:
        raise CollectionError(
            f"{where}: image {cells['image']!r} must be a path inside the collection folder."
        )
    if len(cells["image"].encode()) > _LONGEST_PATH or any(len(part.encode()) > 255 for part in image.parts):
        raise CollectionError(f"{where}: the name of the image is longer than any file's can be.")
    cells["id"] = cells["id"] or image.stem
    cells["uid"] = cells["uid"] or cells["id"]
    cells["split"] = cells["split"].lower()
    cells["fold"] = cells["fold"].removesuffix(".0")  # what becomes of a column of numbers that has gaps
    sets = {name: frozenset(_names(cells.pop(name), unknown)) for name in _SETS}
    known = frozenset(_SIDE.findall(row.get(_SIDES)))
    lists = frozenset(_names(row.get(_LISTS), unknown))
    film = Film(**cells, **sets, sides=known, lists=lists)  # type: ignore[arg-type]
    if said := _contradiction(film):
        raise CollectionError(f"{where}: film {film.id!r} has {said}; say one of them.")
    return film


def _by_its_report(film: Film) -> Film:
    read = strongest(split_sentences(film.report))
    states = consistent({name: mention.polarity for name, mention in read.items()})
    return replace(film, **_sets(states))  # type: ignore[arg-type]


def _sets(states: Mapping[str, Polarity]) -> dict[str, frozenset[str]]:
    """What is known of a film as its record has it."""
    said = {"findings": "present", "denied": "absent", "uncertain": "uncertain"}
    return {
        name: frozenset(finding for finding, state in states.items() if state == polarity)
        for name, polarity in said.items()
    }


def _contradiction(film: Film) -> str:
    """What a row says that cannot both be so: which of them is meant is not for us to guess."""
    for one, other in combinations(("findings", "denied", "uncertain"), 2):
        if both := sorted(getattr(film, one) & getattr(film, other)):
            return f"{both[0]} in {one} and in {other}"
    if "normal" in film.findings and len(film.findings) > 1:
        return f"normal and {min(film.findings - {'normal'})} in findings"
    return ""


def _names(cell: str, unknown: dict[str, int]) -> Iterable[str]:
    for name in filter(None, (part.strip().lower() for part in cell.split("|"))):
        if name in FINDINGS:
            yield name
        else:
            unknown[name] = unknown.get(name, 0) + 1


def _refuse_duplicates(films: Sequence[Film], path: Path) -> None:
    seen: set[str] = set()
    for film in films:
        if film.id in seen:
            raise CollectionError(f"{path} lists the film {film.id!r} twice; ids must be unique.")
        seen.add(film.id)


def _manifest_text(films: Sequence[Film], more: Sequence[Mapping[str, str]] = ()) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow((*_COLUMNS, *(more[0] if more else ())))
    for film, facts in zip(films, more or ({},) * len(films), strict=True):
        values = (getattr(film, name) for name in _COLUMNS)
        writer.writerow([*(_cell(value) for value in values), *facts.values()])
    return out.getvalue()


def _cell(value: str | frozenset[str]) -> str:
    return value if isinstance(value, str) else "|".join(name for name in FINDINGS if name in value)


def write_manifest(folder: Path, films: Sequence[Film], *, more: Sequence[Mapping[str, str]] = ()) -> Path:
    """Write `manifest.csv` in one step: readers see the old file or the new one, never half of it.

    `more` is, film by film, what columns of the collection's own say.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / MANIFEST
    write_atomically(target, _manifest_text(films, more).encode())
    return target
