"""Films that are in a collection twice."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from negviz.collection import open_image


def duplicates(images: Mapping[str, Path]) -> list[tuple[str, ...]]:
    """Groups of film ids whose images are the same to the pixel, or all but: equal 256-bit difference hashes
    up to 4 bits, which re-encoding does not change and another film does."""
    ids = list(images)
    codes = np.stack([difference_hash(images[film]) for film in ids])  # <uint8>[films, 32]
    groups: dict[int, set[int]] = {}
    for i in range(len(ids)):
        distance = np.bitwise_count(codes[i + 1 :] ^ codes[i]).sum(1, dtype=np.int64)
        for j in np.flatnonzero(distance <= 4) + i + 1:
            groups.setdefault(i, {i}).add(int(j))
    return [tuple(ids[k] for k in sorted(group)) for group in groups.values()]


def difference_hash(path: Path) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    """Whether each of 16×16 cells is brighter than its right neighbour, packed: `<uint8>[32]`."""
    small = np.asarray(open_image(path).resize((17, 16)), np.int16)
    return np.packbits(small[:, 1:] > small[:, :-1])
