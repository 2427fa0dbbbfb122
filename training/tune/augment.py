"""Random but plausible differences between two exposures of one chest, for a whole batch at once."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

_DEGREES = 12.0  # rotation
_ZOOM = 0.18  # of the logarithm of the scale
_STRETCH = 0.08  # of the logarithm of the aspect ratio
_SHIFT = 0.1  # of half a side
_GAMMA = 0.4  # of the logarithm of the exponent
_NOISE = 6.0  # grey levels
_PATCH = (0.1, 0.3)  # side of the blanked square, as a share
_PATCH_RATE = 0.3


def augment(films: Tensor, size: int) -> Tensor:
    """`<uint8>[n, 2, side, side]` → `<float32>[n, 2, size, size]` in grey levels.

    Mirrored half of the time: no finding here has a fixed side, and films are embedded with their mirror
    image (`ImageTowerConfig.mirrored`).
    """
    grid = F.affine_grid(_random_affine(len(films)), [len(films), 2, size, size], align_corners=False)
    moved = F.grid_sample(films.float(), grid, padding_mode="border", align_corners=False)
    exponent = torch.exp(_uniform(len(films) * 2, _GAMMA)).view(len(films), 2, 1, 1)
    toned = 255 * (moved / 255).clamp(0, 1) ** exponent
    return _blank_patches(toned) + torch.randn_like(toned) * torch.rand(()) * _NOISE


def _uniform(n: int, half_width: float) -> Tensor:
    return (torch.rand(n) * 2 - 1) * half_width


def _random_affine(n: int) -> Tensor:
    """`<float32>[n, 2, 3]` as `affine_grid` wants them."""
    angle = _uniform(n, math.radians(_DEGREES))
    zoom, stretch = torch.exp(_uniform(n, _ZOOM)), torch.exp(_uniform(n, _STRETCH))
    mirror = (torch.rand(n) < 0.5) * 2.0 - 1
    rows = [
        torch.stack([zoom * stretch * angle.cos() * mirror, -zoom * angle.sin(), _uniform(n, _SHIFT)], 1),
        torch.stack([zoom * angle.sin() * mirror, zoom / stretch * angle.cos(), _uniform(n, _SHIFT)], 1),
    ]
    return torch.stack(rows, 1)


def _blank_patches(films: Tensor) -> Tensor:
    """Random erasing (Zhong et al., 2020): no single spot may decide."""
    size = films.shape[-1]
    for index in torch.nonzero(torch.rand(len(films)) < _PATCH_RATE).flatten().tolist():
        side = int(size * (_PATCH[0] + float(torch.rand(())) * (_PATCH[1] - _PATCH[0])))
        top, left = (int(torch.randint(0, size - side, ())) for _ in range(2))
        films[index, :, top : top + side, left : left + side] = films[index].mean((1, 2), keepdim=True)
    return films
