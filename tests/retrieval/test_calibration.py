"""Probabilities that a film matches, and abstaining: fitted, shipped, read, answered and shown."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from negviz.common.files import write_json
from negviz.evaluation.prompts import PromptRow
from negviz.films.collection import Collection
from negviz.films.split import FOLDS
from negviz.models.encoder import DualEncoder
from negviz.page import words
from negviz.page.explore.markup import columns
from negviz.page.pictures import Pictures
from negviz.page.room import Asked, Room
from negviz.page.viewer.panel import routes as viewer_routes
from negviz.retrieval.answer import Margin, SearchSet, answer, probabilities, search_sets
from negviz.retrieval.calibration import (
    FEATURES,
    Calibration,
    Seen,
    feature,
    model_id,
    read_calibrations,
    statistic,
)
from negviz.retrieval.estimate import Estimate
from negviz.retrieval.metrics import Floats
from training.measure.calibration import command
from training.measure.calibration.fit import (
    AbstentionData,
    CalibrationError,
    FittedQuestion,
    FittingMaterial,
    JudgedFilms,
    calibrate,
    choose_curve,
    fit_curve,
)
from training.measure.calibration.held_out import Draws, PromptedFilms, coverage, reliability, seen_by
from training.paths import Paths
from training.report.curves import draw_coverage, draw_reliability

NO = "no pleural effusion"
STEEP = Calibration("standardised margin", ((-4.0, -4.0), (4.0, 4.0)), ("effusion",), "agreement", 0.3)
SHY = replace(STEEP, least=2.0)  # no correlation reaches that


def seen(margins: list[float], satisfied: list[float], similarities: list[float] | None = None) -> Seen:
    figures = [np.array(values, np.float64) for values in (similarities or margins, margins, satisfied)]
    return Seen(figures[0], figures[1], figures[2], np.arange(len(margins)))


@pytest.fixture
def films(models: dict[str, DualEncoder], collection: Collection) -> SearchSet:
    return search_sets(models, collection)[-1]


# Figures --------------------------------------------------------------------------------------


def test_a_figure_is_measured_from_the_middle_of_as_many_right_as_wrong() -> None:
    given = seen([3.0, 1.0, 1.0, 1.0, 50.0], [1, 0, 0, 0, np.nan])
    assert feature("margin", given) == pytest.approx([1, -1, -1, -1, 48])
    assert feature("standardised margin", given) == pytest.approx([1, -1, -1, -1, 48])
    turned = replace_similarities(given, [0.4, 0.2, 0.2, 0.2, 0.2])
    assert feature("standardised similarity", turned) == pytest.approx([1, -1, -1, -1, -1])
    assert given.share == 0.25


def replace_similarities(given: Seen, values: list[float]) -> Seen:
    return replace(given, similarities=np.array(values))


def test_films_of_one_kind_weigh_the_same_and_films_that_are_alike_have_no_figure() -> None:
    assert feature("margin", seen([1.0, 3.0], [1, 1])) == pytest.approx([-1, 1])
    alike = seen([0.5, 0.5, 0.5], [1, 0, np.nan])
    for name in FEATURES:
        assert feature(name, alike) == pytest.approx(0)
    for figure in ("agreement", "lift", "spread"):
        assert statistic(figure, alike) == pytest.approx(0)


def test_statistics_tell_an_order_that_follows_the_margins_from_one_that_runs_against_them() -> None:
    rising = np.linspace(-0.2, 0.3, 30)
    with_it, against = (Seen(sign * rising, rising, rising, np.arange(30)) for sign in (1, -1))
    assert statistic("agreement", with_it) == pytest.approx(1)
    assert statistic("agreement", against) == pytest.approx(-1)
    assert statistic("lift", with_it) > 1 > -1 > statistic("lift", against)
    assert statistic("hits' margin", with_it) == pytest.approx(rising[-10:].mean())
    assert statistic("spread", with_it) == pytest.approx(rising.std())


# Probabilities --------------------------------------------------------------------------------


def test_the_share_of_right_films_moves_the_odds() -> None:
    even = seen([1.0, -1.0], [1, 0])
    found = STEEP.probabilities(even)
    assert found == pytest.approx(1 / (1 + np.exp([-1, 1])))
    rare = STEEP.probabilities(seen([1.0, *[-1.0] * 9], [1, *[0] * 9]))
    assert rare[0] / (1 - rare[0]) == pytest.approx(np.e / 9)  # odds of 1 to 9 in place of 1 to 1


def test_a_curve_is_level_outside_what_it_was_fitted_on() -> None:
    far = STEEP.probabilities(seen([1.0, -1.0, 900.0], [1, 0, np.nan]))
    assert far[2] == pytest.approx(1 / (1 + np.exp(-4)))


@pytest.mark.parametrize(
    ("finding", "satisfied"),
    [("nodule", [1.0, 0.0]), (None, [1.0, 0.0]), ("effusion", [1.0, 1.0]), ("effusion", [np.nan, np.nan])],
)
def test_nothing_is_said_where_it_would_mean_nothing(finding: str | None, satisfied: list[float]) -> None:
    assert STEEP.certainty(seen([1.0, -1.0], satisfied), finding).probabilities is None


def test_a_model_abstains_below_its_threshold() -> None:
    given = seen([1.0, -1.0, 0.5], [1, 0, 0])
    assert not STEEP.certainty(given, None).abstains
    assert SHY.certainty(given, None).abstains


# The file -------------------------------------------------------------------------------------


def write(path: Path, models: Mapping[str, DualEncoder], **changes: Any) -> Path:
    records = {
        name: {"weights_id": model_id(model), **STEEP.record(), **changes} for name, model in models.items()
    }
    write_json(path / "calibration.json", {"calibrations": records})
    return path / "calibration.json"


def test_a_calibration_belongs_to_its_weights(models: dict[str, DualEncoder], tmp_path: Path) -> None:
    path = write(tmp_path, {"base": models["base"], "con1": models["con2"]})
    found = read_calibrations(models, path)
    assert found == {"base": STEEP, "con2": STEEP}  # by weights, whatever the name
    assert read_calibrations({"mine": replace(models["base"], tower_id="another")}, path) == {}


def test_what_borrows_a_models_weights_has_none(models: dict[str, DualEncoder], tmp_path: Path) -> None:
    class Rewritten(DualEncoder):
        """Other figures from the same weights."""

    borrowed = Rewritten(**vars(models["base"]))
    path = write(tmp_path, models)
    assert set(read_calibrations({"base": models["base"], "rival": borrowed}, path)) == {"base"}


@pytest.mark.parametrize(
    "changes",
    [
        {"knots": []},
        {"knots": [[1, 0], [0, 1]]},
        {"knots": [[0, 0], [0, 1]]},
        {"knots": [[0, None]]},
        {"least": "high"},
        {"feature": "mood"},
        {"statistic": "mood"},
        {"findings": ["measles"]},
        {"weights_id": None},
    ],
)
def test_a_damaged_file_says_nothing(
    models: dict[str, DualEncoder], tmp_path: Path, changes: dict[str, Any]
) -> None:
    assert read_calibrations(models, write(tmp_path, models, **changes)) == {}


def test_no_file_says_nothing(models: dict[str, DualEncoder], tmp_path: Path) -> None:
    assert read_calibrations(models, tmp_path / "none.json") == {}
    (tmp_path / "list.json").write_text("[]", "utf-8")
    assert read_calibrations(models, tmp_path / "list.json") == {}


# An answer ------------------------------------------------------------------------------------


def test_an_answer_says_how_sure_it_is(models: dict[str, DualEncoder], films: SearchSet) -> None:
    given = answer(models, films, NO, k=len(films), calibrations={"base": STEEP, "con2": SHY})
    base, con1, con2 = given.columns
    assert (base.abstains, con1.abstains, con2.abstains) == (base.certainty.abstains, False, True)  # type: ignore[union-attr]
    assert con1.certainty is None
    best = con2.hits[0]
    assert probabilities(given, best.id) == {
        "base": pytest.approx(base.probability(_place(base, best.id))),
        "con2": pytest.approx(con2.probability(0)),
    }
    vectors = films.embeddings[models["con2"].tower_id].astype(np.float64)
    own, opposed = models["con2"].encode_text([NO, given.opposite.text]) @ vectors.T  # type: ignore[union-attr]
    verdicts = np.array([given.judge(film) for film in films.collection], np.float64)
    expected = SHY.probabilities(Seen(own, own - opposed, verdicts, np.arange(len(own))))
    assert con2.probability(0) == pytest.approx(expected[films.collection.rows([_film(films, best.id)])[0]])
    plain = json.loads(json.dumps(given.plain()))["models"]
    assert plain["con2"]["abstains"] is True
    assert plain["con2"]["hits"][0]["satisfies_probability"] == pytest.approx(con2.probability(0))
    assert plain["con1"]["abstains"] is plain["con1"]["hits"][0]["satisfies_probability"] is None


def _place(column: Any, film_id: str) -> int:
    return next(int(hit.rank) - 1 for hit in column.hits if hit.id == film_id)


def _film(films: SearchSet, film_id: str) -> Any:
    return films.collection.by_id(film_id)


def test_films_beyond_the_hits_have_a_probability_as_if_all_were_hits(
    models: dict[str, DualEncoder], films: SearchSet
) -> None:
    calibrations = {"base": STEEP, "con2": SHY}
    whole = answer(models, films, NO, k=len(films), calibrations=calibrations)
    short = answer(models, films, NO, k=1, calibrations=calibrations)
    for film in films.collection:
        expected = {column.model: column.probability(_place(column, film.id)) for column in whole.columns}
        assert probabilities(short, film.id) == {
            model: chance for model, chance in expected.items() if chance is not None
        }


def test_a_sentence_without_an_opposite_has_no_probability(
    models: dict[str, DualEncoder], films: SearchSet
) -> None:
    given = answer(models, films, "films from tuesday", calibrations={"base": STEEP})
    assert given.columns[0].certainty is None
    worded = answer(
        models, films, "films from tuesday", opposite="films from monday", calibrations={"base": SHY}
    )
    assert worded.columns[0].abstains
    assert worded.columns[0].probability(0) is None  # it is not known what would match


# The page -------------------------------------------------------------------------------------


@pytest.fixture
def room(models: dict[str, DualEncoder], collection: Collection) -> Room:
    made = Room(models, search_sets(models, collection), Pictures(collection))
    made.__dict__["calibrations"] = {"base": SHY, "con2": replace(STEEP, least=-1.0)}
    return made


def test_a_column_says_that_its_model_abstains(room: Room) -> None:
    asked = Asked(NO)
    shown = str(columns(room.answer(asked), asked, room.pictures))
    assert words.ABSTAINS in _head(shown, "base")
    assert words.TELLS_APART not in _head(shown, "base")  # one line, one voice
    assert words.ABSTAINS not in _head(shown, "con2")
    assert words.ABSTAINING in shown
    compared = room.compare(asked, Asked("pleural effusion"))
    both = str(columns(compared.first, asked, room.pictures, compared))
    assert both.count(words.ABSTAINS) == 1


@pytest.mark.parametrize(
    ("separation", "said"),
    [
        (Estimate(0.6, 0.4, 0.8), words.told_apart(0)),
        (Estimate(0.2, 0.1, 0.3), words.told_apart(-1)),
        (Estimate(0.9, 0.8, 0.95), words.told_apart(1)),
        (None, ""),
    ],
)
def test_a_column_says_what_its_margin_tells_and_nothing_where_that_is_not_known(
    room: Room, separation: Estimate | None, said: str
) -> None:
    asked = Asked(NO)
    given = room.answer(asked)
    changed = replace(given, columns=(replace(given.columns[1], margin=Margin(0.03, separation)),))
    shown = str(columns(changed, asked, room.pictures))
    every = [words.told_apart(side) for side in words.TOLD_APART]
    assert [each for each in every if each in shown] == ([said] if said else [])


def _head(shown: str, model: str) -> str:
    start = shown.index(f'data-model="{model}" aria-label')
    return shown[start : shown.index("<ol", start)]


def test_the_viewer_is_told_every_models_probability(room: Room) -> None:
    browser = TestClient(Starlette(routes=viewer_routes(room)))
    body = {"asked": Asked(NO).json(), "id": "film00"}
    known = browser.post("/page/film-record", json=body).json()
    assert known["satisfies_probability"].keys() == {"base", "con2"}
    assert all(0 < chance < 1 for chance in known["satisfies_probability"].values())
    assert "(4 of 8)" in known["holds_for"]
    for asked, film in (
        (Asked(NO), "film09"),
        (Asked("films from tuesday"), "film00"),
        (Asked(""), "film00"),
    ):
        other = browser.post("/page/film-record", json={"asked": asked.json(), "id": film}).json()
        assert (other["satisfies_probability"], other["holds_for"]) == ({}, "")


# Fitting --------------------------------------------------------------------------------------


def questions(
    sharp: float, *, films: int = 120, wordings: int = 15, turned: float = 0.0, seed: int = 0
) -> list[FittedQuestion]:
    """Margins that tell right from wrong by `sharp` standard deviations; similarities too, but where they
    are turned round, and then margin and similarity disagree."""
    made, random = [], np.random.default_rng(seed)
    for number in range(wordings):
        right = (np.arange(films) % 2 == number % 2).astype(np.float64)
        margins = random.normal(0, 1, films) + sharp * (right - 0.5)
        sign = -1 if random.random() < turned else 1
        given = Seen(sign * margins, margins, right, np.arange(films))
        made.append(FittedQuestion("effusion", number % FOLDS, given))
    return made


def material(**models: list[FittedQuestion]) -> FittingMaterial:
    return FittingMaterial(models, np.arange(120) % FOLDS)


def test_a_platt_curve_finds_the_odds_that_made_the_films() -> None:
    random = np.random.default_rng(0)
    figures = random.normal(0, 1, 4_000)
    right = (random.random(4_000) < 1 / (1 + np.exp(-2 * figures))).astype(np.float64)
    points = JudgedFilms(figures, right, np.full(4_000, 1 / 4_000))
    (low, first), (high, last) = fit_curve("Platt", [points], [1.0])
    assert (last - first) / (high - low) == pytest.approx(2, abs=0.2)
    steps = fit_curve("isotonic", [points], [1.0])
    assert [log_odds for _, log_odds in steps] == sorted(log_odds for _, log_odds in steps)
    assert points.log_loss(steps) <= points.log_loss(((low, 0.0), (high, 0.0)))


def test_cross_validation_prefers_margins_where_similarities_are_turned_round() -> None:
    name, _, tried = choose_curve(material(base=questions(2.0, turned=0.5)))
    assert name in ("standardised margin", "margin")
    losses = {(record["feature"], record["curve"]): record["log_loss"] for record in tried}
    assert losses["standardised margin", "Platt"] < 0.5 < losses["standardised similarity", "Platt"]


def test_a_model_is_made_to_abstain_from_what_it_turns_round() -> None:
    made, choice = calibrate(material(base=questions(2.0, wordings=40, turned=0.5), con2=questions(2.0)))
    assert choice["statistic"] in ("agreement", "lift", "hits' margin")
    gains = {record["statistic"]: record["gain"] for record in choice["abstaining"]}
    assert gains[choice["statistic"]] > gains["never"]
    base = made["base"]
    right, turned = questions(2.0, wordings=1)[0].seen, questions(2.0, wordings=1, turned=1.0)[0].seen
    assert not base.certainty(right, "effusion").abstains
    assert base.certainty(turned, "effusion").abstains
    assert base.findings == ("effusion",)


def test_questions_that_are_level_are_answered_together() -> None:
    """Of the three at 0.8 the first gains and the others lose: only all of them can be answered."""
    values = np.array([0.9, 0.8, 0.8, 0.8, 0.5])
    gains = np.array([0.3, 0.4, -0.3, -0.3, -0.1])
    for order in permutations(range(5)):
        asked = np.array(order)
        judged = AbstentionData(values[asked], gains[asked], np.full(5, 0.2), np.zeros(5, np.int64))
        assert judged.threshold(np.ones(5, np.bool_)) == pytest.approx(0.85)


def test_findings_with_few_films_are_not_fitted() -> None:
    rare = [
        FittedQuestion(
            "nodule",
            q.wording,
            replace(q.seen, satisfied=np.where(np.arange(120) < 5, 1.0, 0.0)),
        )
        for q in questions(1.0)
    ]
    made, _ = calibrate(material(base=[*questions(1.0), *rare]))
    assert made["base"].findings == ("effusion",)
    with pytest.raises(CalibrationError, match="unseen films of either kind"):
        calibrate(material(base=rare))


def test_a_threshold_lies_between_what_gains_and_what_costs() -> None:
    judged = AbstentionData(
        np.array([0.9, 0.5, 0.1]), np.array([0.3, 0.2, -0.4]), np.ones(3) / 3, np.zeros(3, np.int64)
    )
    assert judged.threshold(np.ones(3, np.bool_)) == pytest.approx(0.3)


# Measuring ------------------------------------------------------------------------------------


def rows(count: int) -> list[PromptRow]:
    return [PromptRow(f"prompt {number}", "effusion", "absent", "natural", {}) for number in range(count)]


def test_reliability_counts_what_was_said_against_what_held() -> None:
    flat = replace(STEEP, knots=((0.0, float(np.log(4))),))  # always 0.8, and half of the films are right
    given = [question.seen for question in questions(1.0, wordings=6)]
    found = reliability(flat, given, rows(6), times=100)
    assert found["ece"] == pytest.approx(0.3)
    assert found["gap"] == pytest.approx(0.3)
    assert found["brier"] == pytest.approx(0.25 + 0.09)
    assert found["brier_of_share"] == pytest.approx(0.25)
    low, high = found["ece_ci"]
    assert low <= 0.3 <= high
    (only,) = found["bins"]
    assert (only["films"], only["said"], only["right"]) == (720, pytest.approx(0.8), pytest.approx(0.5))
    assert reliability(replace(flat, findings=()), given, rows(6), times=10) == {}


def test_a_curve_fitted_on_such_films_is_reliable_on_others() -> None:
    made, _ = calibrate(material(base=questions(2.0, wordings=30)))
    others = [question.seen for question in questions(2.0, wordings=30, seed=1)]
    found = reliability(made["base"], others, rows(30), times=100)
    assert found["ece"] < 0.05
    assert found["brier"] < found["brier_of_share"]


def test_coverage_falls_as_a_model_abstains_and_accuracy_rises() -> None:
    given = [q.seen for q in (*questions(2.0, wordings=10), *questions(2.0, wordings=10, turned=1.0))]
    found = coverage(STEEP, given, times=100)
    assert found["answered"] == pytest.approx(0.5)
    assert found["when_it_answers"]["auroc"] > 0.8 > 0.2 > found["when_it_abstains"]["auroc"]
    curve = [point["auroc"] for point in found["curve"]]
    assert curve[0] > curve[-1] == pytest.approx(0.5, abs=0.02)
    low, high = found["answered_ci"]
    assert low < 0.5 < high
    always = coverage(replace(STEEP, least=-2.0), given, times=10)
    assert always["when_it_abstains"] == {"prompts": 0}
    assert coverage(STEEP, [seen([1.0, 2.0], [1, 1])], times=10) == {}


def test_draws_weigh_prompts_and_films() -> None:
    draws = Draws.of(2, 3, times=5)
    matrix: Floats = np.arange(6, dtype=np.float64).reshape(2, 3)
    assert draws.total(matrix)[0] == 15
    for row in range(6):
        copies = np.repeat(np.repeat(matrix, draws.prompts[row], axis=0), draws.films[row], axis=1)
        assert draws.total(matrix)[row] == copies.sum()


def test_a_model_sees_sentence_opposite_and_verdict(models: dict[str, DualEncoder], films: SearchSet) -> None:
    row = PromptRow(NO, "effusion", "absent", "structured", {})
    (given,) = seen_by(
        models["con2"], films.embeddings[models["con2"].tower_id], PromptedFilms(films.collection, (row,))
    )
    assert given.share == pytest.approx(0.5)
    assert np.isnan(given.satisfied).sum() == 4  # two uncertain, two silent
    assert given.margins[given.satisfied == 1].mean() > given.margins[given.satisfied == 0].mean()


# python -m training calibration ---------------------------------------------------------------


def test_the_command_fits_measures_and_draws(
    family_folder: Path,
    collection_folder: Path,
    models: dict[str, DualEncoder],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Paths, "results", tmp_path)
    monkeypatch.setattr(command, "unseen_films", lambda films, fold: films)  # 24 films make no folds
    monkeypatch.setattr(command, "tuned_again", lambda *_: {name: [m] * FOLDS for name, m in models.items()})
    monkeypatch.setattr(command, "wordings", lambda: command_wordings()[::20])
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    options = ["--family", str(family_folder), "--collection", str(collection_folder), "--bootstrap", "20"]
    assert command.run(parser.parse_args(options)) == 0
    results = json.loads((tmp_path / "calibration.json").read_text("utf-8"))
    found = read_calibrations(models, tmp_path / "calibration.json")
    assert set(found) == set(results["calibrations"]) == set(models)
    (bench,) = results["measured"].values()
    assert bench["con2"]["reliability"]["prompts"] == 99
    assert set(results["seen_in_tuning"]) == {"con1", "con2"}
    for draw, name in ((draw_reliability, "reliability"), (draw_coverage, "coverage")):
        picture = (tmp_path / f"calibration-{name}.svg").read_text("utf-8")
        assert picture == draw(results)
        assert all(model in picture for model in models)


command_wordings = command.wordings


def test_wordings_are_put_to_findings_and_shared_with_nothing_that_is_measured() -> None:
    found = command.wordings()
    assert {finding for caption in found for finding, _ in caption.said} >= {"effusion", "cardiomegaly"}
    assert {caption.fold for caption in found} == set(range(FOLDS))
    assert all(caption.opposite for caption in found)


def test_models_that_cannot_be_tuned_again_are_left_out(
    family_folder: Path, collection_folder: Path, models: dict[str, DualEncoder]
) -> None:
    found = command.tuned_again(Paths(family_folder, str(collection_folder)), models, "0")
    assert set(found) == {"base"}
    assert len(found["base"]) == FOLDS
