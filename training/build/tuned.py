"""The third step: settings by cross-validation, then a model a recipe.

CON1 and CON2 need neither films nor reports.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from negviz.common.files import write_json
from negviz.evaluation.prompts import PromptRow, read_prompts
from negviz.films.collection import Collection
from negviz.films.split import FOLDS
from negviz.models.checkpoint import write_checkpoint
from negviz.models.encoder import DualEncoder
from negviz.models.family import load_models
from negviz.retrieval.embeddings import film_embeddings
from training.build.captions import build_on_captions
from training.data.pairs import make_pairs
from training.paths import PROMPTS, FilmsError, Paths
from training.tune.captions import CAPTION_CONFIGS
from training.tune.choose import Search, base_scores, choose, describe, read_choice, score
from training.tune.con1_con2 import Method, run_id, tune
from training.tune.devices import CPU, Compute
from training.tune.finished_runs import FinishedRuns
from training.tune.recipes import RECIPES


def _material(
    paths: Paths, compute: Compute = CPU
) -> tuple[DualEncoder, Collection, NDArray[np.float32], list[PromptRow]]:
    """One process embeds what is not embedded yet; the others find it in the cache."""
    base, films = load_models(paths.family)["base"], paths.open_collection()
    compute.alone(lambda: film_embeddings(base, films, encode=compute.encode_images(base)))
    return base, films, film_embeddings(base, films), read_prompts(PROMPTS / "training.csv")


def build_choice(
    paths: Paths, compute: Compute = CPU, rates: Sequence[float] = (), folds: int = FOLDS
) -> None:
    """Cross-validate the settings of CON1 and CON2 and write `tuning.json` among the results.

    `rates` are the peak learning rates to choose from, on the first so many `folds`.  A search that was
    stopped goes on where it was.
    """
    base, films, vectors, prompts = _material(paths, compute)
    facts = {"collection": films.hash, "prompts": hashlib.sha256(repr(prompts).encode()).hexdigest()}
    known = paths.work / f"choose-{run_id(base, vectors, compute, **facts)}.json"
    search = Search(compute, tuple(rates), folds, FinishedRuns(known, writes=compute.main))
    chosen = {method: choose(method, base, films, vectors, prompts, search) for method in get_args(Method)}
    shared = replace(chosen["con1"].config, targets="multi-positive")
    multi_positive = score(shared, base, films, vectors, prompts, search)
    if not compute.main:
        return
    told = "five folds" if folds == FOLDS else f"{folds} of five folds"
    write_json(
        paths.results / "tuning.json",
        {
            "what": f"mean AUROC of held-out prompts over held-out films, {told} by study and by prompt",
            "base": {"auroc_by_fold": base_scores(base, films, vectors, prompts, folds)},
            "methods": {method: choice.to_dict() for method, choice in chosen.items()},
            "con1_multi_positive": describe(multi_positive),
            "data": {films.name: films.hash, "tower_id": base.tower_id},
            "command": "python -m training choose",
        },
    )
    search.finished_runs.close()


def build_tuned(paths: Paths, name: str, compute: Compute = CPU) -> None:
    """Tune by a recipe and add the model to the family."""
    if RECIPES[name].learns_from == "captions":
        build_on_captions(paths, CAPTION_CONFIGS[name], compute)
    else:
        _build_from_pairs(paths, name, compute)


def _build_from_pairs(paths: Paths, method: str, compute: Compute) -> None:
    """Tune with the chosen settings and add the model to the family; goes on where it was stopped."""
    base, films, vectors, prompts = _material(paths, compute)
    chosen = paths.results / "tuning.json"
    try:
        results = json.loads(chosen.read_text(encoding="utf-8"))
        config, tower_id = read_choice(results, method), results["data"]["tower_id"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FilmsError(f"{chosen} holds no choice; run `python -m training choose` first.") from error
    if tower_id != base.tower_id:
        raise FilmsError(f"{chosen} was made with another base; run `python -m training choose` anew.")
    pairs = make_pairs(films, prompts)
    paired = vectors[films.rows(pairs.films)]
    run = run_id(base, paired, compute, pairs=pairs.hash, config=repr(config))
    state = paths.work / f"tune-{method}-{run}.safetensors"
    tuned = tune(base, paired, pairs, config, compute=compute, state=state)
    facts = {
        **tuned.describe(),
        "films": len(pairs),
        "data": {films.name: films.hash, "pairs": pairs.hash},
        "compute": compute.describe(),
    }
    if compute.main:
        write_checkpoint(
            paths.family,
            method,
            tuned.tensors,
            training=facts,
            logit_scale=tuned.logit_scale,
            order=[*RECIPES],
        )
        state.unlink(missing_ok=True)
    compute.wait()
