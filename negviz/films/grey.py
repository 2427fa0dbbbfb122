"""The pixels of a film as everything here takes them: 256 grey values, upright, whatever the file holds.

Every PNG and JPEG is decoded by `grey_picture`, and deep grey values, a DICOM file's or a PNG's, become
grey by `windowed`.
"""

from __future__ import annotations

import struct
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps

from negviz.common.errors import NegvizError
from negviz.films.size import TOO_MANY, FilmSizeError, check_size

OUTLIERS: Final = (0.5, 99.5)  # percentiles that become black and white where no window is given
UNREADABLE: Final = (OSError, ValueError, SyntaxError, EOFError)


class DeepColourError(NegvizError):
    """A picture whose values would be cut off unseen."""


def grey_picture(source: IO[bytes]) -> Image.Image:
    """A PNG or JPEG in mode "L".

    Raises `FilmSizeError`, `DeepColourError`, or one of `UNREADABLE` for anything else.
    """
    try:
        with Image.open(source, formats=("PNG", "JPEG")) as image:
            check_size(image.width, image.height)
            _refuse_deep_colour(image)
            upright = _upright(image)
            if upright.mode.startswith("I"):  # 16 bits a pixel, of which a detector may use 10, 12 or 14
                values = np.asarray(upright)
                return grey_image(windowed(values, *np.percentile(values, OUTLIERS)))
            return _on_black(upright).convert("L")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise FilmSizeError(TOO_MANY) from error


def is_dicom(data: bytes) -> bool:
    """Whether bytes begin as a DICOM file does (part 10, section 7.1)."""
    return data[128:132] == b"DICM"


def windowed(values: NDArray[Any], low: float, high: float) -> NDArray[np.float32]:
    """Values brought to 0 … 1, black at `low` and below, white at `high` and above."""
    shown: NDArray[np.float32] = ((values - low) / max(high - low, 1e-6)).clip(0, 1).astype(np.float32)
    return shown


def grey_image(shown: NDArray[np.float32]) -> Image.Image:
    """Values from 0, black, to 1 as an image."""
    return Image.fromarray((shown * 255).round().astype(np.uint8))


def _refuse_deep_colour(image: Image.Image) -> None:
    """Pillow keeps the upper half of 16 bits of a colour, and of 12 bits used that leaves 16 values."""
    tiles = getattr(image, "tile", None)  # how the file stores it; an image that was made has none
    if tiles and str(tiles[0][3]).endswith(";16B") and not image.mode.startswith("I"):
        raise DeepColourError("it has 16 bits a colour; save it as grey, or in 8 bits")


def _upright(image: Image.Image) -> Image.Image:
    try:
        turned = image.getexif().get(ExifTags.Base.Orientation, 1)
    except (*UNREADABLE, LookupError, TypeError, struct.error):  # damaged EXIF turns nothing
        turned = 1
    return ImageOps.exif_transpose(image) if turned in range(2, 9) else image


def _on_black(image: Image.Image) -> Image.Image:
    """What is transparent is no film: it is black, like the room around the film."""
    if not image.has_transparency_data:
        return image
    seen = image.convert("RGBA")
    if seen.getchannel("A").getextrema() == (255, 255):
        return image
    return Image.alpha_composite(Image.new("RGBA", seen.size, "black"), seen)
