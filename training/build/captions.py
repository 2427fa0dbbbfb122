"""CON3 and CON4 for a family: captions from what is at hand, lessons, and the model itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from negviz.models.checkpoint import write_checkpoint
from negviz.models.encoder import weights_id
from negviz.models.family import load_models
from negviz.retrieval.embeddings import film_embeddings
from training.data.bank import open_bank
from training.paths import Paths
from training.tune.captions import CON3, CaptionConfig, Lessons, tune_captions, where_to_lie
from training.tune.con1_con2 import run_id
from training.tune.devices import CPU, Compute
from training.tune.recipes import RECIPES


def build_on_captions(paths: Paths, config: CaptionConfig = CON3, compute: Compute = CPU) -> None:
    """Tune with the chosen settings and add the model to the family."""
    base, collection = load_models(paths.family)["base"], paths.open_collection()
    films = collection.select("train")
    bank = open_bank(paths, films.films, typed=bool(config.typed))
    vectors: NDArray[np.float32] = film_embeddings(base, collection)[collection.rows(films)]
    near = where_to_lie(config.method, base, bank, vectors, films.films, paths.family)
    lessons = Lessons.of(vectors, films.films, bank, near)
    run = run_id(base, vectors, compute, captions=bank.hash, near=weights_id(near, {}), config=repr(config))
    state = paths.work / f"tune-{config.method}-{run}.safetensors"
    tuned = tune_captions(base, lessons, config, compute=compute, state=state)
    facts = {
        **tuned.describe(),
        "training_films": len(films),
        "captions": lessons.counts,
        "data": {collection.name: collection.hash, "captions": bank.hash},
        "compute": compute.describe(),
    }
    if compute.main:
        write_checkpoint(
            paths.family,
            config.method,
            tuned.tensors,
            training=facts,
            logit_scale=base.logit_scale,
            order=[*RECIPES],
        )
        state.unlink(missing_ok=True)
    compute.wait()
