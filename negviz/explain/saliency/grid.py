"""Maps on their grids: what lies in which cell, and lines around cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

LEVELS: Final = (0.5, 0.25)  # of the strongest place
Segment = tuple[float, float, float, float]  # x1, y1, x2, y2 as shares of the film's width and height


def cell_shares(pixels: int, cells: int) -> NDArray[np.float64]:
    """Of a side cut into even parts, how much of each cell each pixel makes up: [cells, pixels]."""
    edges, ends = np.arange(pixels + 1) / pixels, np.arange(cells + 1) / cells
    upper, lower = np.minimum(edges[1:], ends[1:, None]), np.maximum(edges[:-1], ends[:-1, None])
    shares: NDArray[np.float64] = np.maximum(upper - lower, 0) * cells
    return shares


def outline(cells: NDArray[np.bool_]) -> list[Segment]:
    """Lines along the grid around cells [rows, columns] that are marked, each as long as it goes."""
    rows, columns = cells.shape
    padded = np.pad(cells, 1)
    across = padded[:-1, 1:-1] != padded[1:, 1:-1]  # [rows + 1, columns]: a line above the row
    down = padded[1:-1, :-1] != padded[1:-1, 1:]  # [rows, columns + 1]: a line before the column
    lines = [(a / columns, at / rows, b / columns, at / rows) for at, a, b in _runs(across)]
    return lines + [(at / columns, a / rows, at / columns, b / rows) for at, a, b in _runs(down.T)]


def _runs(marks: NDArray[np.bool_]) -> list[tuple[int, int, int]]:
    """Of each line [lines, places], where marks begin and end."""
    steps = np.diff(np.pad(marks.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    (lines, begin), (_, end) = np.nonzero(steps == 1), np.nonzero(steps == -1)
    return [*zip(lines.tolist(), begin.tolist(), end.tolist(), strict=True)]


@dataclass(frozen=True)
class Contours:
    """Lines around the places that did most, of one map."""

    towards: tuple[tuple[Segment, ...], ...]  # by `LEVELS`
    away: tuple[tuple[Segment, ...], ...]


def contours(cells: NDArray[np.floating[Any]], strongest: float) -> Contours:
    """Around cells that reach each of `LEVELS` of the strongest, and around those that do below 0."""
    sides = (
        tuple(tuple(outline(side >= level * strongest)) if strongest > 0 else () for level in LEVELS)
        for side in (cells, -cells)
    )
    return Contours(*sides)
