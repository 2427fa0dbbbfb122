"""The compact family's image tower: a small residual network for 256-pixel radiographs.

Films of two hospitals differ in tone curve, contrast and border, so a film is described by itself only:
one channel is standardised, the other replaces each grey value by its rank within the film (histogram
equalisation), which no tone curve can change.  A prepared film is `<uint8>[2, side, side]`; `forward`
takes a batch of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from negviz.common.tensor_files import CheckpointError

_LARGEST: Final = 4096  # pixels, channels or dimensions
_BORDER: Final = 0.08  # share of each side left out of a film's statistics: collimation, markers


@dataclass(frozen=True, kw_only=True)
class ImageTowerConfig:
    """Everything that decides what a film becomes; part of the tower's identity."""

    side: int = 256  # pixels a side of a prepared film, squashed to a square
    size: int = 160  # pixels a side that the network sees
    stem: int = 32  # channels after the first convolution
    widths: tuple[int, ...] = (32, 64, 128, 256)  # channels a stage; all but the first halve the side
    depths: tuple[int, ...] = (2, 2, 2, 2)  # residual blocks per stage
    dim: int = 512  # of the embedding, shared out evenly among the branches
    branches: int = 2  # networks trained apart, whose embeddings are set side by side
    mirrored: bool = True  # average a film with its mirror image (no finding here has a fixed side)

    @classmethod
    def from_dict(cls, values: object) -> ImageTowerConfig:
        """What `to_dict` wrote.  Raises `CheckpointError` for all that describes no tower."""
        given: dict[str, Any] = values if isinstance(values, dict) else {"": values}
        known: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in given.items()}
        usual = asdict(cls())
        unfit = [name for name, value in known.items() if name not in usual or not _fits(value, usual[name])]
        if unfit:
            raise CheckpointError(
                f"An image tower cannot have {min(unfit)!r} as given; fetch its family anew."
            )
        made = cls(**known)
        if made.dim % made.branches or len(made.widths) != len(made.depths):
            raise CheckpointError(
                "The widths, depths and branches of an image tower do not fit; fetch its family anew."
            )
        return made

    def to_dict(self) -> dict[str, Any]:
        return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()}


def _fits(value: object, usual: object) -> bool:
    """Whether a value is of the kind of another, and no number larger than any tower has."""
    if isinstance(usual, tuple):
        return isinstance(value, tuple) and 0 < len(value) <= 16 and all(_fits(each, 1) for each in value)
    if isinstance(usual, bool):
        return isinstance(value, bool)
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _LARGEST


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions around a shortcut (He et al., 2016; average-pooled shortcut as in ResNet-D)."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(after)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or before != after:
            pool = nn.AvgPool2d(stride) if stride != 1 else nn.Identity()
            self.shortcut = nn.Sequential(
                pool, nn.Conv2d(before, after, 1, bias=False), nn.BatchNorm2d(after)
            )

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norm1(self.conv1(x)))
        return F.relu(self.norm2(self.conv2(y)) + self.shortcut(x))


class Branch(nn.Module):
    """One network: films in, unit-norm embeddings of its share of the dimensions out."""

    def __init__(self, config: ImageTowerConfig) -> None:
        super().__init__()
        self.config = config
        self.stem = nn.Sequential(
            nn.Conv2d(2, config.stem, 7, 2, 3, bias=False),
            nn.BatchNorm2d(config.stem),
            nn.ReLU(),
            nn.MaxPool2d(3, 2, 1),
        )
        channels = (config.stem, *config.widths)
        stages = zip(pairwise(channels), config.depths, strict=True)
        self.stages = nn.Sequential(
            *(_stage(a, b, depth, first=i == 0) for i, ((a, b), depth) in enumerate(stages))
        )
        self.width = 2 * channels[-1]  # mean and maximum: an effusion is an area, a nodule a spot
        self.project = nn.Linear(self.width, config.dim // config.branches)

    def features(self, films: Tensor) -> Tensor:
        """`<uint8>[n, 2, side, side]` → pooled features `<float32>[n, width]`."""
        x = self.stages(self.stem(standardise(films, self.config.size)))  # [n, channels, size/32, size/32]
        return self.pool(x)

    @staticmethod
    def pool(x: Tensor) -> Tensor:
        """Activations `[n, channels, rows, columns]` → `<float32>[n, width]`."""
        return torch.cat([x.mean((2, 3)), x.amax((2, 3))], dim=1).float()

    def forward(self, films: Tensor) -> Tensor:
        """`<uint8>[n, 2, side, side]` → unit-norm `<float32>[n, dim / branches]`."""
        z = self.project(self.features(films))
        if self.config.mirrored and not self.training:
            z = z + self.project(self.features(films.flip(-1)))
        return F.normalize(z, dim=-1)


class ImageTower(nn.Module):
    """Films in, unit-norm embeddings out.

    The branches' embeddings are set side by side, so a cosine of the whole is the mean of theirs: an
    ensemble that search, attribution and everything else see as one tower.
    """

    def __init__(self, config: ImageTowerConfig) -> None:
        super().__init__()
        if config.dim % config.branches:
            raise ValueError(
                f"{config.dim} dimensions cannot be shared out among {config.branches} branches."
            )
        self.config = config
        self.branches = nn.ModuleList(Branch(config) for _ in range(config.branches))

    def forward(self, films: Tensor) -> Tensor:
        """`<uint8>[n, 2, side, side]` → unit-norm `<float32>[n, dim]`."""
        return F.normalize(torch.cat([branch(films) for branch in self.branches], dim=-1), dim=-1)

    def preprocess(self, images: Sequence[Image.Image]) -> Tensor:
        """Grey images of any size → `<uint8>[n, 2, side, side]`."""
        return torch.stack([prepare(image, self.config.side) for image in images])


def _stage(before: int, after: int, depth: int, *, first: bool) -> nn.Sequential:
    blocks = [
        ResidualBlock(before if i == 0 else after, after, 2 if i == 0 and not first else 1)
        for i in range(depth)
    ]
    return nn.Sequential(*blocks)


def prepare(image: Image.Image, side: int) -> Tensor:
    """One film squashed to `side`×`side`, as grey values and as their ranks: `<uint8>[2, side, side]`."""
    grey = np.asarray(image.convert("L").resize((side, side), Image.Resampling.BILINEAR))
    margin = int(side * _BORDER)
    counts = np.bincount(grey[margin : side - margin, margin : side - margin].ravel(), minlength=256)
    rank = (counts.cumsum() - counts / 2) / max(counts.sum(), 1)  # mid-rank of each grey value, in [0, 1]
    return torch.from_numpy(np.stack([grey, np.round(rank * 255).astype(np.uint8)[grey]]))


def standardise(films: Tensor, size: int) -> Tensor:
    """Prepared films → network input `<float32>[n, 2, size, size]`: zero mean, unit spread, film by film."""
    x = films.float()
    if x.shape[-1] != size:
        x = F.interpolate(x, size=(size, size), mode="bilinear", antialias=True)
    margin = int(size * _BORDER)
    inner = x[:, :, margin : size - margin, margin : size - margin]
    mean, spread = inner.mean((2, 3), keepdim=True), inner.std((2, 3), keepdim=True)
    return ((x - mean) / (spread + 4.0)).clamp(-4, 4)  # 4 grey levels: a blank film stays blank
