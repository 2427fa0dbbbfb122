"""CON3 for a family: its captions from what is at hand, its lessons, and the model itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from negviz.models.checkpoint import write_checkpoint
from negviz.models.family import load_models
from negviz.retrieval.embeddings import film_embeddings
from training.data.bank import open_bank
from training.paths import Paths
from training.tune.con3 import Con3Config, Lessons, tune_con3, where_base_puts
from training.tune.devices import CPU, Compute


def build_con3(paths: Paths, config: Con3Config | None = None, compute: Compute = CPU) -> None:
    """Tune with the chosen settings and add the model to the family."""
    config = config or Con3Config()
    base, collection = load_models(paths.family)["base"], paths.open_collection()
    films = collection.select("train")
    bank = open_bank(paths, films.films)
    vectors: NDArray[np.float32] = film_embeddings(base, collection)[collection.rows(films)]
    lessons = Lessons.of(vectors, films.films, bank, where_base_puts(base, bank))
    tuned = tune_con3(base, lessons, config, compute=compute)
    facts = {
        **tuned.describe(),
        "training_films": len(films),
        "captions": lessons.counts,
        "data": {collection.name: collection.hash, "captions": bank.hash},
    }
    facts |= {} if compute == CPU else {"compute": compute.describe()}
    if compute.main:
        write_checkpoint(paths.family, "con3", tuned.tensors, training=facts, logit_scale=base.logit_scale)
    compute.wait()
