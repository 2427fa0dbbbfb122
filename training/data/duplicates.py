"""Films that are in a collection twice."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from negviz.films.collection import open_image
from negviz.films.fingerprint import distance, fingerprint


def duplicates(images: Mapping[str, Path]) -> list[tuple[str, ...]]:
    """Groups of film ids whose images are the same to the pixel, or all but: equal 256-bit difference hashes
    up to 4 bits, which re-encoding does not change and another film does."""
    ids = list(images)
    codes = np.stack([fingerprint(open_image(images[film])) for film in ids])  # <uint8>[films, 32]
    groups: dict[int, set[int]] = {}
    for i in range(len(ids)):
        for j in np.flatnonzero(distance(codes[i + 1 :], codes[i]) <= 4) + i + 1:
            groups.setdefault(i, {i}).add(int(j))
    return [tuple(ids[k] for k in sorted(group)) for group in groups.values()]
