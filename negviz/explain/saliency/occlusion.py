"""Occlusion: by how much a score falls with a patch of the film painted over with its mean grey.

It asks the tower once a patch: too slow for the page, and what the quick methods are held against.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from negviz.explain.saliency.method import Drawn, SaliencyMethod

_SIDE: Final = 7  # patches a side
_AT_ONCE: Final = 16


def occluded(image: Image.Image, side: int) -> Iterator[Image.Image]:
    """The film without each of `side`² patches, row by row."""
    grey = np.asarray(image.convert("L"))
    rows, columns = (np.linspace(0, length, side + 1).round().astype(int) for length in grey.shape)
    for row in range(side):
        for column in range(side):
            left = grey.copy()
            left[rows[row] : rows[row + 1], columns[column] : columns[column + 1]] = round(grey.mean())
            yield Image.fromarray(left)


def occlusion(tower: Any, image: Image.Image, directions: Tensor, side: int = _SIDE) -> Drawn:
    films = [image, *occluded(image, side)]
    with torch.inference_mode():
        embedded = [tower(tower.preprocess(films[n : n + _AT_ONCE])) for n in range(0, len(films), _AT_ONCE)]
        scores = torch.nn.functional.normalize(torch.cat(embedded), dim=-1) @ directions.T
    falls = (scores[0] - scores[1:]).T.reshape(-1, side, side)  # [directions, side, side]
    return Drawn(falls.numpy(), scores[0].numpy())


OCCLUSION: Final = SaliencyMethod("occlusion", "Leave a patch out", True, lambda tower: True, occlusion)
