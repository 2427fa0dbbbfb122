"""Films of the visitor's own: read from bytes, embedded, searched, and forgotten; never written anywhere.

    shelf = Shelf(models, picture=thumbnail)
    for file in unpacked("films.zip", data):        # or one PNG, JPEG or DICOM file
        shelf.put(file)                             # raises OwnFilmError: the next may still be good
    best(shelf.films, models["con2"], "No pleural effusion")

What is kept of a film is its name, a thumbnail and what each image tower makes of it; of the one whose like
is looked for also its pixels, to say where on it a sentence finds what it says.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from negviz.common.errors import NegvizError
from negviz.common.order import places_by_id, top_k
from negviz.films.dicom import DicomError, read_dicom
from negviz.films.grey import UNREADABLE, DeepColourError, grey_picture, is_dicom
from negviz.films.size import FilmSizeError
from negviz.models.encoder import DualEncoder
from negviz.retrieval.archived import Found
from negviz.retrieval.search import Hit, cosines
from negviz.retrieval.sets import SearchSet

MAX_FILE: Final = 50_000_000  # bytes of one film
MAX_ZIP: Final = 200_000_000  # bytes of an archive; it is held in memory
MAX_UNPACKED: Final = 2_000_000_000  # bytes of all its files; they are unpacked one by one
MAX_FILMS: Final = 500
_MAX_ENTRIES: Final = 2_000  # films and whatever else lies in an archive
_ENTRY: Final = b"PK\x01\x02"  # begins each line of an archive's directory
_NAME: Final = 80  # characters of a file's name that are kept
_NOT_A_FILM: Final = "It is not a PNG, JPEG or DICOM film that can be read."
_TOO_LARGE: Final = f"It is larger than {MAX_FILE // 1_000_000} MB."
_DEEP_COLOUR: Final = "It has 16 bits a colour; save it as grey, or in 8 bits."
_UNREADABLE: Final = (  # what zipfile raises for entries that are damaged, or packed in ways it does not know
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,  # and NotImplementedError
    ValueError,
)
_ENCODING: Final = Lock()  # one film at a time: whoever types a sentence should not wait for films

Picture = Callable[[Image.Image], bytes]


class OwnFilmError(NegvizError):
    """A file that cannot be opened; the message is one sentence that says why."""


@dataclass(frozen=True)
class File:
    """One file that may be a film, or why it is none."""

    name: str
    data: bytes = b""
    problem: str = ""


@dataclass(frozen=True, eq=False)
class OwnFilm:
    """What is kept of a film."""

    key: str  # SHA-256 of the file
    name: str
    picture: bytes  # JPEG
    vectors: Mapping[str, NDArray[np.float32]]  # unit [dim] by tower_id


@dataclass(frozen=True, eq=False)
class OwnHit:
    """One own film that a search returned; nobody has said what it shows."""

    film: OwnFilm
    rank: int  # 1 is best
    score: float  # cosine of sentence and film


@dataclass(frozen=True)
class Nearest:
    """The films of a set that one image tower puts nearest to a film."""

    models: tuple[str, ...]  # all that look at films through this tower
    hits: tuple[Hit, ...]  # scores are cosines of two films; unjudged


@dataclass(frozen=True)
class Likeness:
    """How near one model puts a film to a sentence and to its opposite, as cosines."""

    model: str
    sentence: float
    opposite: float | None  # None where the sentence has none


class Shelf:
    """The films of one visit, each embedded once.  Safe under threads; a closed shelf takes nothing."""

    def __init__(self, models: Mapping[str, DualEncoder], *, picture: Picture) -> None:
        """`picture` makes the JPEG by which a film is shown."""
        self._towers = {model.tower_id: model for model in models.values()}
        self._picture = picture
        self._known: dict[str, OwnFilm] = {}
        self._listed: dict[str, None] = {}  # keys, in order
        self._sought: str | None = None
        self._picture_sought: Image.Image | None = None
        self._visit = 0  # counts what was cleared: a film under way then is not kept
        self._closed = False
        self._lock = Lock()

    @property
    def films(self) -> tuple[OwnFilm, ...]:
        """Those opened to be searched, in the order in which they came."""
        with self._lock:
            return tuple(self._known[key] for key in self._listed)

    @property
    def sought(self) -> OwnFilm | None:
        """The one whose like is looked for."""
        with self._lock:
            return self._known[self._sought] if self._sought else None

    @property
    def picture_sought(self) -> Image.Image | None:
        """The pixels of the one whose like is looked for, the only ones that are kept."""
        with self._lock:
            return self._picture_sought

    def put(self, file: File, *, seek: bool = False) -> None:
        """Open a film to be searched or, with `seek`, to look for its like.  Raises `OwnFilmError`."""
        if file.problem:
            raise OwnFilmError(file.problem)
        key, visit = hashlib.sha256(file.data).hexdigest(), self._visit
        self._check(key, seek=seek)
        image = read_film(file.data) if seek else None
        film = self._known.get(key) or self._embed(key, file, image)
        with self._lock:
            if self._closed or visit != self._visit:
                raise OwnFilmError("Your films were deleted while this one was read.")
            if seek:
                self._drop_sought()
                self._sought, self._picture_sought = key, image
            else:
                self._listed[key] = None
            self._known[key] = film

    def clear(self) -> None:
        """Forget every film."""
        with self._lock:
            self._visit += 1
            self._sought = self._picture_sought = None
            self._listed.clear()
            self._known.clear()

    def close(self) -> None:
        """Forget every film and take no more."""
        self._closed = True
        self.clear()

    def _drop_sought(self) -> None:
        if self._sought and self._sought not in self._listed:
            del self._known[self._sought]

    def _check(self, key: str, *, seek: bool) -> None:
        with self._lock:
            if self._closed:
                raise OwnFilmError("This visit has ended; load the page again.")
            if not seek and key not in self._listed and len(self._listed) >= MAX_FILMS:
                raise OwnFilmError(
                    f"{MAX_FILMS} films are open already, which is the most; delete them first."
                )

    def _embed(self, key: str, file: File, image: Image.Image | None) -> OwnFilm:
        image = image or read_film(file.data)
        with _ENCODING:
            vectors = {id_: model.encode_images([image])[0] for id_, model in self._towers.items()}
        return OwnFilm(key, file.name, self._picture(image), vectors)


# Searching ------------------------------------------------------------------------------------


def best(films: Sequence[OwnFilm], model: DualEncoder, text: str, k: int = 10) -> tuple[OwnHit, ...]:
    """The `k` own films that a model puts nearest to a sentence."""
    if not films:
        return ()
    vectors = np.stack([film.vectors[model.tower_id] for film in films])
    scores = cosines(vectors, model.encode_text([text])[0])
    by_key = places_by_id([film.key for film in films])
    places = enumerate(top_k(scores, k, by_key), start=1)
    return tuple(OwnHit(films[row], place, float(scores[row])) for place, row in places)


def nearest(
    vectors: Mapping[str, NDArray[Any]],
    films: SearchSet,
    models: Mapping[str, DualEncoder],
    k: int = 10,
    *,
    without: str = "",
) -> tuple[Nearest, ...]:
    """The `k` films of a set nearest to a film, for every image tower: models that share one agree.

    `vectors`, unit [dim] by tower, are the film's; `without` is its id where it may be of the set itself.
    """
    sharing: dict[str, list[str]] = {}
    for name, model in models.items():
        sharing.setdefault(model.tower_id, []).append(name)
    return tuple(
        Nearest(tuple(names), _nearest(films.nearest(tower, vectors[tower], k + 1), k, without))
        for tower, names in sharing.items()
    )


def _nearest(found: Found, k: int, without: str) -> tuple[Hit, ...]:
    scored = zip(found.films, found.scores.tolist(), strict=True)
    others = [(film.id, score) for film, score in scored if film.id != without][:k]
    return tuple(Hit(id_, place, score, None) for place, (id_, score) in enumerate(others, start=1))


def likeness(
    film: OwnFilm, models: Mapping[str, DualEncoder], text: str, opposite: str | None
) -> tuple[Likeness, ...]:
    """How near every model puts a film to a sentence and to its opposite."""
    texts = [text] if opposite is None else [text, opposite]
    found = []
    for name, model in models.items():
        said, *turned = cosines(model.encode_text(texts), film.vectors[model.tower_id]).tolist()
        found.append(Likeness(name, said, *(turned or [None])))
    return tuple(found)


# Files ----------------------------------------------------------------------------------------


def read_film(data: bytes) -> Image.Image:
    """A PNG, JPEG or DICOM file as a grey image (mode "L") without metadata.  Raises `OwnFilmError`."""
    if len(data) > MAX_FILE:
        raise OwnFilmError(_TOO_LARGE)
    if not is_dicom(data):
        return _read_picture(data)
    try:
        return read_dicom(data)
    except DicomError as error:
        raise OwnFilmError(str(error)) from error


def _read_picture(data: bytes) -> Image.Image:
    try:
        grey = grey_picture(io.BytesIO(data))
    except FilmSizeError as error:
        raise OwnFilmError(f"It {error}") from error
    except DeepColourError as error:
        raise OwnFilmError(_DEEP_COLOUR) from error
    except UNREADABLE as error:
        raise OwnFilmError(_NOT_A_FILM) from error
    return Image.frombytes("L", grey.size, grey.tobytes())  # the pixels, and nothing of the file


def is_zip(data: bytes) -> bool:
    return data[:4] in (b"PK\x03\x04", b"PK\x05\x06")


def unpacked(name: str, data: bytes) -> tuple[int, Iterator[File]]:
    """How many files there are in a file, and each as it is asked for: those of an archive, else itself.

    Names are only shown; no path is made of them.  Raises `OwnFilmError` where an archive cannot be opened,
    or is larger than it should be.
    """
    if not is_zip(data):
        return 1, iter([File(plain_name(name), data)])
    if len(data) > MAX_ZIP:
        raise OwnFilmError(f"The archive is larger than {MAX_ZIP // 1_000_000} MB; open its folder instead.")
    if data.count(_ENTRY) > _MAX_ENTRIES:  # counted before the directory is read: it may be huge itself
        raise OwnFilmError(f"The archive holds more than {_MAX_ENTRIES:,} files; open fewer at a time.")
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except _UNREADABLE as error:
        raise OwnFilmError("The archive is damaged and cannot be opened.") from error
    entries = [entry for entry in archive.infolist() if not _is_litter(entry)]
    if sum(entry.file_size for entry in entries) > MAX_UNPACKED:
        raise OwnFilmError("The archive would unpack to more than 2 GB; open fewer films at a time.")
    if len(entries) > MAX_FILMS:
        raise OwnFilmError(f"The archive holds more than {MAX_FILMS} files; open fewer at a time.")
    return len(entries), (_entry(archive, entry) for entry in entries)


def _is_litter(entry: zipfile.ZipInfo) -> bool:
    """Folders, and what systems leave in archives."""
    parts = entry.filename.replace("\\", "/").split("/")
    return entry.is_dir() or parts[0] == "__MACOSX" or parts[-1].startswith(".") or parts[-1] == "Thumbs.db"


def _entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> File:
    name = plain_name(entry.filename)
    if entry.flag_bits & 1:
        return File(name, problem="It is locked with a password.")
    if entry.file_size > MAX_FILE:
        return File(name, problem=_TOO_LARGE)
    try:
        with archive.open(entry) as file:
            data = file.read(MAX_FILE + 1)  # what the directory declares may be untrue
    except _UNREADABLE:
        return File(name, problem="It is damaged in the archive.")
    if len(data) > MAX_FILE:
        return File(name, problem=_TOO_LARGE)
    if is_zip(data):
        return File(name, problem="It is an archive within an archive; open it by itself.")
    return File(name, data)


def plain_name(name: str) -> str:
    """The last part of a name, without what cannot be shown."""
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    clean = "".join(character for character in last if character.isprintable()).strip()
    return clean[:_NAME] or "a file without a name"
