"""Dual encoders: an image tower and a text tower that meet in one space.

A model is only ever read: no hooks, no train mode, no gradients, so threads may use one without a lock.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from negviz.common.tensor_files import in_half_precision
from negviz.language.prompt import Prompt, read_prompt
from negviz.models.text_tower import TextTower

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
    reads: Callable[[str], Prompt] = read_prompt  # of its family, which may have a second reader

    @property
    def dim(self) -> int:
        return self.text.dim

    @property
    def origin(self) -> str | None:
        """What base was taken from, as anybody may read it: an id, or a folder's name; None for our own."""
        found = (self.source or {}).get("id")
        return Path(found).name if found and Path(found).is_absolute() else found

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


def with_text(
    model: DualEncoder, name: str, tensors: Mapping[str, Tensor], logit_scale: float
) -> DualEncoder:
    """The model under another name, its text tower carrying `tensors` (see `TextTower.tunable`)."""
    tower = model.text.with_tuned(tensors).eval().requires_grad_(False)
    return replace(model, name=name, text=tower, logit_scale=logit_scale)


def reads_of(models: Mapping[str, DualEncoder]) -> Callable[[str], Prompt]:
    """How the family of some models reads a sentence; by rules where there is none."""
    return next((model.reads for model in models.values()), read_prompt)


def weights_id(state: Mapping[str, Tensor], config: Mapping[str, Any]) -> str:
    """16 hex digits of a SHA-256 over weights, in the precision they are shipped in, and configuration."""
    digest = hashlib.sha256(json.dumps(config, sort_keys=True).encode())
    for name, tensor in sorted(in_half_precision(state).items()):
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()[:16]
