"""Simulated films beside real ones: what must not tell them apart, and what does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from negviz.films.collection import Collection, Film, open_collection, write_manifest
from training.measure import likeness
from training.report.tables import render


def films(folder: Path, name: str, seeds: range, *, striped: bool) -> Collection:
    """Blots of grey, a film a seed; some are striped, as nothing real is."""
    folder.mkdir()
    made = []
    for seed in seeds:
        grey = np.random.default_rng(seed).normal(size=(8, 8)).repeat(32, 0).repeat(32, 1)
        if striped:
            grey += 2 * (np.arange(256) // 8 % 2)
        scaled = 255 * (grey - grey.min()) / np.ptp(grey)
        Image.fromarray(scaled.astype(np.uint8)).save(folder / f"{name}{seed}.png")
        made.append(Film(f"{name}{seed}", f"{name}{seed}.png", f"{name}{seed}"))
    write_manifest(folder, made)
    return open_collection(folder)


def test_exposure_and_borders_tell_no_film_apart() -> None:
    grey = np.random.default_rng(0).integers(40, 200, (256, 256)).astype(np.uint8)
    brighter = (grey + 50).astype(np.uint8)
    brighter[:8] = brighter[:, :8] = 0  # a border
    shown = [np.asarray(likeness.likened(Image.fromarray(each)), np.float32) for each in (grey, brighter)]
    assert shown[0].shape == (224, 224)
    assert np.abs(shown[0] - shown[1]).mean() < 3  # of 256 levels


def test_what_only_one_kind_shows_tells_them_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(likeness, "VIEWS", {"whole film, 32 px": ((0, 0, 1, 1), 32)})
    real = films(tmp_path / "real", "r", range(20), striped=False)
    like = films(tmp_path / "like", "l", range(20, 40), striped=False)
    striped = films(tmp_path / "striped", "s", range(20, 40), striped=True)
    found = {
        name: likeness.measure(of, real) for name, of in (("films that ship", striped), ("earlier", like))
    }
    seen = {name: each["views"]["whole film, 32 px"] for name, each in found.items()}
    assert seen["films that ship"]["network_auroc"] > 0.9
    assert max(seen["earlier"][f"{who}_auroc"] for who in ("network", "regression")) < 0.8
    table = render({"told_apart": found}, "likeness.json")
    assert (
        "| what is looked at | films that ship, network | films that ship, regression | earlier, network |"
        in table
    )
    assert f"| {likeness.EMBEDDINGS} | — |" in table
