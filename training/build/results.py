"""The last step: the pre-listed evaluations, the model cards, the tables."""

from __future__ import annotations

from negviz.common.files import write_json
from negviz.common.shipped import ROOT
from negviz.models.checkpoint import read_training
from negviz.models.encoder import DualEncoder
from negviz.models.family import load_models
from negviz.results.files import read_object
from training.measure.evaluate import evaluate
from training.measure.evaluations import evaluations
from training.measure.retuned import Retuned
from training.paths import PROMPTS, Paths
from training.report.cards import write_cards
from training.report.command import refresh
from training.tune.recipes import RECIPES


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
    """Seeds beside those that ship, tuned as they were: those that were chosen from, or that a recipe has."""
    again, models = Retuned(paths, fold=""), load_models(paths.family)
    seeds = {name: seeds for name, seeds in _seeds(paths).items() if name in models and len(seeds) > 1}
    ships = {name: read_training(paths.family, name).get("seed") for name in seeds}
    return {
        name: [again.tuned(name, seed=seed) for seed in tried if seed != ships[name]]
        for name, tried in seeds.items()
    }


def _seeds(paths: Paths) -> dict[str, list[int]]:
    chosen = read_object(paths.results / "tuning.json") or {"methods": {}}
    tried = {name: [trial["seed"] for trial in of["seeds"]] for name, of in chosen["methods"].items()}
    return {name: [*range(recipe.seeds)] for name, recipe in RECIPES.items()} | tried
