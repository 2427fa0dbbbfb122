"""Pairs and tuning on the tiny family: what is drawn, what moves, what must not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
import torch

from negviz.evaluation.prompts import PromptKind, PromptRow
from negviz.films.collection import Collection, Film
from negviz.findings import Polarity
from negviz.models.encoder import DualEncoder
from negviz.retrieval.embeddings import film_embeddings
from training.data.pairs import Pairs, PairsError, make_pairs
from training.tune.choose import choose, prompt_fold, read_choice
from training.tune.con1_con2 import TuneConfig, tune

Floats = npt.NDArray[np.float32]
_WORDS: tuple[tuple[PromptKind, tuple[str, ...]], ...] = (
    ("structured", ("left", "right", "small")),
    ("natural", ("there is", "showing", "fluid")),
)


def _row(words: str, opposite: str, polarity: Polarity, kind: PromptKind) -> PromptRow:
    extra = {"opposite": f"{opposite} pleural effusion"}
    return PromptRow(f"{words} pleural effusion", "effusion", polarity, kind, extra)


def _rows(kind: PromptKind, words: str) -> list[PromptRow]:
    denial = f"{words} no" if words == "there is" else f"no {words}"
    return [_row(words, denial, "present", kind), _row(denial, words, "absent", kind)]


PROMPTS = [row for kind, many in _WORDS for words in many for row in _rows(kind, words)]


@pytest.fixture
def pairs(collection: Collection) -> Pairs:
    return make_pairs(collection, PROMPTS)


@pytest.fixture
def films(collection: Collection, models: dict[str, DualEncoder], pairs: Pairs) -> Floats:
    place = {film.id: row for row, film in enumerate(collection)}
    return film_embeddings(models["base"], collection)[[place[film.id] for film in pairs.films]]


def test_pairs_are_balanced_training_films_of_which_half_of_the_denials_are_abnormal() -> None:
    def film(number: int, **known: frozenset[str]) -> Film:
        return Film(str(number), "", str(number), split="train", **known)  # type: ignore[arg-type]

    effusion, heart, normal = frozenset({"effusion"}), frozenset({"cardiomegaly"}), frozenset({"normal"})
    many = [
        *(film(n, findings=effusion) for n in range(8)),
        film(8, uncertain=effusion, indexed=effusion),
        film(9, uncertain=effusion),
        *(film(n, findings=heart, denied=effusion) for n in range(10, 40)),
        *(film(n, findings=normal, denied=effusion) for n in range(40, 90)),
        replace(film(90, findings=effusion), split="test"),
    ]
    pairs = make_pairs(Collection("many", tuple(many)), PROMPTS)
    with_it, without = (
        [f for f, h in zip(pairs.films, pairs.has, strict=True) if h is np.bool_(k)] for k in (True, False)
    )
    assert {f.id for f in with_it} == {str(n) for n in range(9)}
    assert len(without) == 9
    assert sum(f.findings == heart for f in without) == 4


def test_a_caption_is_true_of_its_film_and_its_distractor_is_of_the_other_class(pairs: Pairs) -> None:
    random = np.random.default_rng(0)
    for film in range(len(pairs)):
        caption, opposed, distractor = pairs.draw(film, random)
        assert ("no" in caption.split()) is not bool(pairs.has[film])
        assert caption != opposed
        assert pairs.has[distractor] != pairs.has[film]


def test_without_films_prompts_or_opposites_there_are_no_pairs(collection: Collection) -> None:
    with pytest.raises(PairsError, match="films with fracture"):
        make_pairs(collection, PROMPTS, finding="fracture")
    with pytest.raises(PairsError, match="prompts for effusion"):
        make_pairs(collection, [])
    with pytest.raises(PairsError, match="has no opposite"):
        make_pairs(collection, [replace(PROMPTS[0], extra={})])


@pytest.mark.parametrize(
    "config",
    [
        TuneConfig(method="con1", lr=1e-3),
        TuneConfig(method="con2", lr=1e-3),
        TuneConfig(method="con1", lr=1e-3, targets="multi-positive"),
    ],
    ids=["con1", "con2", "con1-multi"],
)
def test_tuning_lowers_the_loss_and_leaves_base_and_word_embeddings_alone(
    models: dict[str, DualEncoder],
    pairs: Pairs,
    films: Floats,
    config: TuneConfig,
) -> None:
    base = models["base"]
    before = {name: value.clone() for name, value in base.text.state_dict().items()}
    tuned = tune(base, films, pairs, replace(config, epochs=8, batch=8))
    assert tuned.losses[-1] < tuned.losses[0]
    assert tuned.delta["l2"] > 0
    assert not any("word_embeddings" in name for name in tuned.tensors)
    assert all(torch.equal(before[name], value) for name, value in base.text.state_dict().items())
    assert not np.allclose(tuned.model(base).encode_text(["no effusion"]), base.encode_text(["no effusion"]))


def test_a_seed_gives_the_same_model_and_another_seed_another(
    models: dict[str, DualEncoder],
    pairs: Pairs,
    films: Floats,
) -> None:
    config = TuneConfig(method="con2", epochs=1, lr=1e-3)
    first, again, other = (
        tune(models["base"], films, pairs, replace(config, seed=seed)) for seed in (3, 3, 4)
    )
    name = next(iter(first.tensors))
    assert all(torch.equal(first.tensors[key], again.tensors[key]) for key in first.tensors)
    assert not torch.equal(first.tensors[name], other.tensors[name])


def test_tuning_on_opposites_teaches_the_tiny_model_to_tell_them_apart(
    models: dict[str, DualEncoder], pairs: Pairs
) -> None:
    random = np.random.default_rng(0)
    direction = random.normal(size=16)
    side = np.where(pairs.has, 1.0, -1.0)[:, None] * direction  # the films differ along one direction
    films = side + random.normal(size=(len(pairs), 16))
    films = (films / np.linalg.norm(films, axis=1, keepdims=True)).astype(np.float32)

    def margin(model: DualEncoder) -> float:
        present, absent = model.encode_text(["there is pleural effusion", "there is no pleural effusion"])
        return float(
            (films[pairs.has] @ (present - absent)).mean() - (films[~pairs.has] @ (present - absent)).mean()
        )

    tuned = tune(models["base"], films, pairs, TuneConfig(method="con2", lr=3e-3, epochs=60, batch=8))
    assert margin(tuned.model(models["base"])) > margin(models["base"]) + 0.1


def test_prompts_are_held_out_with_their_opposites_and_choices_are_read_back(
    models: dict[str, DualEncoder], collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.tune.choose.RATES", (1e-3, 1e-5))
    monkeypatch.setattr("training.tune.choose.BATCHES", (8,))
    monkeypatch.setattr("training.tune.choose.SEEDS", (0, 1, 2))
    base = models["base"]
    assert all(0 <= prompt_fold(row) < 5 for row in PROMPTS)
    prompts = [
        replace(row, prompt=f"{row.prompt} {extra}".strip())
        for row in PROMPTS
        for extra in ("", "on film", "in chest")
    ]
    choice = choose("con2", base, collection, film_embeddings(base, collection), prompts)
    results = {"methods": {"con2": choice.to_dict()}}
    assert read_choice(results, "con2") == choice.config
    assert {trial.config.seed for trial in choice.seeds} == {0, 1, 2}
    means = sorted(trial.mean for trial in choice.seeds)
    assert next(t.mean for t in choice.seeds if t.config == choice.config) == means[1]
