"""What a method of saliency is, and what it may say instead of a map."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from negviz.common.errors import NegvizError
from negviz.models.encoder import ImageEncoder

Map = NDArray[np.float32]  # [rows, columns] of the tower's own grid, over the whole film


class SaliencyError(NegvizError):
    """A map that cannot be made; the message is one sentence that says what to do."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """One film's maps for some directions."""

    maps: NDArray[np.float32]  # [directions, rows, columns]
    scores: NDArray[np.float32]  # [directions], cosines of film and direction
    additive: bool = False  # the cells of a map are meant to add up to its score


@dataclass(frozen=True)
class SaliencyMethod:
    """A way to say where on a film a score was made."""

    name: str  # as `saliency` takes it
    title: str
    signed: bool  # whether its cells speak for and against; else they only say how much
    fits: Callable[[ImageEncoder], bool]
    draw: Callable[[ImageEncoder, Image.Image, Tensor], Drawn]  # directions <float32>[n, dim]
