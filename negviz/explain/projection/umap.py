"""UMAP by umap-learn, from a start that is given.

Importing umap-learn takes 10 s and compiles as it goes, and several fits at once can abort the process, so
only the build imports it, here, and runs one fit after the other.
"""

from __future__ import annotations

import warnings
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from negviz.explain.projection.align import Points
from negviz.explain.projection.method import Projection

_NEIGHBOURS: Final = 15
_MIN_DISTANCE: Final = 0.1
_SPREAD: Final = 10.0  # umap-learn's own starts span about that


def umap(vectors: NDArray[np.floating[Any]], start: Points, *, seed: int = 0) -> Points:
    """Lay out `vectors` [n, dim] by cosine distance.  `start` [n, 2] is shared by comparable maps."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on import, and that a seed costs parallelism
        from umap import UMAP

        method = UMAP(
            n_neighbors=min(_NEIGHBOURS, len(vectors) - 1),
            min_dist=_MIN_DISTANCE,
            metric="cosine",
            init=(start / np.abs(start).max() * _SPREAD).astype(np.float32),
            random_state=seed,
        )
        return np.asarray(method.fit_transform(np.asarray(vectors, np.float32)), np.float64)


UMAP: Final = Projection("umap", "UMAP", umap, {"neighbours": _NEIGHBOURS, "min_distance": _MIN_DISTANCE})
