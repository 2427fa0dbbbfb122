"""CON4 as it ships, several seeds of it, beside CON3 and beside what composes vectors without any training.

The prompts are the 99 and three files of wordings that no tuning saw, of which `blind-again.csv` was written
before CON4's settings were chosen, for this one look.  What is composed as labelled is as far as a text tower
that only reads could come; as the rules read it, how far one comes without tuning one.
"""

from __future__ import annotations

from typing import Final

from negviz.evaluation.cells import Json
from negviz.models.checkpoint import read_training
from negviz.models.encoder import DualEncoder
from negviz.models.family import load_models
from training.data.bank import BLIND_AGAIN
from training.data.captions import Said
from training.measure.experiments.cells import Sampled
from training.measure.experiments.con4 import AS_LABELLED, AS_READ, Composed, read, training_directions
from training.measure.experiments.material import Material, ProbedEvaluation, sample
from training.measure.experiments.settings import answers_of_all
from training.measure.experiments.unseen import Unseen, unseen
from training.measure.generalisation import BLIND, FILE
from training.measure.retuned import Retuned
from training.paths import PROMPTS, FilmsError

MEASURED: Final = "CON4"
REFERENCE: Final = "CON3"
FILES: Final = {
    "unseen wordings": FILE,
    "blind wordings": BLIND,
    "wordings kept for one look": PROMPTS / BLIND_AGAIN,
}


def runs_of_seeds(seeds: int) -> int:
    """How many runs it takes: a seed each."""
    return seeds


def measure_seeds(material: Material) -> Json:
    """Every seed on the 99 prompts and on unseen wordings, of every collection.

    Raises `FilmsError` where the family has no CON3 or CON4.
    """
    models = load_models(material.paths.family)
    if not {"con3", "con4"} <= models.keys():
        raise FilmsError("The family needs con3 and con4 first: run `python -m training con4`.")
    tasks = {**material.effusion, **unseen(material, FILES)}
    composed = Composed(training_directions(material), material.base, read)
    measured: dict[str, dict[str, Sampled]] = {
        REFERENCE: sample(tasks, [models["con3"].encode_text]),
        MEASURED: sample(tasks, [model.encode_text for model in _seeds(material, models["con4"])]),
        AS_READ: sample(tasks, [composed.encode_text]),
        AS_LABELLED: {name: _as_labelled(material, composed, each) for name, each in tasks.items()},
    }
    return {
        "what": "CON4 beside CON3 and beside vectors composed without training, on the 99 prompts and on "
        "wordings never trained on; differences to the reference are to CON3",
        "settings": {MEASURED: read_training(material.paths.family, "con4")},
        "reference": REFERENCE,
        "questions": tasks,
        "films": answers_of_all(tasks, measured, REFERENCE, totals=True),
    }


def _seeds(material: Material, ships: DualEncoder) -> list[DualEncoder]:
    """CON4 from every seed; the one that ships is not tuned again."""
    own = read_training(material.paths.family, "con4").get("seed")
    again = Retuned(material.paths, fold="")
    models = []
    for seed in material.seeds:
        models.append(ships if seed == own else again.tuned("con4", seed=seed))
        material.store.count(made=seed != own)
    return models


def _as_labelled(material: Material, composed: Composed, each: ProbedEvaluation) -> Sampled:
    """What a prompt is labelled to say, in place of what is read."""
    said: dict[str, Said] = {row.prompt: ((row.finding, row.polarity),) for row in each.task.rows}
    if isinstance(each, Unseen):
        said = {one.row.prompt: tuple((m.finding, m.polarity) for m in one.mentions) for one in each.wordings}
    labelled = Composed(composed.directions, material.base, said.__getitem__)
    return Sampled.of(each.task, [(labelled.encode_text(each.prompts), each.films)])


__all__ = ["measure_seeds", "runs_of_seeds"]
