"""CON4: its settings by cross-validation over studies and wordings, and what each of its parts is worth.

    con4-settings   every setting on one fold, the best two on all five

All settings sit the exam of `training.measure.experiments.con3` on the fold of studies that base never saw,
with a fifth of the wordings held out; of those as short as most, the two that do best there sit it on as many
folds as `FINAL_FOLDS` says, and the better of them is what CON4 is by default, but for its steps.  Sentences
as people type them are a source of their own, so ten columns count alike.  The marks of every kind of wording
are told beside the columns: they say what a grammar lacks.

Two lines need no training: the vector composed of what a sentence says (`negviz.models.directions`), as it is
labelled, which is as far as a text tower that only reads could come, and as the rules read it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np

from negviz.evaluation.cells import Json
from negviz.films.split import FOLDS
from negviz.language.prompt import read_mentions
from negviz.models.directions import FindingDirections
from negviz.models.encoder import DualEncoder
from training.data.captions import Caption, Said
from training.measure.eligible import held_out_fold
from training.measure.experiments.cells import Vectors
from training.measure.experiments.con3 import Exam, Setting, TextEncoder, Workshop, over_kinds
from training.measure.experiments.material import Material
from training.measure.experiments.settings import BASE
from training.tune.captions import CON3, CON4
from training.tune.directions import find_directions

FINALISTS: Final = 2
FINAL_FOLDS: Final = 5  # the first among them
AS_LABELLED: Final = "composed of what is said"
AS_READ: Final = "composed of what rules read"
WHOLE: Final = "all parts"
NO_RANKING: Final = "without ranking"
SHORT: Final = replace(  # every part, CON3's two terms with the weights they have there
    CON4, steps=240, ranking=CON3.ranking, choosing=CON3.choosing
)


def _narrow(caption: Caption) -> bool:
    return caption.source != "typed"


def trials() -> dict[str, Setting]:
    """CON4 with all its parts, without each, and with more or less of what counts most."""
    told = replace(SHORT, ranking=0.0, choosing=0.0)
    typed = replace(told, typed=44, sentences=8, prompts=3, hedged=2, neutral=2)
    return {
        WHOLE: Setting(SHORT),
        NO_RANKING: Setting(told),
        f"{NO_RANKING}, typed sentences alike": Setting(replace(told, alike=True)),
        f"{NO_RANKING}, more as people type": Setting(typed),
        f"{NO_RANKING}, all layers": Setting(replace(told, frozen=0)),
        f"{NO_RANKING}, twice the steps": Setting(replace(told, steps=2 * SHORT.steps)),
        "without distillation": Setting(replace(SHORT, distil=0.0)),
        "without naming": Setting(replace(SHORT, naming=0.0)),
        "narrow grammar": Setting(replace(SHORT, typed=0, composed=45), keep=_narrow),
    }


def runs_of_trials(seeds: int) -> int:
    """How many runs it takes, whatever the number of seeds."""
    return len(trials()) + FINALISTS * (FINAL_FOLDS - 1)


def measure_trials(material: Material) -> Json:
    """Mean AUROC of held-out wordings over held-out films, by where they come from and what they ask for."""
    shop, tried = Workshop(material, typed=True), trials()
    first = int(held_out_fold(material.paths.family) or 0)
    exams = {fold: Exam.of(material, shop.bank, fold) for fold in range(FOLDS)}
    free = _free(material, exams.values())

    def sit(name: str, fold: int) -> dict[str, float]:
        exam = exams[fold]
        facts = {
            "run": "con4 exam, by kind",
            "fold": str(fold),
            "exam": exam.hash,
            **shop.facts(tried[name], 0),
        }
        kinds = material.store.get(facts, partial(_sit, exam, shop, tried[name], fold))
        return {kind: float(value[0]) for kind, value in kinds.items()}

    kinds = {name: exams[first].kinds(model) for name, model in free.items()}
    kinds |= {name: sit(name, first) for name in tried}
    figures = {name: over_kinds(of) for name, of in kinds.items()}
    fewest = min(setting.config.steps for setting in tried.values())
    short = [name for name, setting in tried.items() if setting.config.steps == fewest]
    best = sorted(short, key=lambda name: -figures[name]["mean"])[:FINALISTS]
    others = [fold for fold in exams if fold != first][: FINAL_FOLDS - 1]
    more = {(name, fold): over_kinds(sit(name, fold))["mean"] for fold in others for name in best}
    finals = {name: [figures[name]["mean"], *(more[name, fold] for fold in others)] for name in best}
    return {
        "what": "CON4 and its parts by cross-validation over studies and wordings: mean AUROC; settings are "
        "judged by the mean of the columns",
        "folds": {
            str(fold): {"films": len(exams[fold].films), "captions": exams[fold].counts}
            for fold in (first, *others)
        },
        "settings": {name: setting.facts() for name, setting in tried.items()},
        "figures": figures,
        "kinds": exams[first].sizes,
        "by_kind": kinds,
        "finals": finals,
        "best": max(finals, key=lambda name: float(np.mean(finals[name]))),
    }


def _sit(exam: Exam, shop: Workshop, setting: Setting, fold: int) -> dict[str, Vectors]:
    kinds = exam.kinds(shop.tune(setting, 0, hold_out=fold))
    return {kind: np.array([value], np.float32) for kind, value in kinds.items()}


# Without training -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Composed:
    """Vectors composed of what sentences say; base's where that is nothing certain."""

    directions: FindingDirections
    base: DualEncoder
    says: Callable[[str], Said]

    def encode_text(self, texts: Sequence[str]) -> Vectors:
        composed = [self.directions.compose(self.says(text)) for text in texts]
        return np.stack(
            [
                self.base.encode_text([text])[0] if vector is None else vector
                for text, vector in zip(texts, composed, strict=True)
            ]
        )


def training_directions(material: Material) -> FindingDirections:
    """The findings' directions that CON4 composes of."""
    films, family = material.films.select("train"), material.paths.family
    vectors = material.vectors[material.films.rows(films)]
    return find_directions(material.base, vectors, films.films, family=family)


def _free(material: Material, exams: Iterable[Exam]) -> dict[str, TextEncoder]:
    directions = training_directions(material)
    said = {caption.text: caption.said for exam in exams for caption in exam.captions}
    return {
        BASE: material.base,
        AS_LABELLED: Composed(directions, material.base, said.__getitem__),
        AS_READ: Composed(directions, material.base, read),
    }


def read(text: str) -> Said:
    return tuple((mention.finding, mention.polarity) for mention in read_mentions(text))


__all__ = ["measure_trials", "runs_of_trials"]
