"""The last step: the pre-listed evaluations, the model cards, the tables."""

from __future__ import annotations

from negviz.common.files import write_json
from negviz.common.shipped import ROOT
from negviz.models.encoder import DualEncoder
from negviz.models.family import load_models
from negviz.results.files import read_object
from training.measure.evaluate import evaluate
from training.measure.evaluations import evaluations
from training.measure.retuned import Retuned
from training.paths import PROMPTS, Paths
from training.report.cards import write_cards
from training.report.command import refresh


def build_results(paths: Paths) -> None:
    """Run the evaluations and write the model cards; for the shipped family also every table."""
    family, others = paths.family.resolve(), _other_seeds(paths)
    for name, evaluation in evaluations(paths).items():
        results = evaluate(
            family=family,
            collection=evaluation.collection,
            films=paths.images_of(evaluation.collection),
            labels=paths.labels if evaluation.collection == paths.collection else None,
            split=evaluation.split,
            prompts=PROMPTS / evaluation.prompts,
            others=others,
        )
        out = paths.results / f"{name}.json"
        shown = [path.relative_to(ROOT).as_posix() if paths.shipped else path.name for path in (family, out)]
        write_json(out, {**results, "command": evaluation.command(*shown)})
    write_cards(family)
    if paths.shipped:
        refresh(ROOT)


def _other_seeds(paths: Paths) -> dict[str, list[DualEncoder]]:
    """The seeds of which the median ships, tuned as that one was; none where no choice was made."""
    chosen = read_object(paths.results / "tuning.json") or {"methods": {}}
    again, models = Retuned(paths, fold=""), load_models(paths.family)
    return {
        name: [
            again.tuned(name, seed=trial["seed"])
            for trial in tried["seeds"]
            if trial["seed"] != tried["chosen"]["seed"]
        ]
        for name, tried in chosen["methods"].items()
        if name in models and len(tried["seeds"]) > 1
    }
