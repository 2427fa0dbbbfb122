"""What experiments tune on and what they ask, opened once and hashed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np

from negviz.common.files import file_sha256
from negviz.evaluation.cells import Cell, Json, Task, ceiling, make_task
from negviz.evaluation.prompts import PromptRow, read_prompts
from negviz.films.collection import Collection
from negviz.models.encoder import DualEncoder, weights_id
from negviz.models.family import load_models
from negviz.retrieval.embeddings import film_embeddings
from negviz.retrieval.metrics import Floats
from training.data.pairs import Pairs, make_pairs
from training.measure.evaluations import Evaluation, evaluations
from training.measure.experiments.cells import Compared, Sampled, Vectors, describe
from training.measure.experiments.recipe import Knobs, carry_out, fewer, fixed
from training.measure.experiments.store import Store
from training.paths import PROMPTS, FilmsError, Paths
from training.tune.choose import Fold, make_folds, read_choice

TOP: Final = 10  # films that precision looks at
EFFUSION: Final = "evaluation.csv"  # the 99 prompts


@dataclass(frozen=True)
class ProbedEvaluation:
    """One pre-listed evaluation, and what base and a probe make of it."""

    evaluation: Evaluation
    task: Task
    model: DualEncoder  # base
    films: Vectors  # its embeddings of the whole collection
    store: Store

    @cached_property
    def base(self) -> Sampled:
        return Sampled.of(self.task, [(self.model.encode_text(self.prompts), self.films)])

    @cached_property
    def ceiling(self) -> Mapping[str, Floats]:
        """By metric, [prompts]: what a probe reaches on the same embeddings; kept, since it takes minutes."""
        facts = {
            "run": "ceiling",
            "collection": self.task.films.hash,
            "split": self.evaluation.split,
            "prompts": self.prompts,
            "tower_id": self.model.tower_id,
        }
        found = self.store.get(facts, lambda: ceiling(self.task, self.films), counts=False)
        return {name: values.astype(np.float64) for name, values in found.items()}

    @property
    def prompts(self) -> list[str]:
        return [row.prompt for row in self.task.rows]

    def answer(
        self, mine: Sampled, reference: Sampled | None, cells: Mapping[str, Cell] | None = None
    ) -> Json:
        """The record of a setting, cell by cell."""
        return describe(self.task, mine, Compared(self.base, reference, self.ceiling), cells)


@dataclass(frozen=True)
class Material:
    """Everything an experiment needs."""

    paths: Paths
    base: DualEncoder
    films: Collection  # tuned on
    vectors: Vectors  # base's embeddings of them
    prompts: Sequence[PromptRow]  # tuned with
    pairs: Pairs
    chosen: Mapping[str, Knobs]  # con1 and con2 as cross-validation chose them
    seeds: Sequence[int]
    resamples: int
    store: Store  # of runs

    @property
    def hashes(self) -> dict[str, str]:
        """What decides a run besides its recipe."""
        return {
            "base": weights_id(self.base.text.state_dict(), {}),
            "tower_id": self.base.tower_id,
            "pairs": self.pairs.hash,
            "logit_scale": repr(self.base.logit_scale),
        }

    @cached_property
    def folds(self) -> list[Fold]:
        return make_folds(self.base, self.films, self.vectors, self.prompts)

    @cached_property
    def found(self) -> Pairs:
        """All films that the balanced ones are drawn from."""
        return make_pairs(self.films, self.prompts, balanced=False)

    @cached_property
    def questions(self) -> dict[str, ProbedEvaluation]:
        """The pre-listed evaluations by name."""
        return {name: self._question(listed) for name, listed in evaluations(self.paths).items()}

    @property
    def effusion(self) -> dict[str, ProbedEvaluation]:
        """Those that put the 99 prompts."""
        return {name: each for name, each in self.questions.items() if each.evaluation.prompts == EFFUSION}

    @cached_property
    def asked(self) -> list[str]:
        """Every prompt of every evaluation, once."""
        return list(dict.fromkeys(prompt for each in self.questions.values() for prompt in each.prompts))

    def _question(self, listed: Evaluation) -> ProbedEvaluation:
        films = self.open(listed)
        task = make_task(
            read_prompts(PROMPTS / listed.prompts),
            films,
            split=listed.split,
            k=TOP,
            unmentioned="unknown",
            bootstrap=self.resamples,
            seed=0,
        )
        return ProbedEvaluation(listed, task, self.base, film_embeddings(self.base, films), self.store)

    def open(self, listed: Evaluation) -> Collection:
        """The films of an evaluation, with their images where the command was told where they lie."""
        return self.paths.open_listed(listed.collection)

    def rows(self, question: ProbedEvaluation, vectors: Vectors) -> Vectors:
        """Of vectors of all prompts `asked`, those of one evaluation's."""
        return picked(self.asked, vectors)(question.prompts)

    def tuned(self, recipe: Knobs, asked: list[str] | None = None) -> Vectors:
        """What the text tower of a run with the image tower frozen makes of prompts, [asked, dim].

        Unless told which, all of them.
        """
        prompts = self.asked if asked is None else asked
        key = hashlib.sha256(repr(prompts).encode()).hexdigest()
        facts = {"run": "text", "recipe": recipe.facts(), "asked": key, **self.hashes}
        return self.store.get(facts, lambda: {"prompts": self._tune(recipe).encode_text(prompts)})["prompts"]

    def _tune(self, recipe: Knobs) -> DualEncoder:
        pairs = self.found if recipe.drawn else fewer(self.pairs, recipe.films, recipe.seed)
        return carry_out(self.base, pairs, recipe, fixed(self.vectors[self.films.rows(pairs.films)]))

    def sampled(self, recipe: Knobs, tasks: Mapping[str, ProbedEvaluation]) -> dict[str, Sampled]:
        """All seeds of a recipe on some evaluations, the image tower frozen."""
        runs = [self.tuned(recipe_of(recipe, seed)) for seed in self.seeds]
        return sample(tasks, [picked(self.asked, run) for run in runs])

    def cross_validated(
        self, recipe: Knobs, score: Callable[[Fold, Knobs], float], *, what: str
    ) -> list[float]:
        """A recipe's score on every fold of training studies and prompts; test films have no part in it."""
        prompts = hashlib.sha256(repr(self.prompts).encode()).hexdigest()
        return [
            self._score(fold, recipe, score, {"run": what, "fold": number, "training": prompts})
            for number, fold in enumerate(self.folds)
        ]

    def _score(self, fold: Fold, recipe: Knobs, score: Callable[[Fold, Knobs], float], facts: Json) -> float:
        facts = {**facts, "recipe": recipe.facts(), "films": self.films.hash, **self.hashes}
        return float(self.store.get(facts, lambda: {"score": np.array([score(fold, recipe)])})["score"][0])

    def data(self, asked: Sequence[str], questions: Mapping[str, ProbedEvaluation] | None = None) -> Json:
        """Hashes for the results file; `questions` are those asked, if not the pre-listed ones."""
        known = self.questions if questions is None else questions
        return {
            self.films.name: self.films.hash,
            **self.hashes,
            "training_prompts": file_sha256(PROMPTS / "training.csv"),
            "effusion_prompts": file_sha256(PROMPTS / EFFUSION),
            "evaluations": {
                name: {
                    "collection_hash": known[name].task.films.hash,
                    "films": len(known[name].task.evaluated),
                    "prompts_hash": file_sha256(PROMPTS / known[name].evaluation.prompts),
                }
                for name in asked
            },
        }


def sample(
    tasks: Mapping[str, ProbedEvaluation], encoders: Sequence[Callable[[list[str]], Vectors]]
) -> dict[str, Sampled]:
    """What several seeds, each an encoder of prompts, make of every evaluation."""
    return {
        name: Sampled.of(each.task, [(encode(each.prompts), each.films) for encode in encoders])
        for name, each in tasks.items()
    }


def picked(asked: Sequence[str], vectors: Vectors) -> Callable[[list[str]], Vectors]:
    """An encoder of prompts whose vectors, [asked, dim], are worked out already."""
    place = {prompt: row for row, prompt in enumerate(asked)}
    return lambda prompts: vectors[[place[prompt] for prompt in prompts]]


def recipe_of(recipe: Knobs, seed: int) -> Knobs:
    """The recipe with another seed."""
    return Knobs(**{**recipe.facts(), "seed": seed})


def open_material(paths: Paths, seeds: int, resamples: int) -> Material:
    """Open what is needed.  Raises a `NegvizError` where something is missing."""
    models = load_models(paths.family)
    base, films = models["base"], paths.open_collection()
    prompts = read_prompts(PROMPTS / "training.csv")
    return Material(
        paths=paths,
        base=base,
        films=films,
        vectors=film_embeddings(base, films),
        prompts=prompts,
        pairs=make_pairs(films, prompts),
        chosen=_chosen(paths, base),
        seeds=range(seeds),
        resamples=resamples,
        store=Store(paths.work / "experiments"),
    )


def _chosen(paths: Paths, base: DualEncoder) -> dict[str, Knobs]:
    path = paths.results / "tuning.json"
    try:
        results: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        recipes = {method: Knobs.of(read_choice(results, method)) for method in ("con1", "con2")}
        tower_id = results["data"]["tower_id"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FilmsError(f"{path} holds no choice; run `python -m training choose` first.") from error
    if tower_id != base.tower_id:
        raise FilmsError(f"{path} was made with another base; run `python -m training choose` anew.")
    return recipes


__all__ = [
    "EFFUSION",
    "TOP",
    "Material",
    "ProbedEvaluation",
    "open_material",
    "picked",
    "recipe_of",
    "sample",
]
