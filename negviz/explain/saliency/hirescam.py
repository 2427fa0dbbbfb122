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

from negviz.explain.saliency.method import Drawn, SaliencyMethod
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
    views = [films, films.flip(-1)] if branch.config.mirrored else [films]
    with torch.no_grad():
        x = branch.stem(standardise(torch.cat(views), branch.config.size))
        for each in stages[: len(stages) + stage + 1]:
            x = each(x)
    asked, shape = len(directions), (len(directions), len(views), len(films))
    with torch.enable_grad():  # once for every direction, in one batch: many small ones take twice as long
        seen = x.repeat(asked, 1, 1, 1).requires_grad_()  # [directions × views × films, channels, …]
        y = seen
        for each in stages[len(stages) + stage + 1 :]:
            y = each(y)
        z = branch.project(branch.pool(y)).unflatten(0, shape).sum(1)  # [directions, films, dim]
        unit = z / z.detach().norm(dim=-1, keepdim=True)
        scores = (unit * directions[:, None]).sum(-1)
        (gradient,) = torch.autograd.grad(scores.sum(), seen)
    maps = (gradient * seen.detach()).sum(1).unflatten(0, shape)  # [directions, views, films, rows, columns]
    film, *mirror = maps.unbind(1)
    return film + mirror[0].flip(-1) if mirror else film, scores.detach()


def _method(name: str, title: str, stage: int) -> SaliencyMethod:
    last = stage == _LAST

    def draw(tower: ImageEncoder, image: Image.Image, directions: Tensor) -> Drawn:
        assert isinstance(tower, ImageTower)
        at = max(stage, -len(tower.config.widths))
        maps, scores = hirescam(tower, tower.preprocess([image]), directions, at)
        return Drawn(maps[:, 0].numpy(), scores[:, 0].numpy(), additive=last)

    return SaliencyMethod(name, title, True, lambda tower: isinstance(tower, ImageTower), draw)


HIRESCAM: Final = _method("hirescam", "HiResCAM", STAGE)
HIRESCAM_LAST: Final = _method("hirescam-last", "HiResCAM of the last stage, which adds up", _LAST)
