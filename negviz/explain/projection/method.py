"""What a projection is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from numpy.typing import NDArray

from negviz.explain.projection.align import Points


class LayOut(Protocol):
    """Points [n, 2] for vectors [n, dim], from a start [n, 2] that comparable maps share."""

    def __call__(self, vectors: NDArray[Any], start: Points, *, seed: int = 0) -> Points: ...


@dataclass(frozen=True)
class Projection:
    """A way to lay out vectors in a plane."""

    name: str  # in addresses and files
    title: str  # as the page offers it
    lay_out: LayOut
    settings: Mapping[str, Any] = field(default_factory=dict)  # told beside the maps
    by_chance: bool = True  # looks different from another start or seed
