"""Models in OpenCLIP's format, held to transformers' own features of the weights that they were made of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional as F
from transformers import AutoTokenizer

from negviz.common.tensor_files import CheckpointError
from negviz.models.family import load_models, open_hub_model, save_base
from negviz.models.hub_files import plain_id
from tests.tiny import draw_film
from tests.tiny_openclip import tiny_biomedical, tiny_openclip

PROMPTS = ("no pleural effusion", "there is a small left effusion", "the heart is not enlarged")
FILMS = [draw_film(seed, effusion=bool(seed)) for seed in range(2)]


@pytest.mark.parametrize("custom", [False, True], ids=["as CLIP", "custom text"])
def test_a_clip_of_openclip_is_the_clip_that_it_was_made_of(custom: bool, tmp_path: Path) -> None:
    theirs = tiny_openclip(tmp_path / "m", custom=custom)
    ours = open_hub_model(str(tmp_path / "m"))
    tokens = AutoTokenizer.from_pretrained(tmp_path / "m")(list(PROMPTS), padding=True, return_tensors="pt")
    with torch.no_grad():
        said = F.normalize(theirs.get_text_features(**tokens).pooler_output, dim=-1).numpy()
        pixels = ours.image.preprocess(FILMS)
        seen = F.normalize(theirs.get_image_features(pixel_values=pixels).pooler_output, dim=-1).numpy()
    np.testing.assert_allclose(ours.encode_text(PROMPTS), said, atol=1e-5)
    np.testing.assert_allclose(ours.encode_images(FILMS), seen, atol=1e-5)
    assert float(pixels.max()) <= 2  # (1 - mean) / std of its own configuration
    assert ours.logit_scale == float(theirs.logit_scale.detach())


@pytest.mark.parametrize("pooler", ["cls_last_hidden_state_pooler", "mean_pooler", "cls_pooler"])
def test_a_vit_of_timm_beside_a_bert_is_what_they_are_alone(pooler: str, tmp_path: Path) -> None:
    parts: dict[str, Any] = tiny_biomedical(tmp_path / "m", pooler)
    ours = open_hub_model(str(tmp_path / "m"))
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "m")
    with torch.no_grad():
        for prompt in PROMPTS:
            said = parts["text"](**tokenizer(prompt, return_tensors="pt"))
            pooled = {
                "cls_last_hidden_state_pooler": said.last_hidden_state[:, 0],
                "mean_pooler": said.last_hidden_state.mean(1),
                "cls_pooler": said.pooler_output,
            }[pooler]
            wanted = F.normalize(parts["projection"](pooled), dim=-1).numpy()
            np.testing.assert_allclose(ours.encode_text([prompt]), wanted, atol=1e-5)
        seen = parts["vision"](pixel_values=ours.image.preprocess(FILMS)).last_hidden_state[:, 0]
        wanted = F.normalize(parts["visual"](seen), dim=-1).numpy()
    np.testing.assert_allclose(ours.encode_images(FILMS), wanted, atol=1e-5)
    np.testing.assert_allclose(ours.encode_corpus(PROMPTS), ours.encode_text(PROMPTS), atol=1e-5)


def test_it_starts_a_family(tmp_path: Path) -> None:
    tiny_biomedical(tmp_path / "m")
    model = open_hub_model(str(tmp_path / "m"))
    save_base(tmp_path / "family", model, licence="none", data={}, training={})
    again = load_models(tmp_path / "family")["base"]
    np.testing.assert_array_equal(again.encode_text(PROMPTS), model.encode_text(PROMPTS))
    assert "text_model.embeddings.word_embeddings.weight" not in model.text.tunable()


@pytest.mark.parametrize(
    ("part", "change", "said"),
    [
        ("vision_cfg", {"layers": [3, 4, 6, 3]}, "has a ResNet for its films"),
        ("vision_cfg", {"attentional_pool": True}, "vision_cfg.attentional_pool is True"),
        ("vision_cfg", {"image_size": [32, 64]}, "takes films of [32, 64]"),
        ("vision_cfg", {"layers": 3}, "lacks the weights 'visual.transformer.resblocks.2"),
        ("vision_cfg", {"timm_model_name": "convnext_base"}, "has timm's 'convnext_base' for its films"),
        ("text_cfg", {"pool_type": "last"}, "text_cfg.pool_type is 'last'"),
        ("text_cfg", {"layers": 1}, "other weights have no place in them"),
        ("text_cfg", {"hf_model_name": "a/t5"}, "reads sentences with 'a/t5'"),
    ],
)
def test_what_would_be_nearly_right_is_refused(
    part: str, change: dict[str, object], said: str, tmp_path: Path
) -> None:
    tiny_openclip(tmp_path / "m")
    path = tmp_path / "m" / "open_clip_config.json"
    config = json.loads(path.read_text("utf-8"))
    config["model_cfg"][part] |= change
    path.write_text(json.dumps(config), "utf-8")
    with pytest.raises(CheckpointError) as error:
        open_hub_model(str(tmp_path / "m"))
    assert said in str(error.value)


def test_weights_that_have_no_place_and_no_tokenizer_are_told(tmp_path: Path) -> None:
    tiny_openclip(tmp_path / "m")
    weights = tmp_path / "m" / "open_clip_model.safetensors"
    save_file(load_file(weights) | {"logit_bias": torch.zeros(1)}, weights)
    with pytest.raises(CheckpointError, match="'logit_bias' and 0 other weights have no place"):
        open_hub_model(str(tmp_path / "m"))
    tiny_openclip(tmp_path / "n")
    for path in (tmp_path / "n").glob("*token*"):
        path.unlink()
    with pytest.raises(CheckpointError, match="brings no tokenizer that can be opened"):
        open_hub_model(str(tmp_path / "n"))


@pytest.mark.parametrize(
    "named",
    [
        "hf-hub:laion/CLIP-ViT-B-16",
        "https://huggingface.co/laion/CLIP-ViT-B-16",
        "https://huggingface.co/laion/CLIP-ViT-B-16/tree/main",
        "laion/CLIP-ViT-B-16",
    ],
)
def test_a_model_is_named_by_its_id_or_its_page(named: str) -> None:
    assert plain_id(named) == "laion/CLIP-ViT-B-16"


@pytest.mark.parametrize("name", ["BiomedVLP-BioViL-T", "rad-dino", "gloria", "CARZero", "MedCLIP"])
def test_what_cannot_be_opened_is_named_with_the_reason(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "config.json").write_text('{"model_type": "other"}', "utf-8")
    with pytest.raises(CheckpointError, match=f"{name} cannot be opened: ") as error:
        open_hub_model(str(tmp_path / name))
    assert "save" not in str(error.value)
