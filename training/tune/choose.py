"""Choosing the settings of CON1 and CON2 by cross-validation, with the same budget for both.

Each of five folds, or of the first so many, holds out the films of a fifth of the training studies *and* a
fifth of the training prompts; a setting's score is the mean AUROC with which held-out prompts rank held-out
films, over the four cells (structured, natural × present, absent).  The test films and the evaluation prompts
play no part.  The films' embeddings come from one image tower that saw four of the five folds in its own
training.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property, partial
from itertools import product
from typing import Any, Final, get_args

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from negviz.evaluation.prompts import PromptRow
from negviz.films.collection import Collection, Film
from negviz.films.split import FOLDS
from negviz.models.encoder import DualEncoder
from negviz.retrieval.metrics import auroc
from training.data.pairs import make_pairs
from training.tune.con1_con2 import Method, TuneConfig, tune
from training.tune.devices import CPU, Compute
from training.tune.finished_runs import FinishedRuns
from training.tune.optim import UNRECORDED

RATES: Final = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3)
BATCHES: Final = (32,)
SEEDS: Final = (0, 1, 2, 3, 4)


@dataclass(frozen=True)
class ScoredConfig:
    """One setting and its score on each fold."""

    config: TuneConfig
    scores: tuple[float, ...]

    @property
    def mean(self) -> float:
        return float(np.mean(self.scores))


@dataclass(frozen=True)
class Search:
    """How a search is made: where it runs, which rates it tries, and what it need not run again."""

    compute: Compute = CPU
    rates: tuple[float, ...] = ()  # peak learning rates; none: `RATES`
    folds: int = FOLDS  # of the five, how many: fewer are sooner done, and less sure
    finished_runs: FinishedRuns = field(default_factory=FinishedRuns)


@dataclass(frozen=True)
class Choice:
    """What cross-validation chose for a method: the best setting, then the median of five seeds."""

    settings: tuple[ScoredConfig, ...]
    seeds: tuple[ScoredConfig, ...]

    @property
    def config(self) -> TuneConfig:
        ranked = sorted(self.seeds, key=lambda trial: trial.mean)
        return ranked[len(ranked) // 2].config

    def to_dict(self) -> dict[str, Any]:
        return {
            "chosen": _knobs(self.config),
            "settings": [describe(trial) for trial in self.settings],
            "seeds": [describe(trial) for trial in self.seeds],
        }


def choose(
    method: Method,
    base: DualEncoder,
    collection: Collection,
    films: NDArray[np.float32],
    prompts: Sequence[PromptRow],
    search: Search | None = None,
) -> Choice:
    """Try every setting on every fold, then five seeds of the best."""
    search = search or Search()
    folds = make_folds(base, collection, films, prompts, search.folds)
    rates = search.rates or RATES
    grid = [TuneConfig(method=method, lr=lr, batch=batch) for lr, batch in product(rates, BATCHES)]
    runs = len(folds) * (len(grid) + len(SEEDS) - 1)
    with tqdm(total=runs, desc=f"choosing {method}", unit="run", disable=not search.compute.main) as bar:
        settings = tuple(_try(config, folds, bar, search) for config in grid)
        best = max(settings, key=lambda trial: trial.mean)
        seeds = (replace(best.config, seed=seed) for seed in SEEDS if seed != best.config.seed)
        others = [_try(config, folds, bar, search) for config in seeds]
    return Choice(settings, (best, *others))


def score(
    config: TuneConfig,
    base: DualEncoder,
    collection: Collection,
    films: NDArray[np.float32],
    prompts: Sequence[PromptRow],
    search: Search | None = None,
) -> ScoredConfig:
    """One setting on every fold."""
    search = search or Search()
    folds = make_folds(base, collection, films, prompts, search.folds)
    what, quiet = f"{config.method}, {config.targets} targets", not search.compute.main
    with tqdm(total=len(folds), desc=what, unit="run", disable=quiet) as bar:
        return _try(config, folds, bar, search)


def base_scores(
    base: DualEncoder,
    collection: Collection,
    films: NDArray[np.float32],
    prompts: Sequence[PromptRow],
    folds: int = FOLDS,
) -> list[float]:
    """The score of base itself on each fold, for comparison."""
    return [fold.score(base) for fold in make_folds(base, collection, films, prompts, folds)]


def make_folds(
    base: DualEncoder,
    collection: Collection,
    films: NDArray[np.float32],
    prompts: Sequence[PromptRow],
    folds: int = FOLDS,
) -> list[Fold]:
    """The folds that every choice is made on, the first so many of five."""
    return [Fold.of(base, collection, films, prompts, number) for number in range(folds)]


def _try(config: TuneConfig, folds: Sequence[Fold], bar: tqdm[Any], search: Search) -> ScoredConfig:
    """One setting on every fold; what the ledger knows is not run again."""
    scores = []
    for number, fold in enumerate(folds):
        key = json.dumps([number, asdict(config)], sort_keys=True)
        scores.append(search.finished_runs.score(key, partial(fold.run, config, search.compute)))
        bar.update()
    return ScoredConfig(config, tuple(scores))


@dataclass(frozen=True)
class Fold:
    """One fold's two sides: what is tuned on and what is scored."""

    base: DualEncoder
    inside: Collection
    inside_prompts: tuple[PromptRow, ...]
    collection: Collection  # films in the order of `vectors`
    vectors: NDArray[np.float32]
    held_out: tuple[Film, ...]
    held_out_prompts: tuple[PromptRow, ...]

    @classmethod
    def of(
        cls,
        base: DualEncoder,
        collection: Collection,
        films: NDArray[np.float32],
        prompts: Sequence[PromptRow],
        number: int,
    ) -> Fold:
        train = collection.select("train")
        return cls(
            base,
            train.where(lambda film: film.fold != str(number)),
            tuple(row for row in prompts if prompt_fold(row) != number),
            collection,
            films,
            tuple(film for film in train if film.fold == str(number)),
            tuple(row for row in prompts if prompt_fold(row) == number),
        )

    def run(self, config: TuneConfig, compute: Compute = CPU) -> float:
        pairs = make_pairs(self.inside, self.inside_prompts)
        films = self.vectors[self.collection.rows(pairs.films)]
        return self.score(tune(self.base, films, pairs, config, compute=compute).model(self.base))

    def score(self, model: DualEncoder) -> float:
        """Mean AUROC over the four cells; a cell is the mean over its prompts."""
        return self.score_vectors(model.encode_text([row.prompt for row in self.held_out_prompts]))

    def score_vectors(self, prompts: NDArray[np.float32]) -> float:
        """The same of the held-out prompts' vectors [prompts, dim]."""
        scores = prompts @ self.vectors[self.collection.rows(self.held_out)].T
        cells: dict[tuple[str, str], list[float]] = {}
        for row, right, ranking in zip(self.held_out_prompts, self._right, scores, strict=True):
            value = auroc(right, ranking)
            if value is not None:
                cells.setdefault((row.kind, row.polarity), []).append(value)
        return float(np.mean([np.mean(values) for values in cells.values()]))

    @cached_property
    def _right(self) -> NDArray[np.float64]:
        """Which held-out films satisfy which held-out prompts: 1, 0 or nan, [prompts, films]."""
        states = [
            [film.states(row.finding, row.polarity) for film in self.held_out]
            for row in self.held_out_prompts
        ]
        return np.array(states, dtype=np.float64)  # None becomes nan


def prompt_fold(row: PromptRow) -> int:
    """A prompt and its opposite are one row, so they are held out together."""
    return int(hashlib.sha256(row.prompt.encode()).hexdigest(), 16) % FOLDS


def _knobs(config: TuneConfig) -> dict[str, Any]:
    return {"lr": config.lr, "batch": config.batch, "seed": config.seed, "decay": config.decay}


def describe(trial: ScoredConfig) -> dict[str, Any]:
    return {**_knobs(trial.config), "auroc_by_fold": list(trial.scores), "auroc": trial.mean}


def read_choice(results: Mapping[str, Any], method: str) -> TuneConfig:
    """The committed choice for a method, as it was tried.  Raises `KeyError` where there is none."""
    if method not in get_args(Method):
        raise KeyError(method)
    chosen = {"decay": UNRECORDED, **results["methods"][method]["chosen"]}
    return TuneConfig(method=method, **chosen)  # type: ignore[arg-type]
