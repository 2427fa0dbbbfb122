"""`python -m training protocols`: one results file for a family, or for somebody else's model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from negviz.films.collection import open_collection
from negviz.results.files import OTHERS, read_result
from negviz.results.kinds import kind_of
from negviz.results.kinds.protocols import PROTOCOLS
from tests.tiny_hub import tiny_clip
from training.__main__ import main
from training.measure.retuned import report_words
from training.paths import PROMPTS, Paths
from training.report.tables import render


@pytest.fixture(scope="module")
def measured(
    family_folder: Path, collection_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    out = tmp_path_factory.mktemp("protocols") / "protocols.json"
    options = ("--family", family_folder, "--collection", collection_folder, "--json", out, "--bootstrap", 20)
    assert main(["protocols", *map(str, options)]) == 0
    value: dict[str, Any] = json.loads(out.read_text("utf-8"))
    return value


def test_every_model_is_asked_the_same_of_the_test_films(measured: dict[str, Any]) -> None:
    drawn = measured["protocols"]["negation-understanding"]["drawn"]
    assert next(row["group"] for row in drawn) == "all"
    assert all([*row["models"]] == ["base", "con1", "con2"] for row in drawn)
    assert measured["films"]["drawn"] == {"films": 8, "studies": 8, "models": "as shipped"}


def test_what_could_not_be_asked_says_why(measured: dict[str, Any]) -> None:
    why = measured["not_measured"]["drawn"]
    assert "--films" in why["reports-turned"]
    assert "no films" in why["retrieval-neg"]
    assert not set(why) & set(measured["protocols"]["negation-understanding"])


def test_held_out_films_are_asked_of_no_model_that_learned_from_them(measured: dict[str, Any]) -> None:
    held_out = measured["films"]["drawn-held-out"]
    assert held_out["models"] == "tuned again without these films"
    rows = measured["protocols"]["negation-understanding"]["drawn-held-out"]
    assert [*rows[0]["models"]] == ["base"]  # how the tiny con1 was tuned is not known


def test_page_and_readme_lay_it_out(measured: dict[str, Any], tmp_path: Path) -> None:
    assert kind_of(measured) is PROTOCOLS
    (tmp_path / "protocols.json").write_text(json.dumps(measured))
    result = read_result(tmp_path / "protocols.json")
    assert not result.problem
    summary = result.tables[0]
    assert [row[:2] for row in summary.rows][:2] == [("drawn", "chance"), ("drawn", "base")]
    assert render(measured, "protocols.json").startswith(f"| {' | '.join(summary.head)} |")
    assert [plot.title for plot in result.plots] == ["drawn", "drawn-held-out"]
    titles = [table.title for table in result.tables]
    assert "Where the protocols come from" in titles
    assert "Not measured" in titles


def test_a_command_names_reports_where_a_model_that_read_them_is_tuned_again(
    family_folder: Path, collection_folder: Path
) -> None:
    """Without a cache a file would lack that model's figures on held-out films."""
    assert report_words(Paths()) == ["--films", "DIR"]
    assert report_words(Paths(collection=str(collection_folder))) == []
    assert report_words(Paths(family=family_folder)) == []


# Somebody else's model ------------------------------------------------------------------------


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model of the Hub's format, and fewer simulated films than are shipped."""
    tiny_clip(tmp_path / "clip")
    phantoms = open_collection("phantoms")
    kept = {film.id for film in phantoms.films[::10]}
    few = phantoms.where(lambda film: film.id in kept)
    monkeypatch.setattr(Paths, "open_phantoms", lambda self: few)
    return tmp_path / "clip"


def test_a_stranger_gets_a_file_of_results_and_one_of_vectors(
    stranger: Path, measured: dict[str, Any], tmp_path: Path
) -> None:
    results = tmp_path / "results"
    (results / OTHERS).mkdir(parents=True)
    out = results / OTHERS / "clip.json"
    options = ("--base", stranger, "--licence", "MIT", "--json", out, "--bootstrap", 20)
    assert main(["protocols", *map(str, options)]) == 0
    value = json.loads(out.read_text("utf-8"))
    assert value["model"] == {"id": "clip", "revision": "", "licence": "MIT"}
    assert [*value["films"]] == ["phantoms"]
    assert str(tmp_path) not in out.read_text("utf-8")
    vectors = load_file(out.with_suffix(".safetensors"))
    prompts = sum(len(path.read_text("utf-8").splitlines()) - 1 for path in _prompt_files(value))
    assert {name: len(rows) for name, rows in vectors.items()} == {
        "films": value["films"]["phantoms"]["films"],
        "sentences": prompts,
    }
    assert np.allclose(np.linalg.norm(vectors["films"].astype(np.float32), axis=1), 1, atol=1e-2)

    (results / "protocols.json").write_text(json.dumps(measured))
    (results / OTHERS / "broken.json").write_text(json.dumps(value | {"model": {"id": "whose?"}}))
    shown = read_result(results / "protocols.json").tables[1]
    assert ("phantoms", "clip") in [row[:2] for row in shown.rows]
    assert "clip: MIT" in shown.note
    assert "whose?" not in shown.note
    shutil.rmtree(results / OTHERS)
    assert "clip" not in str(read_result(results / "protocols.json"))


def _prompt_files(value: dict[str, Any]) -> list[Path]:
    return [PROMPTS / name for name in value["vectors"]["sentences"]]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--base", "x"), "--licence"),
        (("--json", "."), "is a folder"),
        (("--base", "no/such/model", "--licence", "MIT"), "no/such/model"),
    ],
)
def test_bad_input_gets_a_sentence(
    options: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["protocols", *options]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert said in line
