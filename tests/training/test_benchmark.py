"""The benchmark's pieces and the pictures of README, on the tiny family: what they say, not how fast."""

from __future__ import annotations

import argparse
import io
import json
import os
import platform
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from negviz.films.collection import ASSETS
from negviz.page.room import Room
from training.bench import benchmark, costs, crowd, running, screenshots
from training.bench.costs import Timings
from training.bench.running import RunningApp, RunningError, free_port, run_app
from training.bench.sentences import sentences
from training.report import tables


@pytest.fixture(scope="module")
def room(family_folder: Path, collection_folder: Path) -> Room:
    return benchmark.open_room(family_folder, str(collection_folder))


def test_times_are_medians_and_tails_in_milliseconds() -> None:
    assert Timings.of([0.001, 0.002, 0.003]) == Timings(2.0, 2.9, 3)


def test_sentences_are_new_to_every_part() -> None:
    texts = sentences()
    assert len(set(texts)) == len(texts) >= max(*benchmark.VISITORS, 6 * (costs.TIMES + 1))
    known = {text.casefold() for path in (ASSETS / "prompts").glob("*.csv") for text in _column(path)}
    assert not known & set(texts)


def _column(path: Path) -> list[str]:
    return [cell for line in path.read_text(encoding="utf-8").splitlines() for cell in line.split(",")]


def test_costs_are_measured_part_by_part(room: Room) -> None:
    found = costs.measure_costs(room, sentences(), times=2, dear=1)
    parts = ("text_towers", "text_passes", "galleries", "words", "captum")
    assert set(found) - {"map"} == {*parts}
    assert [found[name].times for name in parts] == [2, 2, 2, 2, 1]
    assert all(times.median_ms > 0 for times in found.values())
    assert set(costs.ratios(found)) == {
        "galleries_to_text_passes",
        "galleries_to_text_towers",
        "words_to_text_towers",
        "words_to_captum",
    }


def test_targets_stand_beside_what_was_measured() -> None:
    parts = ("text_towers", "text_passes", "galleries", "words", "captum")
    taken = {name: Timings(200.0, 300.0, 5) for name in parts}
    page = {"start_to_first_paint_s": 8.0, "first_paint_mb": 1.5, "peak_memory_mb": None}
    found = benchmark.targets(taken, page)
    assert {name: target["met"] for name, target in found.items()} == {
        "galleries": False,
        "galleries_to_text_passes": True,
        "words": True,
        "map": None,
        "start_to_first_paint": True,
        "first_paint": True,
        "peak_memory": None,
    }


def test_the_machine_is_described_without_saying_whose_it_is() -> None:
    said = json.dumps(benchmark.machine())
    assert "cores" in said
    assert platform.node() not in said
    assert "/" not in said


def test_an_app_that_cannot_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "app.py").write_text("import sys; sys.exit('negviz: there is no family')", encoding="utf-8")
    monkeypatch.setattr(running, "ROOT", tmp_path)
    with pytest.raises(RunningError, match="did not start: negviz: there is no family"), run_app():
        pass


def test_memory_is_read_where_the_system_tells_it() -> None:
    peak = RunningApp("http://127.0.0.1:1/", os.getpid(), 0.0).peak_bytes()
    assert peak is None or peak > 10_000_000
    assert RunningApp("http://127.0.0.1:1/", 2**30, 0.0).peak_bytes() is None


def test_pictures_are_made_small_enough() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(noise).save(out, "PNG")
    kept = screenshots.small(out.getvalue(), most=10_000)
    assert Image.open(io.BytesIO(kept)).size == (80, 60)
    shrunk = screenshots.small(out.getvalue(), most=1_500)
    assert len(shrunk) <= 1_500
    assert Image.open(io.BytesIO(shrunk)).size < (80, 60)


def test_a_crowds_figures_are_medians_of_runs_beside_what_was_wanted() -> None:
    seen = {
        "distinct": {"last_gallery_s": 4.0, "client_cpu_s": 1.0},
        "same": {"last_gallery_s": 11.0, "client_cpu_s": 1.0},
        "flood": {"longest_delay_s": 0.5, "client_cpu_s": 1.0},
    }
    slow = {what: {name: 9 * value for name, value in of.items()} for what, of in seen.items()}
    found = crowd.medians([seen, slow, seen])
    assert found == seen
    assert {name: target["met"] for name, target in crowd.targets(found).items()} == {
        "distinct_last_gallery_s": True,
        "same_last_gallery_s": False,
        "flood_longest_delay_s": True,
    }


def test_visitors_who_find_nobody_say_so() -> None:
    nobody = RunningApp(f"http://127.0.0.1:{free_port()}/", os.getpid(), 0.0)
    with pytest.raises(RunningError, match="ConnectError"):
        crowd.visit(nobody, "flood")


def test_a_crowd_is_told_in_a_table() -> None:
    seen = {"distinct": {"last_gallery_s": 4.04, "client_cpu_s": 1.0}}
    machine = {"cores": 2, "load_before": [0.3, 0.2, 0.1]}
    results = {"visitors": 80, "what": crowd.WHAT, "medians": seen, "runs": [seen], "machine": machine}
    told = tables.render(results, "crowd.json")
    assert "| from the first question to the last gallery | 4.0 |" in " ".join(told.split())
    assert "of 2 cores (load before: 0.3)" in told


@pytest.mark.parametrize(("module", "out"), [(benchmark, "--json"), (crowd, "--json"), (screenshots, "--to")])
def test_commands_have_their_usual_options(module: object, out: str) -> None:
    parser = argparse.ArgumentParser()
    module.add_arguments(parser)  # type: ignore[attr-defined]
    args = parser.parse_args([out, "here"])
    assert getattr(args, out.lstrip("-")) == Path("here")
    assert args.family.name == "compact"
