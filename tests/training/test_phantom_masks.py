"""Masks of simulated films: where a finding lies by the chest's geometry is where the film shows it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from negviz.films.collection import ASSETS, open_collection
from negviz.films.masks import MASKS, SIZE, Masks, MasksError, Place, open_masks, read_masks
from negviz.findings import ABNORMAL
from negviz.phantoms import Severity, simulate
from training.data.phantoms import masks as drawing
from training.data.phantoms.draw import Wish
from training.data.phantoms.masks import build_masks, masks_of
from training.data.phantoms.plan import Order, shipped_plan

PLAN = shipped_plan()


def drawn(seed: int, wish: Wish) -> Masks:
    return Masks.pack(masks_of(Order("film", seed, wish)), "")


def difference(seed: int, wish: Wish, name: str) -> NDArray[np.float64]:
    """In grey levels, [SIZE, SIZE], between the film and that of the same chest without one finding."""
    less = {other: severity for other, severity in wish.items() if other != name}
    films = [np.asarray(simulate(seed, each, 2 * SIZE).image, dtype=np.float64) for each in (wish, less)]
    change: NDArray[np.float64] = np.abs(films[0] - films[1]).reshape(SIZE, 2, SIZE, 2).mean((1, 3))
    return change


@pytest.mark.parametrize("seed", [30, 31])
@pytest.mark.parametrize("name", ABNORMAL)
def test_a_mask_lies_where_the_pair_of_films_differs(name: str, seed: int) -> None:
    wish = {name: Severity(0.7)}
    masks, change = drawn(seed, wish), difference(seed, wish, name)
    differs = change >= min(0.1 * change.max(), 4.0)  # four grey levels are seen, a tenth of much or not
    own, moved = masks.of("film", name), masks.displaced("film", name)
    assert own is not None
    either = own if moved is None else own | moved
    assert (either & differs).sum() >= 0.5 * (either | differs).sum()


def test_a_finding_on_both_sides_has_a_mask_on_each() -> None:
    masks = drawn(5, {"effusion": Severity(0.5, "both")})
    right, left = masks.of("film", "effusion", "right"), masks.of("film", "effusion", "left")
    assert right is not None
    assert left is not None
    assert right.any()
    assert left.any()
    assert not right[:, SIZE // 2 + 10 :].any()
    assert not left[:, : SIZE // 2 - 10].any()
    both = masks.of("film", "effusion")
    assert both is not None
    assert np.array_equal(both, right | left)


def test_another_finding_leaves_a_mask_alone() -> None:
    nodule = {"nodule": Severity(0.6, "right")}
    beside = drawn(6, {**nodule, "effusion": Severity(0.4, "left")})
    place = Place("film", "nodule", "right")
    assert np.array_equal(beside.packed[beside.rows[place]], drawn(6, nodule).packed[0])


def test_a_heart_that_is_pushed_has_a_mask_of_its_own() -> None:
    much = drawn(7, {"effusion": Severity(1.0, "right")})
    fluid, pushed = much.of("film", "effusion"), much.displaced("film", "effusion")
    assert fluid is not None
    assert pushed is not None
    columns = np.arange(SIZE)
    assert (pushed.sum(0) @ columns) / pushed.sum() > SIZE / 2  # into the left half, on the viewer's right
    assert (fluid & pushed).sum() < 0.2 * pushed.sum()
    assert drawn(7, {"effusion": Severity(0.3, "right")}).displaced("film", "effusion") is None


def test_masks_are_drawn_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def counted(order: Order) -> dict[Place, NDArray[np.bool_]]:
        made.append(order.id)
        return masks_of(order)

    monkeypatch.setattr(drawing, "masks_of", counted)
    path = tmp_path / MASKS
    build_masks(path, PLAN[:2], jobs=1)
    before = path.read_bytes()
    build_masks(path, PLAN[:2], jobs=1)
    assert made == [order.id for order in PLAN[:2]]
    path.write_bytes(before[: len(before) // 2])
    build_masks(path, PLAN[:2], jobs=1)
    assert path.read_bytes() == before
    build_masks(path, PLAN[:1], jobs=1)
    assert {place.film for place in open_masks(path).rows} <= {PLAN[0].id}


# What is shipped ------------------------------------------------------------------------------


def test_every_finding_of_every_shipped_film_has_its_masks() -> None:
    masks = read_masks(open_collection("phantoms"))
    assert {(place.film, place.finding) for place in masks.rows} == {
        (order.id, name) for order in PLAN for name in order.wish
    }
    assert masks.made_by == drawing.made_by(PLAN)
    assert (ASSETS / "phantoms" / MASKS).stat().st_size < 1e6


def test_shipped_masks_are_drawn_again_bit_by_bit() -> None:
    """Those of five films, drawn by the hash of their ids."""
    masks = read_masks(open_collection("phantoms"))
    sick = [order for order in PLAN if order.wish]
    for order in sorted(sick, key=lambda order: hashlib.sha256(order.id.encode()).hexdigest())[:5]:
        again = Masks.pack(masks_of(order), "")
        shipped = [masks.packed[masks.rows[place]] for place in again.rows]
        assert np.array_equal(again.packed, shipped), order.id


# What cannot be used --------------------------------------------------------------------------


def test_a_film_without_a_finding_has_no_mask() -> None:
    masks = read_masks(open_collection("phantoms"))
    healthy = next(order.id for order in PLAN if not order.wish)
    assert masks.of(healthy, "effusion") is None


def test_masks_that_cannot_be_used_cost_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / MASKS
    np.savez(path, masks=np.zeros((2, 3), np.uint8), places=np.array([["a"] * 3] * 2), made_by=np.array(""))
    with pytest.raises(MasksError, match=r"masks are uint8 \[2, 3\]\); make it anew with"):
        open_masks(path)
    path.write_bytes(b"no masks")
    with pytest.raises(MasksError, match="cannot be used"):
        open_masks(path)
    with pytest.raises(MasksError, match="openi has no masks"):
        read_masks(open_collection("openi"))
