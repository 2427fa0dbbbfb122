"""What each head did: against heads silenced by hand, on every kind of tower, and never on a shared model."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from negviz.explain.heads import Attention, HeadEffects, HeadsError, HeadSwitch, attention, head_effects
from negviz.language.prompt import read_prompt
from negviz.models.encoder import DualEncoder
from negviz.models.family import open_hub_model
from negviz.models.text_tower import CompactTextTower
from tests import tiny_hub
from tests.tiny import transformers_bert

NEGATED = "No pleural effusion."


@pytest.fixture(scope="module", params=["clip", "siglip", "vision_text"])
def hub_model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> DualEncoder:
    folder: Path = tmp_path_factory.mktemp(request.param)
    make: Callable[[Path], object] = getattr(tiny_hub, f"tiny_{request.param}")
    make(folder)
    return open_hub_model(str(folder))


def _hits(model: DualEncoder) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(10, model.dim)).astype(np.float32)


def _silenced(model: DualEncoder, layer: int, head: int) -> CompactTextTower:
    """A tower whose output projection does not listen to one head: the same as that head saying zeros."""
    assert isinstance(model.text, CompactTextTower)
    tower = model.text.private_copy()
    projection = tower.encoder.get_submodule(f"encoder.layer.{layer}.attention.output.dense")
    assert isinstance(projection, torch.nn.Linear)
    with torch.no_grad():
        projection.weight[:, head * 8 : (head + 1) * 8] = 0  # 4 heads over a width of 32
    return tower


def test_the_margin_is_that_of_the_hits(models: dict[str, DualEncoder]) -> None:
    model, hits = models["con2"], _hits(models["con2"])
    prompt = read_prompt(NEGATED)
    assert prompt.opposite is not None
    said, contrary = model.encode_text([prompt.text, prompt.opposite.text])
    effects = head_effects(model, prompt, hits=hits)
    assert effects.margin == pytest.approx(float((hits @ (said - contrary)).mean()), abs=1e-5)
    assert effects.drops.shape == (2, 4)
    assert effects.drops.dtype == np.float32


def test_a_drop_is_what_a_head_silenced_by_hand_costs(models: dict[str, DualEncoder]) -> None:
    model = models["con2"]
    effects = head_effects(model, NEGATED)
    prompt = read_prompt(NEGATED)
    assert prompt.opposite is not None
    texts = [prompt.text, prompt.opposite.text]
    said, contrary = model.encode_text(texts)
    direction = (said - contrary) / np.linalg.norm(said - contrary)
    for layer in range(2):
        for head in range(4):
            tower = _silenced(model, layer, head)
            one, other = tower(**tower.tokenize(texts)).detach().numpy()
            assert effects.margin - (one - other) @ direction == pytest.approx(
                effects.drops[layer, head], abs=1e-5
            )


def test_the_strongest_head_is_the_one_that_costs_most(models: dict[str, DualEncoder]) -> None:
    effects = head_effects(models["con1"], NEGATED)
    assert effects.drops[effects.strongest] == effects.drops.max()
    assert effects.left == pytest.approx(effects.margin - effects.drops.max())
    assert effects.strengths.max() == 1
    assert effects.strengths.min() >= 0


def test_every_tower_can_be_looked_into(hub_model: DualEncoder) -> None:
    effects = head_effects(hub_model, "no effusion is seen", hits=_hits(hub_model))
    assert effects.drops.shape == (2, 4)
    assert np.abs(effects.drops).max() > 0
    given = attention(hub_model, "no effusion is seen", 1, 3)
    tokens = len(given.tokens)
    assert given.weights.shape == (tokens, tokens)
    np.testing.assert_allclose(given.weights.sum(1), 1, atol=1e-5)
    np.testing.assert_allclose(given.by_word.sum(1), 1, atol=1e-5)


def test_keeping_all_heads_changes_nothing(hub_model: DualEncoder) -> None:
    texts = ["no effusion is seen", "there is a small left effusion"]
    switch = HeadSwitch(hub_model.text)
    whole = switch.vectors(texts, np.ones((1, switch.layers, switch.heads), bool))[0]
    np.testing.assert_allclose(whole, hub_model.encode_text(texts), atol=1e-5)


def test_means_stand_in_for_heads_taken_out(models: dict[str, DualEncoder]) -> None:
    tower, texts = models["con2"].text, ["no effusion", "pleural effusion is absent"]
    means = HeadSwitch(tower).means(texts)
    assert means.shape == (2, 32)
    kept = np.zeros((1, 2, 4), bool)
    zeros, averages = (HeadSwitch(tower, instead=given).vectors(texts, kept) for given in (None, means))
    assert not np.allclose(zeros, averages)


def test_attention_is_that_of_transformers(models: dict[str, DualEncoder]) -> None:
    tower = models["base"].text
    assert isinstance(tower, CompactTextTower)
    theirs = transformers_bert(tower)
    theirs.set_attn_implementation("eager")
    want = theirs(**tower.tokenize([NEGATED]), output_attentions=True).attentions
    for layer in range(2):
        for head in range(4):
            weights = attention(models["base"], NEGATED, layer, head).weights
            np.testing.assert_allclose(weights, want[layer][0, head].detach().numpy(), atol=1e-6)
    assert attention(models["base"], NEGATED, 0, 0).tokens[:2] == ("[CLS]", "no")


def test_looks_are_by_word_and_largest_first(models: dict[str, DualEncoder]) -> None:
    given = attention(models["base"], NEGATED, 0, 0)
    looks = given.looks(2)
    assert [look.word for look in looks] == ["No", "pleural", "effusion", "."]
    for look in looks:
        assert 1 <= len(look.at) <= 2
        assert look.at[0][1] >= look.at[-1][1] >= 0.005
    assert [name for name, _ in given.on_average] == ["No", "pleural", "effusion", ".", ""]
    assert sum(share for _, share in given.on_average) == pytest.approx(1, abs=1e-5)


def test_figures_of_drops_by_hand() -> None:
    effects = HeadEffects(0.5, np.array([[0.1, -0.4], [0.2, 0.0]], np.float32))
    assert effects.strongest == (1, 0)  # the largest fall; the larger change the other way is no loss
    assert effects.left == pytest.approx(0.3)
    np.testing.assert_allclose(effects.strengths, [[0.25, 1], [0.5, 0]])
    assert not HeadEffects(0.5, np.zeros((2, 2), np.float32)).strengths.any()
    assert effects in {effects}  # arrays cannot be hashed: two that look alike are two


def test_the_first_of_the_sets_keeps_all_heads_and_each_other_one_less(
    models: dict[str, DualEncoder],
) -> None:
    kept = HeadSwitch(models["base"].text).one_out()
    assert kept.shape == (9, 2, 4)
    assert kept[0].all()
    assert [tuple(map(int, np.argwhere(~one)[0])) for one in kept[1:]] == [
        (layer, head) for layer in range(2) for head in range(4)
    ]
    assert (~kept[1:]).sum() == 8


def test_vectors_stand_by_set_and_by_sentence(models: dict[str, DualEncoder]) -> None:
    """More of both than are encoded in one batch, against each alone."""
    texts = [f"{words} pleural effusion" for words in ("no", "left", "small left", "not a right", "any")] * 5
    switch = HeadSwitch(models["con2"].text)
    kept = switch.one_out()
    vectors = switch.vectors(texts, kept)
    assert vectors.shape == (9, 25, 16)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=-1), 1, atol=1e-5)
    for one, text in ((0, 3), (4, 1), (8, 24)):
        alone = switch.vectors([texts[text]], kept[one : one + 1])[0, 0]
        np.testing.assert_allclose(vectors[one, text], alone, atol=1e-5)


def test_means_are_over_the_real_tokens_of_all_sentences(models: dict[str, DualEncoder]) -> None:
    tower, texts = models["con2"].text.private_copy(), ["no effusion", "pleural effusion is absent"]
    assert isinstance(tower, CompactTextTower)
    said: list[list[torch.Tensor]] = [[], []]
    for layer in range(2):
        projection = tower.encoder.get_submodule(f"encoder.layer.{layer}.attention.output.dense")
        projection.register_forward_pre_hook(lambda _, given, layer=layer: said[layer].append(given[0][0]))
    for text in texts:
        tower(**tower.tokenize([text]))
    want = torch.stack([torch.cat(tokens).mean(0) for tokens in said]).detach().numpy()
    np.testing.assert_allclose(HeadSwitch(models["con2"].text).means(texts), want, atol=1e-5)


def test_what_stands_in_for_a_head_is_what_is_given(models: dict[str, DualEncoder]) -> None:
    tower, text = models["con2"].text.private_copy(), ["no effusion"]
    assert isinstance(tower, CompactTextTower)
    instead = np.random.default_rng(0).normal(size=(2, 32)).astype(np.float32)
    for layer in range(2):
        projection = tower.encoder.get_submodule(f"encoder.layer.{layer}.attention.output.dense")

        def stand_in(_: torch.nn.Module, given: tuple[torch.Tensor], row: int = layer) -> tuple[torch.Tensor]:
            said = given[0].clone()
            said[..., 8:16] = torch.from_numpy(instead[row, 8:16])  # the second of 4 heads over 32
            return (said,)

        projection.register_forward_pre_hook(stand_in)
    want = tower(**tower.tokenize(text)).detach().numpy()
    kept = np.ones((1, 2, 4), bool)
    kept[:, :, 1] = False
    switch = HeadSwitch(models["con2"].text, instead=instead)
    np.testing.assert_allclose(switch.vectors(text, kept)[0], want, atol=1e-5)


def test_a_word_looks_as_its_tokens_do_on_average(models: dict[str, DualEncoder]) -> None:
    given = attention(models["base"], "no rib effusion", 1, 2)  # the tower spells "rib" r ##i ##b
    assert given.tokens == ("[CLS]", "no", "r", "##i", "##b", "effusion", "[SEP]")
    w = given.weights
    parts = [[1], [2, 3, 4], [5], [0, 6]]  # the tokens of every word, then the special ones
    want = [[w[np.ix_(rows, columns)].sum(1).mean() for columns in parts] for rows in parts[:-1]]
    np.testing.assert_allclose(given.by_word, want, atol=1e-6)
    assert dict(given.on_average) == pytest.approx(
        dict(zip(("no", "rib", "effusion", ""), np.mean(want, axis=0), strict=True)), abs=1e-6
    )


def test_shares_that_round_to_nothing_are_left_out() -> None:
    words = read_prompt("no large effusion").words
    by_word = np.array([[0.004, 0.005, 0, 0.991], [0.2, 0.3, 0.1, 0.4], [0.3, 0.3, 0.4, 0]], np.float32)
    given = Attention(("no", "large", "effusion"), np.eye(3, dtype=np.float32), words, by_word)
    first, second, third = given.looks()
    assert [name for name, _ in first.at] == ["", "large"]
    assert [name for name, _ in second.at] == ["", "large", "no"]  # the three largest
    assert [name for name, _ in third.at] == ["effusion", "no", "large"]  # level ones as they stand
    assert [name for name, _ in given.looks(1)[1].at] == [""]


def test_errors_say_what_is_missing(models: dict[str, DualEncoder]) -> None:
    with pytest.raises(HeadsError, match="no opposite"):
        head_effects(models["base"], "effusion cannot be excluded")
    for layer, head in ((2, 0), (0, 4), (-1, 0), (0, -1)):
        with pytest.raises(HeadsError, match="2 layers of 4 heads"):
            attention(models["base"], NEGATED, layer, head)


def test_others_search_undisturbed_while_heads_are_out(models: dict[str, DualEncoder]) -> None:
    texts = [NEGATED, "pleural effusion"]
    vectors = models["con2"].encode_text(texts)
    drops = {text: head_effects(models["con2"], text).drops for text in texts}
    with ThreadPoolExecutor(4) as pool:
        effects = [pool.submit(head_effects, models["con2"], text) for text in texts * 6]
        looks = [pool.submit(attention, models["con2"], NEGATED, 1, 1) for _ in range(6)]
        searches = [pool.submit(models["con2"].encode_text, texts) for _ in range(60)]
    for search in searches:
        np.testing.assert_allclose(search.result(), vectors, atol=1e-6)
    for text, effect in zip(texts * 6, effects, strict=True):
        np.testing.assert_allclose(effect.result().drops, drops[text], atol=1e-6)
    assert len({look.result().weights.tobytes() for look in looks}) == 1
    shared = models["con2"].text
    assert not any(module._forward_pre_hooks or module._forward_hooks for module in shared.modules())
    assert isinstance(shared, CompactTextTower)
    assert shared.encoder.config._attn_implementation != "eager"
