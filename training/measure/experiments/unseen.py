"""Wordings never trained on, as questions that several seeds can be compared on."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from negviz.evaluation.cells import Cell, Task, make_task
from negviz.retrieval.metrics import METRICS, Floats, draw
from training.measure.conditions import FEWEST, Probed, ask, ceiling
from training.measure.evaluations import Evaluation
from training.measure.experiments.material import TOP, Material, ProbedEvaluation
from training.measure.generalisation import BLIND, FILE
from training.measure.questions import Question, read_questions

FILES: Final = {"unseen wordings": FILE, "blind wordings": BLIND}


def unseen(material: Material, files: Mapping[str, Path] = FILES) -> dict[str, ProbedEvaluation]:
    """The files of prompts that share no template with a caption, on every collection of the 99 prompts.

    Only prompts that five films satisfy and five violate are measured; hedges have no right answer.
    """
    wordings = {
        words: (path, tuple(one for one in read_questions(path) if not one.uncertain))
        for words, path in files.items()
    }
    return {
        f"{name}, {words}": _question(material, each, *asked)
        for name, each in material.effusion.items()
        for words, asked in wordings.items()
    }


@dataclass(frozen=True)
class Unseen(ProbedEvaluation):
    """Prompts that may say several things, so a probe has to be right about all of them."""

    wordings: tuple[Question, ...]

    @cached_property
    def ceiling(self) -> Mapping[str, Floats]:
        """By metric, [prompts]; kept, since it takes a minute."""
        facts = {
            "run": "ceiling of wordings",
            "collection": self.task.films.hash,
            "split": self.evaluation.split,
            "prompts": [repr(one) for one in self.wordings],
            "tower_id": self.model.tower_id,
        }
        found = self.store.get(facts, self._reach, counts=False)
        return {name: values.astype(np.float64) for name, values in found.items()}

    def _reach(self) -> dict[str, NDArray[np.float32]]:
        films, ids = self.task.films, {self.task.films.films[i].id for i in self.task.evaluated}
        evaluated = films.where(lambda film: film.id in ids)
        trained = films.where(lambda film: film.split == "train" and self.evaluation.split != "all")
        findings = list(dict.fromkeys(m.finding for one in self.wordings for m in one.mentions))
        probed = Probed.of(findings, films, self.films, train=trained, test=evaluated)
        reached = ceiling(ask(self.wordings, evaluated, k=TOP, fewest=FEWEST, bootstrap=1), probed)
        nothing = np.full(len(self.wordings), np.nan)
        return {name: reached.get(name, nothing).astype(np.float32) for name in METRICS}


def _question(
    material: Material, like: ProbedEvaluation, file: Path, wordings: tuple[Question, ...]
) -> Unseen:
    films, split = like.task.films, like.evaluation.split
    task = make_task(
        [one.row for one in wordings],
        films,
        split=split,
        k=TOP,
        unmentioned="unknown",
        bootstrap=material.resamples,
        seed=0,
    )
    evaluated = [films.films[i] for i in task.evaluated]
    relevance = np.stack([one.judge(evaluated) for one in wordings])
    enough = np.minimum((relevance == 1).sum(1), (relevance == 0).sum(1)) >= FEWEST
    relevance[~enough] = np.nan
    task = replace(task, relevance=relevance, cells=_cells(task, enough))
    listed = Evaluation(films.name, split, file.name)
    return Unseen(listed, task, like.model, like.films, like.store, wordings)


def _cells(task: Task, enough: NDArray[np.bool_]) -> dict[str, Cell]:
    """Each kind with each polarity, and all prompts of a polarity; measured prompts only."""
    members: dict[str, list[int]] = {}
    for i in np.flatnonzero(enough):
        row = task.rows[i]
        for name in (f"{row.kind}/{row.polarity}", f"all/{row.polarity}"):
            members.setdefault(name, []).append(int(i))
    return {
        name: Cell(
            np.array(inside, np.intp),
            draw(len(inside), times=len(task.draws), seed=(task.seed, zlib.crc32(name.encode()))),
        )
        for name, inside in members.items()
    }
