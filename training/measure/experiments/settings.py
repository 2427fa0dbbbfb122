"""Settings side by side: each is tuned from several seeds and measured on every pre-listed evaluation."""

from __future__ import annotations

from collections.abc import Mapping

from negviz.evaluation.cells import Cell, Json
from training.measure.experiments.cells import Sampled
from training.measure.experiments.material import Material, ProbedEvaluation
from training.measure.experiments.recipe import Knobs

BASE = "base"


def measure_settings(material: Material, settings: Mapping[str, Knobs], reference: str) -> Json:
    """`settings` and `films` of a results file: by evaluation, setting and cell; the first setting is base.

    Figures `_minus_reference` are over the setting named `reference`.
    """
    tasks = material.effusion
    measured = {name: material.sampled(recipe, tasks) for name, recipe in settings.items()}
    return {
        "settings": {name: facts(recipe) for name, recipe in settings.items()},
        "reference": reference,
        "films": answers_of_all(tasks, measured, reference),
    }


def answers_of_all(
    tasks: Mapping[str, ProbedEvaluation],
    measured: Mapping[str, Mapping[str, Sampled]],
    reference: str,
    *,
    totals: bool = False,
) -> Json:
    """What every setting made of every evaluation; with `totals`, of all kinds together as well."""
    return {
        name: answers(
            each,
            {label: of[name] for label, of in measured.items()},
            reference,
            each.task.cells if totals else None,
        )
        for name, each in tasks.items()
    }


def answers(
    question: ProbedEvaluation,
    measured: Mapping[str, Sampled],
    reference: str,
    cells: Mapping[str, Cell] | None = None,
) -> Json:
    """One evaluation: base and every setting, cell by cell."""
    beside = measured[reference]
    return {
        BASE: question.answer(question.base, beside, cells),
        **{label: question.answer(sampled, beside, cells) for label, sampled in measured.items()},
    }


def facts(recipe: Knobs) -> Json:
    """Its knobs; seeds are those of the file."""
    return {key: value for key, value in recipe.facts().items() if key != "seed" and value is not None}
