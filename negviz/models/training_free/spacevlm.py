"""SpaceVLM (arXiv 2511.12331): the direction near a scene a and far from a concept n.

Around each lies a cap of unit vectors with cosine t or more, of half-angle w = acos t.  Where the caps
overlap, which they do at an angle θ < 2w between a and n, what is wanted is a's cap without n's.  Along the
great circle through both it reaches from n's edge, w from n, to a's far edge, θ + w from n; its middle lies
δ = w + θ/2 from n:

    q = cos δ · n + (sin δ / sin θ) · (a − (a·n) n)

Where the caps lie apart q is a, and so it is where a and n are one direction, which no circle runs through.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from negviz.language.prompt import Prompt
from negviz.models.text_tower import TextTower
from negviz.models.training_free.column import Encode, OfDenials, Vectors
from negviz.models.training_free.wording import Wording

PUBLISHED: Final = 0.92
_SAME: Final = 1e-3  # radians


@dataclass(frozen=True)
class SpaceVlm(OfDenials):
    """The centre of what is like the scene and unlike the concept."""

    wording: Wording = field(default_factory=Wording)
    threshold: float = PUBLISHED  # t, a cosine: a cap's edge

    def vectors(self, prompts: Sequence[Prompt], encode: Encode) -> Vectors:
        """As of a `RivalMethod`."""
        return centre(*self.wording.parts(prompts, encode), self.threshold)

    def tower(self) -> TextTower | None:
        """As of a `RivalMethod`: the vector is made from two other sentences."""
        return None


def centre(scenes: Vectors, concepts: Vectors, threshold: float) -> Vectors:
    """q of every row of `scenes` and `concepts`, unit vectors [n, dim]."""
    a, n = scenes.astype(np.float64), concepts.astype(np.float64)
    cosines = (a * n).sum(1, keepdims=True)  # [n, 1]
    across = a - cosines * n
    sine = np.linalg.norm(across, axis=1, keepdims=True)  # sin θ, without acos' loss near 0
    theta = np.arctan2(sine, cosines)
    width = np.arccos(threshold)
    delta = width + theta / 2
    overlap = (theta < 2 * width) & (theta > _SAME)
    middle = np.cos(delta) * n + np.sin(delta) / np.where(overlap, sine, 1) * across
    return np.where(overlap, middle, a).astype(np.float32)
