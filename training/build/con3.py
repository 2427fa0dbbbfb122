"""CON3 for a family: its captions from what is at hand, its lessons, and the model itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from negviz.evaluation.prompts import read_prompts
from negviz.films.collection import Film
from negviz.models.checkpoint import write_checkpoint
from negviz.models.encoder import load_models
from negviz.retrieval.embeddings import film_embeddings
from training.data.captions import Bank, make_bank
from training.data.films import openi_reports
from training.data.wordings import compose, read_frames
from training.paths import PROMPTS, Places
from training.tune.con3 import Con3Config, Lessons, tune_con3, where_base_puts
from training.tune.devices import CPU, Compute

MEASURED_ON: Final = ("evaluation.csv", "findings.csv", "generalisation.csv")  # of assets/prompts


def open_bank(places: Places, films: Sequence[Film]) -> Bank:
    """Prompts, composed sentences, and report sentences of `films` where reports are at hand.

    Open-i's reports are: they are asked for, since CON3 without them is another model.
    """
    reports = openi_reports(places.need_films()) if places.collection == "openi" else {}
    barred = [row.prompt for name in MEASURED_ON for row in read_prompts(PROMPTS / name)]
    return make_bank(read_prompts(PROMPTS / "training.csv"), compose(read_frames()), films, reports, barred)


def build_con3(places: Places, config: Con3Config | None = None, compute: Compute = CPU) -> None:
    """Tune with the chosen settings and add the model to the family."""
    config = config or Con3Config()
    base, collection = load_models(places.family)["base"], places.open_collection()
    films = collection.select("train")
    bank = open_bank(places, films.films)
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
        write_checkpoint(places.family, "con3", tuned.tensors, training=facts, logit_scale=base.logit_scale)
    compute.wait()
