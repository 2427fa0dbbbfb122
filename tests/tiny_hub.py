"""Tiny random CLIP, SigLIP and VisionTextDualEncoder models, saved as the Hub has them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import sentencepiece
import torch
from tokenizers.pre_tokenizers import ByteLevel
from transformers import (
    BertConfig,
    BertTokenizer,
    CLIPConfig,
    CLIPModel,
    CLIPTokenizer,
    PreTrainedModel,
    SiglipConfig,
    SiglipModel,
    SiglipTokenizer,
    VisionTextDualEncoderConfig,
    VisionTextDualEncoderModel,
    ViTConfig,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

SIDE = 32
Model = TypeVar("Model", bound=PreTrainedModel)
_TOWER: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}
_VISION = {**_TOWER, "image_size": SIDE, "patch_size": 8}
_SENTENCES = (
    "no pleural effusion is seen on this film",
    "there is a small left effusion",
    "the lungs are clear and the heart is not enlarged",
    "pneumothorax, consolidation and oedema are absent",
)


def tiny_clip(folder: Path, *, legacy_eos: bool = False) -> CLIPModel:
    """Byte-level BPE without merges; padding is the end token, as in OpenAI's and LAION's models."""
    letters = ByteLevel.alphabet()
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    start, end = (vocabulary[name] for name in tokens[-2:])
    CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=77).save_pretrained(folder)
    crop = {"height": SIDE, "width": SIDE}
    CLIPImageProcessorPil(size={"shortest_edge": SIDE}, crop_size=crop).save_pretrained(folder)
    ids = {"bos_token_id": start, "eos_token_id": 2 if legacy_eos else end, "pad_token_id": end}
    text = {**_TOWER, **ids, "vocab_size": len(tokens), "max_position_embeddings": 77}
    return _save(CLIPModel, CLIPConfig(text_config=text, vision_config=_VISION, projection_dim=16), folder)


def tiny_siglip(folder: Path) -> SiglipModel:
    """A sentencepiece model of 40 pieces; sentences are padded to 64."""
    folder.mkdir(parents=True, exist_ok=True)
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(_SENTENCES),
        model_prefix=str(folder / "spiece"),
        vocab_size=40,
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        minloglevel=2,
    )
    SiglipTokenizer(str(folder / "spiece.model"), model_max_length=64).save_pretrained(folder)
    SiglipImageProcessorPil(size={"height": SIDE, "width": SIDE}).save_pretrained(folder)
    text = {**_TOWER, "vocab_size": 40, "max_position_embeddings": 64, "projection_size": 32}
    return _save(SiglipModel, SiglipConfig(text_config=text, vision_config=_VISION), folder)


def tiny_vision_text(folder: Path) -> VisionTextDualEncoderModel:
    """A ViT and a BERT under two projections."""
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *sorted(set(" ".join(_SENTENCES).split()))]
    BertTokenizer(vocab={word: n for n, word in enumerate(words)}, model_max_length=64).save_pretrained(
        folder
    )
    ViTImageProcessorPil(size={"height": SIDE, "width": SIDE}).save_pretrained(folder)
    text = BertConfig(**_TOWER, vocab_size=len(words), max_position_embeddings=64)
    config = VisionTextDualEncoderConfig.from_vision_text_configs(
        ViTConfig(**_VISION), text, projection_dim=16
    )
    return _save(VisionTextDualEncoderModel, config, folder)


def _save(kind: Callable[[Any], Model], config: Any, folder: Path) -> Model:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = kind(config)
        model.train(False)
        for parameter in model.parameters():  # wide enough for sentences to differ
            torch.nn.init.normal_(parameter, std=0.2) if parameter.ndim > 1 else None
    model.save_pretrained(folder)
    return model
