"""Dual encoders, and families of them opened from disk.

    models = load_models("checkpoints/compact")     # {"base": DualEncoder, "con1": …} in column order
    models["con2"].encode_text(["No pleural effusion."])

The models of a family share one image tower and one table of word embeddings.  A model is only ever read:
no hooks, no train mode, no gradients, so threads may use one without a lock.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from negviz.common.tensor_files import CheckpointError, check_fits, in_half_precision
from negviz.models.checkpoint import WEIGHTS_FILE, Family, identical, read_family, write_family
from negviz.models.hub import open_hub_towers
from negviz.models.image_tower import ImageTower, ImageTowerConfig
from negviz.models.soundness import check_images, check_text, check_words
from negviz.models.text_tower import CompactTextTower, TextTower, open_text_tower

__all__ = [
    "CheckpointError",
    "DualEncoder",
    "ImageEncoder",
    "load_models",
    "make_model",
    "open_hub_model",
    "save_base",
    "weights_id",
    "with_text",
]

_TEXTS_AT_ONCE: Final = 64
_IMAGES_AT_ONCE: Final = 32
T = TypeVar("T")


class Config(Protocol):
    """Architecture and preprocessing: everything but the weights."""

    def to_dict(self) -> dict[str, Any]: ...  # JSON


class ImageEncoder(Protocol):
    """An image tower as `DualEncoder` needs it: the compact one or a Hub model's."""

    @property
    def config(self) -> Config: ...

    def preprocess(self, images: Sequence[Image.Image]) -> Tensor: ...
    def __call__(self, pixels: Tensor) -> Tensor: ...
    def state_dict(self) -> dict[str, Tensor]: ...
    def eval(self) -> Any: ...
    def requires_grad_(self, requires_grad: bool) -> Any: ...


@dataclass(frozen=True, eq=False)
class DualEncoder:
    """One model: a column of the page."""

    name: str
    family: str  # "compact", or the Hub's model type
    text: TextTower
    image: ImageEncoder
    logit_scale: float  # the logarithm of the factor on cosines in the loss
    tower_id: str  # 16 hex digits: the image tower's weights and preprocessing
    source: Mapping[str, str] | None = None  # a Hub model's id and revision

    @property
    def dim(self) -> int:
        return self.text.dim

    def tower_for(self, text: str) -> TextTower | None:
        """The tower that makes this sentence's vector from its words; None where it is made otherwise."""
        return self.text

    def encode_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors float32 [n, dim], each the same to the bit whatever it is asked for with.

        Each sentence has products of its own: those of a batch differ in their last digits with its size,
        also where no sentence is padded, and films that are nearly as near would swap ranks.
        """
        return self._stack(row for part in _batches(texts, _TEXTS_AT_ONCE) for row in self.text.each(part))

    def encode_corpus(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As `encode_text` but for the last digits, and faster where a tower takes none in step."""
        return self._stack(self.text(**self.text.tokenize(part)) for part in _batches(texts, _TEXTS_AT_ONCE))

    def encode_images(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """Unit vectors float32 [n, dim] of films of any mode and size."""
        return self._stack(
            self.image(self.image.preprocess(part)) for part in _batches(images, _IMAGES_AT_ONCE)
        )

    def _stack(self, encoded: Iterable[Tensor]) -> NDArray[np.float32]:
        """Features [some, dim] of any length, encoded as they are asked for, to unit vectors."""
        with torch.inference_mode():
            parts = [F.normalize(part.float(), dim=-1).numpy() for part in encoded]
        return np.concatenate([np.empty((0, self.dim), np.float32), *parts])


def _batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def make_model(
    text: TextTower,
    image: ImageEncoder,
    *,
    logit_scale: float,
    family: str = "compact",
    source: Mapping[str, str] | None = None,
) -> DualEncoder:
    """A model named `base` from its towers, which are put in eval mode and lose their gradients."""
    for tower in (text, image):
        tower.eval()
        tower.requires_grad_(False)
    identity = weights_id(image.state_dict(), image.config.to_dict())
    return DualEncoder("base", family, text, image, logit_scale, identity, source)


def open_hub_model(id_or_folder: str, *, revision: str | None = None) -> DualEncoder:
    """Open a CLIP, SigLIP or VisionTextDualEncoder model from a folder, the Hub's cache or the Hub.

    Raises `CheckpointError` where it is none of these, or of another kind.
    """
    towers = open_hub_towers(id_or_folder, revision=revision)
    source = {"id": id_or_folder, "revision": towers.revision}
    model = make_model(
        towers.text, towers.image, logit_scale=towers.logit_scale, family=towers.family, source=source
    )
    for check in (check_words, check_text, check_images):
        check(model, id_or_folder)
    return model


def with_text(
    model: DualEncoder, name: str, tensors: Mapping[str, Tensor], logit_scale: float
) -> DualEncoder:
    """The model under another name, its text tower carrying `tensors` (see `TextTower.tunable`)."""
    tower = model.text.with_tuned(tensors).eval().requires_grad_(False)
    return replace(model, name=name, text=tower, logit_scale=logit_scale)


def weights_id(state: Mapping[str, Tensor], config: Mapping[str, Any]) -> str:
    """16 hex digits of a SHA-256 over weights, in the precision they are shipped in, and configuration."""
    digest = hashlib.sha256(json.dumps(config, sort_keys=True).encode())
    for name, tensor in sorted(in_half_precision(state).items()):
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()[:16]


# Families -------------------------------------------------------------------------------------


def load_models(folder: str | Path) -> dict[str, DualEncoder]:
    """Open a family, every file verified, in column order.

    Raises `CheckpointError` on a missing, damaged or foreign file, and on a tuned model that is base.
    """
    family = read_family(Path(folder))
    base = _open_hub_base(family) if "hub" in family.record else _open_compact_base(family)
    return {name: base if name == "base" else _open_tuned(family, base, name) for name in family.columns}


def save_base(
    folder: Path, model: DualEncoder, *, licence: str, data: Mapping[str, Any], training: Mapping[str, Any]
) -> None:
    """Start a family: write `model` as its base; `write_checkpoint` then adds tuned models.

    `data` holds the hashes of what it was trained on, `training` its hyper-parameters and seed.
    """
    facts = {"family": model.family, "logit_scale": model.logit_scale, "licence": licence, "data": dict(data)}
    if isinstance(model.text, CompactTextTower):
        own = {"text_tower": model.text.identity, "image_tower": {"config": model.image.config.to_dict()}}
        projection, image_tower = model.text.projection.state_dict(), model.image.state_dict()
        write_family(folder, {**facts, **own}, projection, image_tower, training=training)
    else:
        hub = {**(model.source or {}), "tower_id": model.tower_id, "text_id": _text_id(model)}
        write_family(folder, {**facts, "hub": hub}, {}, None, training=training)


def _open_compact_base(family: Family) -> DualEncoder:
    text, image = (family.described(name) for name in ("text_tower", "image_tower"))
    name, sha256 = (_text(text, key, family) for key in ("name", "sha256"))
    image_tower = ImageTower(ImageTowerConfig.from_dict(image.get("config")))
    where = family.folder / _text(image, "file", family)
    _fill(image_tower, family.image_tower(), where)
    projection, path = family.weights("base"), family.folder / "base" / WEIGHTS_FILE
    dim = image_tower.config.dim
    tower = open_text_tower(dim, sha256=sha256, family=family.folder, name=name)
    if tower.identity != text:
        raise CheckpointError(f"The vocabulary of {name} is not the one that {family.path} records.")
    _fill(tower.projection, projection, path)
    model = make_model(tower, image_tower, logit_scale=family.logit_scale("base"))
    check_words(model, f"The text tower {name}")
    check_text(model, path)
    check_images(model, where)
    return model


def _text(record: Mapping[str, Any], key: str, family: Family) -> str:
    value = record.get(key)
    if not isinstance(value, str) or not value:
        raise CheckpointError(f"{family.path} describes a tower without its {key}; fetch it anew.")
    return value


def _fill(module: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    check_fits(path, tensors, module.state_dict())
    module.load_state_dict(dict(tensors))


def _open_hub_base(family: Family) -> DualEncoder:
    hub = family.described("hub")
    id_, tower_id, text_id = (_text(hub, key, family) for key in ("id", "tower_id", "text_id"))
    revision = _text(hub, "revision", family) if hub.get("revision") else None
    model = open_hub_model(id_, revision=revision)
    if (tower_id, text_id) != (model.tower_id, _text_id(model)):
        raise CheckpointError(f"The weights of {id_} are not those that {family.path} records as base.")
    return replace(model, logit_scale=family.logit_scale("base"))


def _text_id(model: DualEncoder) -> str:
    return weights_id(model.text.state_dict(), {})


def _open_tuned(family: Family, base: DualEncoder, name: str) -> DualEncoder:
    tensors, path = family.weights(name), family.folder / name / WEIGHTS_FILE
    original = base.text.tunable()
    check_fits(path, tensors, original)
    if identical(original, tensors):
        raise CheckpointError(
            f"{path} holds the very parameters of base, so {name} was never tuned; tune it anew."
        )
    model = with_text(base, name, tensors, family.logit_scale(name))
    check_text(model, path)
    return model
