"""How well a map says where a finding lies: pointing game, overlap and pixel AUC, as pure functions.

A map is drawn on its tower's coarse grid and a region pixel by pixel; they meet as the share of each cell
that lies inside the region, so that nothing is smoothed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from negviz.explain.saliency.grid import cell_shares
from negviz.retrieval.metrics import Floats

Mask = NDArray[np.bool_]  # [pixels, pixels]


def regions(masks: Sequence[Mask], shape: tuple[int, int]) -> Floats:
    """The share of each cell that lies inside each mask, [masks, rows × columns]."""
    rows, columns = (cell_shares(length, cells) for length, cells in zip(masks[0].shape, shape, strict=True))
    return np.stack([(rows @ mask.astype(np.float64) @ columns.T).ravel() for mask in masks])


def hits(maps: NDArray[Any], inside: Floats) -> NDArray[np.bool_]:
    """Pointing game: whether the strongest cell of each map [maps, cells] touches each region.

    [maps, regions].
    """
    return (inside[:, maps.argmax(1)] > 0).T


def pixel_auc(maps: NDArray[Any], inside: Floats) -> Floats:
    """How often a map is higher at a pixel inside a region than at one outside, [maps, regions]."""
    outside = 1 - inside
    pairs = inside.sum(1) * outside.sum(1)
    return np.stack([((inside @ _above(each)) * outside).sum(1) / pairs for each in maps])


def _above(cells: NDArray[Any]) -> Floats:
    """Whether the first cell is higher than the second; ½ where they are alike."""
    return np.asarray(((cells[:, None] > cells) + 1.0 * (cells[:, None] >= cells)) / 2)


def overlap(maps: NDArray[Any], inside: Floats, level: float) -> Floats:
    """IoU of each map's cells that reach `level` of its strongest with the region of its own, [maps]."""
    strongest = maps.max(1, keepdims=True)
    drawn = (maps >= level * strongest) & (maps > 0)
    union = inside.sum(1) + ((1 - inside) * drawn).sum(1)
    return np.asarray((inside * drawn).sum(1) / union)
