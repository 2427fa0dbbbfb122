"""How near films lie to a sentence: with unit vectors, a dot product a film."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.floating[Any]]  # [films, dim], unit-norm


def cosines(films: Vectors, text: Vectors) -> Vectors:
    """Of each film [films, dim] with a sentence [dim], or with each of several [sentences, dim] → a row each.

    One dot product a film: a matrix product would round the same film otherwise with other films beside it,
    and two films that are alike would be told apart by where they stand.
    """
    found: Vectors = np.vecdot(films, text[..., None, :])
    return found
