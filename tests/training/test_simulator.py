"""The judges of the simulator: small towers, few films, and the whole way to the table."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from negviz.films.collection import Collection, Film, open_collection
from negviz.findings import ABNORMAL
from training.data.phantoms import collection as phantoms
from training.data.phantoms.collection import build_phantoms
from training.data.phantoms.plan import shipped_plan
from training.measure import simulator as judge
from training.paths import Paths
from training.report.tables import render
from training.tune.base import BaseConfig

TINY = partial(BaseConfig, size=32, widths=(8, 16), depths=(1, 1), dim=32, batch=4)


def test_findings_that_some_have_and_some_do_not_are_ranked() -> None:
    effusion = frozenset({"effusion"})
    with_it = tuple(Film(f"a{n}", "", f"a{n}", findings=effusion) for n in range(20))
    without = tuple(Film(f"b{n}", "", f"b{n}", denied=effusion) for n in range(20))
    films = Collection("drawn", with_it + without)
    logits = np.zeros((40, len(ABNORMAL)), np.float32)
    logits[:20, ABNORMAL.index("effusion")] = 1
    measured = judge.ranked(logits, films)
    assert set(measured["findings"]) == {"effusion"}
    assert measured["findings"]["effusion"]["classifier_auroc"] == 1
    assert measured["findings"]["effusion"]["positives"] == 20


def test_a_band_of_severity_counts_the_films_that_lie_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge, "figures", lambda *_: {})  # only who is counted
    films = open_collection("phantoms")
    logits = np.zeros((len(films), len(ABNORMAL)), np.float32)
    every = judge.ranked(logits, films)["findings"]
    graded = {name: judge.ranked(logits, films, band)["findings"] for name, band in judge.BANDS.items()}
    assert graded["severity 0.15 to 0.4"]["effusion"]["positives"] > 0
    for finding, row in every.items():
        of = {name: rows.get(finding, {"positives": 0})["positives"] for name, rows in graded.items()}
        assert of["severity 0.4 and more"] == of["severity 0.4 to 0.7"] + of["severity 0.7 and more"]
        assert 0 < of["severity 0.4 and more"] <= row["positives"]
        assert graded["severity 0.4 and more"][finding]["negatives"] == row["negatives"]


def test_no_more_is_wanted_of_a_simulated_finding_than_real_ones_reach() -> None:
    rows = {
        name: {"classifier_auroc": auroc, "positives": positives}
        for name, auroc, positives in (
            *(("effusion", 0.6, 100), ("edema", 0.9, 30), ("nodule", 0.6, 30), ("fracture", 0.9, 19)),
        )
    }
    assert judge.wanted(rows) == {"effusion": 0.8, "cardiomegaly": 0.85, "edema": 0.75, "nodule": 0.57}


def test_two_towers_judge_films_they_never_saw(
    tmp_path: Path, collection_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(phantoms, "SIZE", 64)
    monkeypatch.setattr("training.data.phantoms.training_films.SHARD", 4)
    monkeypatch.setattr(judge, "BaseConfig", TINY)
    build_phantoms(tmp_path / "phantoms", shipped_plan()[:10], jobs=1)
    monkeypatch.setattr(judge, "open_collection", lambda _: open_collection(tmp_path / "phantoms"))
    places = Paths(collection=str(collection_folder), work=tmp_path / "work")
    trained = judge.train_on_simulated(places, 4, 1)
    states = list((tmp_path / "work").glob("base-*"))
    again = judge.train_on_simulated(places, 4, 1)  # found, not trained anew
    assert states == list((tmp_path / "work").glob("base-*"))
    assert again.describe() == trained.describe()
    results = judge.judge(places, trained, again)
    assert set(results["judged"]["simulated"]["shipped simulated films"]["findings"]) >= {"effusion"}
    assert set(results["judged"]["real"]) == {"Open-i, test films", "Open-i, all films"}
    assert set(results["held_out"]) == {"Open-i, studies held out"}
    assert results["seeds"]["shipped"][1] <= results["seeds"]["training"][0]
    table = render(results, "simulator.json")
    assert "| shipped simulated films (10) | real films only | effusion | 5 | 5 |" in table
    assert "0.80 |" in table
