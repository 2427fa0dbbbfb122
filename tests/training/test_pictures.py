"""Pictures show the figures of their results, in words that stay words, with the same bytes on every run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from matplotlib.colors import to_rgb

from negviz.common.shipped import ROOT
from tests.pictures import figure, marks
from training.report.curves import draw_coverage, draw_doses, draw_reliability, draw_visits
from training.report.dots import draw_experiment, draw_leave_out, draw_settings, draw_training_free
from training.report.figure import COLOURS, DARK, GROUND, INK, LINE, MUTED, look, stroke

RESULTS = ROOT / "assets" / "results"
ELSEWHERE: dict[str, tuple[str, Callable[[Any], str]]] = {  # what `report` does not draw
    "dose": ("dose", draw_doses),
    "training-free": ("training-free", draw_training_free),
    "calibration-reliability": ("calibration", draw_reliability),
    "calibration-coverage": ("calibration", draw_coverage),
}
DRAWN: dict[str, tuple[str, Callable[[Any], str]]] = {
    **ELSEWHERE,
    "visits": ("visits", draw_visits),
    "experiment-overlap": ("experiment-overlap", draw_experiment),
}


def read(stem: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((RESULTS / f"{stem}.json").read_text("utf-8"))
    return value


def drawn() -> dict[str, str]:
    return {name: draw(read(stem)) for name, (stem, draw) in DRAWN.items()}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_what_the_report_does_not_draw_is_up_to_date(name: str) -> None:
    stem, draw = ELSEWHERE[name]
    assert (RESULTS / f"{name}.svg").read_text("utf-8") == draw(read(stem))


def test_another_process_with_another_style_and_seed_draws_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "matplotlibrc").write_text("font.size: 30\ngrid.linewidth: 3\nsvg.fonttype: path\n")
    code = "import json, tests.training.test_pictures as made; print(json.dumps(made.drawn()))"
    changed = {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"}
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path,
        env={**os.environ, **changed},
        capture_output=True,
        text=True,
        check=True,
    )
    committed = {name: (RESULTS / f"{name}.svg").read_text("utf-8") for name in DRAWN}
    assert json.loads(ran.stdout) == committed


@pytest.mark.parametrize("path", sorted(RESULTS.glob("*.svg")), ids=lambda path: path.stem)
def test_a_picture_names_itself_and_its_words_are_text_in_light_and_dark(path: Path) -> None:
    text = path.read_text("utf-8")
    root = ElementTree.fromstring(text)
    space = root.tag.removesuffix("svg")
    assert root.get("role") == "img"
    assert (root.findtext(f"{space}title") or "").strip()
    assert len(root.findall(f".//{space}text")) > 5
    assert "prefers-color-scheme:dark" in text
    for light in DARK:  # that stand in the picture as the rules expect them
        assert light == INK or f"fill: {light}" in text
    assert "<dc:date>" not in text


def luminance(colour: str) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_words_and_marks_can_be_told_from_either_ground() -> None:
    for ground in (GROUND, DARK[GROUND], "#0d1117"):
        assert [c for c in (*COLOURS, LINE, "#d55e00") if contrast(c, ground) < 3] == []
    for ink in (INK, MUTED):
        assert contrast(ink, GROUND) >= 4.5
        assert contrast(DARK[ink], DARK[GROUND]) >= 4.5


def test_twenty_series_have_twenty_marks_and_five_have_five_lines() -> None:
    assert len({(look(n)["color"], look(n)["marker"]) for n in range(20)}) == 20
    assert len({str(stroke(n)["linestyle"]) for n in range(5)}) == 5


def test_settings_are_shown_by_cell_and_films_as_far_from_the_reference_as_they_are() -> None:
    results = read("experiment-con3")
    made = figure(draw_settings, results)
    cells = [axes.get_title("left").replace(", ", "/") for axes in made.axes]
    assert len(cells) == 4
    told = [
        results["films"][films][setting][cell]["auroc_minus_reference"]
        for cell in cells
        for films in results["films"]
        for setting in results["settings"]
        if setting != results["reference"]
    ]
    assert [x for _, x, _ in marks(made)] == told
    (legend,) = made.legends
    assert [text.get_text() for text in legend.get_texts()] == list(results["films"])
    assert all(axes.get_xlim()[1] - max(x for _, x, _ in marks(made)) >= 0 for axes in made.axes)


def test_what_was_left_out_stands_beside_its_name() -> None:
    results = read("leave-out")
    without, _ = figure(draw_leave_out, results).axes
    rows = {label.get_text(): row for row, label in enumerate(without.get_yticklabels())}
    assert list(rows) == [*results["findings"], *results["kinds"]]
    of = results["findings"]["nodule"]["openi-held-out"]["absent"]
    shown = [line.get_xdata()[rows["nodule"]] for line in without.lines if line.get_marker() != "None"]  # type: ignore[index]
    assert shown == [of["auroc_base"], of["auroc_without"], of["auroc_full"]]


def test_curves_run_through_the_margins() -> None:
    results = read("dose")
    for axes in figure(draw_doses, results).axes:
        margins = [model[axes.get_title("left")]["points"]["margin"] for model in results["curves"].values()]
        lines = [list(line.get_ydata()) for line in axes.lines if len(line.get_xdata()) > 2]  # type: ignore[arg-type]
        assert lines == [[value for value, *_ in margin] for margin in margins]


def test_reliability_has_a_mark_and_an_interval_a_bin_and_a_panel_a_model() -> None:
    results = read("calibration")
    models = next(iter(results["measured"].values()))
    for axes, (name, model) in zip(figure(draw_reliability, results).axes, models.items(), strict=True):
        bins = model["reliability"]["bins"]
        assert axes.get_title("left").startswith(f"{name} · ECE ")
        (line,) = [line for line in axes.lines if line.get_marker() != "None"]
        assert list(line.get_ydata()) == [each["right"] for each in bins]  # type: ignore[arg-type]
        assert len(axes.collections[0].get_paths()) == sum(bool(each["right_ci"]) for each in bins)


def test_models_that_nothing_was_measured_for_cost_their_panel_only() -> None:
    results = {"measured": {"openi": {"base": {"reliability": None, "coverage": None}}}}
    for draw in (draw_reliability, draw_coverage):
        assert "openi" in draw(results)
