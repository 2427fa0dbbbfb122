"""Films of the visitor's own: what is read, what is refused, and what is kept of them."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    JPEGLosslessSV1,
    SecondaryCaptureImageStorage,
    generate_uid,
)

from negviz.films.collection import Collection
from negviz.models.encoder import DualEncoder
from negviz.retrieval import own_films
from negviz.retrieval.answer import search_sets
from negviz.retrieval.own_films import File, OwnFilmError, Shelf, best, likeness, nearest, read_film, unpacked
from tests.tiny import draw_film

RAMP = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)  # 0 … 4095
PATIENT = "Xanadu^Patient"


def png(seed: int = 1, *, effusion: bool = True, side: int = 96) -> bytes:
    out = io.BytesIO()
    draw_film(seed, effusion=effusion, side=side).save(out, "PNG")
    return out.getvalue()


def dicom(values: NDArray[Any] = RAMP, **more: Any) -> bytes:
    """A file as a detector writes it, with whatever else its header is to say."""
    syntax = more.pop("syntax", ExplicitVRLittleEndian)
    header = Dataset()
    header.file_meta = FileMetaDataset()
    header.file_meta.TransferSyntaxUID = syntax
    header.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    header.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    header.SOPClassUID = SecondaryCaptureImageStorage
    header.SOPInstanceUID = header.file_meta.MediaStorageSOPInstanceUID
    header.PatientName = PATIENT
    header.Rows, header.Columns = values.shape[-2:]
    header.SamplesPerPixel, header.PhotometricInterpretation = 1, "MONOCHROME2"
    header.BitsAllocated, header.BitsStored, header.HighBit, header.PixelRepresentation = 16, 12, 11, 0
    header.PixelData = values.tobytes()
    for name, value in more.items():
        setattr(header, name, value)
    out = io.BytesIO()
    header.save_as(out, enforce_file_format=True)
    return out.getvalue()


def zipped(files: dict[str, bytes], *, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def pixels(data: bytes) -> NDArray[np.uint8]:
    image = read_film(data)
    assert (image.mode, image.info) == ("L", {})
    return np.asarray(image)


def make_picture(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG")
    return out.getvalue()


@pytest.fixture
def shelf(models: dict[str, DualEncoder]) -> Shelf:
    return Shelf(models, picture=make_picture)


# Reading --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_picture_is_read_without_its_metadata(kind: str) -> None:
    out, film = io.BytesIO(), draw_film(1, effusion=True)
    text = PngInfo()
    text.add_text("Comment", PATIENT)
    film.save(out, kind, comment=PATIENT.encode(), pnginfo=text)
    assert np.abs(pixels(out.getvalue()).astype(int) - np.asarray(film)).max() <= 25


def test_a_deep_png_keeps_its_high_bits() -> None:
    out = io.BytesIO()
    Image.fromarray(RAMP * 16).save(out, "PNG")
    assert np.abs(pixels(out.getvalue()).astype(int) - RAMP // 16).max() <= 1


def test_a_dicom_film_spans_black_to_white_without_a_window() -> None:
    shown = pixels(dicom())
    assert (shown.min(), shown.max()) == (0, 255)
    assert (np.diff(shown.reshape(-1).astype(int)) >= 0).all()


def test_monochrome1_is_inverted() -> None:
    assert (pixels(dicom(PhotometricInterpretation="MONOCHROME1")) == 255 - pixels(dicom()).astype(int)).all()


def test_a_window_is_applied_to_rescaled_values() -> None:
    shown = (
        pixels(dicom(RescaleSlope=2, RescaleIntercept=-1000, WindowCenter=[1000, 5], WindowWidth=[1001, 5]))
        .reshape(-1)
        .astype(int)
    )
    assert shown[749] == 0
    assert shown[1251] == 255
    assert shown[1000] == pytest.approx(127, abs=1)


@pytest.mark.parametrize(("function", "least"), [("SIGMOID", 4), ("LINEAR_EXACT", 0)])
def test_windows_of_other_shapes(function: str, least: int) -> None:
    shown = (
        pixels(dicom(WindowCenter=2000, WindowWidth=2000, VOILUTFunction=function)).reshape(-1).astype(int)
    )
    assert shown[2000] == pytest.approx(127, abs=1)
    assert shown[0] == pytest.approx(least, abs=1)


def test_a_window_of_no_width_is_no_window() -> None:
    assert (pixels(dicom(WindowCenter=5, WindowWidth=0)) == pixels(dicom())).all()


def test_a_film_of_one_grey_is_black() -> None:
    assert pixels(dicom(np.full((8, 8), 7, np.uint16))).max() == 0


def damaged() -> bytes:
    return dicom()[:-100]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: b"", "not a PNG, JPEG or DICOM"),
        (lambda: b"GIF89a" + bytes(100), "not a PNG, JPEG or DICOM"),
        (lambda: png()[:200], "not a PNG, JPEG or DICOM"),
        (lambda: dicom(np.zeros((3, 8, 8), np.uint16), NumberOfFrames=3), "several frames"),
        (lambda: dicom(PhotometricInterpretation="PALETTE COLOR"), "colour"),
        (lambda: dicom(Rows=6000, Columns=6000), "25 million pixels"),
        (lambda: dicom(Rows=1, Columns=60_000), "60,000 × 1 pixels, which is no film"),
        (lambda: dicom(Rows=0, Columns=8), "which is no film"),
        (lambda: dicom(syntax=DeflatedExplicitVRLittleEndian), "deflated"),
        (lambda: dicom(BitsAllocated=12), "cannot be read"),
        (damaged, "cannot be read"),
        (lambda: bytes(128) + b"DICM", "without an image"),
        (lambda: bytes(own_films.MAX_FILE + 1), "larger than 50 MB"),
    ],
)
def test_what_is_no_film_is_refused_in_a_sentence(make: Callable[[], bytes], said: str) -> None:
    with pytest.raises(OwnFilmError, match=said) as caught:
        read_film(make())
    assert str(caught.value).endswith(".")
    assert PATIENT not in str(caught.value)


def test_a_dicom_film_that_is_packed_in_a_way_not_read_here_is_refused() -> None:
    with pytest.raises(OwnFilmError, match="save it uncompressed"):
        read_film(dicom(syntax=JPEGLosslessSV1, PixelData=encapsulate([b"no such thing "])))


def test_a_png_of_too_many_pixels_is_refused_before_it_is_read() -> None:
    data = bytearray(png())
    data[16:24] = struct.pack(">II", 40_000, 40_000)
    with pytest.raises(OwnFilmError, match=r"25 million|not a PNG"):
        read_film(bytes(data))


# Archives -------------------------------------------------------------------------------------


def test_a_film_is_a_file_of_its_own() -> None:
    number, files = unpacked("a/b\\c.png", b"film")
    assert (number, list(files)) == (1, [File("c.png", b"film")])


def test_an_archive_gives_its_files_whatever_their_paths() -> None:
    litter = {"__MACOSX/x": b"x", ".DS_Store": b"x", "folder/": b""}
    given = {"../../etc/one.png": b"1", "/two.png": b"2", **litter}
    number, files = unpacked("films.zip", zipped(given))
    assert (number, list(files)) == (2, [File("one.png", b"1"), File("two.png", b"2")])


def test_archives_within_archives_are_named_and_the_rest_opened() -> None:
    _, files = unpacked("films.zip", zipped({"inner.zip": zipped({"a": b"a"}), "b.png": b"b"}))
    inner, other = files
    assert "archive within an archive" in inner.problem
    assert inner.data == b""
    assert other == File("b.png", b"b")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("MAX_FILMS", 2, "more than 2 files"),
        ("MAX_UNPACKED", 20, "unpack"),
        ("_MAX_ENTRIES", 2, "than 2 "),
    ],
)
def test_archives_that_are_too_much_are_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: int, said: str
) -> None:
    monkeypatch.setattr(own_films, name, value)
    with pytest.raises(OwnFilmError, match=said):
        unpacked("films.zip", zipped({f"{number}.png": b"ten bytes." for number in range(3)}))


def test_a_bomb_is_not_unpacked() -> None:
    bomb = zipped({"bomb.png": bytes(own_films.MAX_FILE + 1), "film.png": png()})
    assert len(bomb) < 200_000
    files = list(unpacked("bomb.zip", bomb)[1])
    assert "larger than 50 MB" in files[0].problem
    assert files[1].problem == ""


def test_a_bomb_that_lies_of_its_size_is_not_unpacked() -> None:
    bomb = bytearray(zipped({"bomb.png": bytes(1_000_000)}))
    at = bomb.index(b"PK\x01\x02") + 24
    bomb[at : at + 4] = struct.pack("<I", 10)
    (file,) = unpacked("bomb.zip", bytes(bomb))[1]
    assert file.problem
    assert not file.data


def test_a_damaged_or_locked_archive_is_a_sentence() -> None:
    whole = zipped({"film.png": png()}, compression=zipfile.ZIP_STORED)
    with pytest.raises(OwnFilmError, match="damaged"):
        unpacked("films.zip", whole[:-30])
    broken = whole.replace(b"IDAT", b"XDAT")
    assert "damaged" in next(unpacked("films.zip", broken)[1]).problem
    locked = bytearray(whole)
    locked[whole.index(b"PK\x01\x02") + 8] |= 1
    assert "password" in next(unpacked("films.zip", bytes(locked))[1]).problem


# The shelf ------------------------------------------------------------------------------------


def test_a_film_is_embedded_once(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf.put(File("one.png", png()))
    monkeypatch.setattr(own_films, "read_film", None)
    shelf.put(File("again.png", png()))
    assert [film.name for film in shelf.films] == ["one.png"]


def test_nothing_of_a_film_is_kept_but_its_name_and_a_thumbnail(shelf: Shelf) -> None:
    shelf.put(File("film.dcm", dicom()))
    (film,) = shelf.films
    assert film.name == "film.dcm"
    assert PATIENT.encode() not in film.picture
    assert not hasattr(film, "data")


def test_a_bad_film_leaves_the_others(shelf: Shelf) -> None:
    with pytest.raises(OwnFilmError):
        shelf.put(File("bad.png", b"no film"))
    with pytest.raises(OwnFilmError, match="locked"):
        shelf.put(File("bad.png", problem="It is locked."))
    shelf.put(File("good.png", png()))
    assert [film.name for film in shelf.films] == ["good.png"]


def test_a_full_shelf_says_so(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_films, "MAX_FILMS", 1)
    shelf.put(File("one.png", png(1)))
    with pytest.raises(OwnFilmError, match="most"):
        shelf.put(File("two.png", png(2)))
    shelf.put(File("sought.png", png(3)), seek=True)


def test_films_are_forgotten(shelf: Shelf) -> None:
    shelf.put(File("one.png", png(1)))
    shelf.put(File("two.png", png(2)), seek=True)
    shelf.clear()
    assert shelf.films == ()
    assert shelf.sought is None
    shelf.put(File("one.png", png(1)))
    shelf.close()
    assert shelf.films == ()
    with pytest.raises(OwnFilmError, match="ended"):
        shelf.put(File("one.png", png(1)))


def test_a_film_under_way_while_films_are_deleted_is_not_kept(models: dict[str, DualEncoder]) -> None:
    def picture(_: Image.Image) -> bytes:
        own.clear()
        return b""

    own = Shelf(models, picture=picture)
    with pytest.raises(OwnFilmError, match="deleted"):
        own.put(File("one.png", png()))
    assert own.films == ()


def test_another_film_is_sought_and_the_first_forgotten(shelf: Shelf) -> None:
    shelf.put(File("listed.png", png(1)))
    for name, seed in (("listed.png", 1), ("two.png", 2), ("three.png", 3)):
        shelf.put(File(name, png(seed)), seek=True)
        assert shelf.sought is not None
        assert shelf.sought.name == name
    assert [film.name for film in shelf.films] == ["listed.png"]


# Searching ------------------------------------------------------------------------------------


def test_own_films_are_ranked_by_every_model(shelf: Shelf, models: dict[str, DualEncoder]) -> None:
    for number in range(12):
        shelf.put(File(f"{number}.png", png(100 + number, effusion=number < 6)))
    hits = best(shelf.films, models["con2"], "no pleural effusion")
    assert [hit.rank for hit in hits] == list(range(1, 11))
    assert {int(hit.film.name[:-4]) for hit in hits[:6]} == set(range(6, 12))
    blind = best(shelf.films, models["base"], "no pleural effusion")
    assert {int(hit.film.name[:-4]) for hit in blind[:6]} == set(range(6))
    assert best((), models["base"], "effusion") == ()


def test_a_film_of_the_set_is_nearest_to_itself(
    shelf: Shelf, models: dict[str, DualEncoder], collection: Collection
) -> None:
    film = collection.films[0]
    out = io.BytesIO()
    collection.image(film).save(out, "PNG")
    shelf.put(File("own.png", out.getvalue()), seek=True)
    assert shelf.sought is not None
    (found,) = nearest(shelf.sought.vectors, search_sets(models, collection)[0], models)
    assert found.models == tuple(models)  # one tower: one ranking
    assert (found.hits[0].id, found.hits[0].relevant) == (film.id, None)
    assert found.hits[0].score == pytest.approx(1, abs=1e-3)


def test_a_film_leans_to_a_sentence_or_to_its_opposite(shelf: Shelf, models: dict[str, DualEncoder]) -> None:
    shelf.put(File("own.png", png(200, effusion=True)), seek=True)
    assert shelf.sought is not None
    leanings = likeness(shelf.sought, models, "no pleural effusion", "pleural effusion")
    found = {each.model: each for each in leanings}
    tuned, blind = found["con2"], found["base"]
    assert tuned.opposite is not None
    assert tuned.sentence < tuned.opposite
    assert blind.opposite == pytest.approx(blind.sentence, abs=0.2)
    assert {each.opposite for each in likeness(shelf.sought, models, "effusion", None)} == {None}
