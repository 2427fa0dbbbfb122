"""Choosing the settings of the methods that need no training: as those of CON1 and CON2 were chosen.

The folds and the score are those of `training.tune.choose`: held-out training prompts rank held-out training
films.  Only steering learns anything, a direction a layer, and that from the training prompts and their
opposites, those of the fold left out.  What their authors publish is tried first, so that it wins a tie.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any, Final, get_args

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from negviz.evaluation.prompts import PromptRow
from negviz.language.prompt import Prompt
from negviz.models.encoder import DualEncoder
from negviz.models.training_free import RivalSettings, activations, rewritten
from negviz.models.training_free import spacevlm as space
from negviz.models.training_free import steering as steer
from negviz.models.training_free.column import Vectors
from negviz.models.training_free.wording import SCENES, Concept
from training.tune.choose import Fold, prompt_fold

THRESHOLDS: Final = (space.PUBLISHED, 0.98, 0.95, 0.9, 0.85, 0.8, 0.7, 0.5, 0.3)
WEIGHTS: Final = (1.0, 0.25, 0.5, 2.0, 4.0, 8.0)
STRENGTHS: Final = (steer.PUBLISHED, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7)
Settings = dict[str, Any]


@dataclass(frozen=True)
class ScoredSettings:
    """One setting of one method and its score on each fold."""

    settings: Settings
    scores: tuple[float, ...]

    @property
    def mean(self) -> float:
        return float(np.mean(self.scores))

    def to_dict(self) -> dict[str, Any]:
        return {**self.settings, "auroc_by_fold": list(self.scores), "auroc": self.mean}


def grids(layers: int) -> dict[str, list[Settings]]:
    """What is tried, by method, for a tower of so many layers."""
    wordings = [{"scene": scene, "concept": concept} for scene, concept in product(SCENES, get_args(Concept))]
    every, half, last = (list(range(first, layers)) for first in (0, layers // 2, layers - 1))
    return {
        "spacevlm": [{**w, "threshold": t} for t, w in product(THRESHOLDS, wordings)],
        "steering": [
            {"layers": which, "strength": a} for which, a in product((every, half, last), STRENGTHS)
        ],
        "arithmetic": [{**w, "weight": weight} for weight, w in product(WEIGHTS, wordings)],
        "composed": [{}],
    }


def choose(
    base: DualEncoder,
    folds: Sequence[Fold],
    prompts: Sequence[PromptRow],
    findings: Sequence[Mapping[str, Tensor]],
) -> dict[str, tuple[ScoredSettings, ...]]:
    """Every setting of every method on every fold, in the order in which they are tried.

    `findings` are a fold's directions of findings, for which its films were left out.
    """
    heard = Heard.of(base, prompts)
    held_out = [prompt_fold(row) for row in prompts]
    directions = [heard.directions([fold != number for fold in held_out]) for number in range(len(folds))]
    tried = grids(len(heard.said))
    memory = _Memory(base)
    found = {}
    with tqdm(total=sum(map(len, tried.values())), desc="choosing", unit="setting") as bar:
        for name, grid in tried.items():
            trials = []
            for settings in grid:
                given = zip(directions, findings, strict=True)
                recipes = (RivalSettings({name: settings}, *each) for each in given)
                scores = tuple(
                    memory.score(fold, name, recipe) for fold, recipe in zip(folds, recipes, strict=True)
                )
                trials.append(ScoredSettings(settings, scores))
                bar.update()
            found[name] = tuple(trials)
    return found


def best(trials: Sequence[ScoredSettings]) -> ScoredSettings:
    """The setting with the highest mean; of equal ones the first."""
    return max(trials, key=lambda trial: trial.mean)


def recipe(
    base: DualEncoder,
    prompts: Sequence[PromptRow],
    chosen: Mapping[str, Settings],
    findings: Mapping[str, Tensor],
) -> RivalSettings:
    """The chosen settings, with directions from all training prompts for the layers that are steered."""
    directions = Heard.of(base, prompts).directions([True] * len(prompts))
    wanted = chosen["steering"]["layers"]
    return RivalSettings(chosen, {layer: directions[layer] for layer in wanted}, findings)


@dataclass
class _Memory:
    """Sentences are read and encoded once, whatever is tried on them."""

    base: DualEncoder
    _known: dict[str, Any] = field(default_factory=dict)
    _read: dict[str, Prompt] = field(default_factory=dict)

    def read(self, text: str) -> Prompt:
        if text not in self._read:
            self._read[text] = self.base.reads(text)
        return self._read[text]

    def encode(self, texts: Sequence[str]) -> Vectors:
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        self._known.update(zip(new, self.base.encode_text(new), strict=True))
        return np.stack([self._known[text] for text in texts])

    def score(self, fold: Fold, name: str, recipe: RivalSettings) -> float:
        method = recipe.columns(self.base)[name].method
        prompts = [self.read(row.prompt) for row in fold.held_out_prompts]
        vectors = self.encode([prompt.text for prompt in prompts])
        return fold.score_vectors(rewritten(method, prompts, vectors, self.encode))


# What steering learns -------------------------------------------------------------------------


@dataclass(frozen=True)
class Heard:
    """What every layer says of the training prompts and of their opposites."""

    said: Tensor  # <float32>[layers, 2 prompts, width]: prompt, opposite, prompt, opposite, …
    negated: tuple[bool, ...]  # [2 prompts]

    @classmethod
    def of(cls, base: DualEncoder, prompts: Sequence[PromptRow]) -> Heard:
        texts, negated = [], []
        for row in prompts:
            texts += [row.prompt, row.extra["opposite"]]
            negated += [row.polarity == "absent", row.polarity != "absent"]
        return cls(activations(base.text, texts), tuple(negated))

    def directions(self, kept: Sequence[bool]) -> dict[int, Tensor]:
        """By layer, the unit vector [width] towards negated sentences, from the prompts that are `kept`."""
        rows = np.repeat(np.array(kept), 2)
        truth = np.array(self.negated)[rows]
        return {layer: _normal(said[rows].numpy(), truth) for layer, said in enumerate(self.said)}


def _normal(said: Vectors, negated: Any) -> Tensor:
    """As published: logistic regression without intercept, its normal at length 1."""
    fitted = LogisticRegression(fit_intercept=False, max_iter=1000).fit(said, negated)
    normal: Tensor = torch.from_numpy(fitted.coef_[0]).float()
    return functional.normalize(normal, dim=0)
