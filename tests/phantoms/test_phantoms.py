"""Simulated films: the same arguments give the same pixels, and a finding does to the film what it should."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from negviz.findings import ABNORMAL
from negviz.phantoms import PhantomError, Severity, Side, simulate
from negviz.phantoms.anatomy import Chest, draw_chest
from negviz.phantoms.detector import blurred
from negviz.phantoms.findings import Signs, altered, read_signs
from negviz.phantoms.lobes import collapsed_lobe, filled_lobe, hilum_moved
from negviz.phantoms.lungs import draw_vessels
from negviz.phantoms.pleura import draw_lung, form
from negviz.phantoms.projection import Array, Beam

SIZE = 128
LEVELS = (0.0, 0.25, 0.5, 0.75, 1.0)
Half = tuple[slice, slice]
Wish = Mapping[str, Severity | float]


def grey(seed: int, findings: Wish, size: int = SIZE) -> NDArray[np.float64]:
    return np.asarray(simulate(seed, findings, size).image, dtype=np.float64)


def half(side: str) -> Half:
    """The viewer's left shows the patient's right; rows from the upper to the lower lung."""
    columns = slice(SIZE // 8, SIZE * 3 // 8) if side == "right" else slice(SIZE * 5 // 8, SIZE * 7 // 8)
    return slice(SIZE // 5, SIZE * 7 // 10), columns


def other(side: Side) -> Side:
    return "left" if side == "right" else "right"


def test_the_same_arguments_give_the_same_pixels() -> None:
    wish: Wish = {"effusion": 0.6, "consolidation": Severity(0.5, "left"), "fracture": 0.9}
    assert simulate(7, wish, SIZE).image.tobytes() == simulate(7, wish, SIZE).image.tobytes()
    assert simulate(7, wish, SIZE).image.tobytes() != simulate(8, wish, SIZE).image.tobytes()


def test_the_order_of_findings_does_not_matter() -> None:
    one = simulate(3, {"edema": 0.5, "nodule": 0.5}, SIZE)
    two = simulate(3, {"nodule": 0.5, "edema": 0.5}, SIZE)
    assert one.image.tobytes() == two.image.tobytes()


def test_a_film_is_grey_square_and_of_the_size_asked_for() -> None:
    film = simulate(1, size=200)
    assert (film.image.mode, film.image.size) == ("L", (200, 200))
    assert film.view in ("PA", "AP")
    assert film.measures.effusion_ml == film.measures.pneumothorax_ml == 0


def test_size_does_not_change_the_chest() -> None:
    small, large = simulate(5, {"cardiomegaly": 0.5}, 128), simulate(5, {"cardiomegaly": 0.5}, 256)
    shrunk = np.asarray(large.image, dtype=np.float64).reshape(128, 2, 128, 2).mean((1, 3))
    assert np.corrcoef(shrunk.ravel(), np.asarray(small.image).ravel())[0, 1] > 0.99
    assert large.measures.cardiothoracic_ratio == pytest.approx(small.measures.cardiothoracic_ratio, abs=0.02)
    assert large.measures.lung_ml == pytest.approx(small.measures.lung_ml, rel=0.02)


@pytest.mark.parametrize("seed", range(4))
def test_lungs_are_darker_than_what_surrounds_them(seed: int) -> None:
    film = grey(seed, {})
    lungs = np.median(film[half("right")]), np.median(film[half("left")])
    heart = np.percentile(film[SIZE // 2 : SIZE * 6 // 10, SIZE * 42 // 100 : SIZE * 62 // 100], 75)
    belly = np.median(film[SIZE * 85 // 100 : SIZE * 95 // 100, SIZE // 4 : SIZE * 3 // 4])
    assert max(lungs) + 40 < min(heart, belly)


# Dose and response ----------------------------------------------------------------------------


@pytest.mark.parametrize("side", ["right", "left"])
def test_effusion_whitens_its_side_from_below_as_it_grows(side: Side) -> None:
    films = [grey(12, {"effusion": Severity(s, side)}) for s in LEVELS]
    rows, columns = slice(SIZE // 5, SIZE * 4 // 5), half(side)[1]
    means = [film[rows, columns].mean() for film in films]
    assert all(a < b for a, b in pairwise(means))
    gain = (films[2] - films[0])[rows, columns].mean(1)
    assert gain[-8:].mean() > gain[:8].mean() + 20
    millilitres = [simulate(12, {"effusion": Severity(s, side)}, SIZE).measures.effusion_ml for s in LEVELS]
    assert all(a < b for a, b in pairwise(millilitres))
    assert millilitres[-1] > 1500


def test_a_massive_effusion_pushes_the_heart_away() -> None:
    plain = grey(12, {})
    sides: tuple[Side, Side] = ("right", "left")
    for side in sides:
        free = half(other(side))
        assert grey(12, {"effusion": Severity(1.0, side)})[free].mean() > plain[free].mean() + 5


def test_fluid_beside_a_collapsed_lung_pushes_nothing() -> None:
    fluid = {"effusion": Severity(1.0, "right")}
    moved = [
        altered(draw_chest(12), read_signs(12, wish)).shift
        for wish in (fluid, {**fluid, "atelectasis": Severity(0.9, "right")})
    ]
    assert moved[0] > 20
    assert moved[1] == 0


def test_two_lungs_never_lie_on_one_another_however_far_the_middle_is_pushed() -> None:
    beam = Beam(SIZE, 360.0, (0.0, 40.0), 1800.0, 120.0, True)
    for wish in ({}, {"effusion": Severity(1.0, "right")}, {"effusion": Severity(1.0, "left")}):
        signs = read_signs(12, wish)
        chest = altered(draw_chest(12), signs)
        solids = [chest.heart(beam), *chest.mediastinum(beam)]
        right, left = (draw_lung(chest, beam, side, signs, solids).space for side in (-1, 1))
        assert np.minimum(right, left).max() < 12  # mm


# How fluid and air lie ------------------------------------------------------------------------


def gain(seed: int, wish: Wish, without: Wish | None = None) -> NDArray[np.float64]:
    """In grey levels, what the findings of `wish` make brighter."""
    return grey(seed, wish, SIZE) - grey(seed, without or {}, SIZE)


def test_the_first_fluid_blunts_the_lateral_angle_alone() -> None:
    assert form(draw_chest(20), -1) == "free"
    change = gain(20, {"effusion": Severity(0.05, "right")})
    rows, columns = np.nonzero(change > 8)
    assert len(rows) > 3
    assert columns.max() < SIZE * 0.25  # within the outer half of the right lung
    assert rows.min() > SIZE * 0.6


def test_erect_fluid_stands_higher_at_the_side() -> None:
    change = gain(20, {"effusion": Severity(0.5, "right")})
    tops = [int(np.argmax(change[:, column] > 25)) for column in (SIZE * 23 // 100, SIZE * 36 // 100)]
    assert 0 < tops[0] < tops[1] - SIZE // 25


def test_supine_fluid_is_a_veil_that_leaves_vessels_and_angle() -> None:
    assert draw_chest(57).supine
    lung = slice(SIZE * 36 // 100, SIZE * 62 // 100), slice(SIZE * 27 // 100, SIZE * 38 // 100)
    wish: Wish = {"effusion": Severity(0.5, "right")}
    change = gain(57, wish)[lung]
    assert change.min() > 3
    assert change.std() < 0.5 * change.mean()  # no level anywhere
    vessels = [film[lung] for film in (grey(57, {}), grey(57, wish))]
    detail = [film - blurred(film, 3.0) for film in vessels]
    assert np.corrcoef(detail[0].ravel(), detail[1].ravel())[0, 1] > 0.9


def test_fluid_under_a_lung_lifts_its_base_away_from_the_stomach() -> None:
    assert form(draw_chest(83), 1) == "subpulmonic"
    change = gain(83, {"effusion": Severity(0.45, "left")})
    column = change[:, SIZE * 70 // 100]
    raised = np.flatnonzero(column > 25)
    assert len(raised) > 8  # more than two centimetres
    angle = gain(83, {"effusion": Severity(0.2, "left")})[:, SIZE * 88 // 100 :]
    assert np.abs(angle[: SIZE // 2]).max() < 6  # nothing climbs the wall


def test_fluid_and_air_meet_in_a_straight_line() -> None:
    air: Wish = {"pneumothorax": Severity(0.5, "left")}
    change = gain(22, {**air, "effusion": Severity(0.5, "left")}, air)
    columns = range(SIZE * 68 // 100, SIZE * 84 // 100)
    tops = [int(np.argmax(change[:, column] > 25)) for column in columns]
    assert min(tops) > 0
    assert max(tops) - min(tops) <= 2 + SIZE // 60


def test_supine_air_deepens_the_angle_and_draws_no_line_at_the_apex() -> None:
    chest, wish = draw_chest(57), {"pneumothorax": Severity(0.6, "right")}
    dome, deep = chest.domes[0], altered(chest, read_signs(57, wish)).domes[0]
    assert deep.top + deep.lateral > dome.top + dome.lateral + 15
    change = gain(57, wish)[:, : SIZE // 2]
    assert change[: SIZE // 3].max() < 6  # no line; a few grey levels beside the hilum, where noise is least


def test_the_cardiothoracic_ratio_rises_with_cardiomegaly() -> None:
    for seed in range(2):
        ratios = [simulate(seed, {"cardiomegaly": s}, 2 * SIZE).measures.cardiothoracic_ratio for s in LEVELS]
        assert all(a < b for a, b in pairwise(ratios))
        assert ratios[0] < 0.5 < ratios[1]
        assert 0.63 < ratios[-1] < 0.74


def test_the_heart_of_the_film_widens_as_the_measure_says() -> None:
    def width(severity: float) -> float:
        change = grey(6, {"cardiomegaly": severity}) - grey(6, {})
        return float((np.abs(change[SIZE // 2 : SIZE * 6 // 10]).max(0) > 12).sum())

    assert width(0.4) < width(0.7) < width(1.0)


@pytest.mark.parametrize("side", ["right", "left"])
def test_pneumothorax_darkens_the_margin_and_grows(side: Side) -> None:
    rows, columns = margin(side)
    levels = (0.0, 0.35, 0.7)
    means = [grey(9, {"pneumothorax": Severity(s, side)})[rows, columns].mean() for s in levels]
    assert means[0] > means[1] > means[2]
    films = [simulate(9, {"pneumothorax": Severity(s, side)}, SIZE) for s in LEVELS]
    assert all(a < b for a, b in pairwise(film.measures.pneumothorax_ml for film in films))


@pytest.mark.parametrize("side", ["right", "left"])
def test_nothing_of_the_lung_shows_beyond_the_line_of_a_pneumothorax(side: Side) -> None:
    def engorged(severity: float) -> float:
        air = {"pneumothorax": Severity(severity, side)}
        return float((grey(9, {**air, "edema": 1.0}) - grey(9, air))[margin(side)].mean())

    assert engorged(0.0) > 3
    assert abs(engorged(0.9)) < 0.25 * engorged(0.0)


def margin(side: Side) -> Half:
    """Between ribs and lung where the lung has fallen from the upper wall."""
    columns = slice(SIZE // 5, SIZE * 5 // 16) if side == "right" else slice(SIZE * 11 // 16, SIZE * 4 // 5)
    return slice(SIZE * 23 // 100, SIZE * 2 // 5), columns


@pytest.mark.parametrize("finding", ["consolidation", "opacity", "atelectasis", "nodule"])
def test_solid_lung_is_brighter_the_more_there_is(finding: str) -> None:
    lung = slice(SIZE // 10, SIZE * 8 // 10), slice(SIZE // 12, SIZE * 46 // 100)
    means = [grey(4, {finding: Severity(s, "right")})[lung].mean() for s in LEVELS]
    assert all(a < b for a, b in pairwise(means))


def edge(film: NDArray[np.float64], rows: slice, columns: slice) -> float:
    """The steepest step across a border that runs down the film, grey levels over three pixels."""
    smooth = blurred(film, 1.0)[rows, columns]
    return float(np.abs(smooth[:, 3:] - smooth[:, :-3]).max(1).mean())


def test_a_middle_lobe_without_air_hides_the_hearts_right_border() -> None:
    chest = draw_chest(28)
    assert filled_lobe(chest, -1) == "middle"
    border = slice(SIZE * 50 // 100, SIZE * 62 // 100), slice(SIZE * 36 // 100, SIZE * 46 // 100)
    filled = grey(28, {"consolidation": Severity(0.9, "right")})
    # the step that is left, three fifths of what was, runs onto the spine, which no lobe hides
    assert edge(filled, *border) < 0.65 * edge(grey(28, {}), *border)
    dome = (slice(SIZE * 66 // 100, SIZE * 74 // 100), slice(SIZE * 30 // 100, SIZE * 36 // 100))
    steep = [edge(film.T, dome[1], dome[0]) for film in (filled, grey(28, {}))]
    assert steep[0] > 0.3 * steep[1]  # the lower lobe lies on most of the dome, and has its air


def test_airways_stand_out_dark_where_lung_about_them_is_filled(monkeypatch: pytest.MonkeyPatch) -> None:
    wish: Wish = {"consolidation": Severity(0.9, "right")}
    film = grey(28, wish)

    def solid(healthy: Chest, chest: Chest, beam: Beam, signs: Signs) -> tuple[Array, Array]:
        blood, airways = draw_vessels(healthy, chest, beam, signs)
        return blood, 0 * airways

    monkeypatch.setattr("negviz.phantoms.thorax.draw_vessels", solid)
    darker = grey(28, wish) - film
    assert darker[half("right")].max() > 12
    assert np.abs(darker[half("left")]).max() < 3


@pytest.mark.parametrize(("seed", "lobe", "down"), [(22, "upper", -1), (29, "lower", 1)])
def test_a_collapsed_lobe_draws_hilum_and_mediastinum(seed: int, lobe: str, down: int) -> None:
    chest = draw_chest(seed)
    assert collapsed_lobe(chest, -1) == lobe
    signs = read_signs(seed, {"atelectasis": Severity(0.9, "right")})
    assert down * hilum_moved(chest, -1, signs) > 8
    empty = altered(chest, signs)
    assert empty.shift < -5
    assert empty.domes[0].top < chest.domes[0].top - 10
    assert empty.domes[1] == chest.domes[1]


def test_edema_hazes_both_lungs() -> None:
    films = [grey(4, {"edema": s}) for s in LEVELS]
    for side in ("right", "left"):
        means = [film[half(side)].mean() for film in films]
        assert all(a < b for a, b in pairwise(means))


def test_emphysema_makes_lungs_larger_and_darker() -> None:
    plain, hollow = simulate(4, {}, SIZE), simulate(4, {"emphysema": 0.9}, SIZE)
    assert hollow.measures.lung_ml > 1.05 * plain.measures.lung_ml
    for side in ("right", "left"):
        assert np.mean(np.asarray(hollow.image)[half(side)]) < np.mean(np.asarray(plain.image)[half(side)])


# The same chest with and without --------------------------------------------------------------


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("finding", ["consolidation", "nodule", "fracture", "opacity"])
def test_a_finding_leaves_the_other_half_of_the_chest_alone(finding: str, side: Side) -> None:
    change = np.abs(grey(2, {finding: Severity(0.6, side)}, 256) - grey(2, {}, 256))
    columns = {"right": slice(0, 120), "left": slice(136, 256)}
    near, far = change[:, columns[side]], change[:, columns[other(side)]]
    assert near.max() > 12
    assert far.max() <= 6
    assert far.mean() < 0.6


def test_the_frame_of_the_film_stays_the_same_whatever_the_findings() -> None:
    everything = dict.fromkeys(ABNORMAL, 0.5)
    change = np.abs(grey(10, everything) - grey(10, {}))
    assert change[: SIZE // 16].max() <= 12


def test_a_counterfactual_keeps_the_other_finding() -> None:
    both = simulate(2, {"nodule": Severity(0.8, "left"), "effusion": Severity(0.5, "right")}, SIZE)
    one = simulate(2, {"nodule": Severity(0.8, "left")}, SIZE)
    assert both.findings - one.findings == {"effusion"}
    change = np.abs(np.asarray(both.image, dtype=np.float64) - np.asarray(one.image, dtype=np.float64))
    assert change[half("left")].max() <= 8 < change[half("right")].max()


# What is said of a film -----------------------------------------------------------------------


@pytest.mark.parametrize("name", ABNORMAL)
def test_every_finding_can_be_simulated_and_is_stated(name: str) -> None:
    film, without = (simulate(20, findings, 64) for findings in ({name: 0.8}, {}))
    assert not np.array_equal(np.asarray(film.image), np.asarray(without.image))
    assert film.findings == {name}
    assert film.severities == {name: 0.8}
    assert name not in film.denied
    assert "normal" not in film.denied


def test_all_findings_at_once() -> None:
    film = simulate(21, dict.fromkeys(ABNORMAL, 1.0), 64)
    assert film.findings == set(ABNORMAL)
    assert film.denied == frozenset()


@pytest.mark.parametrize("findings", [{}, (), ["normal"], {"normal": 1.0}, {"effusion": 0.0}])
def test_a_film_without_findings_is_normal_and_denies_them_all(
    findings: Mapping[str, float] | list[str],
) -> None:
    film = simulate(1, findings, 64)
    assert film.findings == {"normal"}
    assert film.denied == set(ABNORMAL)


def test_what_is_barely_there_is_neither_stated_nor_denied() -> None:
    film = simulate(1, {"effusion": 0.05}, 64)
    assert film.findings == frozenset()
    assert "effusion" not in film.denied
    assert "fracture" in film.denied


def test_a_fracture_is_stated_where_it_is_displaced_enough_to_be_seen() -> None:
    assert read_signs(1, {"fracture": 0.4}).keys() == {"fracture"}
    slight, plain = simulate(1, {"fracture": 0.4}, 64), simulate(1, {"fracture": 0.6}, 64)
    assert slight.findings == frozenset()
    assert "fracture" not in slight.denied
    assert plain.findings == {"fracture"}


def test_what_fluid_hides_is_not_denied() -> None:
    some, much = simulate(1, {"effusion": 0.5}, 64), simulate(1, {"effusion": 0.8}, 64)
    assert "consolidation" not in some.denied
    hidden = {"cardiomegaly", "nodule", "edema"}
    assert hidden <= some.denied
    assert not hidden & much.denied
    assert "fracture" in much.denied


def test_what_a_finding_looks_like_is_not_denied() -> None:
    assert "opacity" not in simulate(1, {"consolidation": 0.8}, 64).denied


def test_names_alone_get_a_severity_and_a_side_from_the_seed() -> None:
    one, two = simulate(1, ["effusion", "edema"], 64), simulate(2, ["effusion", "edema"], 64)
    assert one.severities != two.severities
    assert set(one.sides) == {"effusion"}
    assert one.findings == two.findings == {"effusion", "edema"}


@pytest.mark.parametrize("side", ["right", "left", "both"])
def test_the_side_asked_for_is_the_side_given(side: Side) -> None:
    assert simulate(1, {"effusion": Severity(0.5, side)}, 64).sides == {"effusion": side}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((1, {"tumour": 0.5}), "'tumour' is not a finding"),
        ((1, {"effusion": 1.2}), "must be a number from 0 to 1"),
        ((1, {"effusion": float("nan")}), "must be a number from 0 to 1"),
        ((1, {"effusion": "much"}), "must be a number from 0 to 1"),
        ((1, {"effusion": True}), "must be a number from 0 to 1"),
        ((1, {"effusion": Severity(0.5, "up")}), "must be right, left or both"),  # type: ignore[arg-type]
        ((1, {"edema": Severity(0.5, "left")}), "Edema has no side"),
        ((1, {"normal": 1.0, "edema": 0.5}), "A normal film has no edema"),
        ((1, "effusion"), "mapping to severities or a list of names"),
        ((1, 3), "mapping to severities or a list of names"),
        ((-1, {}), "seed must be a whole number"),
        ((1.5, {}), "seed must be a whole number"),
        ((1, {}, 8), "size must be a whole number from 64 to 2048"),
    ],
)
def test_bad_requests_are_refused_in_one_sentence(arguments: tuple[object, ...], words: str) -> None:
    with pytest.raises(PhantomError, match=words) as caught:
        simulate(*arguments)  # type: ignore[arg-type]
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)
