"""CON3 on the tiny family: what its losses ask for, what moves, what must not."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from negviz.films.collection import Collection, Film
from negviz.models.encoder import DualEncoder
from negviz.retrieval.embeddings import film_embeddings
from negviz.retrieval.metrics import auroc
from training.data.captions import Bank, Caption, shows
from training.tune.captions import (
    Batch,
    CaptionConfig,
    Lessons,
    batch_loss,
    batches,
    make_batch,
    tune_captions,
    where_base_puts,
)
from training.tune.losses import choosing, ranking
from training.tune.run_state import TuneState

CONFIG = CaptionConfig(steps=25, lr=3e-3, prompts=4, composed=6, sentences=4, hedged=2, neutral=2, films=8)


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
            Caption("effusion: none", (("effusion", "absent"),), "typed", 0, "effusion: some", kind="slang"),
            *(
                Caption(text, (("effusion", "absent"),), "typed", 0, kind="signs")
                for text in ("effusion --", "effusion (-)", "effusion -ve")
            ),
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
    assert lessons.counts == {"prompt": 4, "composed": 4, "sentence": 3, "typed": 4}


def test_tuning_turns_denials_round_and_leaves_base_as_it_was(
    collection: Collection, models: dict[str, DualEncoder], lessons: Lessons
) -> None:
    base = models["base"]
    before = {name: value.clone() for name, value in base.text.state_dict().items()}
    tuned = tune_captions(base, lessons, CONFIG)
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
    assert len(tuned.losses) == 10


def test_a_run_is_decided_by_its_seed(models: dict[str, DualEncoder], lessons: Lessons) -> None:
    def first(seed: int) -> torch.Tensor:
        tensors = tune_captions(models["base"], lessons, replace(CONFIG, steps=3, seed=seed)).tensors
        return torch.cat([value.flatten() for value in tensors.values()])

    assert torch.equal(first(0), first(0))
    assert not torch.equal(first(0), first(1))


@pytest.mark.parametrize("naming", [0.0, 0.5])  # with a head of its own beside the tower
def test_a_run_that_was_killed_ends_where_one_that_was_not_does(
    models: dict[str, DualEncoder],
    lessons: Lessons,
    naming: float,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Bit by bit: weights, the optimiser's moments, the schedule, torch's and the batches' randomness."""
    monkeypatch.setattr("training.tune.captions.SAVED", 2)
    config, state = replace(CONFIG, steps=7, naming=naming), tmp_path / "run.safetensors"
    whole = tune_captions(models["base"], lessons, config)
    saved = TuneState.save

    def killed(self: TuneState, losses: Sequence[float]) -> None:
        saved(self, losses)
        if len(losses) == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(TuneState, "save", killed)
    with pytest.raises(KeyboardInterrupt):
        tune_captions(models["base"], lessons, config, state=state)
    monkeypatch.setattr(TuneState, "save", saved)
    torch.manual_seed(99)  # another process
    gone_on = tune_captions(models["base"], lessons, config, state=state)
    assert gone_on.losses == whole.losses
    for name, tensor in whole.tensors.items():
        assert torch.equal(gone_on.tensors[name], tensor), name


def test_weights_are_drawn_back_towards_base(models: dict[str, DualEncoder], lessons: Lessons) -> None:
    base = models["base"]
    whole, none = (
        tune_captions(base, lessons, replace(CONFIG, steps=3, interpolate=share)).tensors
        for share in (1.0, 0.0)
    )
    own = base.text.tunable()
    assert all(torch.equal(none[name], own[name]) for name in own)
    assert any(not torch.equal(whole[name], own[name]) for name in own)


# A step, by hand ------------------------------------------------------------------------------

EFFUSION, HEART = "effusion", "cardiomegaly"
SMALL, DENIAL, BOTH, HEDGE, NEUTRAL, SEEN = range(6)
SPOKEN = Bank(
    (
        Caption("small effusion", ((EFFUSION, "present"),), "prompt", 0, "no small effusion"),
        Caption("without effusion", ((EFFUSION, "absent"),), "composed", 0, kind="frame"),
        Caption("effusion but no big heart", ((EFFUSION, "present"), (HEART, "absent")), "sentence", 0),
        Caption("possible effusion", ((EFFUSION, "uncertain"),), "sentence", 0),
        Caption("the patient is rotated", (), "sentence", 0),
        Caption("effusion is seen", ((EFFUSION, "present"),), "sentence", 0),
    )
)
WITH, WITHOUT, SILENT, BIG, SMALL_HEART = range(5), range(5, 10), (10, 11), range(3), range(3, 12)
NO = -1 - SMALL  # the opposite of the prompt
ROWS = (SMALL, DENIAL, BOTH, HEDGE, NEUTRAL, SEEN, NO)


def _film(number: int) -> Film:
    """Of twelve: effusion in five, denied in five, of two nothing is said; big hearts in the first three."""
    findings = {EFFUSION: number in WITH, HEART: number in BIG}
    denied = {EFFUSION: number in WITHOUT, HEART: number in SMALL_HEART}
    here, away = ({name for name, so in facts.items() if so} for facts in (findings, denied))
    return Film(str(number), "", str(number), findings=frozenset(here), denied=frozenset(away))


def _unit(count: int, seed: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    drawn = np.random.default_rng(seed).normal(size=(count, 6))
    unit: np.ndarray[Any, np.dtype[np.float32]] = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return unit.astype(np.float32)


VECTORS, FILMS = _unit(len(ROWS), seed=1), _unit(12, seed=2)
BEFORE = dict(zip(("small effusion", "the patient is rotated", "effusion is seen"), _unit(3, 3), strict=True))


@pytest.fixture
def spoken(monkeypatch: pytest.MonkeyPatch) -> Lessons:
    monkeypatch.setattr("training.tune.captions._FEWEST", 2)  # two films have an effusion and no big heart
    before = {text: torch.from_numpy(vector) for text, vector in BEFORE.items()}
    return Lessons.of(FILMS, [_film(number) for number in range(12)], SPOKEN, before)


def _made(lessons: Lessons, config: CaptionConfig) -> Batch:
    return make_batch(lessons, ROWS, config, np.random.default_rng(0))


def test_films_satisfy_a_caption_contradict_it_or_do_not_say(spoken: Lessons) -> None:
    sides = {
        SMALL: (WITH, WITHOUT),
        DENIAL: (WITHOUT, WITH),
        BOTH: ((3, 4), (0, 1, 2, *WITHOUT)),  # one mention that fails is enough
        HEDGE: (WITH, WITHOUT),  # to be told apart no more than by chance
        NEUTRAL: ((), ()),
        SEEN: (WITH, WITHOUT),
    }
    assert len(spoken.captions) == len(sides)
    for row, (right, wrong) in sides.items():
        assert (spoken.right[row].tolist(), spoken.wrong[row].tolist()) == ([*right], [*wrong])
    nothing = torch.isnan(spoken.truth[list(spoken.saying)])
    assert nothing[[HEDGE, NEUTRAL]].all()
    assert nothing[:, list(SILENT)].all()
    assert not nothing[[SMALL, DENIAL, BOTH, SEEN]][:, :10].any()


def test_a_batch_holds_what_its_captions_say_of_films_known_to_either_side(spoken: Lessons) -> None:
    batch = _made(spoken, CaptionConfig(films=30))
    assert batch.rows.tolist() == [*ROWS]
    assert batch.texts == (*(caption.text for caption in SPOKEN.captions), "no small effusion")
    assert batch.ranked.tolist() == [SMALL, DENIAL, BOTH, HEDGE, SEEN, 6]
    assert batch.targets.tolist() == [1, 1, 1, 0.5, 1, 1]
    for drawn, sides in (
        (batch.right, (WITH, WITHOUT, (3, 4), WITH, WITH, WITHOUT)),
        (batch.wrong, (WITHOUT, WITH, (0, 1, 2, *WITHOUT), WITHOUT, WITHOUT, WITH)),
    ):
        assert drawn.shape == (6, 30)
        assert [set(row.tolist()) for row in drawn] == [set(side) for side in sides]
    assert batch.kept.tolist() == [SMALL, NEUTRAL, SEEN]  # no denial, no hedge, nor what says both
    assert not set(batch.films.tolist()) & set(SILENT)
    nan = float("nan")
    true = {SMALL: WITH, DENIAL: WITHOUT, BOTH: (3, 4), SEEN: WITH, 6: WITHOUT}
    expected = [[float(film in true[i]) if i in true else nan for i in range(7)] for film in batch.films]
    np.testing.assert_array_equal(batch.truth.numpy(), expected)


def test_without_denials_a_batch_ranks_no_films_for_them(spoken: Lessons) -> None:
    batch = _made(spoken, CaptionConfig(denials=False))
    assert batch.ranked.tolist() == [SMALL, BOTH, HEDGE, SEEN]
    assert batch.targets.tolist() == [1, 1, 0.5, 1]
    assert batch.right.shape == (4, CaptionConfig.films)
    assert batch.truth.shape[1] == len(ROWS)  # films still choose among them


def test_base_is_remembered_for_affirming_and_neutral_captions(
    models: dict[str, DualEncoder], bank: Bank
) -> None:
    denying = Caption("no effusion at all", ((EFFUSION, "absent"),), "prompt", 0, "much effusion")
    before = where_base_puts(models["base"], Bank((*bank.captions, denying)))
    affirming = {f"{words} effusion" for words in ("left", "right", "small", "new", "much")}
    others = {"effusion seen", "the patient is rotated", "emphysema", "effusion: some"}
    assert set(before) == affirming | others
    for text, vector in before.items():
        np.testing.assert_allclose(vector, models["base"].encode_text([text])[0], atol=1e-6)


def _terms(batch: Batch, scale: float) -> tuple[float, float, float]:
    """Ranking, choosing and distillation, from their formulas in plain numpy."""
    ranks, chosen = [], []
    for row, i in enumerate(batch.ranked):
        for good in batch.right[row]:
            for bad in batch.wrong[row]:
                margin = scale * float(VECTORS[i] @ FILMS[good] - VECTORS[i] @ FILMS[bad])
                target = 0.5 if i == HEDGE else 1.0
                ranks.append(target * np.logaddexp(0, -margin) + (1 - target) * np.logaddexp(0, margin))
    for film in batch.films:
        true = (SMALL, BOTH, SEEN) if film in (3, 4) else (SMALL, SEEN) if film in WITH else (DENIAL, 6)
        known = (SMALL, DENIAL, BOTH, SEEN, 6)
        likely = {i: math.exp(scale * float(VECTORS[i] @ FILMS[film])) for i in known}
        chosen.append(-np.mean([math.log(likely[i] / sum(likely.values())) for i in true]))
    moved = [1 - float(VECTORS[i] @ BEFORE[SPOKEN.captions[i].text]) for i in (SMALL, NEUTRAL, SEEN)]
    return float(np.mean(ranks)), float(np.mean(chosen)), float(np.mean(moved))


@pytest.mark.parametrize("denials", [True, False])
@pytest.mark.parametrize("scale", [20.0, 5.0])
@pytest.mark.parametrize(("weight", "distil"), [(0.5, 1.0), (0.0, 0.0), (0.0, 1.0), (0.5, 0.0), (2.0, 3.0)])
def test_a_step_goes_down_the_three_terms_by_their_weights(
    spoken: Lessons, weight: float, distil: float, scale: float, denials: bool
) -> None:
    config = CaptionConfig(choosing=weight, distil=distil, scale=scale, denials=denials, films=5)
    batch = _made(spoken, config)
    rank, choose, moved = _terms(batch, scale)
    loss = float(batch_loss(torch.from_numpy(VECTORS), spoken, batch, config))
    assert min(rank, choose, moved) > 0.1
    assert loss == pytest.approx(rank + weight * choose + distil * moved, rel=1e-5)


def _downhill(lessons: Lessons, config: CaptionConfig) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Where the loss falls fastest, [b, dim]."""
    vectors = torch.from_numpy(VECTORS).requires_grad_()
    batch_loss(vectors, lessons, _made(lessons, config), config).backward()
    assert vectors.grad is not None
    return -vectors.grad.numpy()


def test_ranking_moves_denials_the_other_way_and_hedges_towards_neither(spoken: Lessons) -> None:
    down = _downhill(spoken, CaptionConfig(choosing=0, distil=0, films=30))
    apart = FILMS[list(WITH)].mean(0) - FILMS[list(WITHOUT)].mean(0)
    pulls = down @ apart
    assert (pulls[[SMALL, SEEN]] > 0).all()
    assert (pulls[[DENIAL, 6]] < 0).all()
    assert down[HEDGE] @ VECTORS[HEDGE] < 0  # all its margins shrink with it
    assert not down[NEUTRAL].any()


def test_distillation_draws_what_stays_towards_base_and_nothing_else(spoken: Lessons) -> None:
    both, without = (_downhill(spoken, CaptionConfig(films=8, distil=share)) for share in (1.0, 0.0))
    drawn = both - without
    for i in (SMALL, NEUTRAL, SEEN):
        assert drawn[i] @ BEFORE[SPOKEN.captions[i].text] > 0
    np.testing.assert_array_equal(drawn[[DENIAL, BOTH, HEDGE, 6]], 0)


def test_batches_hold_as_many_of_each_kind_as_asked_and_rare_findings_as_often(spoken: Lessons) -> None:
    heart = Caption("big heart", ((HEART, "present"),), "prompt", 0, "no big heart")
    many = [replace(SPOKEN.captions[SMALL], text=f"effusion {n}") for n in range(30)]
    bank = Bank((*SPOKEN.captions, heart, *many))
    lessons = Lessons.of(FILMS, [_film(number) for number in range(12)], bank, {})
    asked = CaptionConfig(
        steps=300, prompts=1, composed=0, sentences=0, hedged=1, neutral=1, distil=0, films=2
    )
    rare = 0
    for batch in batches(lessons, asked, np.random.default_rng(asked.seed), asked.steps):
        prompt, opposite, hedge, neutral = batch.rows.tolist()
        assert opposite == -1 - prompt
        assert (hedge, neutral) == (HEDGE, NEUTRAL)
        rare += lessons.captions[prompt].text == "big heart"
    assert 100 < rare < 200  # of 300, though it is one prompt of 32
    others = replace(asked, steps=1, prompts=0, composed=1, sentences=20, hedged=0, neutral=0)
    (batch,) = batches(lessons, others, np.random.default_rng(0), 1)
    assert set(batch.rows.tolist()) == {DENIAL, BOTH, SEEN}


def test_typed_sentences_come_with_their_opposites_where_they_have_one(spoken: Lessons) -> None:
    alone = Caption("eff ++", ((EFFUSION, "present"),), "typed", 0, kind="slang")
    paired = Caption("no eff", ((EFFUSION, "absent"),), "typed", 0, "eff", kind="denial")
    vague = Caption("eff?", ((EFFUSION, "uncertain"),), "typed", 0, kind="doubt")
    bank = Bank((*SPOKEN.captions, alone, paired, vague))
    lessons = Lessons.of(FILMS, [_film(number) for number in range(12)], bank, {})
    asked = CaptionConfig(prompts=0, composed=0, sentences=0, hedged=0, neutral=0, typed=20, films=2, steps=1)
    (batch,) = batches(lessons, asked, np.random.default_rng(0), 1)
    assert sorted(batch.texts) == ["eff", "eff ++", "eff?", "no eff"]
    right = {text: set(films) for text, films in zip(batch.texts, batch.right, strict=True)}
    assert right["eff"] <= set(WITH)
    assert right["no eff"] <= set(WITHOUT)


@pytest.mark.parametrize(("alike", "rare"), [(False, 150), (True, 10)])
def test_typed_sentences_come_kind_by_kind_or_all_alike(spoken: Lessons, alike: bool, rare: int) -> None:
    ways = [
        Caption(f"{n} no eff", ((EFFUSION, "absent"),), "typed", 0, kind="denial before") for n in range(30)
    ]
    angles = Caption("sharp angles", ((EFFUSION, "absent"),), "typed", 0, kind="angles sharp")
    films = [_film(number) for number in range(12)]
    lessons = Lessons.of(FILMS, films, Bank((*SPOKEN.captions, *ways, angles)), {})
    none = CaptionConfig(prompts=0, composed=0, sentences=0, hedged=0, neutral=0, films=2)
    asked = replace(none, typed=1, steps=300, alike=alike)
    drawn = [
        batch.texts[0] for batch in batches(lessons, asked, np.random.default_rng(asked.seed), asked.steps)
    ]
    assert abs(drawn.count("sharp angles") - rare) < 30  # of 300


def test_films_that_choose_are_of_every_captions_two_sides(spoken: Lessons) -> None:
    batch = _made(spoken, CaptionConfig(films=30))
    assert set(batch.films.tolist()) & set(WITH)
    assert set(batch.films.tolist()) & set(WITHOUT)
    assert len(batch.films) <= 2 * len(batch.ranked)


# Every knob -----------------------------------------------------------------------------------

OTHER: dict[str, Any] = {
    "seed": 1,
    "steps": 4,
    "lr": 1e-3,
    "weight_decay": 0.0,
    "decay": "everything",
    "warmup": 0.9,
    "prompts": 1,
    "composed": 1,
    "sentences": 0,
    "hedged": 0,
    "neutral": 0,
    "typed": 0,
    "alike": True,
    "denials": False,
    "films": 2,
    "scale": 5.0,
    "ranking": 0.0,
    "choosing": 0.0,
    "distil": 0.0,
    "naming": 1.0,
    "frozen": 1,
    "interpolate": 0.5,
}


def test_the_con3_that_ships_was_made_with_the_settings_there_are_by_default() -> None:
    folder = Path(__file__).parents[2] / "checkpoints" / "compact" / "con3"
    card = json.loads((folder / "config.json").read_text("utf-8"))["training"]
    settings = asdict(CaptionConfig())
    told = {name: value for name, value in settings.items() if name in card}
    assert set(settings) - set(told) <= {
        "alike",
        "decay",
        "frozen",
        "naming",
        "ranking",
        "typed",
    }  # which came later
    assert told == {name: card[name] for name in told}


def test_every_knob_has_another_value_here() -> None:
    assert set(OTHER) | {"method"} == {knob.name for knob in fields(CaptionConfig)}


@pytest.mark.parametrize("knob", OTHER)
def test_every_knob_makes_another_model(models: dict[str, DualEncoder], lessons: Lessons, knob: str) -> None:
    usual = replace(CONFIG, steps=3, typed=1)
    assert getattr(usual, knob) != OTHER[knob]
    one, other = (
        tune_captions(models["base"], lessons, config).tensors
        for config in (usual, replace(usual, **{knob: OTHER[knob]}))
    )
    assert any(not torch.equal(one[name], other[name]) for name in one)


def test_a_share_of_the_weights_is_that_share_of_the_way(
    models: dict[str, DualEncoder], lessons: Lessons
) -> None:
    base = models["base"]
    whole, part = (
        tune_captions(base, lessons, replace(CONFIG, steps=2, interpolate=share)).tensors
        for share in (1, 0.25)
    )
    for name, start in base.text.tunable().items():
        torch.testing.assert_close(part[name], start + 0.25 * (whole[name] - start))
