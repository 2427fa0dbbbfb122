"""Do maps come from what a model learned?  With its weights in another order, with directions that
were fitted to labels in another order, and beside occlusion.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import torch
from tqdm import tqdm

from negviz.evaluation.localisation import hits, pixel_auc
from negviz.explain.saliency.occlusion import occlusion
from negviz.films.collection import Collection
from negviz.models.encoder import DualEncoder
from negviz.models.image_tower import ImageTower
from negviz.retrieval.embeddings import film_embeddings
from negviz.retrieval.estimate import mean_estimates
from negviz.retrieval.metrics import Floats
from training.measure.saliency.cases import SAID, Case, Half

_FEW: Final = 12  # chests of each finding
_SIDE: Final = 5  # patches a side of occlusion: the grid of the last stage
_LAST: Final = -1
_SHUFFLED: Final = 10  # orders of the labels: one alone may lie well by luck
Json = dict[str, Any]


def check(
    tower: ImageTower, models: Mapping[str, DualEncoder], films: Collection, asked: Sequence[Case]
) -> Json:
    """By finding, how well affirming maps do as they are, and with what was learned taken away."""
    embedded = film_embeddings(next(iter(models.values())), films).astype(np.float64)
    shuffled = _shuffled(tower)
    return {
        one.finding: _of_finding(tower, shuffled, films, embedded, one)
        for one in tqdm(asked, desc="checks", unit="finding")
    }


def _of_finding(
    tower: ImageTower, shuffled: ImageTower, films: Collection, embedded: Floats, asked: Case
) -> Json:
    all_ = asked.scoring
    half = Half(all_.shown[:_FEW], all_.films[:_FEW], all_.masks[:_FEW])
    said = asked.directions[SAID.index("present") :: len(SAID)]
    kept = {film.uid for film in all_.shown}
    fitted = _fitted(embedded, films, asked.finding, kept)
    by_chance = _fitted(embedded, films, asked.finding, kept, shuffled=_SHUFFLED)
    maps, last = (half.maps(tower, said, **stage)[0] for stage in ({}, {"stage": _LAST}))
    lost = half.maps(shuffled, said)[0]
    patches = np.stack([_occluded(tower, films, film, said) for film in half.shown], axis=1)
    figures = {
        "as_it_is": _figures(half, maps),
        "shuffled_weights": _figures(half, lost),
        "fitted_direction": _figures(half, half.maps(tower, fitted)[0]),
        "shuffled_labels": _figures(half, half.maps(tower, by_chance)[0]),
        "occlusion": _figures(half, patches),
    }
    alike = {"shuffled_weights": _alike(maps, lost), "occlusion_and_last_stage": _alike(patches, last)}
    return {"chests": len(half.shown), **figures, "rank_correlation": alike}


def _figures(half: Half, maps: Floats) -> Json:
    """Hit and AUC of maps [directions, films, cells], means over directions and chests."""
    inside = half.inside(maps.shape[-1])
    found: Json = {}
    for name, score in (("hit", hits), ("auc", pixel_auc)):
        own = np.mean([np.diag(np.asarray(score(each, inside), np.float64)) for each in maps], axis=0)
        found |= mean_estimates(own[None])[0].record(name)
    return found


def _alike(first: Floats, second: Floats) -> float:
    """Spearman's correlation of cells, a mean over directions and films."""
    ranks = [each.argsort(-1).argsort(-1).reshape(-1, each.shape[-1]) for each in (first, second)]
    return round(float(np.mean([np.corrcoef(*pair)[0, 1] for pair in zip(*ranks, strict=True)])), 6)


def _occluded(tower: ImageTower, films: Collection, film: Any, directions: Floats) -> Floats:
    """[directions, patches]"""
    asked = torch.from_numpy(directions.astype(np.float32))
    maps = occlusion(tower, films.image(film), asked, side=_SIDE).maps
    return np.asarray(maps.reshape(len(maps), -1), np.float64)


def _shuffled(tower: ImageTower) -> ImageTower:
    """The tower with the weights of every convolution and projection in another order."""
    private = copy.deepcopy(tower)
    generator = torch.Generator().manual_seed(0)
    for module in private.modules():
        if isinstance(module, torch.nn.Conv2d | torch.nn.Linear):
            flat = module.weight.data.flatten()
            order = torch.randperm(len(flat), generator=generator)
            module.weight.data = flat[order].reshape(module.weight.shape)
    return private


def _fitted(
    embedded: Floats, films: Collection, finding: str, kept: set[str], *, shuffled: int = 0
) -> Floats:
    """From films without a finding to films with it, of chests that nothing is scored on: [1, dim].

    With labels in so many other orders, a direction each.
    """
    places = [row for row, film in enumerate(films) if film.uid not in kept]
    has = np.array([finding in film.findings for film in films])[places]
    generator = np.random.default_rng(0)
    labels = [generator.permutation(has) for _ in range(shuffled)] or [has]
    directions = [embedded[places][each].mean(0) - embedded[places][~each].mean(0) for each in labels]
    return np.array([direction / np.linalg.norm(direction) for direction in directions])
