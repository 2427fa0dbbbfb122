"""The last step: the pre-listed evaluations, the model cards, the tables."""

from __future__ import annotations

from negviz.common.files import write_json
from negviz.common.shipped import ROOT
from training.measure.evaluate import evaluate
from training.measure.evaluations import evaluations
from training.paths import PROMPTS, Paths
from training.report.cards import write_cards
from training.report.command import refresh


def build_results(paths: Paths) -> None:
    """Run the evaluations and write the model cards; for the shipped family also every table."""
    family = paths.family.resolve()
    for name, evaluation in evaluations(paths).items():
        results = evaluate(
            family=family,
            collection=evaluation.collection,
            films=paths.images_of(evaluation.collection),
            labels=paths.labels if evaluation.collection == paths.collection else None,
            split=evaluation.split,
            prompts=PROMPTS / evaluation.prompts,
        )
        out = paths.results / f"{name}.json"
        shown = [path.relative_to(ROOT).as_posix() if paths.shipped else path.name for path in (family, out)]
        write_json(out, {**results, "command": evaluation.command(*shown)})
    write_cards(family)
    if paths.shipped:
        refresh(ROOT)
