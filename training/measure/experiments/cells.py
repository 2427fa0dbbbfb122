"""The figures of several seeds of one setting, cell by cell, beside base, a reference and the ceiling.

A setting's figure is the mean of its seeds; its interval comes from resamples of prompts and films, the same
for every setting, and differences are taken resample by resample.  How far seeds lie apart is said beside it.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from negviz.evaluation.cells import Cell, Json, Task
from negviz.retrieval.metrics import METRICS, Floats, Ranked, average, draw
from negviz.retrieval.search import cosines

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Sampled:
    """A setting's figures, a prompt each: of every seed as they are, and of the seeds' mean on resamples."""

    seeds: Mapping[str, Floats]  # by metric, [seeds, prompts]
    drawn: Mapping[str, Floats]  # by metric, [resamples, prompts]

    @classmethod
    def of(cls, task: Task, runs: Sequence[tuple[Vectors, Vectors]]) -> Self:
        """`runs`: vectors of the task's prompts [prompts, dim] and films [films of the collection, dim]."""
        points, drawn = [], []
        for prompts, films in runs:
            scores = cosines(films[task.evaluated].astype(np.float64), prompts.astype(np.float64))
            ranked = Ranked.of(task.relevance, scores, task.places, task.searched)
            points.append(ranked.measure(task.k))
            drawn.append(ranked.measure(task.k, task.draws))
        return cls(
            {name: np.stack([point[name][0] for point in points]) for name in METRICS},
            {name: np.mean([each[name] for each in drawn], axis=0) for name in METRICS},
        )

    def mean(self, metric: str) -> Floats:
        return np.asarray(self.seeds[metric].mean(axis=0))


@dataclass(frozen=True)
class Compared:
    """What a setting is read beside."""

    base: Sampled
    reference: Sampled | None  # the setting that experiments start from
    ceiling: Mapping[str, Floats]  # by metric, [prompts]


def describe(task: Task, mine: Sampled, beside: Compared, cells: Mapping[str, Cell] | None = None) -> Json:
    """Every cell of a setting.  Without `cells`, the kinds and polarities of the prompts."""
    usual = {name: cell for name, cell in task.cells.items() if not name.startswith("all/")}
    return {name: _record(task, cell, mine, beside) for name, cell in (cells or usual).items()}


def by_finding(task: Task) -> dict[str, Cell]:
    """Cells of the prompts of one finding and polarity, for tasks with several findings."""
    members: dict[str, list[int]] = {}
    for i, row in enumerate(task.rows):
        members.setdefault(f"{row.finding}/{row.polarity}", []).append(i)
    times = len(task.draws)
    return {
        name: Cell(
            np.array(inside, dtype=np.intp),
            draw(len(inside), times=times, seed=(task.seed, zlib.crc32(name.encode()))),
        )
        for name, inside in members.items()
        if not np.isnan(task.relevance[inside]).all() and _two_sided(task, inside)
    }


def _two_sided(task: Task, inside: Sequence[int]) -> bool:
    """Whether films on both sides of the question are known, three at least."""
    judged = task.relevance[inside[0]]
    return min(int((judged == side).sum()) for side in (0, 1)) >= 3


def _record(task: Task, cell: Cell, mine: Sampled, beside: Compared) -> Json:
    record: Json = {"prompts": len(cell.prompts)}
    for name in METRICS:
        record[name] = cell.mean(mine.mean(name))
        record[f"{name}_ci"] = cell.interval(mine.drawn[name])
        record[f"{name}_sd"] = _spread(cell, mine.seeds[name])
        for label, other in (("base", beside.base), ("reference", beside.reference)):
            record |= _difference(f"{name}_minus_{label}", cell, mine, other, name)
        record[f"{name}_ceiling"] = _ceiling(cell, beside.ceiling[name])
    record["chance"] = _number(average(average(task.relevance[cell.prompts])))
    return record


def _difference(key: str, cell: Cell, mine: Sampled, other: Sampled | None, metric: str) -> Json:
    if other is None or other is mine:
        return {key: None, f"{key}_ci": None}
    return {
        key: cell.mean(mine.mean(metric) - other.mean(metric)),
        f"{key}_ci": cell.interval(mine.drawn[metric] - other.drawn[metric]),
    }


def _spread(cell: Cell, seeds: Floats) -> float | None:
    """Standard deviation of the cell's figure over seeds; None for a single one."""
    figures = average(seeds[:, cell.prompts])
    return _number(figures.std(ddof=1)) if len(figures) > 1 else None


def _ceiling(cell: Cell, values: Floats) -> float | None:
    return None if np.isnan(values[cell.prompts]).any() else cell.mean(values)


def _number(value: Any) -> float | None:
    return None if np.isnan(value) else round(float(value), 6)
