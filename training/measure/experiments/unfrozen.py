"""CON2 with the image tower unfrozen against frozen: on effusion, and on findings it was not tuned for.

The image tower's learning rate is chosen by cross-validation; frozen (no rate) is scored beside the rates,
but the best rate is what is measured, so that unfreezing is judged at its best.  What it forgets is measured
twice: by prompts about other findings, and by a probe for each finding on the films' embeddings, which asks
the image tower alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np

from negviz.evaluation.cells import Json
from negviz.films.collection import Collection
from negviz.films.split import FOLDS
from training.data.pairs import make_pairs
from training.measure.experiments import knobs
from training.measure.experiments.cells import Sampled, Vectors, by_finding
from training.measure.experiments.image_run import Prepared, embed, image_tower, tune_both
from training.measure.experiments.material import Material, ProbedEvaluation, recipe_of
from training.measure.experiments.probes import probe_records
from training.measure.experiments.recipe import Knobs
from training.measure.experiments.settings import BASE, answers
from training.measure.experiments.store import Arrays
from training.tune.choose import Fold

RATES: Final = (1e-4, 1e-3)
FROZEN, UNFROZEN = "frozen", "unfrozen"
WHAT: Final = (
    "CON2 with the image tower moving along, against CON2 with it frozen, which is the reference: effusion, "
    "and findings that it was not tuned for; ceilings are the frozen tower's"
)


def runs(seeds: int) -> int:
    """How many runs it takes, those of the cross-validation with them."""
    return 2 * seeds + (len(RATES) + 1) * FOLDS


def measure(material: Material) -> Json:
    """Raises a `NegvizError` where an image is not at hand."""
    sight, con2 = Sight.of(material), material.chosen["con2"]
    tried = _cross_validate(material, sight)
    rate = max(RATES, key=lambda lr: float(np.mean(tried[f"{lr:g}"])))
    both = [_run(material, sight, recipe_of(replace(con2, image_lr=rate), seed)) for seed in material.seeds]
    alone = [material.tuned(recipe_of(con2, seed)) for seed in material.seeds]
    measured = {
        name: {
            FROZEN: _sampled(material, each, [(prompts, each.films) for prompts in alone]),
            UNFROZEN: _sampled(material, each, [(run["prompts"], sight.seen(each, run)) for run in both]),
        }
        for name, each in material.questions.items()
    }
    return {
        "what": WHAT,
        "settings": {FROZEN: {"lr": con2.lr}, UNFROZEN: {"lr": con2.lr, "image_lr": rate}},
        "reference": FROZEN,
        "films": {name: answers(material.questions[name], of, FROZEN) for name, of in measured.items()},
        "image_lr": {
            name: {
                "auroc_by_fold": scores,
                "auroc": float(np.mean(scores)),
                "chosen": name == f"{rate:g}",
            }
            for name, scores in tried.items()
        },
        "by_finding": _by_finding(material, measured),
        "probe": _probes(material, sight, both),
    }


@dataclass(frozen=True)
class Sight:
    """The films that are tuned on, held out or measured on, with their pixels, and which are measured."""

    prepared: Mapping[str, Prepared]  # by collection
    measured: Mapping[str, tuple[int, ...]]  # by collection, rows

    @classmethod
    def of(cls, material: Material) -> Self:
        collections: dict[str, Collection] = {}
        rows: dict[str, set[int]] = {}
        for each in material.questions.values():
            collections[each.task.films.name] = each.task.films
            rows.setdefault(each.task.films.name, set()).update(map(int, each.task.evaluated))
        measured = {name: tuple(sorted(of)) for name, of in rows.items()}
        wanted = {name: [collections[name].films[row] for row in of] for name, of in measured.items()}
        known = material.films.select("train").where(
            lambda film: film.states("effusion", "present") is not None
        )
        taught = {film.id: film for film in (*known, *material.pairs.films)}
        wanted[material.films.name] = [*wanted.get(material.films.name, ()), *taught.values()]
        collections[material.films.name] = material.films
        tower = image_tower(material.base)
        prepared = {name: Prepared.of(tower, collections[name], films) for name, films in wanted.items()}
        return cls(prepared, measured)

    def seen(self, question: ProbedEvaluation, run: Arrays) -> Vectors:
        """The collection's embeddings, those of the measured films by the tuned image tower."""
        vectors = question.films.copy()
        name = question.task.films.name
        vectors[list(self.measured[name])] = run[f"films/{name}"]
        return vectors


def _run(material: Material, sight: Sight, recipe: Knobs) -> Arrays:
    """What both tuned towers make of every prompt, and of the measured films of each collection."""
    collections = {each.task.films.name: each.task.films for each in material.questions.values()}
    facts = {
        "run": "both",
        "recipe": recipe.facts(),
        "asked": material.asked,
        "films": {name: films.hash for name, films in collections.items()},
        **material.hashes,
    }

    def make() -> Arrays:
        own = sight.prepared[material.films.name]
        model = tune_both(material.base, material.pairs, own, recipe)
        seen = {
            f"films/{name}": embed(model, sight.prepared[name].select([films.films[row] for row in rows]))
            for name, films in collections.items()
            if (rows := sight.measured[name])
        }
        return {"prompts": model.encode_text(material.asked), **seen}

    return material.store.get(facts, make)


def _cross_validate(material: Material, sight: Sight) -> dict[str, list[float]]:
    """Scores by fold of every rate of the image tower, and of the frozen one."""
    con2 = material.chosen["con2"]
    own = sight.prepared[material.films.name]
    frozen = {FROZEN: material.cross_validated(con2, knobs.score, what="text fold")}

    def score(fold: Fold, recipe: Knobs) -> float:
        pairs = make_pairs(fold.inside, fold.inside_prompts)
        model = tune_both(fold.base, pairs, own, recipe)
        known = [film for film in fold.held_out if film.id in own.row]
        vectors = fold.vectors.copy()
        vectors[fold.collection.rows(known)] = embed(model, own.select(known))
        return replace(fold, vectors=vectors, held_out=tuple(known)).score(model)

    rates = {
        f"{lr:g}": material.cross_validated(replace(con2, image_lr=lr), score, what="both fold")
        for lr in RATES
    }
    return {**frozen, **rates}


# Figures --------------------------------------------------------------------------------------


def _sampled(
    material: Material, question: ProbedEvaluation, seen: Sequence[tuple[Vectors, Vectors]]
) -> Sampled:
    """`seen`: by seed, vectors of all prompts and of the evaluation's films."""
    return Sampled.of(question.task, [(material.rows(question, prompts), films) for prompts, films in seen])


def _by_finding(material: Material, measured: Mapping[str, Mapping[str, Sampled]]) -> Json:
    """By evaluation of other findings, finding and polarity, and setting."""
    found: Json = {}
    for name, each in material.questions.items():
        if name in material.effusion:
            continue
        cells, beside = by_finding(each.task), measured[name][FROZEN]
        settings = {BASE: each.base, **measured[name]}
        answered = {label: each.answer(of, beside, cells) for label, of in settings.items()}
        found[name] = {
            cell: {label: cellwise[cell] for label, cellwise in answered.items()} for cell in cells
        }
    return found


def _probes(material: Material, sight: Sight, both: Sequence[Arrays]) -> Json:
    """By collection that is measured whole, finding: a probe on embeddings, frozen and unfrozen."""
    found: Json = {}
    for each in material.questions.values():
        films = each.task.films
        if len(each.task.evaluated) == len(films):
            unfrozen = [sight.seen(each, run) for run in both]
            found[films.name] = probe_records(films, each.films, unfrozen, material.resamples)
    return found
