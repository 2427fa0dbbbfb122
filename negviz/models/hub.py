"""Dual encoders of `transformers`: CLIP, SigLIP and VisionTextDualEncoder, from the Hub or a folder.

The three differ in how a sentence is padded and which token speaks for it:

- CLIP: padded to the longest sentence, masked; the end-of-text token, which is the last real one.
- SigLIP: always padded to 64, no mask; the last position, padding included.
- VisionTextDualEncoder: padded to the longest, masked; the text model's own pooling.

Each tower is rebuilt here from the parts of the transformers model so that it can start from word
embeddings without a hook; tests hold it equal to transformers' own features.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import (
    AutoConfig,
    AutoImageProcessor,
    AutoTokenizer,
    CLIPModel,
    PreTrainedModel,
    SiglipModel,
    VisionTextDualEncoderModel,
)
from transformers.masking_utils import create_bidirectional_mask, create_causal_mask

from negviz.common.tensor_files import CheckpointError
from negviz.models.hub_files import check_files, fetch, first_line, is_openclip
from negviz.models.text_tower import (
    FastTokenizer,
    Piece,
    TextTower,
    Tokenize,
    mean_of_tokens,
    valid_unicode,
)

_OURS: Final[dict[str, Any]] = {"local_files_only": True, "trust_remote_code": False}  # nor asked about it
_CLASSES: Final[dict[str, type[PreTrainedModel]]] = {
    "clip": CLIPModel,
    "siglip": SiglipModel,
    "vision-text-dual-encoder": VisionTextDualEncoderModel,
}


@dataclass(frozen=True)
class HubTowers:
    """The two halves of a dual encoder and what its configuration says of them."""

    family: str  # transformers' model type
    text: TextTower
    image: HubImageTower
    logit_scale: float
    revision: str  # the commit on the Hub; "" for a folder


def open_hub_towers(id_or_folder: str, *, revision: str | None = None) -> HubTowers:
    """Open a dual encoder from a folder in the Hub's format, the Hub's cache or the Hub.

    Raises `CheckpointError` where it is none of these, or of a kind that is not supported.
    """
    folder, commit = fetch(id_or_folder, revision)
    if is_openclip(folder, _CLASSES):
        return _open_openclip(id_or_folder, folder, commit)
    check_files(id_or_folder, folder, _CLASSES)
    config, model, tokenizer, processor = _open(id_or_folder, folder)
    try:
        text = _TEXT_TOWERS[config.model_type](model, _tokenize(tokenizer, config))
        image = HubImageTower(model, _image_config(processor, config))
        text(**text.tokenize(["film"]))
    except (AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        # a text model that takes no embeddings, or a configuration that its weights are not of
        raise _not_opened(id_or_folder, error) from error
    return HubTowers(config.model_type, text, image, float(model.logit_scale.detach()), commit)


def _open_openclip(id_or_folder: str, folder: Path, commit: str) -> HubTowers:
    """A model in OpenCLIP's format; its tokenizer is the one that lies beside it."""
    from negviz.models.openclip import open_openclip  # few bases are, and it brings three more architectures

    model = open_openclip(id_or_folder, folder)
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, **_OURS)
    except Exception as error:  # it promises no exceptions, and tokenizers raises nothing narrower
        raise CheckpointError(
            f"{id_or_folder} brings no tokenizer that can be opened; put the tokenizer.json of the text "
            "model that its open_clip_config.json names beside it."
        ) from error
    tower = BertTextTower if model.pools != "eos" else ClipTextTower
    text = tower(model, _tokenizer_of(tokenizer, model.context, fixed=False))
    text.train(False)
    text(**text.tokenize(["film"]))
    image = HubImageTower(model, HubImageConfig(model.size, model.resample, 1 / 255, model.mean, model.std))
    return HubTowers("openclip", text, image, float(model.logit_scale), commit)


def _open(id_or_folder: str, folder: Path) -> tuple[Any, Any, Any, Any]:
    """Configuration, model, tokenizer and image processor as transformers opens them."""
    processors: Any = AutoImageProcessor  # untyped in transformers
    try:
        config = AutoConfig.from_pretrained(folder, **_OURS)
        opener: Any = _CLASSES[config.model_type]
        model, said = opener.from_pretrained(
            folder, use_safetensors=True, dtype=torch.float32, output_loading_info=True, **_OURS
        )
        tokenizer = AutoTokenizer.from_pretrained(folder, **_OURS)
        processor = processors.from_pretrained(folder, backend="pil", **_OURS)
    except Exception as error:  # they promise no exceptions, and tokenizers raises nothing narrower
        raise _not_opened(id_or_folder, error) from error
    if said["missing_keys"]:  # transformers would make them up
        raise CheckpointError(
            f"{id_or_folder} cannot be opened as a dual encoder: {len(said['missing_keys'])} of its "
            f"weights are missing, {min(said['missing_keys'])} among them."
        )
    return config, model, tokenizer, processor


def _not_opened(id_or_folder: str, error: Exception) -> CheckpointError:
    reason = first_line(error).rstrip(".")
    return CheckpointError(f"{id_or_folder} cannot be opened as a dual encoder: {reason}.")


# Text -----------------------------------------------------------------------------------------


def _tokenize(tokenizer: Any, config: Any) -> Tokenize:
    fixed = config.model_type == "siglip"
    return _tokenizer_of(tokenizer, int(config.text_config.max_position_embeddings), fixed=fixed)


def _tokenizer_of(tokenizer: Any, context: int, *, fixed: bool) -> Tokenize:
    max_tokens = min(context, tokenizer.model_max_length)
    if tokenizer.is_fast:
        return FastTokenizer(
            tokenizer.backend_tokenizer,
            max_tokens=max_tokens,
            pad_id=tokenizer.pad_token_id,
            pad_token=tokenizer.pad_token,
            fixed=fixed,
        )
    return SlowTokenizer(tokenizer, max_tokens=max_tokens, fixed=fixed)


class SlowTokenizer:
    """A tokenizer of transformers without a `tokenizers` backend, such as SigLIP's sentencepiece."""

    def __init__(self, tokenizer: Any, *, max_tokens: int, fixed: bool) -> None:
        self._tokenizer = tokenizer
        self._max_tokens = max_tokens
        self._fixed = fixed
        self.pad_id = int(tokenizer.pad_token_id)

    def __call__(self, texts: Sequence[str]) -> dict[str, Tensor]:
        encoded = self._tokenizer(
            [valid_unicode(text) for text in texts],
            padding="max_length" if self._fixed else "longest",
            truncation=True,
            max_length=self._max_tokens,
            return_tensors="pt",
        )
        names = ("input_ids",) if self._fixed else ("input_ids", "attention_mask")
        return {name: encoded[name] for name in names}

    def pieces(self, text: str) -> tuple[Piece, ...]:
        ids = self([text])["input_ids"][0].tolist()
        special = set(self._tokenizer.all_special_ids) - {self._tokenizer.unk_token_id}
        surface = iter(_located(self._tokenizer.tokenize(valid_unicode(text)), text))
        names = self._tokenizer.convert_ids_to_tokens(ids)
        return tuple(
            Piece(name, None) if id_ in special else next(surface, Piece(name, None))
            for id_, name in zip(ids, names, strict=True)
        )


def _located(tokens: Sequence[str], text: str) -> Iterator[Piece]:
    """Where in `text` each token stands: a sentencepiece model that was given other text keeps no offsets.

    Tokens come in the text's order, in lower case and without its punctuation.  One that is only a space,
    or cannot be found, stands where the one before it ended.
    """
    lower, at = "".join(character.lower()[:1] for character in text), 0
    for token in tokens:
        wanted = token.lstrip("\u2581").lower()
        found = lower.find(wanted, at) if wanted else -1
        if found < 0:
            yield Piece(token, (at, min(at + 1, len(text))))
        else:
            at = found + len(wanted)
            yield Piece(token, (found, at))


class HubTextTower(TextTower):
    """The text half of a transformers dual encoder: its text model and, where it has one, its projection."""

    def __init__(self, model: Any, tokenizer: Tokenize) -> None:
        super().__init__()
        self.text_model = model.text_model
        self.projection: nn.Module = getattr(model, "text_projection", nn.Identity())
        self.tokenizer = tokenizer
        table = self.word_embeddings
        self.frozen = tuple(f"{name}.weight" for name, module in self.named_modules() if module is table)
        self.dim = _width(self.projection) or _own_width(model)

    @property
    def word_embeddings(self) -> nn.Module:
        return cast(nn.Module, self.text_model.get_input_embeddings())

    def pooled_tokens(self, attention_mask: Tensor) -> Tensor:
        return F.one_hot(self.place(attention_mask), attention_mask.shape[1]).bool()

    def place(self, attention_mask: Tensor) -> Tensor:
        """The one token that speaks for a sentence, the first unless a model says otherwise: int64 [n]."""
        return torch.zeros(len(attention_mask), dtype=torch.long)


def _width(projection: nn.Module) -> int | None:
    last = projection[-1] if isinstance(projection, nn.Sequential) else projection
    return last.out_features if isinstance(last, nn.Linear) else None


def _own_width(model: Any) -> int:
    """Of a text model under no projection."""
    config = model.text_model.config
    return int(getattr(config, "projection_size", config.hidden_size))


class ClipTextTower(HubTextTower):
    def pool(self, embeddings: Tensor, attention_mask: Tensor) -> Tensor:
        text = self.text_model
        hidden = text.embeddings(inputs_embeds=embeddings)  # adds the positions
        mask = create_causal_mask(
            config=text.config, inputs_embeds=hidden, attention_mask=attention_mask, past_key_values=None
        )
        hidden = text.encoder(inputs_embeds=hidden, attention_mask=mask, is_causal=True).last_hidden_state
        pooled = text.final_layer_norm(hidden[torch.arange(len(hidden)), self.place(attention_mask)])
        return cast(Tensor, self.projection(pooled))

    def place(self, attention_mask: Tensor) -> Tensor:
        return attention_mask.sum(1) - 1  # the end-of-text token


class SiglipTextTower(HubTextTower):
    def pool(self, embeddings: Tensor, attention_mask: Tensor) -> Tensor:
        text = self.text_model  # the mask is all ones: SigLIP reads its padding
        hidden = text.embeddings(inputs_embeds=embeddings)
        mask = create_bidirectional_mask(config=text.config, inputs_embeds=hidden, attention_mask=None)
        hidden = text.encoder(inputs_embeds=hidden, attention_mask=mask).last_hidden_state
        return cast(Tensor, text.head(text.final_layer_norm(hidden[:, -1])))

    def place(self, attention_mask: Tensor) -> Tensor:
        return super().place(attention_mask) + attention_mask.shape[1] - 1  # the last position


class VisionTextTower(HubTextTower):
    def pool(self, embeddings: Tensor, attention_mask: Tensor) -> Tensor:
        pooled = self.text_model(inputs_embeds=embeddings, attention_mask=attention_mask).pooler_output
        return cast(Tensor, self.projection(pooled))


class BertTextTower(HubTextTower):
    """A BERT under a projection, as OpenCLIP pools it."""

    def __init__(self, model: Any, tokenizer: Tokenize) -> None:
        super().__init__(model, tokenizer)
        self._pools: str = model.pools

    def pool(self, embeddings: Tensor, attention_mask: Tensor) -> Tensor:
        said = self.text_model(inputs_embeds=embeddings, attention_mask=attention_mask)
        hidden = said.last_hidden_state
        if self._pools == "mean":
            pooled = mean_of_tokens(hidden, attention_mask)
        else:
            pooled = said.pooler_output if self._pools == "pooler" else hidden[:, 0]
        return cast(Tensor, self.projection(pooled))

    def pooled_tokens(self, attention_mask: Tensor) -> Tensor:
        return attention_mask > 0 if self._pools == "mean" else super().pooled_tokens(attention_mask)


_TEXT_TOWERS: Final[dict[str, type[HubTextTower]]] = {
    "clip": ClipTextTower,
    "siglip": SiglipTextTower,
    "vision-text-dual-encoder": VisionTextTower,
}


# Images ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class HubImageConfig:
    """What becomes of a film before a transformers image tower sees it; part of the tower's identity."""

    size: int  # pixels a side, films squashed to a square: nothing is cropped
    resample: int  # PIL's number of the filter
    rescale_factor: float
    image_mean: tuple[float, ...]
    image_std: tuple[float, ...]

    def to_dict(self) -> dict[str, Any]:
        return json.loads(json.dumps(asdict(self)))  # type: ignore[no-any-return]  # lists for tuples


class HubImageTower(nn.Module):
    """The image half of a transformers dual encoder."""

    def __init__(self, model: Any, config: HubImageConfig) -> None:
        super().__init__()
        self.vision_model = model.vision_model
        self.projection: nn.Module = getattr(model, "visual_projection", nn.Identity())
        self.config = config
        self._takes_first = getattr(model, "vision_pools", "pooler") == "cls"

    def preprocess(self, images: Sequence[Image.Image]) -> Tensor:
        """Films of any mode and size → float32 [n, 3, size, size], as transformers' own processor resizes."""
        shape = (self.config.size, self.config.size)
        resample = Image.Resampling(self.config.resample)
        rgb = np.stack([np.asarray(image.convert("RGB").resize(shape, resample)) for image in images])
        scaled = rgb * np.float32(self.config.rescale_factor)
        mean, std = (
            np.array(values, np.float32) for values in (self.config.image_mean, self.config.image_std)
        )
        return torch.from_numpy((scaled - mean) / std).permute(0, 3, 1, 2).contiguous()

    def forward(self, pixels: Tensor) -> Tensor:
        """Pixels float32 [n, 3, size, size] → unit vectors [n, dim]."""
        seen = self.vision_model(pixel_values=pixels)
        pooled = seen.last_hidden_state[:, 0] if self._takes_first else seen.pooler_output
        return F.normalize(self.projection(pooled), dim=-1)


def _image_config(processor: Any, config: Any) -> HubImageConfig:
    return HubImageConfig(
        size=int(config.vision_config.image_size),
        resample=int(processor.resample),
        rescale_factor=float(processor.rescale_factor),
        image_mean=tuple(processor.image_mean),
        image_std=tuple(processor.image_std),
    )
