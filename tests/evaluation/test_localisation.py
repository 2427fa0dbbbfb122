from __future__ import annotations

import numpy as np
import pytest

from negviz.evaluation.localisation import hits, overlap, pixel_auc, regions
from negviz.explain.saliency.grid import LEVELS, cell_shares, contours, outline


def box(size: int, rows: slice, columns: slice) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    mask = np.zeros((size, size), bool)
    mask[rows, columns] = True
    return mask


def test_a_region_is_the_share_of_each_cell_however_the_grids_meet() -> None:
    mask = box(128, slice(0, 64), slice(32, 96))
    for side in (4, 5, 10):
        inside = regions([mask], (side, side))
        assert inside.shape == (1, side**2)
        assert inside.sum() / side**2 == pytest.approx(mask.mean())
    assert regions([mask], (2, 2)).tolist() == [[0.5, 0.5, 0, 0]]
    assert cell_shares(3, 2) == pytest.approx(np.array([[2 / 3, 1 / 3, 0], [0, 1 / 3, 2 / 3]]))


def test_the_figures_are_those_worked_out_by_hand() -> None:
    maps = np.array([[4, 3, 2, 1], [1, 2, 3, 4.0]])
    inside = np.array([[1, 0, 0, 0], [0, 0.5, 0, 0]])
    assert hits(maps, inside).tolist() == [[True, False], [False, False]]
    # of the half cell in the second region: 3 over {2, 1}, under 4, and ½ within itself, of 3.5 outside
    assert pixel_auc(maps, inside) == pytest.approx(np.array([[1, 2.25 / 3.5], [0, 1.25 / 3.5]]))
    assert pixel_auc(np.zeros((1, 4)), inside).tolist() == [[0.5, 0.5]]
    assert overlap(maps, inside, 0.75).tolist() == [0.5, 0]  # of the first two cells one is inside
    assert overlap(-maps, inside, 0.5).tolist() == [0, 0]  # what speaks against is not drawn


def test_an_outline_runs_along_the_grid_and_closes() -> None:
    lines = outline(box(4, slice(1, 3), slice(0, 2)))
    assert sorted(lines) == [
        (0, 0.25, 0, 0.75),
        (0, 0.25, 0.5, 0.25),
        (0, 0.75, 0.5, 0.75),
        (0.5, 0.25, 0.5, 0.75),
    ]
    assert outline(np.zeros((3, 3), bool)) == []


def test_contours_keep_signs_apart_and_share_a_scale() -> None:
    cells = np.array([[1.0, 0.3], [-0.6, 0.0]])
    given = contours(cells, 1.0)
    assert given.towards == tuple(tuple(outline(cells >= level)) for level in LEVELS)
    assert given.away[0] == tuple(outline(cells <= -0.5))
    assert contours(cells, 4.0).towards == ((), tuple(outline(cells >= 1)))
    assert contours(np.zeros((2, 2)), 0.0).towards == ((), ())
