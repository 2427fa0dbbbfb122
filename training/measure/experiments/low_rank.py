"""Low-rank tuning (LoRA: Hu et al., 2021): weights move by a product of two thin matrices."""

from __future__ import annotations

import re
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from negviz.common.errors import NegvizError
from negviz.models.text_tower import TextTower

# queries, keys, values and outputs of BERT, CLIP and SigLIP, and what stands between the tower and the films
_TUNED: Final = re.compile(
    r"(^|\.)(query|key|value|attention\.output\.dense|[qkv]_proj|out_proj|(text_)?projection)$"
)


class LowRank(nn.Module):
    """W → W + B·A with A `[rank, in]` and B `[out, rank]`, which starts at zero: base is where it begins."""

    def __init__(self, weight: Tensor, rank: int) -> None:
        super().__init__()
        out, width = weight.shape
        self.a = nn.Parameter(torch.randn(rank, width) / width**0.5)
        self.b = nn.Parameter(torch.zeros(out, rank))

    def forward(self, weight: Tensor) -> Tensor:
        with torch.autocast("cpu", enabled=False):  # so that the merged weights are those that were tuned
            moved: Tensor = weight + self.b @ self.a
        return moved


class LowRankError(NegvizError):
    """A tower that cannot be tuned in low rank; the message is one sentence."""


def add_low_rank(tower: TextTower, rank: int) -> list[nn.Parameter]:
    """Freeze the tower but for new factors of its attention and projection, which are returned.

    Raises `LowRankError` where the tower has no such layers.
    """
    tower.requires_grad_(False)
    layers = _layers(tower)
    if not layers:
        raise LowRankError("This text tower has no attention that low-rank tuning knows by name.")
    factors = []
    for layer in layers:
        low = LowRank(layer.weight, rank)
        parametrize.register_parametrization(layer, "weight", low)
        factors += [low.a, low.b]
    return factors


def merge_low_rank(tower: TextTower) -> None:
    """Add the products to the weights: an ordinary tower again."""
    for layer in _layers(tower):
        if parametrize.is_parametrized(layer):
            parametrize.remove_parametrizations(layer, "weight", leave_parametrized=True)


def _layers(tower: TextTower) -> list[nn.Linear]:
    named = tower.named_modules()
    return [module for name, module in named if isinstance(module, nn.Linear) and _TUNED.search(name)]
