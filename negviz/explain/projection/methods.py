"""The projections, a module each; the first is what a visitor sees unasked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from negviz.explain.projection.method import Projection
from negviz.explain.projection.pca import PCA
from negviz.explain.projection.tsne import TSNE
from negviz.explain.projection.umap import UMAP

METHODS: Final[Mapping[str, Projection]] = {method.name: method for method in (TSNE, UMAP, PCA)}
DEFAULT: Final = TSNE.name
