"""Maps of the tiny family, built by the real command but for t-SNE and UMAP, which take their time."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from negviz.explain.projection.method import Projection
from negviz.explain.projection.methods import METHODS
from negviz.models.family import load_models
from training.measure import maps


@cache
def tiny_maps(family: Path, collection: Path) -> Path:
    """The maps of a family and of a collection's test films, built once, beside the family."""
    folder = family.parent / f"maps-{collection.parent.name}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(maps, "METHODS", {name: _quick(method) for name, method in METHODS.items()})
        patch.setattr(maps, "_SEEDS", (1,))
        maps.build_maps(load_models(family), [collection], folder)
    return folder


def _quick(method: Projection) -> Projection:
    return replace(method, lay_out=_instead) if method.by_chance else method


def _instead(vectors: NDArray[Any], start: NDArray[Any], *, seed: int = 0) -> NDArray[np.float64]:
    """A spiral, so that every point can be pointed at; it is the same for every model."""
    turns = np.arange(1, len(vectors) + 1)
    circle = np.stack([np.cos(2.4 * turns), np.sin(2.4 * turns)], axis=1)
    return np.asarray(circle * np.sqrt(turns)[:, None])
