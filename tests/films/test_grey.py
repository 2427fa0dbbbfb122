"""A film's pixels are the same however its file holds them: deep, turned or transparent."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from negviz.films.collection import Collection, CollectionError, Film, open_image
from negviz.models.encoder import DualEncoder
from negviz.retrieval.own_films import OwnFilmError, read_film
from tests.tiny import draw_film

FILM = draw_film(3, effusion=True)
VALUES = np.asarray(FILM)


def saved(image: Image.Image, path: Path, **how: object) -> Image.Image:
    """As a collection opens the file, which is as an own film is read."""
    image.save(path, **how)  # type: ignore[arg-type]
    opened = open_image(path)
    np.testing.assert_array_equal(np.asarray(opened), np.asarray(read_film(path.read_bytes())))
    return opened


@pytest.mark.parametrize("bits", [9, 10, 12, 14, 16])
def test_a_deep_film_is_seen_as_the_same_film_in_eight_bits(
    models: dict[str, DualEncoder], tmp_path: Path, bits: int
) -> None:
    deep = Image.fromarray(VALUES.astype(np.uint16) << bits - 8)
    found = saved(deep, tmp_path / "deep.png")
    assert len(np.unique(np.asarray(found))) > 0.9 * len(np.unique(VALUES))
    one, other = models["base"].encode_images([FILM, found])
    assert one @ other > 0.99


def test_a_deep_film_may_use_any_stretch_of_its_range(tmp_path: Path) -> None:
    low = saved(Image.fromarray(VALUES.astype(np.uint16)), tmp_path / "low.png")
    high = saved(Image.fromarray(VALUES.astype(np.uint16) + 30_000), tmp_path / "high.png")
    np.testing.assert_array_equal(np.asarray(low), np.asarray(high))
    blank = saved(Image.fromarray(np.full((80, 80), 700, np.uint16)), tmp_path / "blank.png")
    assert blank.getextrema() == (0, 0)


@pytest.mark.parametrize("ending", ["png", "jpg"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_film_is_shown_upright(tmp_path: Path, ending: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    wide = FILM.resize((90, 64))
    back = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Pillow's transpositions that undo the orientation's
    stored = wide.transpose(Image.Transpose(back[orientation])) if orientation > 1 else wide
    found = saved(stored, tmp_path / f"film.{ending}", exif=exif)
    assert found.size == wide.size
    assert np.abs(np.asarray(found, float) - np.asarray(wide)).mean() < 3


def test_damaged_exif_turns_nothing(tmp_path: Path) -> None:
    found = saved(FILM, tmp_path / "film.png", exif=b"Exif\0\0II*\0\xff\xff")
    np.testing.assert_array_equal(np.asarray(found), VALUES)


@pytest.mark.parametrize("mode", ["L", "P", "RGB", "RGBA", "LA"])
def test_eight_bits_stay_as_they_are(tmp_path: Path, mode: str) -> None:
    np.testing.assert_array_equal(np.asarray(saved(FILM.convert(mode), tmp_path / "film.png")), VALUES)


def test_what_is_transparent_is_black(tmp_path: Path) -> None:
    seen = Image.new("L", FILM.size, 255)
    seen.paste(0, (0, 0, 20, 20))
    white = Image.merge("LA", (Image.new("L", FILM.size, 255), seen))
    found = np.asarray(saved(white, tmp_path / "film.png"))
    assert (found[:20, :20].max(), found[20:, 20:].min()) == (0, 255)


def test_deep_colour_is_refused_and_not_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "colour.png"
    path.write_bytes(_sixteen_bit_colour(np.repeat(VALUES.astype(np.uint16)[..., None] << 4, 3, 2)))
    with pytest.raises(CollectionError, match=r"colour\.png.*16 bits a colour; save it as grey"):
        Collection("one", (Film("a", "colour.png", "1"),), tmp_path).image(Film("a", "colour.png", "1"))
    with pytest.raises(OwnFilmError, match="16 bits a colour; save it as grey, or in 8 bits"):
        read_film(path.read_bytes())


def _sixteen_bit_colour(values: NDArray[np.uint16]) -> bytes:
    """A PNG that Pillow reads and does not write."""
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width, _ = values.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    out = io.BytesIO(b"")
    out.write(b"\x89PNG\r\n\x1a\n")
    out.write(chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)))
    out.write(chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
    return out.getvalue()
