"""One knob at a time, from CON2 as cross-validation chose it: batch, learning rate, films, rank.

Targets are CON1's affair: its identity targets stand beside multi-positive ones.  Fewer films mean fewer
steps at five epochs, so they are also tried with as many steps.  Nothing is chosen by these figures; the
learning rate of low-rank tuning, for which there was none, is chosen by cross-validation.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from negviz.evaluation.cells import Json
from negviz.films.split import FOLDS
from training.data.pairs import make_pairs
from training.measure.experiments.material import Material
from training.measure.experiments.recipe import Knobs, carry_out, fixed
from training.measure.experiments.settings import measure_settings
from training.tune.choose import Fold

BATCHES: Final = (8, 64)
RATES: Final = (1e-4, 1e-3)
FILMS: Final = (30, 60, 120)
AS_MANY_STEPS: Final = (30,)
RANKS: Final = (4, 16)
LOW_RANK_RATES: Final = (1e-3, 3e-3)
RANK_TRIED: Final = 8  # at which the learning rate is chosen
REFERENCE: Final = "CON2 as chosen"
WHAT: Final = (
    "one knob at a time: batch, learning rate, number of films and low-rank tuning from CON2 as "
    "cross-validation chose it, which is the reference, and CON1 with either kind of targets"
)


def runs(seeds: int) -> int:
    """How many runs it takes, those of the cross-validation with them."""
    settings = 3 + sum(map(len, (BATCHES, RATES, FILMS, AS_MANY_STEPS, RANKS)))
    return settings * seeds + len(LOW_RANK_RATES) * FOLDS


def measure(material: Material) -> Json:
    tried = _low_rank_rates(material)
    rate = max(tried, key=lambda lr: float(np.mean(tried[lr])))
    return {
        "what": WHAT,
        **measure_settings(material, list_settings(material, rate), REFERENCE),
        "low_rank_rate": {
            f"{lr:g}": {"auroc_by_fold": scores, "auroc": float(np.mean(scores)), "chosen": lr == rate}
            for lr, scores in tried.items()
        },
    }


def list_settings(material: Material, low_rank_rate: float) -> dict[str, Knobs]:
    """Every setting by the words that it goes by."""
    con1, con2 = material.chosen["con1"], material.chosen["con2"]
    everything = len(material.pairs)
    return {
        REFERENCE: con2,
        "CON1, identity targets": con1,
        "CON1, multi-positive targets": replace(con1, targets="multi-positive"),
        **{f"batch {batch}": replace(con2, batch=batch) for batch in BATCHES},
        **{f"learning rate {lr:g}": replace(con2, lr=lr) for lr in RATES},
        **{f"{count} films": replace(con2, films=count) for count in FILMS},
        **{
            f"{count} films, as many steps": replace(
                con2, films=count, epochs=_epochs(con2, count, everything)
            )
            for count in AS_MANY_STEPS
        },
        **{f"rank {rank}": replace(con2, rank=rank, lr=low_rank_rate) for rank in RANKS},
    }


def _epochs(recipe: Knobs, count: int, everything: int) -> int:
    """So many epochs of `count` films that there are about as many steps as with all of them."""
    steps = recipe.epochs * -(-everything // recipe.batch)
    return max(recipe.epochs, round(steps / -(-count // recipe.batch)))


def _low_rank_rates(material: Material) -> dict[float, list[float]]:
    con2 = material.chosen["con2"]
    return {
        lr: material.cross_validated(replace(con2, rank=RANK_TRIED, lr=lr), score, what="text fold")
        for lr in LOW_RANK_RATES
    }


def score(fold: Fold, recipe: Knobs) -> float:
    """Mean AUROC of the held-out prompts over the held-out films, after tuning on the others."""
    pairs = make_pairs(fold.inside, fold.inside_prompts)
    look = fixed(fold.vectors[fold.collection.rows(pairs.films)])
    return fold.score(carry_out(fold.base, pairs, recipe, look))
