"""Models in OpenCLIP's format: `open_clip_config.json` beside safetensors, mapped onto transformers' classes.

Images go through OpenCLIP's own ViT (transformers' CLIP) or timm's plain one (ViT); sentences through CLIP's
transformer, or through a BERT of the Hub.  Every tensor of the file must find its place and every setting be
one that is known, else the model is refused: one that is nearly right ranks films, and nobody would notice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import (
    BertConfig,
    BertModel,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPVisionConfig,
    CLIPVisionModel,
    ViTConfig,
    ViTModel,
)

from negviz.common.read_files import read_json
from negviz.common.tensor_files import CheckpointError
from negviz.models.hub_files import OPENCLIP_CONFIG

State = dict[str, Tensor]
_HEAD: Final = 64  # width of an attention head, unless the configuration says otherwise
_MEAN: Final = (0.48145466, 0.4578275, 0.40821073)  # OpenCLIP's, where the configuration has none
_STD: Final = (0.26862954, 0.26130258, 0.27577711)
_FILTERS: Final = {"bicubic": 3, "bilinear": 2, "nearest": 0}  # PIL's numbers
_VISION: Final = {"image_size", "layers", "width", "patch_size", "head_width", "mlp_ratio", "patch_dropout"}
_TIMM: Final = {
    "image_size",
    "timm_model_name",
    "timm_model_pretrained",
    "timm_pool",
    "timm_proj",
    "timm_drop",
}
_TIMM_PATCH: Final = re.compile(r"vit_(?:tiny|small|medium|base|large)_patch\d+_\d+(?:\..*)?")
_TEXT: Final = {"context_length", "vocab_size", "width", "heads", "layers"}
_BERT: Final = {
    *("context_length", "hf_model_name", "hf_tokenizer_name", "hf_model_pretrained", "hf_proj_type"),
    *("proj", "proj_type", "pooler_type", "hf_pooler_type", "output_tokens"),
}
_MODEL: Final = {"embed_dim", "vision_cfg", "text_cfg", "quick_gelu", "custom_text", "multimodal_cfg"}


@dataclass(frozen=True)
class OpenClip:
    """A model as `negviz.models.hub` builds towers from it."""

    vision_model: nn.Module
    visual_projection: nn.Module
    text_model: nn.Module
    text_projection: nn.Module
    logit_scale: Tensor
    pools: str  # "eos" as CLIP does, "cls", "mean", or "pooler" as BERT does
    vision_pools: str  # "pooler" as CLIP does, or "cls"
    context: int  # tokens at most
    size: int
    resample: int
    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass
class _Tensors:
    """The tensors of a file, each of which is to be taken once."""

    name: str
    state: State
    taken: set[str] = field(default_factory=set)

    def __getitem__(self, key: str) -> Tensor:
        if key not in self.state:
            raise CheckpointError(
                f"{self.name} lacks the weights {key!r} that its {OPENCLIP_CONFIG} speaks of."
            )
        self.taken.add(key)
        return self.state[key].float()

    def layers(self, pattern: str) -> int:
        found = (re.match(pattern, key) for key in self.state)
        return 1 + max((int(match[1]) for match in found if match), default=-1)

    def refuse_left_over(self) -> None:
        if left := sorted(self.state.keys() - self.taken):
            raise CheckpointError(
                f"{self.name} is built otherwise than the OpenCLIP models that negviz opens: {left[0]!r} and "
                f"{len(left) - 1} other weights have no place in them."
            )


def open_openclip(name: str, folder: Path) -> OpenClip:
    """The model in a folder.  Raises `CheckpointError`."""
    config = read_json(folder / OPENCLIP_CONFIG, CheckpointError)
    model, preprocess = _part(config, "model_cfg", name), config.get("preprocess_cfg") or {}
    vision, text = _part(model, "vision_cfg", name), _part(model, "text_cfg", name)
    _refuse_unknown(name, "", model, _MODEL)
    weights = _Tensors(name, _read(name, folder))
    if model.get("custom_text") or any(key.startswith("text.") for key in weights.state):
        weights.state = {key.removeprefix("text."): tensor for key, tensor in weights.state.items()}
    act = "quick_gelu" if model.get("quick_gelu") else "gelu"
    timm, bert = "timm_model_name" in vision, "hf_model_name" in text
    vision_model, visual_projection = (_timm_vit if timm else _clip_vit)(name, weights, vision, act)
    text_model, text_projection, pools = (_bert if bert else _clip_text)(name, weights, text, act)
    scale = weights["logit_scale"].reshape(())
    weights.refuse_left_over()
    return OpenClip(
        vision_model=vision_model,
        visual_projection=visual_projection,
        text_model=text_model,
        text_projection=text_projection,
        logit_scale=scale,
        pools=pools,
        vision_pools="cls" if timm else "pooler",
        context=int(text.get("context_length", 77)),
        size=_square(name, vision),
        resample=_FILTERS.get(str(preprocess.get("interpolation", "bicubic")), 3),
        mean=tuple(preprocess.get("mean") or _MEAN),
        std=tuple(preprocess.get("std") or _STD),
    )


def _part(config: Mapping[str, Any], name: str, model: str) -> dict[str, Any]:
    part = config.get(name)
    if not isinstance(part, dict):
        raise CheckpointError(f"The {OPENCLIP_CONFIG} of {model} has no {name}; fetch it anew.")
    return part


def _refuse_unknown(model: str, where: str, config: Mapping[str, Any], known: set[str]) -> None:
    odd = sorted(key for key, value in config.items() if key not in known and value not in (None, False, ""))
    if odd:
        raise CheckpointError(
            f"{model} is built otherwise than the OpenCLIP models that negviz opens: "
            f"{where}{odd[0]} is {config[odd[0]]!r}."
        )


def _square(name: str, vision: Mapping[str, Any]) -> int:
    size = vision.get("image_size", 224)
    sides = set(size) if isinstance(size, list) else {size}
    if len(sides) != 1:
        raise CheckpointError(f"{name} takes films of {size}; negviz opens models that take squares.")
    return int(sides.pop())


def _read(name: str, folder: Path) -> State:
    files = sorted(folder.glob("open_clip*.safetensors")) or sorted(folder.glob("*.safetensors"))
    if len(files) != 1:
        raise CheckpointError(
            f"{name} holds no weights as safetensors, or several files of them; "
            "make one of a pickle with: python -m training convert FILE --to DIR."
        )
    try:
        return load_file(files[0])
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"{files[0].name} of {name} cannot be read ({error}); fetch it anew."
        ) from error


def _filled(model: str, module: nn.Module, tensors: State) -> nn.Module:
    try:
        module.load_state_dict(tensors)
    except RuntimeError as error:
        why = str(error).strip().splitlines()[-1].strip()
        raise CheckpointError(
            f"The weights of {model} are not those of its {OPENCLIP_CONFIG}: {why}"
        ) from error
    return module


def _linear(weight: Tensor, bias: Tensor | None = None) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None)
    layer.load_state_dict({"weight": weight} | ({} if bias is None else {"bias": bias}))
    return layer


# Images -----------------------------------------------------------------------------------------


def _clip_vit(
    name: str, weights: _Tensors, vision: Mapping[str, Any], act: str
) -> tuple[nn.Module, nn.Module]:
    _refuse_unknown(name, "vision_cfg.", vision, _VISION)
    if not isinstance(vision.get("layers"), int):
        raise CheckpointError(f"{name} has a ResNet for its films; of OpenCLIP's models negviz opens ViTs.")
    patches = weights["visual.conv1.weight"]
    width = patches.shape[0]
    fc1 = weights["visual.transformer.resblocks.0.mlp.c_fc.weight"]
    config = CLIPVisionConfig(
        hidden_size=width,
        intermediate_size=fc1.shape[0],
        num_hidden_layers=int(vision["layers"]),
        num_attention_heads=width // int(vision.get("head_width", _HEAD)),
        image_size=_square(name, vision),
        patch_size=patches.shape[-1],
        hidden_act=act,
    )
    tensors = {
        "embeddings.class_embedding": weights["visual.class_embedding"],
        "embeddings.position_embedding.weight": weights["visual.positional_embedding"],
        "embeddings.patch_embedding.weight": patches,
        **_both(weights, {"pre_layrnorm": "visual.ln_pre", "post_layernorm": "visual.ln_post"}),
        **_blocks(weights, "visual.transformer.resblocks", config.num_hidden_layers),
    }
    return _filled(name, CLIPVisionModel(config), tensors), _linear(weights["visual.proj"].T)


def _timm_vit(name: str, weights: _Tensors, vision: Mapping[str, Any], _: str) -> tuple[nn.Module, nn.Module]:
    kind, pool = str(vision["timm_model_name"]), vision.get("timm_pool") or "token"
    if not _TIMM_PATCH.fullmatch(kind) or pool != "token" or vision.get("timm_proj", "linear") != "linear":
        raise CheckpointError(
            f"{name} has timm's {kind!r} for its films, pooled by {pool!r}; of timm's models negviz opens "
            "plain ViTs that pool the first token under a linear projection."
        )
    _refuse_unknown(name, "vision_cfg.", vision, _TIMM)
    patches = weights["visual.trunk.patch_embed.proj.weight"]
    width, layers = patches.shape[0], weights.layers(r"visual\.trunk\.blocks\.(\d+)\.")
    config = ViTConfig(
        hidden_size=width,
        intermediate_size=weights["visual.trunk.blocks.0.mlp.fc1.weight"].shape[0],
        num_hidden_layers=layers,
        num_attention_heads=max(1, width // _HEAD),
        image_size=_square(name, vision),
        patch_size=patches.shape[-1],
        layer_norm_eps=1e-6,
    )
    tensors = {
        "embeddings.cls_token": weights["visual.trunk.cls_token"],
        "embeddings.position_embeddings": weights["visual.trunk.pos_embed"],
        **_both(
            weights,
            {
                "embeddings.patch_embeddings.projection": "visual.trunk.patch_embed.proj",
                "layernorm": "visual.trunk.norm",
            },
        ),
    }
    for number in range(layers):
        theirs, ours = f"visual.trunk.blocks.{number}", f"layers.{number}"
        tensors |= _in_three(weights, f"{ours}.attention", f"{theirs}.attn.qkv.")
        tensors |= _both(
            weights,
            {
                f"{ours}.attention.o_proj": f"{theirs}.attn.proj",
                f"{ours}.layernorm_before": f"{theirs}.norm1",
                f"{ours}.layernorm_after": f"{theirs}.norm2",
                f"{ours}.mlp.fc1": f"{theirs}.mlp.fc1",
                f"{ours}.mlp.fc2": f"{theirs}.mlp.fc2",
            },
        )
    head = "visual.head.proj"
    bias = weights[f"{head}.bias"] if f"{head}.bias" in weights.state else None
    model = _filled(name, ViTModel(config, add_pooling_layer=False), tensors)
    return model, _linear(weights[f"{head}.weight"], bias)


# Text -------------------------------------------------------------------------------------------


def _clip_text(
    name: str, weights: _Tensors, text: Mapping[str, Any], act: str
) -> tuple[nn.Module, nn.Module, str]:
    _refuse_unknown(name, "text_cfg.", text, _TEXT)
    words, fc1 = weights["token_embedding.weight"], weights["transformer.resblocks.0.mlp.c_fc.weight"]
    config = CLIPTextConfig(
        vocab_size=words.shape[0],
        hidden_size=words.shape[1],
        intermediate_size=fc1.shape[0],
        num_hidden_layers=int(text["layers"]),
        num_attention_heads=int(text["heads"]),
        max_position_embeddings=int(text.get("context_length", 77)),
        hidden_act=act,
        bos_token_id=words.shape[0] - 2,
        eos_token_id=words.shape[0] - 1,
        pad_token_id=words.shape[0] - 1,
    )
    tensors = {
        "embeddings.token_embedding.weight": words,
        "embeddings.position_embedding.weight": weights["positional_embedding"],
        **_both(weights, {"final_layer_norm": "ln_final"}),
        **_blocks(weights, "transformer.resblocks", config.num_hidden_layers),
    }
    weights.taken |= weights.state.keys() & {"attn_mask"}  # a constant
    model = _filled(name, CLIPTextModel(config), tensors)
    return model, _linear(weights["text_projection"].T), "eos"


_POOLERS: Final = {
    "cls_last_hidden_state_pooler": "cls",
    "cls_pooler": "pooler",
    "mean_pooler": "mean",
}


def _bert(name: str, weights: _Tensors, text: Mapping[str, Any], _: str) -> tuple[nn.Module, nn.Module, str]:
    asked = text.get("pooler_type") or text.get("hf_pooler_type") or "mean_pooler"
    if asked not in _POOLERS or "transformer.embeddings.word_embeddings.weight" not in weights.state:
        raise CheckpointError(
            f"{name} reads sentences with {text['hf_model_name']!r}, pooled by {asked!r}; beside CLIP's own "
            "text towers negviz opens BERTs."
        )
    _refuse_unknown(name, "text_cfg.", text, _BERT)
    embeddings = "transformer.embeddings"
    words = weights[f"{embeddings}.word_embeddings.weight"]
    layers = weights.layers(r"transformer\.encoder\.layer\.(\d+)\.")
    config = BertConfig(
        vocab_size=words.shape[0],
        hidden_size=words.shape[1],
        intermediate_size=weights["transformer.encoder.layer.0.intermediate.dense.weight"].shape[0],
        num_hidden_layers=layers,
        num_attention_heads=max(1, words.shape[1] // _HEAD),
        max_position_embeddings=weights[f"{embeddings}.position_embeddings.weight"].shape[0],
        type_vocab_size=weights[f"{embeddings}.token_type_embeddings.weight"].shape[0],
    )
    pools = _POOLERS[asked]
    model = BertModel(config, add_pooling_layer=pools == "pooler")
    tensors = {key: weights[f"transformer.{key}"] for key in model.state_dict()}
    weights.taken |= weights.state.keys() & {f"{embeddings}.position_ids"}  # a constant
    return _filled(name, model, tensors), _projection(weights), pools


def _projection(weights: _Tensors) -> nn.Module:
    """One layer, or two with a GELU between them, without biases; none where the widths are the same."""
    if "proj.weight" in weights.state:
        return _linear(weights["proj.weight"])
    if "proj.0.weight" in weights.state:
        return nn.Sequential(_linear(weights["proj.0.weight"]), nn.GELU(), _linear(weights["proj.2.weight"]))
    return nn.Identity()


# Parts that several towers have -------------------------------------------------------------------


def _both(weights: _Tensors, names: Mapping[str, str]) -> State:
    """Weight and bias of modules, ours by theirs."""
    return {
        f"{ours}.{kind}": weights[f"{theirs}.{kind}"]
        for ours, theirs in names.items()
        for kind in ("weight", "bias")
    }


def _in_three(weights: _Tensors, ours: str, theirs: str) -> State:
    """Query, key and value, which one matrix and one bias of theirs hold; their names begin with `theirs`."""
    return {
        f"{ours}.{at}_proj.{kind}": part
        for kind in ("weight", "bias")
        for at, part in zip("qkv", weights[f"{theirs}{kind}"].chunk(3), strict=True)
    }


def _blocks(weights: _Tensors, prefix: str, layers: int) -> State:
    tensors: State = {}
    for number in range(layers):
        theirs, ours = f"{prefix}.{number}", f"encoder.layers.{number}"
        tensors |= _in_three(weights, f"{ours}.self_attn", f"{theirs}.attn.in_proj_")
        tensors |= _both(
            weights,
            {
                f"{ours}.self_attn.out_proj": f"{theirs}.attn.out_proj",
                f"{ours}.layer_norm1": f"{theirs}.ln_1",
                f"{ours}.layer_norm2": f"{theirs}.ln_2",
                f"{ours}.mlp.fc1": f"{theirs}.mlp.c_fc",
                f"{ours}.mlp.fc2": f"{theirs}.mlp.c_proj",
            },
        )
    return tensors
