"""Whether two images are of one film, told from 256 bits that no film can be recognised by."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

BYTES: Final = 32
# Measured on Open-i's 3,794 films and 1,493 of NIH's.  Resized between 128 and 512 pixels, squashed or not,
# and encoded anew as PNG or JPEG, a film moves by 9 bits at most in 99 of 100 cases; it was never nearer
# than 16 bits to another film, three films that are in Open-i twice aside, nor than 14 to a mirrored one.
ALIKE: Final = 12


def fingerprint(film: Image.Image) -> NDArray[np.uint8]:
    """Whether each of 16×16 cells is brighter than its right neighbour, packed: `<uint8>[32]`."""
    small = np.asarray(film.resize((17, 16)), np.int16)
    return np.packbits(small[:, 1:] > small[:, :-1])


def distance(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.int64]:
    """How many bits differ, over the last axis."""
    bits: NDArray[Any] = np.bitwise_count(one ^ other)
    differing: NDArray[np.int64] = bits.sum(-1, dtype=np.int64)
    return differing
