"""Tiny random models in OpenCLIP's layout, with the transformers models whose weights they hold."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import BertConfig, BertModel, CLIPModel, ViTConfig, ViTModel

from tests.tiny_hub import SIDE, tiny_clip, tiny_vision_text

PREPROCESS = {"mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25], "interpolation": "bicubic"}
_CLIP_NAMES = (  # transformers' name, OpenCLIP's
    (r"encoder\.layers\.", "transformer.resblocks."),
    (r"self_attn\.out_proj", "attn.out_proj"),
    (r"layer_norm(\d)", r"ln_\1"),
    (r"mlp\.fc1", "mlp.c_fc"),
    (r"mlp\.fc2", "mlp.c_proj"),
    (r"^text_model\.final_layer_norm", "ln_final"),
    (r"^text_model\.embeddings\.token_embedding", "token_embedding"),
    (r"^text_model\.embeddings\.position_embedding\.weight", "positional_embedding"),
    (r"embeddings\.class_embedding", "class_embedding"),
    (r"embeddings\.patch_embedding", "conv1"),
    (r"embeddings\.position_embedding\.weight", "positional_embedding"),
    (r"pre_layrnorm", "ln_pre"),
    (r"post_layernorm", "ln_post"),
    (r"^text_model\.", ""),
    (r"^vision_model\.", "visual."),
)
_TIMM_NAMES = (
    (r"^embeddings\.cls_token", "cls_token"),
    (r"^embeddings\.position_embeddings", "pos_embed"),
    (r"^embeddings\.patch_embeddings\.projection", "patch_embed.proj"),
    (r"^layers\.", "blocks."),
    (r"attention\.o_proj", "attn.proj"),
    (r"layernorm_before", "norm1"),
    (r"layernorm_after", "norm2"),
    (r"^layernorm", "norm"),
)


def tiny_openclip(folder: Path, *, custom: bool = False) -> CLIPModel:
    """As LAION's models are: CLIP's own towers; `custom`: with the text tower under a name of its own."""
    model = tiny_clip(folder)
    renamed = _renamed(model.state_dict(), _CLIP_NAMES)
    state = _joined(renamed, r"self_attn\.([qkv])_proj\.(weight|bias)", "attn.in_proj_{kind}")
    state["visual.proj"] = state.pop("visual_projection.weight").T
    state["text_projection"] = state.pop("text_projection.weight").T
    text = {"context_length": 77, "vocab_size": 514, "width": 32, "heads": 4, "layers": 2}
    vision = {"image_size": SIDE, "layers": 2, "width": 32, "head_width": 8, "patch_size": 8}
    if custom:
        state = {k if k.startswith(("visual.", "logit_scale")) else f"text.{k}": v for k, v in state.items()}
    config = {"embed_dim": 16, "quick_gelu": True, "vision_cfg": vision, "text_cfg": text}
    _write(folder, state, config | ({"custom_text": True} if custom else {}))
    return model


def tiny_biomedical(folder: Path, pooler: str = "cls_last_hidden_state_pooler") -> dict[str, nn.Module]:
    """As BiomedCLIP is: timm's ViT beside a BERT under two layers."""
    beside: Any = tiny_vision_text(folder)  # for its tokenizer
    tower: dict[str, Any] = {"hidden_size": 128, "num_attention_heads": 2, "num_hidden_layers": 2}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        vision = ViTModel(
            ViTConfig(**tower, intermediate_size=64, image_size=SIDE, patch_size=8, layer_norm_eps=1e-6),
            add_pooling_layer=False,
        )
        bert = BertConfig(
            **tower,
            intermediate_size=64,
            vocab_size=beside.config.text_config.vocab_size,
            max_position_embeddings=64,
        )
        text = BertModel(bert, add_pooling_layer=pooler == "cls_pooler")
        parts: dict[str, nn.Module] = {
            "vision": vision,
            "text": text,
            "visual": nn.Linear(128, 16, bias=False),
            "projection": nn.Sequential(
                nn.Linear(128, 72, bias=False), nn.GELU(), nn.Linear(72, 16, bias=False)
            ),
        }
        for part in parts.values():
            part.train(False)
            for parameter in part.parameters():
                torch.nn.init.normal_(parameter, std=0.2) if parameter.ndim > 1 else None
    renamed = _renamed(vision.state_dict(), _TIMM_NAMES)
    trunk = _joined(renamed, r"attention\.([qkv])_proj\.(weight|bias)", "attn.qkv.{kind}")
    state = {
        **{f"visual.trunk.{name}": tensor for name, tensor in trunk.items()},
        "visual.head.proj.weight": parts["visual"].state_dict()["weight"],
        **{f"text.transformer.{name}": tensor for name, tensor in text.state_dict().items()},
        **{f"text.proj.{name}": tensor for name, tensor in parts["projection"].state_dict().items()},
        "logit_scale": torch.tensor(4.0),
    }
    timm = {"timm_model_name": "vit_base_patch16_224", "timm_pool": "", "timm_proj": "linear"}
    read = {"hf_model_name": "a/bert", "hf_tokenizer_name": "a/bert", "hf_proj_type": "mlp"}
    config = {
        "embed_dim": 16,
        "vision_cfg": {**timm, "image_size": SIDE},
        "text_cfg": {**read, "hf_pooler_type": pooler, "context_length": 64},
    }
    _write(folder, state, config)
    return parts


def _renamed(state: dict[str, Tensor], names: tuple[tuple[str, str], ...]) -> dict[str, Tensor]:
    renamed = {}
    for key, tensor in state.items():
        name = key
        for theirs, ours in names:
            name = re.sub(theirs, ours, name)
        renamed[name] = tensor
    return renamed


def _joined(state: dict[str, Tensor], apart: str, together: str) -> dict[str, Tensor]:
    """Query, key and value as one matrix."""
    joined: dict[str, dict[str, Tensor]] = {}
    rest = {}
    for key, tensor in state.items():
        if found := re.search(apart, key):
            name = key[: found.start()] + together.format(kind=found[2])
            joined.setdefault(name, {})[found[1]] = tensor
        else:
            rest[key] = tensor
    return rest | {name: torch.cat([parts[at] for at in "qkv"]) for name, parts in joined.items()}


def _write(folder: Path, state: dict[str, Tensor], config: dict[str, Any]) -> None:
    for name in ("model.safetensors", "config.json", "preprocessor_config.json"):
        (folder / name).unlink()
    save_file(
        {name: tensor.detach().contiguous() for name, tensor in state.items()},
        folder / "open_clip_model.safetensors",
    )
    described = {"model_cfg": config, "preprocess_cfg": PREPROCESS}
    (folder / "open_clip_config.json").write_text(json.dumps(described), "utf-8")
