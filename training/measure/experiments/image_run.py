"""CON2 with the image tower moving along: films are seen anew at every step, varied as base saw them.

Batch normalisation keeps base's statistics, since 32 films of two kinds are not what films are like; its
scales and shifts move as every other weight does.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from negviz.common.errors import NegvizError
from negviz.films.collection import Collection, Film
from negviz.models.encoder import DualEncoder, weights_id
from negviz.models.image_tower import ImageTower
from training.data.pairs import Pairs
from training.measure.experiments.recipe import Knobs, carry_out
from training.tune.augment import augment

_AT_ONCE = 32


class UnfrozenError(NegvizError):
    """An image tower or films that this experiment cannot do with; the message says what to do."""


@dataclass(frozen=True)
class Prepared:
    """Films as an image tower takes them, prepared once: `<uint8>[n, 2, side, side]` by film id."""

    pixels: Tensor
    row: dict[str, int]

    @classmethod
    def of(cls, tower: ImageTower, collection: Collection, films: Sequence[Film]) -> Prepared:
        """Raises `CollectionError` where an image is not at hand."""
        parts = [
            tower.preprocess([collection.image(film) for film in films[start : start + _AT_ONCE]])
            for start in range(0, len(films), _AT_ONCE)
        ]
        return cls(torch.cat(parts), {film.id: row for row, film in enumerate(films)})

    def select(self, films: Sequence[Film]) -> Tensor:
        return self.pixels[[self.row[film.id] for film in films]]


def image_tower(model: DualEncoder) -> ImageTower:
    """Raises `UnfrozenError` for towers other than the compact one."""
    if not isinstance(model.image, ImageTower):
        raise UnfrozenError("Only a compact family's image tower can be unfrozen here.")
    return model.image


def tune_both(base: DualEncoder, pairs: Pairs, films: Prepared, recipe: Knobs) -> DualEncoder:
    """Both towers tuned by `recipe`; its `image_lr` is the image tower's."""
    tower = copy.deepcopy(image_tower(base)).train().requires_grad_(True)
    for module in tower.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()
    tower.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    pixels, size = films.select(pairs.films), tower.config.size

    def look(rows: NDArray[np.int64]) -> Tensor:
        varied = augment(pixels[torch.from_numpy(np.asarray(rows, np.int64))], size)
        with torch.autocast("cpu", torch.bfloat16):
            vectors: Tensor = tower(varied.contiguous(memory_format=torch.channels_last))
        return F.normalize(vectors.float(), dim=-1)

    model = carry_out(base, pairs, recipe, look, tower.parameters())
    tower.eval().requires_grad_(False)
    identity = weights_id(tower.state_dict(), tower.config.to_dict())
    return replace(model, image=tower, tower_id=identity)


def embed(model: DualEncoder, pixels: Tensor) -> NDArray[np.float32]:
    """Unit vectors `<float32>[n, dim]` of prepared films."""
    tower = image_tower(model)
    with torch.inference_mode():
        parts = [
            tower(part.contiguous(memory_format=torch.channels_last)).numpy()
            for part in pixels.split(_AT_ONCE)
        ]
    return np.concatenate(parts)
