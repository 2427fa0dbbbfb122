"""HiResCAM (Draelos & Carin 2020, arXiv 2011.08891) for the compact tower: gradient × activation, element by
element, summed over the channels; its sign is kept.

The length of each network's embedding is held constant: a cosine does not change when all activations grow
alike, so with it every map would sum to zero.  Both networks count, and the mirror image that a tower may
average with, mirrored back.  After the last stage everything is linear but for the maximum over places, so a
map sums to the cosine less what the projections' constants give.
"""

from __future__ import annotations

from typing import Final, cast

import torch
from PIL import Image
from torch import Tensor

from negviz.explain.saliency.method import Drawn, Method
from negviz.models.encoder import ImageEncoder
from negviz.models.image_tower import Branch, ImageTower, standardise

_LAST: Final = -1
STAGE: Final = -2  # the one whose maps hit best on choosing chests: `python -m training saliency`


def hirescam(
    tower: ImageTower, films: Tensor, directions: Tensor, stage: int = STAGE
) -> tuple[Tensor, Tensor]:
    """Maps `[directions, n, rows, columns]` and cosines `[directions, n]` of prepared films and unit vectors.

    `stage` is the one whose activations are told apart by place: earlier ones have finer grids, and leave
    more unexplained.
    """
    branches = [cast(Branch, branch) for branch in tower.branches]
    parts = directions.chunk(len(branches), dim=1)
    given = [_of_branch(*each, films, stage) for each in zip(branches, parts, strict=True)]
    shared = len(branches) ** 0.5  # the length of as many unit vectors set side by side
    return tuple(torch.stack(each).sum(0) / shared for each in zip(*given, strict=True))


def _of_branch(branch: Branch, directions: Tensor, films: Tensor, stage: int) -> tuple[Tensor, Tensor]:
    stages = list(branch.stages)
    before, after = torch.nn.Sequential(*stages[:stage], stages[stage]), stages[stage:][1:]
    with torch.no_grad():
        views = [films, films.flip(-1)] if branch.config.mirrored else [films]
        seen = [before(branch.stem(standardise(view, branch.config.size))) for view in views]
    with torch.enable_grad():
        seen = [view.requires_grad_() for view in seen]
        rest = torch.nn.Sequential(*after)
        z = torch.stack([branch.project(branch.pool(rest(view))) for view in seen]).sum(0)
        scores = directions @ (z / z.detach().norm(dim=-1, keepdim=True)).T  # [directions, n]
        maps = [_map(score, seen) for score in scores]
    return torch.stack(maps), scores.detach()


def _map(score: Tensor, seen: list[Tensor]) -> Tensor:
    """[n, rows, columns]; films of a batch do not meet, so their scores may be summed."""
    gradients = torch.autograd.grad(score.sum(), seen, retain_graph=True)
    film, *mirror = [(g * view.detach()).sum(1) for g, view in zip(gradients, seen, strict=True)]
    return film + mirror[0].flip(-1) if mirror else film


def _method(name: str, title: str, stage: int) -> Method:
    last = stage == _LAST

    def draw(tower: ImageEncoder, image: Image.Image, directions: Tensor) -> Drawn:
        assert isinstance(tower, ImageTower)
        at = max(stage, -len(tower.config.widths))
        maps, scores = hirescam(tower, tower.preprocess([image]), directions, at)
        return Drawn(maps[:, 0].numpy(), scores[:, 0].numpy(), additive=last)

    return Method(name, title, True, lambda tower: isinstance(tower, ImageTower), draw)


HIRESCAM: Final = _method("hirescam", "HiResCAM", STAGE)
HIRESCAM_LAST: Final = _method("hirescam-last", "HiResCAM of the last stage, which adds up", _LAST)
