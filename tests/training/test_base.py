"""Training the compact base on drawn films: it learns, it resumes, it repeats."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from negviz.films.collection import Collection, Film
from negviz.films.openi import Report
from negviz.findings import FINDINGS
from negviz.models.image_tower import prepare
from negviz.models.text_tower import open_text_tower
from tests.tiny import draw_film, tiny_text_tower
from training.data.base import BaseData, read_base_data
from training.tune import base as training_base
from training.tune.augment import augment
from training.tune.base import BaseConfig, train_base, train_branch
from training.tune.devices import CPU, open_compute

TINY = BaseConfig(size=32, widths=(8, 16), depths=(1, 1), dim=32, epochs=3, batch=8, lr=3e-3)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> BaseData:
    folder = tmp_path_factory.mktemp("base")
    effusion, normal = frozenset({"effusion"}), frozenset({"normal"})
    films, reports = [], {}
    for number in range(48):
        sick = number % 2 == 0
        draw_film(number, effusion=sick).save(folder / f"{number}.png")
        known = {"findings": effusion if sick else normal, "denied": frozenset() if sick else effusion}
        films.append(Film(str(number), f"{number}.png", str(number), split="train", **known))  # type: ignore[arg-type]
        prose = "There is fluid." if sick else "No fluid."
        mesh = ("Pleural Effusion/left",) if sick else ("normal",)
        reports[str(number)] = Report(str(number), mesh, prose, "", "", ())
    sha256 = tiny_text_tower(folder / "text_tower")
    tower = open_text_tower(16, sha256=sha256, family=folder, name="tiny")
    extra = Film("nih", "0.png", "nih", findings=frozenset({"effusion"}))
    return read_base_data(
        Collection("drawn", tuple(films), folder), reports, tower, Collection("nih", (extra,), folder)
    )


def test_targets_say_what_is_known_and_weigh_what_is_not(data: BaseData) -> None:
    effusion, nodule = FINDINGS.index("effusion"), FINDINGS.index("nodule")
    assert data.targets[0, effusion] == 1
    assert data.targets[1, effusion] == 0
    assert data.weights[0, nodule] < data.weights[1, nodule] == 1  # silent against denied by "normal"
    assert data.labels[len(FINDINGS) :] == ()  # no term is in 25 studies … of 24
    assert data.sentences[0] != data.sentences[1]
    assert data.sentences[-1] == ()  # labels, but no report
    assert data.films.shape == (49, 2, 256, 256)


def test_hedges_weigh_less_than_statements() -> None:
    from training.data.base import _finding_target

    effusion = frozenset({"effusion"})
    hedged = Film("a", "", "1", uncertain=effusion)
    indexed = Film("a", "", "1", uncertain=effusion, indexed=effusion)
    stated = Film("a", "", "1", findings=effusion)
    targets = [_finding_target(film, "effusion")[0] for film in (hedged, indexed, stated)]
    assert 0 < targets[0] < targets[1] < targets[2] == 1


def test_training_tells_drawn_effusion_from_none(data: BaseData, tmp_path: Path) -> None:
    config = BaseConfig(size=32, widths=(8, 16), depths=(1, 1), dim=32, epochs=12, batch=8, lr=3e-3, ema=0.9)
    run = train_base(data, config, work=tmp_path)
    films = torch.stack([prepare(draw_film(100 + n, effusion=n < 6), 256) for n in range(12)])
    with torch.inference_mode():
        logits = run.labels(run.tower(films))[:, FINDINGS.index("effusion")]
    assert logits[:6].min() > logits[6:].max()


def test_a_run_that_was_killed_ends_where_one_that_was_not_does(
    data: BaseData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train_base(data, TINY, work=tmp_path / "whole")
    draw, calls = training_base._batches, 0

    def killed(*args: object) -> object:
        nonlocal calls
        calls += 1
        if calls == 5:  # in the second branch's second epoch
            raise KeyboardInterrupt
        return draw(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(training_base, "_batches", killed)
    with pytest.raises(KeyboardInterrupt):
        train_base(data, TINY, work=tmp_path / "killed")
    monkeypatch.setattr(training_base, "_batches", draw)
    resumed = train_base(data, TINY, work=tmp_path / "killed")
    again, first = resumed.tower.state_dict(), whole.tower.state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    other = train_base(data, BaseConfig(**{**TINY.describe(), "seed": 1}), work=tmp_path / "other")
    name = next(iter(first))
    assert not torch.equal(other.tower.state_dict()[name], first[name])


def test_a_run_that_was_killed_within_an_epoch_ends_where_one_that_was_not_does(
    data: BaseData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, step, steps = replace(TINY, epochs=2), training_base._step, list[float]()
    whole = train_branch(data, config, 0, work=tmp_path / "whole")

    def killed(*args: Any) -> float:
        if len(steps) == 9:  # the third of the second epoch's six
            raise KeyboardInterrupt
        steps.append(step(*args))
        return steps[-1]

    monkeypatch.setattr(training_base, "KEPT_EVERY", 0.0)
    monkeypatch.setattr(training_base, "_step", killed)
    with pytest.raises(KeyboardInterrupt):
        train_branch(data, config, 0, work=tmp_path / "killed")
    steps.clear()
    torch.rand(7)  # what a new process has drawn before
    resumed = train_branch(data, config, 0, work=tmp_path / "killed")
    assert len(steps) == 3  # those that were left
    first, again = whole.state_dict(), resumed.state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)


def test_augmented_films_are_films_still() -> None:
    torch.manual_seed(0)
    films = torch.stack([prepare(draw_film(n, effusion=False), 256) for n in range(16)])
    changed = augment(films, 64)
    assert changed.shape == (16, 2, 64, 64)
    assert torch.isfinite(changed).all()
    plain = torch.nn.functional.interpolate(films.float(), size=(64, 64), mode="area")
    likeness = [
        np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(plain.numpy(), changed.numpy(), strict=True)
    ]
    assert 0.4 < float(np.mean(likeness)) < 0.98


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_the_precision_asked_for_is_that_of_the_run(data: BaseData, tmp_path: Path, precision: str) -> None:
    config = BaseConfig(**{**TINY.describe(), "epochs": 1, "lr": 1e-4})
    usual, other = (
        train_branch(data, config, 0, work=tmp_path, compute=compute).state_dict()
        for compute in (CPU, open_compute("cpu", precision))
    )
    moved = [name for name in usual if not torch.equal(usual[name], other[name])]
    assert any(name.startswith("tower.") for name in moved)
    for name in moved:
        torch.testing.assert_close(usual[name], other[name], rtol=0.1, atol=0.05)
    assert len(list(tmp_path.iterdir())) == 2  # neither goes on where the other stopped


def test_a_run_in_half_precision_that_was_killed_ends_where_one_that_was_not_does(
    data: BaseData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compute, draw, calls = open_compute("cpu", "fp16"), training_base._batches, 0
    whole = train_branch(data, TINY, 0, work=tmp_path / "whole", compute=compute).state_dict()

    def killed(*args: object) -> object:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt
        return draw(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(training_base, "_batches", killed)
    with pytest.raises(KeyboardInterrupt):
        train_branch(data, TINY, 0, work=tmp_path / "killed", compute=compute)
    monkeypatch.setattr(training_base, "_batches", draw)
    resumed = train_branch(data, TINY, 0, work=tmp_path / "killed", compute=compute).state_dict()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


OTHER: dict[str, Any] = {
    "seed": 5,
    "size": 48,
    "widths": (4, 16),
    "depths": (1, 2),
    "dim": 16,
    "branches": 1,
    "epochs": 2,
    "batch": 12,
    "lr": 1e-3,
    "warmup": 0.5,
    "weight_decay": 0.0,
    "contrastive": 0.0,
    "rare": 0.0,
    "ema": 0.1,
    "clip": 0.01,
    "simulated_share": 0.5,
}


def test_every_knob_of_the_base_has_another_value_here() -> None:
    assert set(OTHER) == {knob.name for knob in fields(BaseConfig)} - {"simulated"}  # films, of the data


@pytest.mark.parametrize("knob", OTHER)
def test_every_knob_of_the_base_makes_another_base(data: BaseData, tmp_path: Path, knob: str) -> None:
    mixed = replace(data, simulated=12)
    usual = replace(TINY, epochs=1)
    assert getattr(usual, knob) != OTHER[knob]
    one, other = (
        train_base(mixed, config, work=tmp_path).tower.state_dict()
        for config in (usual, replace(usual, **{knob: OTHER[knob]}))
    )
    assert one.keys() != other.keys() or any(
        one[name].shape != other[name].shape or not torch.equal(one[name], other[name]) for name in one
    )
