"""What `python -m training archives` measured, as its table and its picture tell it."""

from __future__ import annotations

from typing import Any

from tests.pictures import figure, marks
from training.report.curves import draw_archives
from training.report.tables import render


def _took(ms: float) -> dict[str, float]:
    return {"median_ms": ms, "p95_ms": 2 * ms, "processor_ms": 3 * ms}


def _grown(films: int, memory: float, disk: float, index: float) -> dict[str, Any]:
    return {
        "films": films,
        "memory": _took(memory),
        "disk": _took(disk),
        "index": {"recall": 0.998, **_took(index)},
        "indexing": {"clock_s": 9.0, "processor_s": 9.0},
        "gigabytes": {"films": 4.2, "indices": 2.1},
        "open_s": 1.0,
    }


def _point(probes: int, share: float, ms: float) -> dict[str, Any]:
    return {"probes": probes, "recall": share, "recall_by_model": {"base": share}, **_took(ms)}


RESULTS: dict[str, Any] = {
    "machine": {"cores": 2, "load_before": [9.0, 9.0, 9.0]},
    "recipe": {
        "around": 4_893,
        "nearest": {
            "shipped": [0.004, 0.0107, 0.04],
            "as_many_drawn": [0.006, 0.0122, 0.03],
            "all_drawn": [0.002, 0.0050, 0.01],
        },
    },
    "k": 10,
    "parts": 1_000,
    "curve": [_point(5, 0.8, 10.0), _point(100, 0.9951, 30.0)],
    "used": _point(100, 0.998, 35.0),
    "growth": [_grown(10_000, 1.5, 20.0, 8.0), _grown(1_000_000, 150.0, 2_000.0, 36.0)],
    "ranks": {"first": 1_000, "recall": 0.9994, **_took(180.0)},
    "page": {
        "start_s": 9.0,
        "start_processor_s": 8.0,
        "answer_median_s": 0.4,
        "answer_processor_s": 0.6,
        "peak_memory_gb": 2.5,
    },
    "embedding": {"archive_per_s": 30.0, "tower_per_s": 32.0, "ratio": 0.94},
}


def test_every_way_of_searching_has_a_row_and_the_recipe_is_told_with_its_distances() -> None:
    told = render(RESULTS, "archives.json")
    rows = told.splitlines()
    assert "| all compared, vectors in memory (numpy) | 1.000 | 150.0 | 300.0 | 450.0 |" in rows
    assert "| all compared, where they lie on disk | 1.000 | 2000.0 | 4000.0 | 6000.0 |" in rows
    assert "| index, 5 of 1,000 parts | 0.800 | 10.0 | 20.0 | 30.0 |" in rows
    assert "| index as the page asks it, 100 parts or more | 0.998 | 35.0 | 70.0 | 105.0 |" in rows
    assert "is 0.0107 for those, 0.0122 for as many drawn ones and 0.0050 among all" in told
    assert "ready 9 s after its start (8 s of processors), answers in 0.4 s (0.6 s of processors)" in told
    assert "of the first 1,000 films the index finds 99.9%" in told


def test_the_picture_shows_what_is_found_by_its_cost_and_the_cost_by_films() -> None:
    made = figure(draw_archives, RESULTS)
    assert [(x, y) for _, x, y in marks(made)] == [
        (30.0, 0.8),
        (90.0, 0.9951),
        *((10_000.0, 4.5), (1_000_000.0, 450.0)),
        *((10_000.0, 60.0), (1_000_000.0, 6_000.0)),
        *((10_000.0, 24.0), (1_000_000.0, 108.0)),
    ]
    upright = [line for line in made.axes[0].lines if line.get_marker() == "None"]
    assert [list(line.get_xdata()) for line in upright] == [[450.0] * 2, [6_000.0] * 2]  # type: ignore[arg-type]
