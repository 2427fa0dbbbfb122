"""The third step: settings by cross-validation, then CON1 and CON2.  Neither films nor reports are needed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from negviz.checkpoint import write_checkpoint
from negviz.collection import Collection
from negviz.embeddings import film_embeddings
from negviz.files import write_json
from negviz.model import DualEncoder, load_models
from training.choose import base_scores, choose, describe, read_choice, score
from training.films import FilmsError
from training.pairs import make_pairs
from training.places import PROMPTS, Places
from training.prompts import PromptRow, read_prompts
from training.tune import Method, tune


def _material(places: Places) -> tuple[DualEncoder, Collection, NDArray[np.float32], list[PromptRow]]:
    base, films = load_models(places.family)["base"], places.open_collection()
    return base, films, film_embeddings(base, films), read_prompts(PROMPTS / "training.csv")


def build_choice(places: Places) -> None:
    """Cross-validate the settings of CON1 and CON2 and write `tuning.json` among the results."""
    base, films, vectors, prompts = _material(places)
    chosen = {method: choose(method, base, films, vectors, prompts) for method in get_args(Method)}
    shared = replace(chosen["con1"].config, targets="multi-positive")
    write_json(
        places.results / "tuning.json",
        {
            "what": "mean AUROC of held-out prompts over held-out films, five folds by study and by prompt",
            "base": {"auroc_by_fold": base_scores(base, films, vectors, prompts)},
            "methods": {method: choice.to_dict() for method, choice in chosen.items()},
            "con1_multi_positive": describe(score(shared, base, films, vectors, prompts)),
            "data": {films.name: films.hash, "tower_id": base.tower_id},
            "command": "python -m training choose",
        },
    )


def build_tuned(places: Places, method: Method) -> None:
    """Tune with the chosen settings and add the model to the family."""
    base, films, vectors, prompts = _material(places)
    chosen = places.results / "tuning.json"
    try:
        results = json.loads(chosen.read_text(encoding="utf-8"))
        config, tower_id = read_choice(results, method), results["data"]["tower_id"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FilmsError(f"{chosen} holds no choice; run `python -m training choose` first.") from error
    if tower_id != base.tower_id:
        raise FilmsError(f"{chosen} was made with another base; run `python -m training choose` anew.")
    pairs = make_pairs(films, prompts)
    tuned = tune(base, vectors[films.rows(pairs.films)], pairs, config)
    facts = {**tuned.describe(), "films": len(pairs), "data": {films.name: films.hash, "pairs": pairs.hash}}
    write_checkpoint(places.family, method, tuned.tensors, training=facts, logit_scale=tuned.logit_scale)
