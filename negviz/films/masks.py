"""Where on a simulated film its findings lie: one file a collection, a bit a pixel.

    masks = read_masks(open_collection("phantoms"))
    masks.of("s10000b", "effusion", "right")    # bool [128, 128], the film squeezed to as many pixels
    masks.displaced("s10140", "effusion")       # where it pushed the heart or the mediastinum

A row of the mask is a row of the film, whatever its size.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from negviz.common.errors import NegvizError
from negviz.common.files import write_atomically
from negviz.films import collection as collections
from negviz.films.collection import Collection

MASKS: Final = "masks.npz"
SIZE: Final = 128  # pixels a side
Mask = NDArray[np.bool_]
Part = Literal["right", "left", "", "displaced"]  # "" of a finding that has no side
_SIDES: Final[tuple[Part, ...]] = ("right", "left", "")


class MasksError(NegvizError):
    """Masks that cannot be used; the message is one sentence that says what to do."""


@dataclass(frozen=True)
class Place:
    """One mask of one film."""

    film: str
    finding: str
    part: Part


@dataclass(frozen=True, eq=False)
class Masks:
    """The masks of a collection, in the order of its films."""

    rows: Mapping[Place, int]
    packed: NDArray[np.uint8]  # [places, SIZE, SIZE / 8]
    made_by: str  # what decided them; other masks are made where it changes

    @classmethod
    def pack(cls, masks: Mapping[Place, Mask], made_by: str) -> Masks:
        drawn = np.array(list(masks.values()), dtype=bool).reshape(-1, SIZE, SIZE)
        return cls({place: row for row, place in enumerate(masks)}, np.packbits(drawn, axis=2), made_by)

    def of(self, film: str, finding: str, side: Literal["right", "left"] | None = None) -> Mask | None:
        """Where a finding lies, on one side or on all it has; None where the film has no such finding."""
        parts = _SIDES if side is None else (side,)
        found = [mask for part in parts if (mask := self._at(Place(film, finding, part))) is not None]
        return np.logical_or.reduce(found) if found else None

    def displaced(self, film: str, finding: str) -> Mask | None:
        """Where the finding moved heart or mediastinum; None where it moved neither."""
        return self._at(Place(film, finding, "displaced"))

    def _at(self, place: Place) -> Mask | None:
        row = self.rows.get(place)
        return None if row is None else np.unpackbits(self.packed[row], axis=1).astype(bool)


def write_masks(path: Path, masks: Masks) -> None:
    """Write the masks in one step, the same bytes for the same masks."""
    places = [[place.film, place.finding, place.part] for place in masks.rows]
    out = io.BytesIO()
    np.savez_compressed(
        out,
        masks=masks.packed,
        places=np.array(places, dtype=np.str_).reshape(-1, 3),
        made_by=np.array(masks.made_by),
    )
    write_atomically(path, out.getvalue())


def read_masks(collection: Collection) -> Masks:
    """The masks of a simulated collection.  Raises `MasksError` where there are none, or damaged ones."""
    folders = (collections.ASSETS / collection.name, collection.folder)  # films may lie elsewhere
    path = next((folder / MASKS for folder in folders if folder and (folder / MASKS).is_file()), None)
    if path is None:
        raise MasksError(f"{collection.name} has no masks; ask for them of simulated films, which have.")
    return open_masks(path)


def open_masks(path: Path) -> Masks:
    """The masks of a file.  Raises `MasksError`."""
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            packed, places, made_by = file["masks"], file["places"], file["made_by"]
    except (OSError, EOFError, LookupError, ValueError, zipfile.BadZipFile) as error:
        raise _unusable(path, str(error)) from error
    if packed.dtype != np.uint8 or packed.shape != (len(places), SIZE, SIZE // 8):
        raise _unusable(path, f"its masks are {packed.dtype} {list(packed.shape)}")
    if places.dtype.kind != "U" or places.shape[1:] != (3,):
        raise _unusable(path, f"its places are {places.dtype} {list(places.shape)}")
    rows = {Place(film, finding, part): row for row, (film, finding, part) in enumerate(places.tolist())}
    return Masks(rows, packed, str(made_by))


def _unusable(path: Path, why: str) -> MasksError:
    return MasksError(f"{path} cannot be used ({why}); make it anew with `python -m training phantoms`.")
