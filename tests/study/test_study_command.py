"""`python -m training study`: a study made, exported and analysed, or one line about what is wrong."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from negviz.study.records import Decision, Times
from negviz.study.store import StudyFile
from training.__main__ import main


@pytest.fixture
def made(family_folder: Path, collection_folder: Path, tmp_path: Path) -> Path:
    """A study of base and con2 over two sentences."""
    prompts, consent = tmp_path / "prompts.csv", tmp_path / "consent.txt"
    prompts.write_text(
        "prompt\nno pleural effusion\nlungs without fluid around them\npleural effusion\n", "utf-8"
    )
    consent.write_text("One.\n\nTwo.", "utf-8")
    arguments = ["--family", str(family_folder), "--collection", str(collection_folder)]
    arguments += ["--prompts", str(prompts), "--consent", str(consent), "--number", "3"]
    study = tmp_path / "a.study"
    assert main(["study", str(study), "--new", "--models", "con2", "base", *arguments]) == 0
    return study


def test_a_study_goes_from_making_to_results(made: Path, tmp_path: Path) -> None:
    study = StudyFile(made)
    assert [*study.design.models] == ["base", "con2"]
    assert study.design.consent == "One.\n\nTwo."
    code = study.enrol(consent="One.", background="radiologist")
    planned = 0
    while (showing := study.show(code)) is not None:
        better = "left" if showing.trial.models(study.design)[0] == "con2" else "right"
        study.decide(code, showing.place, Decision(better, (), Times(10, 0, 0, 0)))  # type: ignore[arg-type]
        planned += 1
    study.close()
    table, results = tmp_path / "out.csv", tmp_path / "out.json"
    assert main(["study", str(made), "--csv", str(table), "--json", str(results)]) == 0
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert planned > 0
    assert [row["better"] for row in rows] == ["con2"] * planned
    assert code not in table.read_text(encoding="utf-8") + results.read_text(encoding="utf-8")
    found = json.loads(results.read_text(encoding="utf-8"))
    assert found["pairs"]["con2 over base"]["all"]["win_rate"] == 1
    assert found["pairs"]["con2 over base"]["all"]["decisions"] == found["decisions"] == planned
    assert found["readers"][0]["background"] == "radiologist"
    assert set(found["data"]["models"]) == {"base", "con2"}
    assert found["command"].startswith("python -m training study")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--new"],
        ["--csv", "{folder}/a.study/out.csv"],
        ["--new", "--models", "con9"],
        ["--new", "--prompts", "{folder}/none.csv"],
    ],
)
def test_bad_input_costs_one_line(
    made: Path,
    tmp_path: Path,
    family_folder: Path,
    collection_folder: Path,
    arguments: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = made.read_bytes()
    capsys.readouterr()
    given = [each.format(folder=tmp_path) for each in arguments]
    if "--new" in given:
        given += ["--family", str(family_folder), "--collection", str(collection_folder)]
    assert main(["study", str(made), *given]) == 2
    said = capsys.readouterr().err
    assert said.startswith("study: ")
    assert said.count("\n") == 1
    assert made.read_bytes() == before


def test_no_study_no_results(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["study", str(tmp_path / "none"), "--json", str(tmp_path / "out.json")]) == 2
    assert "There is no study" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
