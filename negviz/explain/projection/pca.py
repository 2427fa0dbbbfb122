"""Principal components: the flattest true picture, and where the other methods start."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from negviz.explain.projection.align import Points
from negviz.explain.projection.method import Projection


def pca(vectors: NDArray[np.floating[Any]]) -> Points:
    """The first two components of `vectors` [n, dim], signs fixed so that the same input looks the same."""
    centred = np.asarray(vectors, np.float64) - np.mean(vectors, axis=0, dtype=np.float64)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    points = left[:, :2] * sizes[:2]
    largest = np.abs(points).argmax(axis=0)
    return np.asarray(points * np.sign(points[largest, [0, 1]]))


def _lay_out(vectors: NDArray[Any], start: Points, *, seed: int = 0) -> Points:
    return pca(vectors)


PCA: Final = Projection("pca", "PCA", _lay_out, by_chance=False)
