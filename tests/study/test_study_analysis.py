"""Figures of a study against values worked out by hand or published."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import numpy as np
import pytest

from negviz.study.analysis import analyse
from negviz.study.export import COLUMNS, to_csv
from negviz.study.plan import Trial
from negviz.study.records import Decision, Reader, Record, Times
from negviz.study.statistics import cohen, cohen_resampled, krippendorff, mean, median, wilson
from tests.tiny_study import record, tiny_design

ONE_PAIR = tiny_design(10, pairs=[("quokka", "wombat")])


def analysed(records: list[Record], readers: list[Reader] | None = None) -> Any:
    return json.loads(json.dumps(analyse(ONE_PAIR, records, readers or []), allow_nan=False))


# Preference -----------------------------------------------------------------------------------


def test_wins_ties_and_losses_are_counted_whatever_the_side() -> None:
    records = [record(n, "right") for n in range(4)]  # wombat is on the right
    records += [record(4, "left", flipped=True), record(5, "left"), record(6, "right", flipped=True)]
    records += [record(7, "same"), record(8, "same"), record(9, "same")]
    found = analysed(records)["pairs"]["wombat over quokka"]["all"]
    assert (found["decisions"], found["better"], found["worse"], found["same"]) == (10, 5, 2, 3)
    assert found["win_rate"] == pytest.approx((5 + 1.5) / 10)
    assert found["win_rate_without_ties"] == pytest.approx(5 / 7, abs=1e-6)
    low, high = found["win_rate_ci"]
    assert 0.3 < low < 0.65 < high < 0.95


def test_a_clean_sweep_has_an_interval_all_the_same() -> None:
    found = analysed([record(n, "right") for n in range(10)])["pairs"]["wombat over quokka"]["all"]
    assert (found["win_rate"], found["win_rate_ci"]) == (1, [1, 1])
    assert found["win_rate_without_ties_ci"] == pytest.approx([0.7225, 1.0], abs=1e-4)


def test_ties_alone_prefer_nobody() -> None:
    found = analysed([record(n, "same") for n in range(10)])
    cell = found["pairs"]["wombat over quokka"]["all"]
    assert (cell["win_rate"], cell["win_rate_without_ties"]) == (0.5, None)
    assert found["sides"]["decisions without ties"] == 0


def test_each_polarity_has_its_own_cell() -> None:
    records = [record(n, "right" if n % 2 else "left") for n in range(10)]  # odd sentences deny
    cells = analysed(records)["pairs"]["wombat over quokka"]
    assert [cells[name]["win_rate"] for name in ("all", "present", "absent")] == [0.5, 0, 1]


def test_wilson_is_the_published_one() -> None:
    # Newcombe, Statistics in Medicine 17 (1998), table I, method 3
    for wins, of, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611)):
        assert wilson(wins, of) == pytest.approx((low, high), abs=5e-5)
    assert wilson(0, 0) is None


def test_decisions_of_one_reader_are_no_independent_evidence() -> None:
    """Four readers of whom each always says the same: as uncertain as four decisions, not as forty."""
    records = [
        record(n, "right" if reader < 3 else "left", reader=reader) for reader in range(4) for n in range(10)
    ]
    found = analysed(records)["pairs"]["wombat over quokka"]["all"]
    low, high = found["win_rate_ci"]
    wilson_low, wilson_high = found["win_rate_without_ties_ci"]
    assert high - low > 2 * (wilson_high - wilson_low)


# Sides and times ------------------------------------------------------------------------------


def test_who_always_says_left_is_seen_and_wins_nothing() -> None:
    found = analysed([record(n, "left", flipped=n % 2 == 0) for n in range(10)])
    assert found["sides"]["left_preferred"] == 1
    assert found["sides"]["left_preferred_if_independent_ci"][0] == pytest.approx(0.7225, abs=1e-4)
    assert found["pairs"]["wombat over quokka"]["all"]["win_rate"] == 0.5


def test_times_that_cannot_be_trusted_are_left_out_and_counted() -> None:
    records = [record(n, "left", seconds=n + 1) for n in range(5)]
    records += [record(5, "left", seconds=900, showings=2), record(6, "left", seconds=900, server_seconds=3)]
    found = analysed(records)["time"]["all"]
    assert (found["decisions"], found["not timed"], found["median_seconds"]) == (5, 2, 3)
    low, high = found["median_seconds_ci"]
    assert 1 <= low < 3 < high <= 5


def test_weighted_means_and_medians_are_those_of_so_many_copies() -> None:
    random = np.random.default_rng(0)
    values, weights = random.normal(size=9), random.integers(0, 4, (50, 9)).astype(float)
    copies = [np.repeat(values, row.astype(int)) for row in weights]
    assert mean(values, weights) == pytest.approx([each.mean() for each in copies])
    assert median(values, weights) == pytest.approx([np.median(each) for each in copies])
    assert np.isnan(mean(values, np.zeros((1, 9)))).all()
    assert np.isnan(median(values, np.zeros((1, 9)))).all()


# Agreement ------------------------------------------------------------------------------------


def test_alpha_is_the_published_one() -> None:
    # Krippendorff, Computing Krippendorff's alpha-reliability (2011), C: four observers, twelve units
    said = ("123321412...", "1233224125.3", ".3332342251.", "12332441251.")
    counts = [[sum(row[unit] == value for row in said) for value in "12345"] for unit in range(12)]
    assert krippendorff(counts) == pytest.approx([0.743], abs=5e-4)


def test_kappa_is_worked_out_by_hand() -> None:
    # 10 of 10: both 0 four times, both 1 three times, apart three times: (0.7 - 0.5) / (1 - 0.5)
    first, second = np.array([0] * 4 + [1] * 3 + [0, 1, 1]), np.array([0] * 4 + [1] * 3 + [1, 0, 0])
    assert cohen(first, second) == pytest.approx((0.7 - 0.5) / 0.5)
    assert np.isnan(cohen(first[:4], second[:4]))


def test_resampled_kappas_are_those_of_so_many_copies() -> None:
    random = np.random.default_rng(0)
    first, second, weights = (random.integers(0, 3, size) for size in (12, 12, (20, 12)))
    copies = [cohen(np.repeat(first, row), np.repeat(second, row)) for row in weights]
    assert cohen_resampled(first, second, weights.astype(float)) == pytest.approx(copies)
    alike = np.zeros(12)
    assert np.isnan(cohen_resampled(alike, alike, weights.astype(float))).all()


def test_readers_agree_on_models_not_on_sides() -> None:
    records = [record(n, "left" if n % 2 else "right", reader=1) for n in range(10)]
    records += [record(n, "right" if n % 2 else "left", reader=2, flipped=True) for n in range(10)]
    found = analysed(records)["agreement"]
    assert found["all readers"]["krippendorff_alpha"] == 1
    assert found["two by two"]["R01 and R02"]["cohen_kappa"] == 1
    assert found["two by two"]["R01 and R02"]["same_answer"] == 1


def test_agreement_beyond_chance_has_an_interval() -> None:
    answers = [("left", "left")] * 4 + [("right", "right")] * 3 + [("left", "right"), ("right", "left")] * 1
    records = [
        record(n, choice, reader=reader)  # type: ignore[arg-type]
        for n, both in enumerate([*answers, ("right", "left")])
        for reader, choice in enumerate(both, 1)
    ]
    found = analysed(records)["agreement"]
    two = found["two by two"]["R01 and R02"]
    assert (two["comparisons"], two["same_answer"]) == (10, 0.7)
    assert two["cohen_kappa"] == pytest.approx(0.4)
    assert two["cohen_kappa_ci"][0] < 0.4 < two["cohen_kappa_ci"][1]
    # nominal alpha: 1 - 19 × 6 / (20² - 11² - 9²), the three units apart counting two each
    assert found["all readers"]["krippendorff_alpha"] == pytest.approx(1 - 19 * 6 / 198)


def test_one_reader_agrees_with_nobody() -> None:
    found = analysed([record(n, "left") for n in range(10)])["agreement"]
    assert found == {
        "all readers": {"comparisons of two or more readers": 0, "krippendorff_alpha": None},
        "two by two": {},
    }


# Films, readers and nothing at all ------------------------------------------------------------


def test_films_marked_wrong_are_counted_for_each_model_that_shows_them() -> None:
    # quokka shows film00 and film01, wombat film01 and film02; reports say that film01 alone fits
    records = [record(0, "left", wrong=["film00"]), record(1, "left", wrong=["film01", "film02"])]
    found = analysed(records)["films"]
    assert found["by model"]["quokka"]["marked_wrong_of_ten"] == 5
    assert found["by model"]["wombat"]["marked_wrong_of_ten"] == 5
    assert found["by model"]["quokka"]["galleries"] == 2
    assert found["by report"]["matches"] | {"marked_wrong_ci": 0} == {
        "films": 2,
        "marked_wrong": 0.5,
        "marked_wrong_ci": 0,
    }
    assert found["by report"]["contradicts"]["films"] == 4
    assert found["by report"]["contradicts"]["marked_wrong"] == 0.5


def test_a_study_nobody_has_read_is_analysed_as_well() -> None:
    found = analysed([], [Reader(1, "radiologist", 10, 0)])
    assert found["time"] == {}
    assert found["readers"][0] == {
        "reader": "R01",
        "background": "radiologist",
        "planned": 10,
        "decided": 0,
        "same": 0,
        "median_seconds": None,
        "left_preferred": None,
        "left_preferred_ci": None,
    }


def test_the_same_decisions_give_the_same_intervals() -> None:
    records = [record(n, "right" if n % 3 else "left", seconds=n) for n in range(10)]
    assert analysed(records) == analysed(records)


def test_the_table_names_models_and_no_codes_and_runs_no_formula() -> None:
    design = tiny_design(2, pairs=[("quokka", "wombat")])
    sentences = (design.sentences[0].__class__('=HYPERLINK("x")', "absent", "natural"), design.sentences[1])
    design = design.__class__(**{**vars(design), "sentences": sentences})
    decision = Decision("left", ("film00", "film01"), Times(1500, 250, 1, 10))
    rows = [
        *csv.DictReader(
            io.StringIO(to_csv(design, [Record(3, "radiologist", 7, Trial(0, True), decision, 1800, 1)]))
        )
    ]
    assert tuple(rows[0]) == COLUMNS
    assert rows == [
        {
            "reader": "R03",
            "background": "radiologist",
            "place": "8",
            "sentence": '\'=HYPERLINK("x")',
            "polarity": "absent",
            "kind": "natural",
            "left": "wombat",
            "right": "quokka",
            "choice": "left",
            "better": "wombat",
            "wrong_left": "film01",
            "wrong_right": "film00|film01",
            "seconds": "1.5",
            "paused_seconds": "0.25",
            "pauses": "1",
            "loading_seconds": "0.01",
            "server_seconds": "1.8",
            "showings": "1",
            "timed": "yes",
        }
    ]
