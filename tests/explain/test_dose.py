"""Dose and response: sweeps on disk, curves of a sentence, and the command that makes them."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from negviz.explain import dose
from negviz.explain.dose import (
    SEVERITIES,
    Dosed,
    DoseError,
    DoseSweep,
    crossing,
    dose_curve,
    dose_curves,
    embed_dose,
    read_sweep,
    sides_of,
    sweep_path,
    write_sweep,
)
from negviz.findings import ABNORMAL
from negviz.models.encoder import DualEncoder
from training.data.phantoms.draw import SHIPPED, TRAINING
from training.measure import dose as command
from training.report.curves import draw_doses

UP, ACROSS = np.eye(2)


def turned(angles: np.ndarray) -> np.ndarray:
    """Unit vectors [..., 2] at these angles from `ACROSS`."""
    return np.stack([np.sin(angles), np.cos(angles)], axis=-1).astype(np.float32)


def rising(chests: int = 4) -> Dosed:
    """Films that turn from ACROSS to UP as the severity rises, each chest a little apart."""
    angles = np.array(SEVERITIES)[:, None] * np.pi / 2 + np.linspace(-0.02, 0.02, chests)
    return Dosed("effusion", SEVERITIES, turned(angles))


def sweep(tower_id: str, dim: int, chests: int = 3) -> DoseSweep:
    random = np.random.default_rng(0)
    films = random.normal(size=(len(ABNORMAL), len(SEVERITIES), chests, dim)).astype(np.float32)
    films /= np.linalg.norm(films, axis=-1, keepdims=True)
    return DoseSweep(tower_id, "simulator", ABNORMAL, SEVERITIES, tuple(range(chests)), films)


def test_a_model_that_sees_the_finding_moves_towards_it() -> None:
    curve = dose_curve("con2", rising(), np.stack([UP, ACROSS]).astype(np.float32)[:, ::-1])
    assert curve.own_change.sign == -1  # the sentence is ACROSS's: the axes were turned round
    curve = dose_curve("con2", rising(), turned(np.array([np.pi / 2, 0.0])))
    assert curve.own_change.value == pytest.approx(1, abs=0.05)
    assert curve.own_change.sign == 1
    assert curve.opposite_change is not None
    assert curve.opposite_change.sign == -1
    assert curve.trend is not None
    assert curve.trend.value == pytest.approx(1)
    assert curve.crossing == pytest.approx(0.5, abs=0.02)
    assert curve.crossing_chests == curve.rising_chests == curve.chests == 4
    assert curve.at(0.25)[0] == pytest.approx((curve.own[2].value + curve.own[3].value) / 2)


def test_a_sentence_without_an_opposite_has_no_margin() -> None:
    curve = dose_curve("base", rising(), turned(np.array([0.3])))
    assert (curve.margin, curve.opposite, curve.trend, curve.crossing) == (None, None, None, None)
    assert curve.at(0.5)[1] is None


def test_one_chest_alone_has_no_interval() -> None:
    curve = dose_curve("base", rising(1), turned(np.array([0.3, 1.0])))
    assert curve.own[0].low is None
    assert curve.own_change.sign == 0


def test_films_that_do_not_change_have_no_trend() -> None:
    still = Dosed("nodule", SEVERITIES, turned(np.zeros((len(SEVERITIES), 3))))
    curve = dose_curve("base", still, turned(np.array([0.3, 1.0])))
    assert curve.trend is not None
    assert curve.trend.value == 0
    assert curve.crossing_chests == curve.rising_chests == 0


@pytest.mark.parametrize(
    ("margins", "where"),
    [([-1, 1], 0.5), ([3, -1], 0.75), ([1, 2], None), ([0, 1], None), ([-1, 0], 1.0), ([0, 0], None)],
)
def test_where_a_margin_crosses_zero(margins: list[float], where: float | None) -> None:
    assert crossing((0.0, 1.0), np.array(margins, np.float64)) == where


def test_sides_that_make_sense() -> None:
    assert sides_of("effusion") == ("right", "left", "both")
    assert sides_of("pneumothorax") == ("right", "left")
    assert sides_of("cardiomegaly") == ()


def test_a_sweep_comes_back_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dose, "ASSETS", tmp_path)
    made = sweep("tower", 8)
    assert read_sweep("tower") is None
    write_sweep(sweep_path("tower"), made)
    found = read_sweep("tower")
    assert found is not None
    np.testing.assert_allclose(found.embeddings, made.embeddings, atol=1e-3)
    assert replace(found, embeddings=made.embeddings) is not made
    assert (found.findings, found.severities, found.seeds) == (made.findings, made.severities, made.seeds)
    with pytest.raises(DoseError, match="has no normal"):
        found.of("normal")


@pytest.mark.parametrize("harm", ["another tower", "cut off", "not unit"])
def test_a_damaged_sweep_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, harm: str) -> None:
    monkeypatch.setattr(dose, "ASSETS", tmp_path)
    made, path = sweep("tower", 8), sweep_path("tower")
    if harm == "another tower":
        made = replace(made, tower_id="other")
    if harm == "not unit":
        made = replace(made, embeddings=made.embeddings * 2)
    write_sweep(path, made)
    if harm == "cut off":
        path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DoseError, match="python -m training dose"):
        read_sweep("tower")


def test_every_model_with_films_has_a_curve(models: dict[str, DualEncoder]) -> None:
    model = models["base"]
    films = {model.tower_id: sweep(model.tower_id, model.dim).of("effusion")}
    curves = dose_curves(models, films, ["no pleural effusion", "pleural effusion"])
    assert list(curves) == list(models)
    assert dose_curves(models, {}, ["no pleural effusion"]) == {}
    with pytest.raises(DoseError, match="dimensions"):
        dose_curve("base", films[model.tower_id], np.ones((1, 3), np.float32))


def test_one_chest_is_simulated_and_embedded(models: dict[str, DualEncoder]) -> None:
    dosed = embed_dose(models["base"], "effusion", "right", [0.0, 0.9], 9_100_000)
    assert dosed.embeddings.shape == (2, 1, models["base"].dim)
    assert not np.allclose(dosed.embeddings[0], dosed.embeddings[1])


# python -m training dose ----------------------------------------------------------------------


def test_seeds_of_the_sweep_are_nobody_elses() -> None:
    seeds = {shot.seed for shot in command.list_shots()}
    assert len(seeds) == command.CHESTS >= 12
    assert not seeds & (set(SHIPPED) | set(TRAINING))


def test_healthy_chests_are_shared_by_all_findings() -> None:
    shots = command.list_shots(2)
    names = {shot.name for shot in shots}
    assert len(shots) == len(ABNORMAL) * len(SEVERITIES) * 2
    assert len(names) == 2 + len(ABNORMAL) * (len(SEVERITIES) - 1) * 2
    assert {shot.side for shot in shots if shot.finding == "effusion"} == {"right", "left"}


def test_the_command_writes_sweep_results_and_picture(
    family_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "SEVERITIES", (0.0, 1.0))
    monkeypatch.setattr(command, "ABNORMAL", ("effusion", "cardiomegaly"))
    monkeypatch.setenv("NEGVIZ_CACHE", str(tmp_path))
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    options = ["--family", str(family_folder), "--chests", "2", "--size", "64", "--jobs", "1"]
    monkeypatch.setattr(command, "Paths", lambda family: argparse.Namespace(shipped=False, results=tmp_path))
    assert command.run(parser.parse_args(options)) == 0
    results = json.loads((tmp_path / "dose.json").read_text("utf-8"))
    assert set(results["curves"]) == {"base", "con1", "con2"}
    record = results["curves"]["base"]["effusion"]
    assert len(record["points"]["margin"]) == 2
    assert record["margin_change_ci"][0] <= record["margin_change"] <= record["margin_change_ci"][1]
    assert results["command"].startswith("python -m training dose")
    assert (tmp_path / "dose.svg").read_text("utf-8") == draw_doses(results)
    made = {path: path.stat().st_mtime_ns for path in tmp_path.glob("dose/*/*.png")}
    assert len(made) == 6
    assert command.run(parser.parse_args(options)) == 0  # goes on where it was: nothing is simulated again
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("dose/*/*.png")} == made
    with pytest.raises(DoseError, match="2 or more"):
        command.run(parser.parse_args([*options, "--chests", "1"]))
