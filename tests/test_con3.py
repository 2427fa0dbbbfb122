"""CON3 on the tiny family: what its losses ask for, what moves, what must not."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from negviz.collection import Collection
from negviz.embeddings import film_embeddings
from negviz.metrics import auroc
from negviz.model import DualEncoder
from training.captions import Bank, Caption, shows
from training.con3 import Con3Config, Lessons, tune_con3, where_base_puts
from training.losses import choosing, ranking

CONFIG = Con3Config(steps=25, lr=3e-3, prompts=4, composed=6, sentences=4, hedged=2, neutral=2, films=8)


def test_ranking_is_the_logistic_loss_of_every_pair_of_films() -> None:
    right, wrong = torch.tensor([[0.3, 0.1], [0.2, 0.2]]), torch.tensor([[0.0, 0.2], [0.5, -0.1]])
    targets = torch.tensor([1.0, 0.5])
    expected = []
    for i, target in enumerate((1.0, 0.5)):
        for good in right[i]:
            for bad in wrong[i]:
                likely = 1 / (1 + math.exp(-10 * float(good - bad)))
                expected.append(-target * math.log(likely) - (1 - target) * math.log(1 - likely))
    assert float(ranking(right, wrong, targets, 10.0)) == pytest.approx(np.mean(expected), rel=1e-5)


def test_a_hedge_is_best_where_both_kinds_of_film_are_alike() -> None:
    level, half = torch.zeros(1, 3), torch.tensor([0.5])
    assert float(ranking(level, level, half, 10.0)) == pytest.approx(math.log(2))
    for shift in (0.1, -0.1):
        assert float(ranking(level + shift, level, half, 10.0)) > math.log(2)


def test_choosing_leaves_out_what_is_not_known_of_a_film() -> None:
    nan = float("nan")
    similarities = torch.tensor([[0.2, 0.1, 0.9], [0.4, 0.4, 0.0], [0.3, 0.1, 0.2]])
    facts = torch.tensor([[1.0, 0.0, nan], [1.0, 1.0, nan], [1.0, 1.0, 0.0]])
    first = -math.log(math.exp(2) / (math.exp(2) + math.exp(1)))
    total = math.exp(3) + math.exp(1) + math.exp(2)
    third = -(math.log(math.exp(3) / total) + math.log(math.exp(1) / total)) / 2
    # the second film has no caption that is false of it
    assert float(choosing(similarities, facts, 10.0)) == pytest.approx((first + third) / 2, rel=1e-5)
    nothing = torch.full((2, 2), nan)
    assert float(choosing(torch.ones(2, 2), nothing, 10.0)) == 0


@pytest.fixture
def bank() -> Bank:
    pairs = [(f"{words} effusion", f"no {words} effusion") for words in ("left", "right", "small", "new")]
    frames = ("without effusion", "effusion is absent", "free of effusion", "effusion is gone")
    return Bank(
        (
            *(Caption(a, (("effusion", "present"),), "prompt", 0, b) for a, b in pairs),
            *(Caption(text, (("effusion", "absent"),), "composed", 0, kind="frame") for text in frames),
            Caption("effusion seen", (("effusion", "present"),), "sentence", 0, studies=frozenset({"x"})),
            Caption("possible effusion", (("effusion", "uncertain"),), "sentence", 0),
            Caption("the patient is rotated", (), "sentence", 0),
            Caption("emphysema", (("emphysema", "present"),), "prompt", 0, "no emphysema"),
        )
    )


@pytest.fixture
def lessons(collection: Collection, models: dict[str, DualEncoder], bank: Bank) -> Lessons:
    base = models["base"]
    return Lessons.of(film_embeddings(base, collection), collection.films, bank, where_base_puts(base, bank))


def test_captions_that_no_films_tell_apart_teach_nothing(lessons: Lessons, bank: Bank) -> None:
    kept = [caption.text for caption in lessons.captions]
    assert "emphysema" not in kept
    assert "the patient is rotated" in kept
    assert lessons.counts == {"prompt": 4, "composed": 4, "sentence": 3}


def test_tuning_turns_denials_round_and_leaves_base_as_it_was(
    collection: Collection, models: dict[str, DualEncoder], lessons: Lessons
) -> None:
    base = models["base"]
    before = {name: value.clone() for name, value in base.text.state_dict().items()}
    tuned = tune_con3(base, lessons, CONFIG)
    assert tuned.delta["relative"] > 0
    assert all(torch.equal(before[name], value) for name, value in base.text.state_dict().items())
    vectors, lacks = film_embeddings(base, collection), 1 - shows(collection.films, "effusion")
    found = [
        auroc(lacks, vectors @ m.encode_text(["no left effusion"])[0]) for m in (base, tuned.model(base))
    ]
    assert found[0] is not None
    assert found[1] is not None
    assert found[1] > max(0.8, found[0])
    assert tuned.losses[-1] < tuned.losses[0]


def test_a_run_is_decided_by_its_seed(models: dict[str, DualEncoder], lessons: Lessons) -> None:
    def first(seed: int) -> torch.Tensor:
        tensors = tune_con3(models["base"], lessons, replace(CONFIG, steps=3, seed=seed)).tensors
        return torch.cat([value.flatten() for value in tensors.values()])

    assert torch.equal(first(0), first(0))
    assert not torch.equal(first(0), first(1))


def test_weights_are_drawn_back_towards_base(models: dict[str, DualEncoder], lessons: Lessons) -> None:
    base = models["base"]
    whole, none = (
        tune_con3(base, lessons, replace(CONFIG, steps=3, interpolate=share)).tensors for share in (1.0, 0.0)
    )
    own = base.text.tunable()
    assert all(torch.equal(none[name], own[name]) for name in own)
    assert any(not torch.equal(whole[name], own[name]) for name in own)


@pytest.mark.parametrize("part", ["distil", "choosing"])
def test_each_part_of_the_loss_can_be_left_out(
    models: dict[str, DualEncoder], lessons: Lessons, part: str
) -> None:
    base = models["base"]
    full, without = (
        tune_con3(base, lessons, config).losses[0]
        for config in (replace(CONFIG, steps=1), replace(CONFIG, steps=1, **{part: 0.0}))  # type: ignore[arg-type]
    )
    assert without <= full
