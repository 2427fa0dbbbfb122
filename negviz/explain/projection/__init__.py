"""Maps: where the sentences and films that models hold as vectors lie in a plane.

    atlas = open_atlas(models)                          # shipped coordinates, verified
    sheet = atlas.sheets["effusion", "tsne"]            # one pane a model
    atlas.place("No effusion", vectors)                 # where a typed sentence belongs in each pane

PCA, t-SNE and UMAP (a module each, listed in `METHODS`) lay out the prompts once, at build time: `python -m
training maps`.  The panes of one method are comparable by two means: every model's layout starts from the
same points (the principal components of base's vectors), and afterwards each is centred, scaled to a
root-mean-square radius of 1 and turned or mirrored onto base's (orthogonal Procrustes).  Their axes still
mean nothing.

A sentence that was not laid out is *placed*: the mean of its nearest prompts' points, weighted by
similarity, with a rule chosen by leaving prompts out (`placement.py`).  The app only reads; neither
scikit-learn nor umap-learn is imported by it.
"""

from negviz.explain.projection.align import align, standardise
from negviz.explain.projection.atlas import (
    SHEETS,
    Atlas,
    Judged,
    MapPrompt,
    Mover,
    Near,
    Pane,
    Placement,
    Sheet,
    open_atlas,
)
from negviz.explain.projection.films import FilmMap, FilmPlacement, open_film_map
from negviz.explain.projection.methods import DEFAULT, METHODS
from negviz.explain.projection.pca import pca
from negviz.explain.projection.placement import Rule, choose_rule, place
from negviz.explain.projection.record import MapError
from negviz.explain.projection.separation import Separation, separations
from negviz.explain.projection.tsne import tsne

__all__ = [
    "DEFAULT",
    "METHODS",
    "SHEETS",
    "Atlas",
    "FilmMap",
    "FilmPlacement",
    "Judged",
    "MapError",
    "MapPrompt",
    "Mover",
    "Near",
    "Pane",
    "Placement",
    "Rule",
    "Separation",
    "Sheet",
    "align",
    "choose_rule",
    "open_atlas",
    "open_film_map",
    "pca",
    "place",
    "separations",
    "standardise",
    "tsne",
]
