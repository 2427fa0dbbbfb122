"""Making layouts comparable: same centre, same size, turned onto one another."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.floating[Any]]  # [n, 2]


def standardise(points: Points) -> Points:
    """The points around the origin, their root-mean-square distance from it 1: the unit of every map."""
    centred = points - points.mean(axis=0)
    size = np.sqrt((centred**2).sum(axis=1).mean())
    return np.asarray(centred / (size or 1.0))


def align(points: Points, onto: Points) -> Points:
    """`points` turned and, where that fits better, mirrored so as to lie nearest to `onto`, row by row.

    Orthogonal Procrustes (Schönemann, 1966); both are to be standardised, so no scale is fitted.
    """
    left, _, right = np.linalg.svd(points.T @ onto)
    return np.asarray(points @ (left @ right))
