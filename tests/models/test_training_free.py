"""Methods that need no training: their mathematics by hand, their gate, and what is kept of them on disk."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from negviz import load_models, load_rivals, read_prompt
from negviz.common.tensor_files import CheckpointError
from negviz.explain.attribution import NotFromWordsError, attribute
from negviz.explain.heads import HeadsError, attention, head_effects
from negviz.findings import FINDINGS
from negviz.language.prompt import Mention, Prompt
from negviz.models.encoder import DualEncoder, with_text
from negviz.models.family import open_hub_model
from negviz.models.training_free import (
    Arithmetic,
    RivalSettings,
    TrainingFree,
    TwoBoxes,
    Wording,
    activations,
    arithmetic_of,
    rivals_path,
    rules_out,
    steered,
    write_rivals,
)
from negviz.models.training_free.record import FOLDER
from negviz.models.training_free.spacevlm import centre
from negviz.models.training_free.steering import layers
from tests.tiny_hub import tiny_clip, tiny_siglip, tiny_vision_text

NEGATED = ("No pleural effusion", "no evidence of pleural effusion in the left lung", "no pneumothorax")
OTHERS = ("pleural effusion", "Effusion cannot be excluded", "normal chest", "qwerty", "")
WORDING = {"scene": "chest film", "concept": "canonical"}
SETTINGS = {
    "spacevlm": {**WORDING, "threshold": 0.9},
    "steering": {"layers": [0, 1], "strength": 0.3},
    "arithmetic": {**WORDING, "weight": 2.0},
}
WITH_COMPOSED = {**SETTINGS, "composed": {}}
Vectors = NDArray[np.float32]


def at(*degrees: float) -> Vectors:
    """Unit vectors [n, 2] on a circle."""
    turns = np.radians(degrees)
    return np.stack([np.cos(turns), np.sin(turns)], axis=1).astype(np.float32)


def degrees(vector: Vectors) -> float:
    return math.degrees(math.atan2(vector[1], vector[0]))


@pytest.fixture
def family(models: dict[str, DualEncoder]) -> dict[str, DualEncoder]:
    """A base that tells sentences apart, as the tiny family's own does not: its projection is drawn."""
    drawn = torch.randn(16, 32, generator=torch.Generator().manual_seed(1))
    tensors = {**models["base"].text.tunable(), "projection.weight": drawn}
    return {"base": with_text(models["base"], "base", tensors, 3.0), "con1": models["con1"]}


@pytest.fixture
def directions() -> dict[int, Tensor]:
    """A unit vector a layer."""
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randn(2, 32, generator=generator)
    return dict(enumerate(drawn / drawn.norm(dim=1, keepdim=True)))


@pytest.fixture
def rivals(family: dict[str, DualEncoder], directions: dict[int, Tensor]) -> dict[str, TrainingFree]:
    return RivalSettings(SETTINGS, directions).columns(family["base"])


# SpaceVLM, by hand ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scene", "half_angle", "direction"),
    [
        (40, 30, 50),  # caps overlap: half of 40 and 30 away from the concept, beyond the scene
        (40, 21, 41),
        (100, 60, 110),
        (-40, 30, -50),  # the same on the other side
        (90, 30, 90),  # caps apart: the scene itself
        (60, 30, 60),  # caps that only touch
        (0, 30, 0),  # one direction: no circle runs through both
        (180, 80, 180),
    ],
)
def test_spacevlm_takes_the_middle_of_the_scenes_cap_without_the_concepts(
    scene: float, half_angle: float, direction: float
) -> None:
    found = centre(at(scene), at(0), math.cos(math.radians(half_angle)))
    assert degrees(found[0]) == pytest.approx(direction, abs=0.02)
    assert np.linalg.norm(found[0]) == pytest.approx(1, abs=1e-6)


def test_spacevlm_is_defined_however_near_scene_and_concept_are() -> None:
    near = at(1e-9, 1e-4, 0.05, 1.0)
    found = centre(near, at(0, 0, 0, 0), 0.92)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


# Scenes and concepts ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "scene", "concepts"),
    [
        ("No pleural effusion", "chest film", ["There is a pleural effusion."]),
        (
            "No effusion, no pneumothorax",
            "chest film",
            ["There is a pleural effusion.", "There is a pneumothorax."],
        ),
        (
            "No pneumothorax but a small effusion",
            "There is a pleural effusion.",
            ["There is a pneumothorax."],
        ),
        ("Costophrenic angles are sharp", "chest film", ["There is a pleural effusion."]),
    ],
)
def test_a_sentence_is_taken_apart(text: str, scene: str, concepts: list[str]) -> None:
    wording, prompt = Wording("chest film", "canonical"), read_prompt(text)
    assert wording.scene_of(prompt) == scene
    assert list(wording.concepts_of(prompt)) == concepts


def test_the_concept_may_be_in_the_sentences_own_words() -> None:
    own = Wording("chest film", "opposite")
    assert own.concepts_of(read_prompt("No left pleural effusion")) == ("Left pleural effusion",)
    two = read_prompt("No effusion, no pneumothorax")  # its opposite affirms the first only
    assert own.concepts_of(two) == Wording("chest film").concepts_of(two)


def test_without_an_opposite_the_concept_is_canonical() -> None:
    prompt = read_prompt("No pleural effusion")
    prompt.__dict__["opposite"] = None  # as of a sentence that cannot be turned round
    assert Wording("chest film", "opposite").concepts_of(prompt) == ("There is a pleural effusion.",)


def test_several_concepts_make_one_mean_direction() -> None:
    known = {
        "chest film": at(90)[0],
        "There is a pleural effusion.": at(0)[0],
        "There is a pneumothorax.": at(60)[0],
    }
    scenes, concepts = Wording("chest film").parts(
        [read_prompt("No effusion, no pneumothorax")], lambda texts: np.stack([known[text] for text in texts])
    )
    assert degrees(scenes[0]) == pytest.approx(90, abs=1e-3)
    assert degrees(concepts[0]) == pytest.approx(30, abs=1e-3)


# Arithmetic, by hand ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scene", "concept", "weight", "wanted"),
    [
        (90, 0, 1.0, at(135)[0]),
        (90, 0, 0.0, at(90)[0]),
        (90, 0, math.sqrt(3), at(150)[0]),
        (0, 0, 1.0, at(0)[0]),  # nothing is left: the scene
    ],
)
def test_arithmetic_takes_the_scene_less_the_concept(
    scene: float, concept: float, weight: float, wanted: Vectors
) -> None:
    known = {"chest film": at(scene)[0], "There is a pleural effusion.": at(concept)[0]}
    method = Arithmetic(Wording("chest film"), weight)
    found = method.vectors(
        [read_prompt("no effusion")], lambda texts: np.stack([known[text] for text in texts])
    )
    np.testing.assert_allclose(found[0], wanted, atol=1e-6)


# Steering ---------------------------------------------------------------------------------------


def test_steering_pushes_what_the_last_layer_says(
    family: dict[str, DualEncoder], directions: dict[int, Tensor]
) -> None:
    """By hand: without a layer behind it, the mean of the steered tokens goes straight to the projection."""
    tower, text = family["base"].text, "no pleural effusion"
    with torch.no_grad():
        hidden = tower.states(**tower.tokenize([text]), layers=[2])[0]  # type: ignore[operator]
        pushed = 0.87 * hidden + 0.13 * hidden.norm(dim=-1, keepdim=True) * directions[1]
        wanted = torch.nn.functional.normalize(tower.projection(pushed.mean(0)), dim=0)  # type: ignore[operator]
        found = steered(tower, {1: directions[1]}, 0.13)(**tower.tokenize([text]))[0]
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_no_strength_is_no_steering(family: dict[str, DualEncoder], directions: dict[int, Tensor]) -> None:
    tower = family["base"].text
    tokens = tower.tokenize(list(NEGATED))
    with torch.no_grad():
        torch.testing.assert_close(steered(tower, directions, 0.0)(**tokens), tower(**tokens))


def test_padding_is_no_part_of_what_is_said(family: dict[str, DualEncoder]) -> None:
    tower = family["base"].text
    alone = activations(tower, ["no effusion"])
    beside = activations(tower, ["no effusion", "no evidence of pleural effusion in the left lung"])
    assert alone.shape == (2, 1, 32)
    torch.testing.assert_close(alone[:, 0], beside[:, 0], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("make", [tiny_clip, tiny_siglip, tiny_vision_text])
def test_other_towers_are_steered_where_they_pool(make: object, tmp_path: Path) -> None:
    make(tmp_path)  # type: ignore[operator]
    tower = open_hub_model(str(tmp_path)).text
    tokens = tower.tokenize(["no pleural effusion", "no effusion"])
    mask = tokens.get("attention_mask", torch.ones_like(tokens["input_ids"]))
    speak = tower.pooled_tokens(mask)
    assert speak.sum(1).tolist() == [1, 1]
    ends = {"ClipTextTower": int(mask[1].sum()) - 1, "SiglipTextTower": mask.shape[1] - 1}
    place = ends.get(type(tower).__name__, 0)
    assert speak[1, place]
    assert len(layers(tower)) == 2
    with torch.no_grad():
        before, pushed = tower(**tokens), steered(tower, {1: torch.eye(32)[0]}, 0.5)(**tokens)
        torch.testing.assert_close(tower(**tokens), before)  # the original is as it was
    assert (pushed - before).abs().max() > 1e-3


# The gate ---------------------------------------------------------------------------------------


def test_the_gate_lets_through_what_rules_something_out() -> None:
    assert all(rules_out(read_prompt(text)) for text in NEGATED)
    assert not any(rules_out(read_prompt(text)) for text in OTHERS)


@pytest.mark.parametrize("name", SETTINGS)
def test_what_rules_nothing_out_is_bases_to_the_bit(
    rivals: dict[str, TrainingFree], family: dict[str, DualEncoder], name: str
) -> None:
    texts = [*OTHERS, *NEGATED]
    found, base = rivals[name].encode_text(texts), family["base"].encode_text(texts)
    assert found[: len(OTHERS)].tobytes() == base[: len(OTHERS)].tobytes()
    assert np.abs(found - base)[len(OTHERS) :].max(axis=1).min() > 1e-3
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    assert rivals[name].encode_text([]).shape == (0, family["base"].dim)


def test_a_column_is_base_in_all_else(
    rivals: dict[str, TrainingFree], family: dict[str, DualEncoder]
) -> None:
    for name, rival in rivals.items():
        assert rival.name == name
        for fact in ("family", "tower_id", "logit_scale", "dim", "text", "image"):
            assert getattr(rival, fact) is getattr(family["base"], fact) or fact == "dim"


def test_threads_may_share_columns_and_base(
    rivals: dict[str, TrainingFree], family: dict[str, DualEncoder]
) -> None:
    columns = [*rivals.values(), family["base"]]
    lists: list[Sequence[str]] = [list(NEGATED), list(OTHERS), [NEGATED[1]]]
    jobs = [(column, texts) for column in columns for texts in lists] * 4
    alone = [column.encode_text(texts) for column, texts in jobs]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda job: job[0].encode_text(job[1]), jobs))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_sentence_is_the_same_to_the_bit_whatever_it_is_encoded_with(
    rivals: dict[str, TrainingFree], name: str
) -> None:
    texts = [*NEGATED, *OTHERS]
    alone = np.concatenate([rivals[name].encode_text([text]) for text in texts])
    np.testing.assert_array_equal(rivals[name].encode_text(texts), alone)
    np.testing.assert_array_equal(rivals[name].encode_text([*texts[::-1], *texts])[len(texts) :], alone)


# What panels ask of a column --------------------------------------------------------------------


def test_words_of_a_steered_sentence_account_for_its_steered_score(rivals: dict[str, TrainingFree]) -> None:
    steering, towards = rivals["steering"], at(0)[0]
    direction = np.zeros(steering.dim, np.float32)
    direction[: len(towards)] = towards
    given = attribute(steering, NEGATED[0], target=direction)
    assert given.score == pytest.approx(float(steering.encode_text([NEGATED[0]])[0] @ direction), abs=1e-5)
    assert abs(given.delta) < 1e-3


@pytest.mark.parametrize("name", ["spacevlm", "arithmetic"])
def test_words_that_are_not_encoded_did_nothing_that_could_be_told(
    rivals: dict[str, TrainingFree], family: dict[str, DualEncoder], name: str
) -> None:
    with pytest.raises(NotFromWordsError, match="does not encode these words"):
        attribute(rivals[name], NEGATED[0])
    direction = np.eye(rivals[name].dim, dtype=np.float32)[0]
    own, base = (attribute(model, OTHERS[0], target=direction) for model in (rivals[name], family["base"]))
    assert own == base


@pytest.mark.parametrize("name", SETTINGS)
def test_heads_are_bases_and_that_is_said(rivals: dict[str, TrainingFree], name: str) -> None:
    for text in (NEGATED[0], OTHERS[0]):  # the opposite of the latter is changed
        with pytest.raises(HeadsError, match="those of Base"):
            head_effects(rivals[name], text)
    with pytest.raises(HeadsError, match="those of Base"):
        attention(rivals[name], NEGATED[0], 0, 0)


# What findings compose --------------------------------------------------------------------------


@pytest.fixture
def findings(family: dict[str, DualEncoder]) -> dict[str, Tensor]:
    """A unit vector a finding."""
    drawn = torch.randn(len(FINDINGS), family["base"].dim, generator=torch.Generator().manual_seed(2))
    return dict(zip(FINDINGS, drawn / drawn.norm(dim=1, keepdim=True), strict=True))


@pytest.fixture
def composed(family: dict[str, DualEncoder], findings: dict[str, Tensor]) -> TrainingFree:
    return RivalSettings({"composed": {}}, {}, findings).columns(family["base"])["composed"]


@pytest.mark.parametrize(
    ("text", "signs"),
    [
        ("pleural effusion", {"effusion": 1}),
        ("No pleural effusion", {"effusion": -1}),
        ("Cardiomegaly without effusion", {"cardiomegaly": 1, "effusion": -1}),
        ("Nodule, possible effusion", {"nodule": 1}),
    ],
)
def test_affirmations_are_composed_as_denials_are(
    composed: TrainingFree, findings: dict[str, Tensor], text: str, signs: dict[str, int]
) -> None:
    total = np.sum([sign * findings[name].numpy() for name, sign in signs.items()], axis=0)
    np.testing.assert_allclose(composed.encode_text([text])[0], total / np.linalg.norm(total), atol=1e-6)
    with pytest.raises(NotFromWordsError):
        attribute(composed, text)


def test_what_says_nothing_certain_is_bases_to_the_bit(
    composed: TrainingFree, family: dict[str, DualEncoder]
) -> None:
    texts = ["Effusion cannot be excluded", "qwerty", ""]
    assert composed.encode_text(texts).tobytes() == family["base"].encode_text(texts).tobytes()


def test_where_readers_are_not_sure_the_likeliest_is_composed(
    composed: TrainingFree, findings: dict[str, Tensor]
) -> None:
    def asks(text: str) -> Prompt:
        told = [Mention("effusion", polarity, (0, 1)) for polarity in ("absent", "present")]
        return replace(read_prompt(text), suggestion=tuple(told))

    found = replace(composed, reads=asks).encode_text(["pleural effusion"])[0]
    np.testing.assert_allclose(found, -findings["effusion"].numpy(), atol=1e-6)


# On disk ----------------------------------------------------------------------------------------


@pytest.fixture
def folder(
    family: dict[str, DualEncoder],
    directions: dict[int, Tensor],
    findings: dict[str, Tensor],
    tmp_path: Path,
) -> Path:
    """A family's folder, with settings and directions in it."""
    recipe = RivalSettings(WITH_COMPOSED, directions, findings)
    write_rivals(rivals_path(family["base"], tmp_path / FOLDER), recipe, {"made": "here"})
    return tmp_path


def test_what_is_written_is_read(
    family: dict[str, DualEncoder], rivals: dict[str, TrainingFree], composed: TrainingFree, folder: Path
) -> None:
    read = load_rivals(family, folder)
    assert list(read) == list(WITH_COMPOSED)
    for name, rival in read.items():
        expected = (rivals | {"composed": composed})[name]
        np.testing.assert_allclose(
            rival.encode_text(NEGATED), expected.encode_text(NEGATED), atol=2e-3
        )  # directions are halved


def test_a_family_without_settings_offers_none(family: dict[str, DualEncoder], tmp_path: Path) -> None:
    assert load_rivals(family, tmp_path) == {}
    assert load_rivals({}, tmp_path) == {}


def test_a_model_of_the_family_keeps_its_name(family: dict[str, DualEncoder], folder: Path) -> None:
    own = replace(family["con1"], name="steering")
    assert "steering" not in load_rivals(family | {"steering": own}, folder)


def test_settings_belong_to_one_base(family: dict[str, DualEncoder], folder: Path) -> None:
    assert load_rivals({"base": family["con1"]}, folder) == {}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"format": 2}, "not of format 1"),
        ({"settings": {"spacevlm": {**WORDING, "threshold": 1.5}}}, "cosine between 0 and 1"),
        ({"settings": {"arithmetic": {**WORDING, "concept": "x", "weight": 1}}}, "no such scene or concept"),
        ({"settings": {"steering": {"layers": [7], "strength": 0.1}}}, "base has 2 layers"),
        ({"settings": {"magic": {}}}, "settings of magic"),
        ({"settings": {"composed": []}}, "cannot be used"),
        ({"settings": []}, "cannot be used"),
    ],
)
def test_settings_that_do_not_fit_are_refused(
    family: dict[str, DualEncoder], folder: Path, change: dict[str, object], complaint: str
) -> None:
    path = rivals_path(family["base"], folder / FOLDER)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(CheckpointError, match=complaint):
        load_rivals(family, folder)


def test_directions_are_verified(family: dict[str, DualEncoder], folder: Path) -> None:
    path = rivals_path(family["base"], folder / FOLDER).with_suffix(".safetensors")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="SHA-256 differs"):
        load_rivals(family, folder)


def test_the_shipped_settings_fit_the_shipped_base() -> None:
    shipped = load_models(Path(__file__).parents[2] / "checkpoints" / "compact")
    assert list(load_rivals(shipped)) == list(WITH_COMPOSED)


def test_two_boxes_rank_by_what_is_wanted_less_what_is_not(models: dict[str, DualEncoder]) -> None:
    base = models["base"]
    boxes = TwoBoxes.of(base, " chest film ", "pleural effusion", 0.5)
    films = np.random.default_rng(0).normal(size=(50, base.dim)).astype(np.float32)
    films /= np.linalg.norm(films, axis=1, keepdims=True)
    show, but_not = base.encode_text(["chest film", "pleural effusion"])
    found, same = boxes.encode_text(["no effusion", "qwerty"])
    assert np.array_equal(found, same)  # it reads no sentence
    assert np.array_equal(np.argsort(films @ found), np.argsort(films @ show - 0.5 * (films @ but_not)))
    assert boxes.tower_for("no effusion") is None


def test_the_weight_of_two_boxes_is_that_of_the_rival_that_subtracts(models: dict[str, DualEncoder]) -> None:
    rivals = RivalSettings(SETTINGS, {layer: torch.ones(32) for layer in (0, 1)}).columns(models["base"])
    assert arithmetic_of([models["base"], *rivals.values()]) == Arithmetic(Wording("chest film"), 2.0)
    assert arithmetic_of([models["base"]]) is None
