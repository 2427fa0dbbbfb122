"""What a base takes from its films to the page: the command that measures it, and its tables."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from negviz.models.family import load_models
from tests.tiny_hub import tiny_clip
from tests.training.test_build import own_films
from training.__main__ import main
from training.bench import full_size
from training.report.tables import render


def _step(unit: str, units: int, whole: int, seconds: float) -> dict[str, Any]:
    took = {"seconds": 2 * seconds, "processor_s": seconds, "peak_mb": 3_700}
    return {"unit": unit, "units": units, "whole": whole, **took}


def _base(steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    about = {"parameters": {"text": 60_000_000, "image": 90_000_000}, "films": 416}
    return {**about, "machine": {"cores": 2, "torch_threads": 1}, "steps": steps, **more}


RESULTS: dict[str, Any] = {
    "what": "what a base takes",
    "bases": {
        "compact": _base({"embed": _step("film", 416, 416, 12.0)}),
        "clip": _base({"embed": _step("film", 416, 416, 240.0), "dose": _step("chest", 2, 12, 60.0)}),
    },
}


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What was measured, here and not in a process of its own."""
    calls: list[object] = []

    def here(do: Callable[[], Any]) -> Any:
        calls.append(do)
        return do()

    monkeypatch.setattr(full_size, "apart", here)
    return calls


def test_steps_are_measured_once_and_bases_stand_beside_each_other(
    tmp_path: Path, started: list[object]
) -> None:
    tiny_clip(tmp_path / "hub")
    films, out = own_films(tmp_path / "own"), tmp_path / "full-size.json"
    common = ["full-size", "--collection", str(films), "--json", str(out)]
    clip = [*common, "--family", str(tmp_path / "clip"), "--base", str(tmp_path / "hub")]
    assert main([*clip, "--steps", "embed"]) == 0
    assert main([*clip, "--steps", "embed", "saliency", "unit"]) == 0
    assert len(started) == 3
    assert main([*common, "--family", str(tmp_path / "compact"), "--steps", "embed"]) == 0
    found = json.loads(out.read_text("utf-8"))["bases"]
    assert list(found) == ["hub", "compact"]
    assert found["hub"]["steps"]["embed"].items() >= {"unit": "film", "units": 80, "whole": 80}.items()
    assert found["hub"]["steps"]["embed"]["peak_mb"] > 100
    assert found["hub"]["saliency"]["film_forwards"] == 1
    assert found["hub"]["unit"]["con2_step_s"] > 0
    assert list(load_models(tmp_path / "compact")) == ["base"]
    assert str(tmp_path) not in out.read_text("utf-8")


def test_a_step_that_fails_is_told_and_not_written(
    tmp_path: Path, started: list[object], capsys: pytest.CaptureFixture[str]
) -> None:
    tiny_clip(tmp_path / "hub")
    out = tmp_path / "full-size.json"
    given = ["--base", str(tmp_path / "hub"), "--collection", str(own_films(tmp_path / "own"))]
    assert main(["full-size", *given, "--family", str(tmp_path), "--json", str(out), "--steps", "con1"]) == 2
    assert "A step ended with status 2" in capsys.readouterr().err
    assert main(["full-size", *given, "--family", str(tmp_path), "--json", str(out), "--steps", "con9"]) == 2
    assert "There is no step con9; there are embed, choose, con1" in capsys.readouterr().err
    assert not out.exists()


def test_a_step_of_which_a_part_was_run_is_marked_and_what_is_missing_left_open() -> None:
    lines = render(RESULTS, "full-size.json").splitlines()
    assert "| `embed` | 416 films | 0.2 min, 3.7 GB | 4.0 min, 3.7 GB |" in lines
    assert "| `dose` | 12 chests | — | ≈ 6.0 min, 3.7 GB |" in lines
    assert "≈: worked out from a part, dose (2 of 12 chests)." in lines[-1]
