"""Maps of films, and where sentences belong in them.

Sentences and films live in different corners of a model's space, so a sentence projected like a film would
always land at the edge.  It is placed instead at the centre of the films that the model puts first for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from negviz.common.order import top_k
from negviz.explain.projection.atlas import maps_folder
from negviz.explain.projection.methods import DEFAULT, METHODS
from negviz.explain.projection.record import MapError, read_record, read_tensors
from negviz.models.encoder import DualEncoder
from negviz.retrieval.search import cosines
from negviz.retrieval.sets import SearchSet

_TOP: Final = 10


@dataclass(frozen=True)
class FilmPlacement:
    """The films one model puts first for a sentence, and their centre weighted by similarity."""

    model: str
    hits: tuple[str, ...]  # film ids, best first
    points: Mapping[str, tuple[float, float]]  # by method


@dataclass(frozen=True, eq=False)
class FilmMap:
    """The films of one search set, or of a set and its lists, laid out once for every image tower."""

    films: SearchSet
    points: Mapping[tuple[str, str], NDArray[np.float32]]  # by tower_id and method, [films, 2]

    def reach(self, method: str) -> float:
        """As of a `Sheet`."""
        return 1.08 * max(
            float(np.abs(made).max()) for (_, how), made in self.points.items() if how == method
        )

    def place(
        self,
        models: Mapping[str, DualEncoder],
        vectors: Mapping[str, NDArray[np.float32]],
        searched: SearchSet | None = None,
    ) -> tuple[FilmPlacement, ...]:
        """Where a sentence belongs by what models make of it, `vectors` [dim] by model.

        `searched` are those of the films that it is put to; all without.
        """
        among = self.films if searched is None else searched
        return tuple(
            self._place(models[name], vector, among)
            for name, vector in vectors.items()
            if (models[name].tower_id, DEFAULT) in self.points
        )

    def _place(self, model: DualEncoder, vector: NDArray[np.float32], films: SearchSet) -> FilmPlacement:
        scores = np.asarray(cosines(films.embeddings[model.tower_id], vector), np.float64)
        first = top_k(scores, _TOP, films.collection.places_by_id)
        hits = [films.collection.films[row] for row in first]
        rows = self.films.collection.rows(hits)
        sharpness = np.exp(model.logit_scale)  # of the model's own softmax
        weights = np.exp(sharpness * (scores[first] - scores[first[0]]))
        centres = {
            method: weights @ self.points[model.tower_id, method][rows] / weights.sum() for method in METHODS
        }
        return FilmPlacement(
            model.name,
            tuple(film.id for film in hits),
            {method: (float(x), float(y)) for method, (x, y) in centres.items()},
        )


def film_map_path(films: SearchSet, folder: Path) -> Path:
    return folder / f"films-{films.collection.name}.json"


def open_film_map(films: SearchSet, folder: Path | None = None) -> FilmMap:
    """The map of these films.  Raises `MapError` where there is none, or one of other films or towers."""
    path = film_map_path(films, folder or maps_folder())
    record = read_record(path)
    if record.get("films") != [film.id for film in films.collection]:
        raise MapError(
            f"{path.name} maps other films than these; build it anew with: python -m training maps."
        )
    tensors = read_tensors(path, record)
    points = {
        (tower, method): tensors[f"{tower}/{method}"]
        for tower in films.embeddings
        for method in METHODS
        if _fits(tensors.get(f"{tower}/{method}"), len(films))
    }
    if not points:
        raise MapError(
            "The films were mapped with another image tower; map them anew with: python -m training maps."
        )
    return FilmMap(films, points)


def _fits(points: NDArray[Any] | None, films: int) -> bool:
    return points is not None and points.shape == (films, 2)
