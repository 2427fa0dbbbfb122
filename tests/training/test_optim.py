"""What weight decay falls on, in every run that has an optimiser, and what is said where it fell on more."""

from __future__ import annotations

import ast
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor, nn

from negviz.common.shipped import COMPACT
from negviz.films.collection import Collection
from negviz.models.encoder import DualEncoder
from negviz.retrieval.embeddings import film_embeddings
from tests.training.test_base import TINY, data
from tests.training.test_con1_con2 import PROMPTS
from tests.training.test_con3 import CONFIG as CON3
from tests.training.test_con3 import bank, lessons
from training.data.base import BaseData
from training.data.pairs import Pairs, make_pairs
from training.measure.experiments.image_run import Prepared, image_tower, tune_both
from training.measure.experiments.recipe import Knobs
from training.measure.retuned import Retuned
from training.measure.retuned_wordings import RetunedOnWordings
from training.paths import Paths
from training.report.cards import write_cards
from training.tune.base import BaseConfig, train_branch
from training.tune.captions import CaptionConfig, Lessons, tune_captions
from training.tune.choose import read_choice
from training.tune.con1_con2 import TuneConfig, tune
from training.tune.optim import Decay, adamw

__all__ = ["bank", "data", "lessons"]  # fixtures
Run = Callable[[float, Decay], dict[str, Tensor]]


def test_only_matrices_are_drawn_towards_zero_unless_everything_is_to_be() -> None:
    def after(decay: Decay) -> list[Tensor]:
        parameters = [nn.Parameter(torch.full(shape, 2.0)) for shape in ((3, 2), (2,), ())]
        optimiser = adamw((parameters[:2], 0.5), (parameters[2:], 0.25), weight_decay=0.2, decay=decay)
        for parameter in parameters:
            parameter.grad = torch.zeros_like(parameter)
        optimiser.step()
        return [parameter.detach() for parameter in parameters]

    for decay, factors in (("matrices", (0.9, 1, 1)), ("everything", (0.9, 0.9, 0.95))):
        for value, factor in zip(after(decay), factors, strict=True):  # type: ignore[arg-type]
            torch.testing.assert_close(value, torch.full_like(value, 2.0 * factor))


# Every run ------------------------------------------------------------------------------------


@pytest.fixture
def pairs(collection: Collection) -> Pairs:
    return make_pairs(collection, PROMPTS)


@pytest.fixture
def films(collection: Collection, models: dict[str, DualEncoder], pairs: Pairs) -> npt.NDArray[np.float32]:
    return film_embeddings(models["base"], collection)[collection.rows(pairs.films)]


@pytest.fixture
def runs(
    models: dict[str, DualEncoder], pairs: Pairs, films: npt.NDArray[np.float32], lessons: Lessons
) -> dict[str, Run]:
    """Each run's parameters after one step, by its weight decay and what that falls on."""
    base, one = models["base"], {"epochs": 1, "batch": len(pairs), "lr": 1e-2}

    def paired(method: Literal["con1", "con2"]) -> Run:
        def run(share: float, decay: Decay) -> dict[str, Tensor]:
            config = TuneConfig(method=method, weight_decay=share, decay=decay, **one)  # type: ignore[arg-type]
            tuned = tune(base, films, pairs, config)
            return {**tuned.tensors, "logit_scale": torch.tensor(tuned.logit_scale)}

        return run

    def con3(share: float, decay: Decay) -> dict[str, Tensor]:
        return tune_captions(base, lessons, replace(CON3, steps=1, weight_decay=share, decay=decay)).tensors

    return {"con1": paired("con1"), "con2": paired("con2"), "con3": con3}


@pytest.mark.parametrize("name", ["con1", "con2", "con3"])
def test_one_step_of_tuning_decays_matrices_only_and_everything_where_told(
    runs: dict[str, Run], name: str
) -> None:
    without, spared, old = (
        runs[name](*how) for how in ((0, "matrices"), (0.5, "matrices"), (0.5, "everything"))
    )
    _decayed_matrices_only(without, spared)
    gains = [key for key, value in without.items() if value.ndim <= 1 and value.min() > 0.5]  # of norms
    assert gains
    assert not any(torch.equal(without[key], old[key]) for key in gains)
    matrices = [key for key, value in without.items() if value.ndim > 1]
    assert all(torch.equal(spared[key], old[key]) for key in matrices)


def test_an_experiment_decays_matrices_only_in_both_towers(
    models: dict[str, DualEncoder], collection: Collection, pairs: Pairs, monkeypatch: pytest.MonkeyPatch
) -> None:
    films = Prepared.of(image_tower(models["base"]), collection, pairs.films)

    def run(share: float) -> dict[str, Tensor]:
        monkeypatch.setattr(TuneConfig, "weight_decay", share)
        recipe = Knobs(lr=1e-2, batch=len(pairs), epochs=1, image_lr=1e-2)
        tuned = tune_both(models["base"], pairs, films, recipe)
        image = {f"image.{name}": value for name, value in image_tower(tuned).named_parameters()}
        return {**tuned.text.tunable(), **image, "logit_scale": torch.tensor(tuned.logit_scale)}

    _decayed_matrices_only(run(0), run(0.5))


def test_the_base_decays_matrices_only(data: BaseData, tmp_path: Path) -> None:
    def run(share: float) -> dict[str, Tensor]:
        config = BaseConfig(**{**TINY.describe(), "epochs": 1, "batch": 48, "weight_decay": share})
        return dict(train_branch(data, config, 0, work=tmp_path).named_parameters())

    _decayed_matrices_only(run(0), run(5))


def _decayed_matrices_only(without: dict[str, Tensor], decayed: dict[str, Tensor]) -> None:
    moved = {name for name, value in without.items() if not torch.equal(value, decayed[name])}
    assert moved == {name for name, value in without.items() if value.ndim > 1}
    assert moved != set(without)


def test_there_is_one_home_of_optimisers() -> None:
    """Any other that is made in `training` would decide for itself what is decayed."""
    makers = {name for name, value in vars(torch.optim).items() if isinstance(value, type)}
    found = set()
    for path in (COMPACT.parents[1] / "training").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = (
                    node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                )
                found |= {path.name} if called in makers else set()
    assert found == {"optim.py"}


# Records --------------------------------------------------------------------------------------


def test_a_choice_is_tuned_as_it_was_tried() -> None:
    knobs = {"lr": 1e-4, "batch": 32, "seed": 1}
    for said, decay in (({}, "everything"), ({"decay": "matrices"}, "matrices")):
        assert read_choice({"methods": {"con2": {"chosen": knobs | said}}}, "con2").decay == decay


@pytest.mark.parametrize(
    "without", [Retuned, partial(RetunedOnWordings, wordings=0)], ids=["films", "wordings"]
)
def test_a_model_is_tuned_again_as_it_was_and_not_as_it_would_be_today(
    without: Callable[..., Retuned], family_folder: Path, tmp_path: Path, collection_folder: Path
) -> None:
    """A config that says nothing of decay is of a run in which it fell on everything."""
    paths = Paths(shutil.copytree(family_folder, tmp_path / "family"), str(collection_folder), work=tmp_path)
    found = []
    for said in ({}, {"decay": "everything"}, {"decay": "matrices"}):
        path = paths.family / "con1" / "config.json"
        record = json.loads(path.read_text("utf-8"))
        record["training"] = {"method": "con1", "lr": 1e-2, "epochs": 1, "weight_decay": 0.5, **said}
        path.write_text(json.dumps(record), "utf-8")
        found.append(without(paths, "").tuned("con1").encode_text(["no effusion"]))
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])
    assert len(list((tmp_path / "retuned").iterdir())) == 2


@pytest.mark.parametrize("name", ["con1", "con3"])
def test_a_model_is_tuned_again_in_the_precision_that_it_was_tuned_in(
    name: str, family_folder: Path, tmp_path: Path, collection_folder: Path
) -> None:
    paths = Paths(shutil.copytree(family_folder, tmp_path / "family"), str(collection_folder), work=tmp_path)
    path = paths.family / "con1" / "config.json"
    found = []
    for precision in ("no", "bf16", "fp16"):  # float16 is a GPU's
        record = json.loads(path.read_text("utf-8"))
        knobs = {"lr": 1e-2, "epochs": 1, "steps": 2}
        record["training"] = {"method": name, **knobs, "compute": {"precision": precision}}
        path.write_text(json.dumps(record), "utf-8")
        found.append(Retuned(paths, "").tuned("con1").encode_text(["no effusion"]))
    assert not np.array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])
    assert len(list((tmp_path / "retuned").iterdir())) == 2


def test_a_run_of_another_version_is_not_taken_for_this_one(
    family_folder: Path, collection_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = Paths(shutil.copytree(family_folder, tmp_path / "family"), str(collection_folder), work=tmp_path)
    path = paths.family / "con1" / "config.json"
    record = json.loads(path.read_text("utf-8"))
    record["training"] = {"method": "con1", "lr": 1e-2, "epochs": 1}
    path.write_text(json.dumps(record), "utf-8")
    for version, cached in (("con1-con2/1", 1), ("con1-con2/1", 1), ("con1-con2/2", 2)):
        monkeypatch.setattr("training.tune.con1_con2.VERSION", version)
        Retuned(paths, "").tuned("con1")
        assert len(list((tmp_path / "retuned").iterdir())) == cached


@pytest.mark.parametrize("name", ["con1", "con2", "con3"])
def test_a_card_says_where_decay_fell_on_more_than_matrices(
    name: str, family_folder: Path, tmp_path: Path
) -> None:
    record = json.loads((COMPACT / name / "config.json").read_text("utf-8"))["training"]
    old = record.get("decay", "everything") == "everything"
    assert ("**Weight decay.**" in (COMPACT / name / "README.md").read_text("utf-8")) is old
    family = shutil.copytree(family_folder, tmp_path / "family")
    for said, warned in (({}, True), ({"decay": "everything"}, True), ({"decay": "matrices"}, False)):
        path = family / "con1" / "config.json"
        config = json.loads(path.read_text("utf-8"))
        knobs = {"method": name, "weight_decay": CaptionConfig().weight_decay}
        path.write_text(json.dumps({**config, "training": {**knobs, **said}}), "utf-8")
        write_cards(family)
        card = (family / "con1" / "README.md").read_text("utf-8")
        assert ("**Weight decay.**" in card) is warned
        assert ("logit scale" in card) is (warned and name != "con3")
    assert "**Weight decay.**" not in (family / "base" / "README.md").read_text("utf-8")
