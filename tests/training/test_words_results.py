"""`python -m training attribution`: the two results files, on the tiny family."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from negviz.evaluation.cells import EvaluationError
from training.measure import attribution

PROMPTS = """prompt,finding,polarity,kind
pleural effusion,effusion,present,structured
small left pleural effusion,effusion,present,natural
no evidence of pleural effusion,effusion,absent,structured
no pleural effusion,effusion,absent,structured
pleural effusion is absent,effusion,absent,natural
there is no fluid in the pleural space,effusion,absent,natural
the pleural spaces are clear,effusion,absent,natural
"""


def _run(folder: Path, family: Path, collection: Path, prompts: str) -> tuple[dict[str, Any], dict[str, Any]]:
    file = folder / "prompts.csv"
    file.write_text(prompts, encoding="utf-8")
    parser = argparse.ArgumentParser()
    attribution.add_arguments(parser)
    options = ["--family", str(family), "--collection", str(collection), "--prompts", str(file)]
    args = parser.parse_args([*options, "--to", str(folder), "--bootstrap", "50", "--seed", "3"])
    assert attribution.run(args) == 0
    words, heads = (json.loads((folder / name).read_text()) for name in ("attribution.json", "heads.json"))
    return words, heads


@pytest.fixture(scope="module")
def results(
    tmp_path_factory: pytest.TempPathFactory, family_folder: Path, collection_folder: Path
) -> tuple[dict[str, Any], dict[str, Any]]:
    return _run(tmp_path_factory.mktemp("results"), family_folder, collection_folder, PROMPTS)


def test_shares_are_of_prompts_that_have_a_cue(results: tuple[dict[str, Any], dict[str, Any]]) -> None:
    words, _ = results
    assert words["prompts"] == {"absent": 5, "with_a_cue": 4}
    assert list(words["models"]) == ["base", "con1", "con2"]
    cell = words["models"]["con2"]["hits"]["ig"]
    assert {kind: cell[kind]["n"] for kind in cell} == {"all": 4, "structured": 2, "natural": 2}
    for model in words["models"].values():
        for method in model["hits"].values():
            low, high = method["all"]["cue_share_ci"]
            assert 0 <= low <= method["all"]["cue_share"] <= high <= 1
    assert words["models"]["base"]["hits"]["ig"]["all"]["minus_base"] == 0
    assert words["paper"]["after"] == 0.127


def test_both_files_say_how_they_were_made(results: tuple[dict[str, Any], dict[str, Any]]) -> None:
    for file in results:
        assert file["command"].startswith("python -m training attribution --family")
        assert "--seed 3" in file["command"]
        assert len(file["data"]["prompts_hash"]) == 64
        assert file["data"]["family"]["family.json"]


def test_heads_and_layers_are_measured_on_both_polarities(
    results: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    _, heads = results
    for model in heads["models"].values():
        for side in ("absent", "present"):
            low, mean, high = (np.array(model[side][name]) for name in ("drops_low", "drops", "drops_high"))
            assert mean.shape == (2, 4)
            assert (low <= mean + 1e-9).all()
            assert (mean <= high + 1e-9).all()
            assert len(model[side]["layer_drops"]) == 2
    assert heads["models"]["con2"]["absent"]["margin"] > heads["models"]["base"]["absent"]["margin"]


def test_all_heads_keep_the_whole_margin(results: tuple[dict[str, Any], dict[str, Any]]) -> None:
    for model in results[1]["models"].values():
        assert sorted(map(tuple, model["order"])) == [
            (layer, head) for layer in range(2) for head in range(4)
        ]
        assert len(model["kept"]) == len(model["lost"]) == 9
        assert model["kept"][-1] == pytest.approx(model["lost"][0], abs=1e-6)
        assert model["lost"][-1] == pytest.approx(model["kept"][0], abs=1e-6)
    con2 = results[1]["models"]["con2"]
    assert 0 <= con2["suffice"] <= 8
    assert min(con2["kept"][con2["suffice"] :]) >= 0.9 * con2["kept"][-1]


def test_the_dearest_head_is_measured_on_prompts_that_did_not_choose_it(
    results: tuple[dict[str, Any], dict[str, Any]],
    tmp_path: Path,
    family_folder: Path,
    collection_folder: Path,
) -> None:
    """Of five denials the first, third and fifth choose: asked alone, the two others give the same figure."""
    lines = PROMPTS.splitlines()
    _, alone = _run(tmp_path, family_folder, collection_folder, "\n".join([*lines[:3], lines[4], lines[6]]))
    for name, model in results[1]["models"].items():
        dearest = model["dearest"]
        layer, head = dearest["layer"], dearest["head"]
        assert [layer, head] == model["order"][0]
        assert dearest["prompts"] == alone["prompts"]["absent"] == 2
        others = alone["models"][name]["absent"]
        assert dearest["drop"] == pytest.approx(others["drops"][layer][head], abs=1e-6)
        ends = (others["drops_low"][layer][head], others["drops_high"][layer][head])
        assert dearest["drop_ci"] == pytest.approx(ends, abs=1e-6)
    con2 = results[1]["models"]["con2"]
    layer, head = con2["order"][0]
    assert con2["dearest"]["drop"] != pytest.approx(con2["absent"]["drops"][layer][head], abs=1e-4)


def test_prompts_without_a_cue_cannot_be_measured(
    tmp_path: Path, family_folder: Path, collection_folder: Path
) -> None:
    with pytest.raises(EvaluationError, match="no share to measure"):
        _run(tmp_path, family_folder, collection_folder, "\n".join(PROMPTS.splitlines()[:3]) + "\n")
