"""Where on a film a sentence finds what it says: what each place did to how near a model puts the two.

    saliency(models["con2"], film, "No pleural effusion.").map      # [rows, columns] of the tower's own grid

A film is scored by its cosine with a fixed *direction*:

- target "similarity": the sentence's own vector.
- target "contrast": the unit vector from the sentence's opposite to the sentence, as for words.
- or any vector.

What a map shows is what moved the score, not where disease is.  Which map is drawn goes by the tower
(`METHODS`); nothing hooks into a model and its weights carry no gradient, so threads may share one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from negviz.explain.attribution import Vectors, contrast
from negviz.explain.saliency.grid import cell_shares
from negviz.explain.saliency.hirescam import HIRESCAM, HIRESCAM_LAST
from negviz.explain.saliency.legrad import LEGRAD
from negviz.explain.saliency.method import Map, SaliencyError, SaliencyMethod
from negviz.explain.saliency.occlusion import OCCLUSION
from negviz.films.collection import open_image
from negviz.language.prompt import Prompt, read_prompt
from negviz.models.encoder import DualEncoder, ImageEncoder

__all__ = ["METHODS", "Saliency", "SaliencyError", "draw", "saliency"]

_QUICK: Final = (HIRESCAM, HIRESCAM_LAST, LEGRAD)  # the default first, where it fits
METHODS: Final[Mapping[str, SaliencyMethod]] = {each.name: each for each in (*_QUICK, OCCLUSION)}
_THIRDS: Final = 3


@dataclass(frozen=True, eq=False)
class Saliency:
    """What each place of one film did to one score."""

    map: Map  # [rows, columns] over the whole film, squeezed to as many
    score: float  # the film's cosine with the direction
    signed: bool  # cells above 0 speak for the sentence, below against; else all only say how much
    additive: bool  # the cells are meant to add up to the score
    target: str  # "similarity", "contrast" or "vector"
    method: str

    @property
    def delta(self) -> float | None:
        """All cells together, less the score: what the map leaves unexplained; None where it is unsigned."""
        return float(self.map.sum()) - self.score if self.signed else None

    @cached_property
    def thirds(self) -> tuple[tuple[float, ...], ...]:
        """Of all that the places did, signs aside, the share of each third of the height and of the width.

        A third that speaks against the sentence on the whole has a share below 0.
        """
        total = float(np.abs(self.map).sum()) or 1.0
        rows, columns = (cell_shares(cells, _THIRDS) * cells / _THIRDS for cells in self.map.shape)
        return tuple(tuple(map(float, row)) for row in rows @ self.map.astype(np.float64) @ columns.T / total)

    def share_within(self, mask: NDArray[np.bool_]) -> float:
        """Of all that the places did, signs aside, what those inside a mask [pixels, pixels] did."""
        rows, columns = (cell_shares(*each) for each in zip(mask.shape, self.map.shape, strict=True))
        inside = rows @ mask.astype(np.float64) @ columns.T
        return float((self.map * inside).sum() / (np.abs(self.map).sum() or 1.0))

    def plain(self) -> dict[str, Any]:
        """The map as JSON."""
        known = {name: getattr(self, name) for name in ("score", "signed", "additive", "delta", "method")}
        cells = self.map.astype(np.float64).round(6).tolist()
        return {"map": cells, "thirds": [*map(list, self.thirds)], **known}


def saliency(
    model: DualEncoder,
    film: Image.Image | Path | str,
    prompt: Prompt | str,
    target: Literal["similarity", "contrast"] | Vectors = "similarity",
    *,
    method: str | None = None,
    opposite: Prompt | None = None,
) -> Saliency:
    """Say where on `film` (an image, or the path of one) `prompt` finds what it says.

    `method` is one of `METHODS`, by default the quick one of the model's tower; `opposite` stands in for the
    prompt's own where a person has worded another.  Raises `SaliencyError` where there is no such method or
    direction, and `AttributionError` where there is no opposite to contrast with.
    """
    read = read_prompt(prompt) if isinstance(prompt, str) else prompt
    name = target if isinstance(target, str) else "vector"
    if not isinstance(target, str):
        vector = np.asarray(target, np.float32)
    elif target == "similarity":
        vector = model.encode_text([read.text])[0]
    elif target == "contrast":
        vector = contrast(model, read, opposite)
    else:
        raise SaliencyError(f"There is no target {target!r}; use similarity, contrast or a vector.")
    if vector.shape != (model.dim,) or not np.isfinite(vector).all():
        raise SaliencyError(f"A target for {model.name} has {model.dim} finite numbers; give such a one.")
    image = film if isinstance(film, Image.Image) else open_image(Path(film))
    return draw(model.image, image, vector[None], target=name, method=method)[0]


def draw(
    tower: ImageEncoder,
    image: Image.Image,
    directions: Vectors,
    *,
    target: str = "vector",
    method: str | None = None,
) -> Sequence[Saliency]:
    """One film's maps for directions [n, dim], drawn together, as for models that share a tower.

    Raises `SaliencyError` where no method, or not the one that is asked for, can draw for this tower.
    """
    chosen = _method(tower, method)
    given = chosen.draw(tower, image, torch.from_numpy(np.asarray(directions, np.float32)))
    return [
        Saliency(drawn, float(score), chosen.signed, given.additive, target, chosen.name)
        for drawn, score in zip(given.maps, given.scores, strict=True)
    ]


def _method(tower: ImageEncoder, name: str | None) -> SaliencyMethod:
    if name is not None and name not in METHODS:
        raise SaliencyError(f"There is no method {name!r}; use one of {', '.join(METHODS)}.")
    for method in _QUICK if name is None else (METHODS[name],):
        if method.fits(tower):
            return method
    fitting = ", ".join(method.name for method in METHODS.values() if method.fits(tower))
    what = "is no quick map" if name is None else f"is no {name}"
    raise SaliencyError(f"For this image tower there {what}; ask for method {fitting}.")
