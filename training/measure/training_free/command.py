"""Rivals that need no training, beside the models that were tuned: `python -m training training-free`.

    python -m training training-free

SpaceVLM, negation steering, plain arithmetic and what findings compose are set up on base by cross-validation
(`training.measure.training_free.choice`), written to where `negviz.load_rivals` reads them, and put the
pre-listed evaluations together with every model of the family (`training.measure.training_free.figures`).
Test figures choose nothing.
"""

from __future__ import annotations

import argparse
from importlib.metadata import version
from typing import Final

import torch
from torch import Tensor

from negviz.common.files import file_sha256, write_atomically, write_json
from negviz.evaluation.cells import BASE
from negviz.evaluation.prompts import read_prompts
from negviz.models.encoder import DualEncoder
from negviz.models.family import load_models
from negviz.models.training_free import SHIPPED, load_rivals, rivals_path, write_rivals
from negviz.models.training_free.record import FOLDER
from negviz.retrieval.embeddings import film_embeddings
from negviz.retrieval.estimate import RESAMPLES
from training.measure.evaluate import family_hashes
from training.measure.evaluations import evaluations
from training.measure.training_free.choice import ScoredSettings, best, choose, recipe
from training.measure.training_free.figures import K, against_tuned, evaluate_beside, gate, say, tallies
from training.options import add_bootstrap_option, natural
from training.paths import PROMPTS, Paths, add_path_options, again, drop_replaced
from training.report.dots import draw_training_free
from training.tune.choose import base_scores, make_folds
from training.tune.directions import find_directions

NAME: Final = "training-free"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m training training-free`."""
    add_path_options(
        parser,
        collection="films to choose settings and to test on",
        films="its images, where their embeddings are not shipped",
    )
    add = parser.add_argument
    add_bootstrap_option(parser, RESAMPLES)
    add("--seed", type=natural, default=0, help="of the resamples (default: 0)")


def run(args: argparse.Namespace) -> int:
    """Choose, write, evaluate.  Raises a `NegvizError` on bad input."""
    paths = Paths.of(args)
    models, hashes = load_models(paths.family), family_hashes(paths.family)
    trials = _set_up(paths, models[BASE])
    rivals = load_rivals(models, paths.family)
    measured = {
        name: evaluate_beside(
            evaluation,
            models,
            rivals,
            films=paths.open_listed(evaluation.collection),
            times=args.bootstrap,
            seed=args.seed,
        )
        for name, evaluation in evaluations(paths).items()
    }
    rows = [row for name, found in measured.items() for row in against_tuned(name, found)]
    files = ("training.csv", *(each.prompts for each in evaluations(paths).values()))
    results = {
        "what": "rivals that need no training beside the models that were tuned; their settings were chosen "
        "on training films and training prompts",
        "precision_at": K,
        "settings": {name: best(tried).settings for name, tried in trials.items()},
        "cross_validation": {name: [trial.to_dict() for trial in tried] for name, tried in trials.items()},
        "gate": {file: gate(read_prompts(PROMPTS / file)) for file in dict.fromkeys(files)},
        "evaluations": measured,
        "tallies": tallies(rows),
        "against_tuned": rows,
        "data": {
            "training_prompts_hash": file_sha256(PROMPTS / "training.csv"),
            "family": hashes,
        },
        "bootstrap": {"resamples": args.bootstrap, "seed": args.seed},
        "versions": {name: version(name) for name in ("torch", "transformers", "numpy", "scikit-learn")},
        "command": again(NAME, args, bootstrap=None, seed=None),
    }
    out = paths.results / f"{NAME}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    write_json(out, results)
    write_atomically(out.with_suffix(".svg"), draw_training_free(results).encode())
    print(f"{out}: {', '.join(rivals)} beside {', '.join(models)}")
    print("\n".join(map(say, tallies(rows))))
    return 0


def _set_up(paths: Paths, base: DualEncoder) -> dict[str, tuple[ScoredSettings, ...]]:
    """Choose the settings and write them for the page."""
    films, prompts = paths.open_collection(), read_prompts(PROMPTS / "training.csv")
    vectors, known = film_embeddings(base, films), films.select("train")
    folds = make_folds(base, films, vectors, prompts)

    def findings(fold: int | None) -> dict[str, Tensor]:
        kept = known.where(lambda film: film.fold != str(fold))
        found = find_directions(base, vectors[films.rows(kept)], kept.films, family=paths.family)
        return {name: torch.from_numpy(direction) for name, direction in found.of.items()}

    trials = choose(base, folds, prompts, [findings(fold) for fold in range(len(folds))])
    chosen = {name: best(tried).settings for name, tried in trials.items()}
    made = recipe(base, prompts, chosen, findings(None))
    facts = {
        "cross_validation": {BASE: base_scores(base, films, folds[0].vectors, prompts)}
        | {name: list(best(tried).scores) for name, tried in trials.items()},
        "data": {
            films.name: films.hash,
            "training_prompts": file_sha256(PROMPTS / "training.csv"),
            "tower_id": base.tower_id,
        },
    }
    path = rivals_path(base, SHIPPED if paths.shipped else paths.family / FOLDER)
    write_rivals(path, made, facts)
    if paths.shipped:
        drop_replaced(path)
    return trials
