"""The shipped maps of prompts: what they hold, and whether they still belong to the models at hand.

`maps/<family>.json` describes `maps/<family>.safetensors` and carries every number shown beside a map.  A
model whose text tower has changed since is left out, with a sentence that says so.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from negviz.common.files import file_sha256
from negviz.explain.projection.align import Points
from negviz.explain.projection.methods import DEFAULT, METHODS
from negviz.explain.projection.placement import Rule, Vectors, place
from negviz.explain.projection.record import MapError, read_record, read_tensors
from negviz.explain.projection.separation import Separation
from negviz.films.collection import ASSETS
from negviz.findings import Polarity
from negviz.models.encoder import DualEncoder, weights_id
from negviz.models.training_free import TrainingFree

SHEETS: Final = ("effusion", "findings")  # the 99 evaluation prompts; those and prompts about other findings
PROMPT_FILES: Final = ("evaluation.csv", "findings.csv")  # of assets/prompts; the first is the first sheet
_NEAREST: Final = 3
_REBUILD: Final = "build them anew with: python -m training maps"
Right = Literal["mostly right", "mixed", "mostly wrong", "not judged"]


@dataclass(frozen=True)
class MapPrompt:
    """One prompt of a map."""

    text: str
    finding: str
    polarity: Polarity
    kind: str  # structured or natural


@dataclass(frozen=True)
class Judged:
    """How well one model's first ten films for a prompt fit it."""

    matches: int
    judged: int
    random_picks: float | None  # matches to expect by chance

    @property
    def right(self) -> Right:
        if not self.judged:
            return "not judged"
        share = self.matches / self.judged
        return "mostly right" if share >= 0.8 else "mixed" if share > 0.4 else "mostly wrong"


@dataclass(frozen=True)
class Mover:
    """A prompt that lies elsewhere in a tuned model's map than in base's."""

    prompt: int  # row
    distance: float  # in radii of the map, after alignment
    cosine: float  # of its vectors in the two models, which share the films' space


@dataclass(frozen=True, eq=False)
class Pane:
    """One model's map."""

    points: NDArray[np.float32]  # [n, 2] aligned to base's; root-mean-square radius 1
    in_vectors: Mapping[str, Separation]  # by "polarity" and, with several findings, "finding"
    in_map: Mapping[str, Separation]
    trustworthiness: float  # of five neighbours (Venna and Kaski, 2001): 1 invents no neighbour
    moved: tuple[Mover, ...]  # the furthest first; none for base


@dataclass(frozen=True, eq=False)
class Sheet:
    """One set of prompts laid out by one method, a pane a model."""

    name: str
    method: str
    prompts: tuple[MapPrompt, ...]
    rule: Rule
    error: float  # mean error of a placement, in radii of the map
    panes: Mapping[str, Pane]

    @property
    def reach(self) -> float:
        """Half the side of the square about the origin that holds every pane's points, and some room."""
        return 1.08 * max(float(np.abs(pane.points).max()) for pane in self.panes.values())


@dataclass(frozen=True)
class Near:
    """A prompt that a model treats like the sentence."""

    prompt: int  # row
    similarity: float


@dataclass(frozen=True)
class Placement:
    """Where a sentence belongs in one model's maps, by what it is most similar to."""

    model: str
    points: Mapping[tuple[str, str], tuple[float, float]]  # by sheet and method
    nearest: Mapping[str, tuple[Near, ...]]  # by sheet, the sentence itself left out
    row: int | None  # the prompt that it is, so that where that is mapped this is no placement
    unlike: Mapping[str, bool]  # by sheet: less like any prompt than any prompt is like another


@dataclass(frozen=True, eq=False)
class Atlas:
    """Every map of a family's prompts."""

    prompts: tuple[MapPrompt, ...]
    vectors: Mapping[str, NDArray[np.float32]]  # by model, [prompts, dim] unit-norm
    judged: Mapping[str, tuple[Judged, ...]]  # by model, a prompt each
    judged_on: str  # which films
    sheets: Mapping[tuple[str, str], Sheet]  # by name and method
    notes: tuple[str, ...] = ()  # a sentence for every model that is left out

    def place(self, text: str, vectors: Mapping[str, NDArray[np.float32]]) -> tuple[Placement, ...]:
        """Where `text` belongs by what models make of it, `vectors` [dim] by model; others are left out."""
        row = self._rows.get(_spelling(text))
        return tuple(
            self._place(name, vector, row) for name, vector in vectors.items() if name in self.vectors
        )

    def size(self, sheet: str) -> int:
        """How many prompts, from the first, a sheet holds."""
        return len(self.sheets[sheet, DEFAULT].prompts)

    def holds(self, sheet: str, row: int | None) -> bool:
        """Whether a prompt is laid out in a sheet."""
        return row is not None and row < self.size(sheet)

    @cached_property
    def _rows(self) -> Mapping[str, int]:
        return {_spelling(prompt.text): row for row, prompt in enumerate(self.prompts)}

    def _place(self, model: str, vector: NDArray[np.float32], row: int | None) -> Placement:
        similarities = np.asarray(vector[None] @ self.vectors[model].T, np.float64)  # [1, prompts]
        points, nearest, unlike = {}, {}, {}
        for (name, method), sheet in self.sheets.items():
            given = similarities[:, : len(sheet.prompts)]
            there = sheet.panes[model].points
            mapped = row is not None and row < len(there)
            x, y = there[row] if mapped else place(given, np.asarray(there, np.float64), sheet.rule)[0]
            points[name, method] = (float(x), float(y))
            nearest[name] = _nearest(given[0], row)
            unlike[name] = float(given.max()) < self._loneliest[model][name]
        return Placement(model, points, nearest, row, unlike)

    @cached_property
    def _loneliest(self) -> Mapping[str, Mapping[str, float]]:
        """By model and sheet: the cosine of the most isolated prompt with its nearest."""
        return {
            model: {name: _loneliest(vectors[: self.size(name)]) for name in SHEETS}
            for model, vectors in self.vectors.items()
        }


def _spelling(text: str) -> str:
    return " ".join(text.casefold().split())


def _nearest(similarities: NDArray[np.float64], itself: int | None) -> tuple[Near, ...]:
    order = np.argsort(-similarities, kind="stable")[: _NEAREST + 1]
    others = [int(row) for row in order if row != itself][:_NEAREST]
    return tuple(Near(row, float(similarities[row])) for row in others)


def _loneliest(vectors: Vectors) -> float:
    similarities = vectors @ vectors.T
    np.fill_diagonal(similarities, -np.inf)
    return float(similarities.max(axis=1).min())


# Opening --------------------------------------------------------------------------------------


def maps_folder() -> Path:
    """`NEGVIZ_MAPS`, or where the repository keeps the maps of the shipped family."""
    return Path(os.environ.get("NEGVIZ_MAPS") or ASSETS / "maps")


def text_id(model: DualEncoder) -> str:
    """16 hex digits: the parameters of a model's text tower that tuning may change."""
    return weights_id(model.text.tunable(), {})


def prompt_hashes() -> dict[str, str]:
    return {name: file_sha256(ASSETS / "prompts" / name) for name in PROMPT_FILES}


def open_atlas(models: Mapping[str, DualEncoder], folder: Path | None = None) -> Atlas:
    """The maps of these models' family.  Raises `MapError` where there are none that fit."""
    family = next(iter(models.values())).family
    path = (folder or maps_folder()) / f"{family}.json"
    record = read_record(path)
    try:
        if record["prompts_sha256"] != prompt_hashes():
            raise MapError(f"The prompts have changed since their maps were made; {_REBUILD}.")
        fresh = [name for name, model in models.items() if record["text"].get(name) == text_id(model)]
        if not fresh:
            raise MapError(f"The maps belong to other models than these; {_REBUILD}.")
        return _read(record, read_tensors(path, record), fresh, _left_out(models, fresh))
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise MapError(f"{path.name} does not describe its maps as format 1 does; {_REBUILD}.") from error


def _left_out(models: Mapping[str, DualEncoder], fresh: Sequence[str]) -> tuple[str, ...]:
    return tuple(
        f"{name} has changed since the maps were made and is left out; {_REBUILD}."
        for name, model in models.items()
        if name not in fresh and not isinstance(model, TrainingFree)  # these are never mapped
    )


def _read(
    record: Mapping[str, Any],
    tensors: Mapping[str, NDArray[np.float32]],
    names: Sequence[str],
    notes: tuple[str, ...],
) -> Atlas:
    prompts = tuple(MapPrompt(*row) for row in record["prompts"])
    sheets = {
        (sheet, method): _read_sheet(record["sheets"][sheet], tensors, (sheet, method), prompts, names)
        for sheet in SHEETS
        for method in METHODS
    }
    vectors = {name: _unit(tensors[f"vectors/{name}"]) for name in names}
    if any(len(matrix) != len(prompts) for matrix in vectors.values()):
        raise ValueError("a vector for every prompt")
    judged = {name: tuple(Judged(*row) for row in record["judged"][name]) for name in names}
    return Atlas(prompts, vectors, judged, str(record["judged_on"]), sheets, notes)


def _read_sheet(
    record: Mapping[str, Any],
    tensors: Mapping[str, Points],
    key: tuple[str, str],
    prompts: Sequence[MapPrompt],
    names: Sequence[str],
) -> Sheet:
    sheet, method = key
    there, given = tuple(prompts[: record["prompts"]]), record["methods"][method]
    rule = Rule(given["placement"]["neighbours"], given["placement"]["temperature"])
    panes = {
        name: _read_pane(given["models"][name], record["vectors"][name], tensors[f"{sheet}/{method}/{name}"])
        for name in names
    }
    if any(pane.points.shape != (len(there), 2) for pane in panes.values()):
        raise ValueError("a point for every prompt")
    return Sheet(sheet, method, there, rule, given["placement"]["error"]["mean"], panes)


def _read_pane(record: Mapping[str, Any], vectors: Mapping[str, Any], points: Points) -> Pane:
    return Pane(
        np.asarray(points, np.float32),
        _read_separations(vectors),
        _read_separations(record["separation"]),
        record["trustworthiness"],
        tuple(Mover(*row) for row in record["moved"]),
    )


def _read_separations(record: Mapping[str, Any]) -> dict[str, Separation]:
    return {
        by: Separation(
            given["value"],
            _pair(given["interval"]),
            given["minus_base"],
            given["minus_base_interval"] and _pair(given["minus_base_interval"]),
        )
        for by, given in record.items()
    }


def _pair(ends: Sequence[float]) -> tuple[float, float]:
    low, high = ends
    return low, high


def _unit(rows: NDArray[Any]) -> NDArray[np.float32]:
    matrix = np.asarray(rows, np.float32)
    return np.asarray(matrix / np.linalg.norm(matrix, axis=1, keepdims=True))
