"""t-SNE by scikit-learn, from a start that is given: near neighbours stay near, distances mean nothing."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from negviz.explain.projection.align import Points
from negviz.explain.projection.method import Projection

_PERPLEXITY: Final = 15.0
_SPREAD: Final = 1e-4  # of the start's first axis, as openTSNE and scikit-learn use it


def tsne(vectors: NDArray[np.floating[Any]], start: Points, *, seed: int = 0) -> Points:
    """Lay out `vectors` [n, dim] by cosine distance.  `start` [n, 2] is shared by comparable maps.

    A seed other than 0 shakes the start by a tenth of its spread, to tell what is stable.
    """
    from sklearn.manifold import TSNE

    begin = start / start[:, 0].std() * _SPREAD
    if seed:
        begin = begin + np.random.default_rng(seed).normal(0, _SPREAD / 10, begin.shape)
    method = TSNE(
        perplexity=min(_PERPLEXITY, (len(vectors) - 1) / 3),
        metric="cosine",
        init=begin.astype(np.float32),
        method="exact",  # a thousand points at most
        random_state=seed,
    )
    return np.asarray(method.fit_transform(vectors), np.float64)


TSNE: Final = Projection("tsne", "t-SNE", tsne, {"perplexity": _PERPLEXITY})
