"""`python -m training training-free` on the tiny family, and what the page makes of its columns."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from negviz.films.collection import Collection
from negviz.models.encoder import DualEncoder
from negviz.models.family import load_models
from negviz.models.training_free import load_rivals
from negviz.page import words
from negviz.page.attribution.panel import WordsPanel
from negviz.page.diagnosis.panel import DiagnosisPanel
from negviz.page.explore.panel import Explore
from negviz.page.map.panel import MapPanel
from negviz.page.pictures import Pictures
from negviz.page.room import Asked, Room
from negviz.results.files import read_result
from negviz.retrieval.answer import search_sets
from tests.pictures import figure, marks
from tests.tiny_maps import tiny_maps
from training.__main__ import main
from training.measure.training_free.choice import ScoredSettings, best
from training.measure.training_free.figures import against_tuned, say, tallies
from training.report.dots import draw_training_free
from training.report.tables import render

OF_DENIALS = ("spacevlm", "steering", "arithmetic")
RIVALS = (*OF_DENIALS, "composed")
NEGATED = Asked("No pleural effusion", models=RIVALS)


@pytest.fixture(scope="module")
def made(family_folder: Path, collection_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tiny family that rivals were set up for, by the real command on a small grid."""
    family = tmp_path_factory.mktemp("rivals") / "tiny"
    shutil.copytree(family_folder, family)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("THRESHOLDS", "STRENGTHS", "WEIGHTS"):
            patch.setattr(f"training.measure.training_free.choice.{name}", (0.5, 0.9))
        patch.setattr("training.measure.training_free.choice.SCENES", ("chest film",))
        options = ["--family", str(family), "--collection", str(collection_folder), "--bootstrap", "20"]
        assert main(["training-free", *options]) == 0
    return family


@pytest.fixture(scope="module")
def results(made: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((made / "results" / "training-free.json").read_text("utf-8"))
    return found


@pytest.fixture
def room(made: Path, family_folder: Path, collection: Collection) -> Room:
    models = load_models(made)
    return Room(models | load_rivals(models, made), search_sets(models, collection), Pictures(collection))


# What is written --------------------------------------------------------------------------------


def test_what_scored_best_is_chosen_and_the_first_of_equals(results: dict[str, Any]) -> None:
    for name, tried in results["cross_validation"].items():
        top = max(trial["auroc"] for trial in tried)
        chosen = next(trial for trial in tried if trial["auroc"] == top)
        assert results["settings"][name].items() <= chosen.items()
    assert best(
        [ScoredSettings({"n": 1}, (0.5,)), ScoredSettings({"n": 2}, (0.7,)), ScoredSettings({"n": 3}, (0.7,))]
    ).settings == {"n": 2}


def test_every_model_and_rival_is_measured_in_every_cell(results: dict[str, Any], made: Path) -> None:
    (found,) = results["evaluations"].values()
    assert list(found["models"]) == ["base", "con1", "con2", *RIVALS]
    base = found["models"]["base"]
    for name in RIVALS:
        assert found["models"][name].keys() == base.keys()
    for name in OF_DENIALS:
        cells = found["models"][name]
        for cell in ("structured/present", "natural/present", "all/present"):  # the gate stays shut
            assert cells[cell]["auroc"] == base[cell]["auroc"]
            assert cells[cell]["minus_base"]["p_at_k_ci"] == [0, 0]
    assert str(made.parent) not in json.dumps(results)


def test_differences_are_those_of_the_figures(results: dict[str, Any]) -> None:
    (found,) = results["evaluations"].values()
    for rival in RIVALS:
        for name, cells in found["minus_tuned"][rival].items():
            for cell, minus in cells.items():
                expected = found["models"][rival][cell]["auroc"] - found["models"][name][cell]["auroc"]
                assert minus["auroc"] == pytest.approx(expected, abs=2e-6)


def test_the_gate_is_counted(results: dict[str, Any]) -> None:
    said = results["gate"]["evaluation.csv"]
    assert said["present"]["changed"] == 0
    assert 40 <= said["absent"]["changed"] <= said["absent"]["prompts"] == 49


def test_where_ours_lose_is_said() -> None:
    ends = {"con1": [0.01, 0.2], "con2": [0.3, 0.6]}
    minus = {
        name: {"structured/absent": {"auroc": 0.1, "auroc_ci": ci, "p_at_k": 0, "p_at_k_ci": [0, 0]}}
        for name, ci in ends.items()
    }
    scores = {"con1": 0.8, "con2": 0.5, "steering": 0.9}
    found = {
        "models": {name: {"structured/absent": {"auroc": score}} for name, score in scores.items()},
        "minus_tuned": {"steering": minus},
    }
    first, second = rows = list(against_tuned("openi", found))
    assert (first["tuned"], first["best_tuned"], first["beats"]) == ("con1", True, "steering")
    assert (second["tuned"], second["best_tuned"], second["beats"]) == ("con2", False, "steering")
    assert [say(tally) for tally in tallies(rows)] == [
        f"Of 1 cells {name} beats steering in 0 and is beaten in 1 (openi structured/absent); 0 do not tell."
        for name in ("con1", "con2")
    ]
    minus["con1"]["structured/absent"]["auroc_ci"] = [-0.2, -0.01]
    assert next(against_tuned("openi", found))["beats"] == "con1"
    minus["con1"]["structured/absent"]["auroc_ci"] = [-0.2, 0.01]
    (undecided, _) = tallies(list(against_tuned("openi", found)))
    assert (undecided["cannot_be_told"], undecided["rival_beats_tuned_in"]) == (1, "")


def test_the_file_is_laid_out_for_page_and_readme(made: Path, results: dict[str, Any]) -> None:
    shown = read_result(made / "results" / "training-free.json")
    assert not shown.problem
    (plot,) = shown.plots
    assert [dot.label for dot in plot.groups[0].dots] == ["base", "con1", "con2", *RIVALS]
    assert all(len(row) == len(table.head) for table in shown.tables for row in table.rows)
    assert "| results | absent |" in render(results, "training-free.json")
    picture = (made / "results" / "training-free.svg").read_text("utf-8")
    assert picture == draw_training_free(results)
    drawn = marks(figure(draw_training_free, results))
    assert [shape for shape, _, _ in drawn] == ["s", "o", "o", "D", "D", "D", "D"] * 2
    cells = results["evaluations"]["results"]["models"].values()
    assert [x for _, x, _ in drawn] == [
        model[f"all/{polarity}"]["auroc"] for polarity in ("present", "absent") for model in cells
    ]


def test_bad_input_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["training-free", "--family", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


# On the page ------------------------------------------------------------------------------------


def test_columns_that_need_no_training_are_offered_and_never_first(
    room: Room, models: dict[str, DualEncoder]
) -> None:
    assert room.further == RIVALS
    few = {"base": room.models["base"], **{name: room.models[name] for name in RIVALS}}
    assert Room(few, room.sets, room.pictures).first == ("base",)
    assert words.offer("spacevlm") == "SpaceVLM · base, no training"
    assert words.offer("con9") == "CON9"


def test_an_added_column_shows_films_beside_the_others(room: Room) -> None:
    asked, explore = Asked(NEGATED.text), Explore(room)
    shown = explore.ask(NEGATED.text, "", [*RIVALS], False, "", asked.json())
    page = "".join(str(part) for part in shown)
    for name, title in (
        ("spacevlm", "SpaceVLM"),
        ("steering", "Steering"),
        ("arithmetic", "Arithmetic"),
        ("composed", "Composed"),
    ):
        assert f'data-model="{name}" aria-label="{title}"' in page
    assert "base, no training" in page
    assert "SpaceVLM " in page.split("nv-columns")[0]  # the verdict names it so


def test_words_serve_a_column_or_say_why_not(room: Room) -> None:
    panel = WordsPanel(room)
    shown = panel.show(NEGATED.json())
    assert "Steering</th>" in shown
    assert shown.count("does not encode these words") == 3
    assert "SpaceVLM</th>" not in shown
    affirmed = panel.show(Asked("pleural effusion", models=OF_DENIALS).json())
    assert "SpaceVLM</th>" in affirmed
    assert "does not encode" not in affirmed
    assert panel.show_heads(NEGATED.json())[0].count("those of Base") == 4
    assert set(panel.cue_shares(NEGATED)) == {"base", "con1", "con2", "steering"}


def test_the_endpoint_says_what_it_leaves_out(room: Room) -> None:
    given = json.loads(json.dumps(WordsPanel(room).attribute(NEGATED.text)))
    assert list(given["models"]) == ["base", "con1", "con2", "steering"]
    assert set(given["left_out"]) == {"spacevlm", "arithmetic", "composed"}


def test_the_map_says_what_it_leaves_out(
    room: Room, family_folder: Path, collection_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEGVIZ_MAPS", str(tiny_maps(family_folder, collection_folder)))
    panel = MapPanel(room)
    said = "SpaceVLM, Steering, Arithmetic and Composed have no map of sentences"
    assert said in panel.show(NEGATED.json())
    assert said not in panel.show(Asked(NEGATED.text).json())
    assert "has changed" not in panel.head()
    assert list(panel.map(NEGATED.text)["models"]) == ["base", "con1", "con2"]


def test_the_diagnosis_serves_every_column(room: Room) -> None:
    found = DiagnosisPanel(room).diagnose(NEGATED)
    assert set(found) == {"base", "con1", "con2", *RIVALS}
    assert all(diagnosis.collapse is not None for diagnosis in found.values())
