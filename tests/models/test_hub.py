from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
import torch
from huggingface_hub import errors
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import load_file, save_file
from torch.nn import functional as F
from transformers import AutoImageProcessor, AutoTokenizer, BertConfig, BertModel

from negviz.common.tensor_files import CheckpointError
from negviz.models.checkpoint import write_checkpoint
from negviz.models.encoder import DualEncoder
from negviz.models.family import load_models, open_hub_model, save_base
from tests.tiny import draw_film
from tests.tiny_hub import SIDE, tiny_clip, tiny_siglip, tiny_vision_text

PROMPTS = (
    "no pleural effusion",
    "there is a small left effusion",
    "",
    "the heart is not enlarged " * 40,
    "\ud800 胸水 <b>",
)
_MAKERS: dict[str, Callable[[Path], Any]] = {
    "clip": tiny_clip,
    "legacy clip": lambda folder: tiny_clip(folder, legacy_eos=True),
    "siglip": tiny_siglip,
    "vision-text-dual-encoder": tiny_vision_text,
}


@dataclass(frozen=True)
class Pair:
    """A model as transformers runs it, and as we do."""

    folder: Path
    theirs: Any
    ours: DualEncoder

    def text_features(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """By transformers' own tokenizer and method, padded as the model's card says."""
        siglip = self.ours.family == "siglip"
        tokens = AutoTokenizer.from_pretrained(self.folder)(
            [text.replace("\ud800", "?") for text in texts],
            padding="max_length" if siglip else "longest",
            truncation=True,
            return_tensors="pt",
        )
        if siglip:
            tokens = {"input_ids": tokens["input_ids"]}
        with torch.no_grad():
            features = self.theirs.get_text_features(**tokens).pooler_output
        return F.normalize(features, dim=-1).numpy()


@pytest.fixture(scope="module", params=list(_MAKERS))
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    folder = tmp_path_factory.mktemp("hub") / "model"
    theirs = _MAKERS[request.param](folder)
    return Pair(folder, theirs, open_hub_model(str(folder)))


def test_text_is_what_transformers_makes_of_it(pair: Pair) -> None:
    ours = pair.ours.encode_text(PROMPTS)
    np.testing.assert_allclose(ours, pair.text_features(PROMPTS), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(ours, axis=1), 1, atol=1e-6)
    assert ours.shape == (len(PROMPTS), pair.ours.dim)


def test_a_sentence_is_the_same_alone_and_in_a_batch(pair: Pair) -> None:
    alone = np.concatenate([pair.ours.encode_text([prompt]) for prompt in PROMPTS])
    np.testing.assert_array_equal(alone, pair.ours.encode_text(PROMPTS))


def test_each_kind_pads_by_its_own_rule(pair: Pair) -> None:
    short = pair.ours.text.tokenize(["no"])
    long = pair.ours.text.tokenize([PROMPTS[3]])
    limit = 77 if pair.ours.family == "clip" else 64
    assert long["input_ids"].shape[1] == limit
    if pair.ours.family == "siglip":
        assert short.keys() == {"input_ids"}
        assert short["input_ids"].shape[1] == limit
    else:
        assert short.keys() == {"input_ids", "attention_mask"}
        assert short["input_ids"].shape[1] < 5


def test_films_are_squashed_and_never_cropped(pair: Pair) -> None:
    film = draw_film(0, effusion=True)
    films = [film, film.resize((50, 80)).convert("RGB"), Image.new("L", (40, 30))]
    processor = AutoImageProcessor.from_pretrained(pair.folder)
    square = {"height": SIDE, "width": SIDE}
    colour = [image.convert("RGB") for image in films]
    pixels = processor(images=colour, size=square, do_center_crop=False, return_tensors="pt").pixel_values
    with torch.no_grad():
        theirs = F.normalize(
            pair.theirs.get_image_features(pixel_values=pixels).pooler_output, dim=-1
        ).numpy()
    np.testing.assert_allclose(pair.ours.encode_images(films), theirs, atol=1e-5)


def test_threads_find_what_one_finds(pair: Pair) -> None:
    batches = [[PROMPTS[n % 5], PROMPTS[(n + 2) % 5]][: 1 + n % 2] for n in range(48)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(pair.ours.encode_text, batches))
    for vectors, batch in zip(found, batches, strict=True):
        np.testing.assert_array_equal(vectors, pair.ours.encode_text(batch))


def test_a_tower_starts_from_word_embeddings_too(pair: Pair) -> None:
    text = pair.ours.text
    tokens = text.tokenize(PROMPTS[:2])
    words = text.embed_words(tokens["input_ids"]).detach().requires_grad_()
    mask = tokens.get("attention_mask", torch.ones_like(tokens["input_ids"]))
    vectors = text.forward_from_embeddings(words, mask)
    np.testing.assert_allclose(vectors.detach().numpy(), pair.ours.encode_text(PROMPTS[:2]), atol=1e-5)
    assert torch.autograd.grad(vectors.sum(), words)[0].abs().sum() > 0


def test_a_family_on_a_hub_model(pair: Pair, tmp_path: Path) -> None:
    save_base(tmp_path, pair.ours, licence="none", data={}, training={})
    tuned = {name: tensor + 0.05 for name, tensor in pair.ours.text.tunable().items()}
    assert not any("word" in name or "token_embedding" in name for name in tuned)
    write_checkpoint(tmp_path, "con1", tuned, training={})
    models = load_models(tmp_path)
    assert list(models) == ["base", "con1"]
    assert models["con1"].image is models["base"].image
    assert models["base"].tower_id == pair.ours.tower_id
    assert models["base"].logit_scale == pair.ours.logit_scale
    np.testing.assert_array_equal(models["base"].encode_text(PROMPTS), pair.ours.encode_text(PROMPTS))
    assert not np.allclose(models["con1"].encode_text(PROMPTS), pair.ours.encode_text(PROMPTS), atol=1e-3)


def test_a_family_whose_base_has_changed(tmp_path: Path) -> None:
    tiny_clip(tmp_path / "hub")
    save_base(tmp_path, open_hub_model(str(tmp_path / "hub")), licence="none", data={}, training={})
    model = tiny_clip(tmp_path / "hub")
    with torch.no_grad():
        model.text_projection.weight.add_(1)
    model.save_pretrained(tmp_path / "hub")
    with pytest.raises(CheckpointError, match=r"are not those that .*family\.json records as base"):
        load_models(tmp_path)


def test_a_name_that_is_nowhere() -> None:
    with pytest.raises(CheckpointError, match="nobody/nothing is neither a folder nor a model"):
        open_hub_model("nobody/nothing")


def test_a_model_of_another_kind(tmp_path: Path) -> None:
    BertModel(
        BertConfig(vocab_size=9, hidden_size=8, num_hidden_layers=1, num_attention_heads=1)
    ).save_pretrained(tmp_path)
    with pytest.raises(CheckpointError, match="is of type 'bert'; negviz opens clip, siglip, vision-text"):
        open_hub_model(str(tmp_path))


def test_a_folder_without_weights(tmp_path: Path) -> None:
    tiny_clip(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match="cannot be opened as a dual encoder"):
        open_hub_model(str(tmp_path))


def _edit_config(folder: Path, **changes: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | changes), encoding="utf-8")


def test_a_kind_that_nobody_knows_and_one_that_brings_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> str:
        raise AssertionError("asked whether to run code")

    monkeypatch.setattr("builtins.input", refuse)
    tiny_clip(tmp_path)
    (tmp_path / "theirs.py").write_text("raise SystemExit('run')")
    _edit_config(tmp_path, model_type="blorp")
    with pytest.raises(CheckpointError, match=r"of type 'blorp'; negviz opens clip, siglip"):
        open_hub_model(str(tmp_path))
    _edit_config(tmp_path, auto_map={"AutoConfig": "theirs.Config", "AutoModel": "theirs.Model"})
    with pytest.raises(CheckpointError, match=r"'blorp', which brings code of its own that negviz never"):
        open_hub_model(str(tmp_path))
    _edit_config(tmp_path, model_type="clip")  # a known kind is opened, and its code is left alone
    assert open_hub_model(str(tmp_path)).family == "clip"


def test_weights_that_are_pickles_and_folders_that_are_no_models(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"holds neither config\.json nor open_clip_config\.json"):
        open_hub_model(str(tmp_path))
    tiny_clip(tmp_path)
    (tmp_path / "model.safetensors").rename(tmp_path / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match=r"but pickles, which negviz never opens"):
        open_hub_model(str(tmp_path))
    weights = load_file(tmp_path / "pytorch_model.bin")
    del weights["text_projection.weight"]
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(CheckpointError, match=r"1 of its weights are missing, text_projection\.weight"):
        open_hub_model(str(tmp_path))
    (tmp_path / "model.safetensors").write_bytes(b"half a file")
    with pytest.raises(CheckpointError, match=r"cannot be opened as a dual encoder: "):
        open_hub_model(str(tmp_path))


def test_a_model_without_the_files_of_its_tokenizer(tmp_path: Path) -> None:
    """Its words would all be one unknown word, and sentences differ by their length alone."""
    tiny_clip(tmp_path)
    for path in (*tmp_path.glob("tokenizer*"), *tmp_path.glob("vocab*"), *tmp_path.glob("merges*")):
        path.unlink()
    with pytest.raises(CheckpointError, match="cannot tell words apart"):
        open_hub_model(str(tmp_path))


@pytest.mark.parametrize("file", ["config.json", "tokenizer.json", "preprocessor_config.json"])
@pytest.mark.parametrize("content", [b"", b"{", b"[" * 100_000, b"\xff\xfe", b"[]", b"3"])
def test_a_model_whose_files_are_no_such_files(tmp_path: Path, file: str, content: bytes) -> None:
    tiny_clip(tmp_path)
    (tmp_path / file).write_bytes(content)
    with pytest.raises(CheckpointError, match=r"\.$"):
        open_hub_model(str(tmp_path))


@pytest.mark.parametrize("value", [0.0, 65504.0])
def test_a_model_whose_weights_make_no_vectors(tmp_path: Path, value: float) -> None:
    tiny_clip(tmp_path)
    path = tmp_path / "model.safetensors"
    tensors = {name: tensor.fill_(value) for name, tensor in load_file(path).items()}
    save_file(tensors, path, {"format": "pt"})
    with pytest.raises(CheckpointError, match=r"makes (no vector|the same vector)"):
        open_hub_model(str(tmp_path))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (errors.GatedRepoError, "is gated: accept its terms"),
        (errors.RepositoryNotFoundError, "the Hub knows no such model"),
        (errors.RevisionNotFoundError, "has no revision"),
    ],
)
def test_what_the_hub_refuses_is_one_sentence(
    error: Callable[..., Exception], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> str:
        response = httpx2.Response(401, request=httpx2.Request("GET", "https://hub.invalid"))
        raise error("Many words.\nOver many lines.", response=response)

    monkeypatch.setattr("negviz.models.hub_files.snapshot_download", refuse)
    with pytest.raises(CheckpointError, match=said) as raised:
        open_hub_model("some/model")
    assert "\n" not in str(raised.value)


def test_a_name_that_is_no_id_and_one_that_is_not_in_the_cache() -> None:
    with pytest.raises(CheckpointError, match="ids look like"):
        open_hub_model("no such folder/of/mine")
    with pytest.raises(CheckpointError, match=r"not in the cache, and the Hub cannot be reached"):
        open_hub_model("nobody/nothing")
