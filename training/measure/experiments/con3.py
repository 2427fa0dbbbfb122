"""CON3: what each of its parts is worth, and what it does on CON2's films and on all of them.

    con3-settings   cross-validation over studies and wordings: what settings are judged by
    con3            five seeds on the pre-listed evaluations and on wordings never seen: what is reported

A *wording* is held out as a whole: a prompt with its opposite, a frame with all its sentences, a template of
report sentences.  The reader's written sentences are in no bank, so all of them are asked.  The image tower
has seen four of the five folds, so its embeddings of the other alone are like those of new films: the folds'
means are listed one by one.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache, cached_property, partial
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from negviz.evaluation.cells import Json
from negviz.evaluation.prompts import template
from negviz.films.collection import Film
from negviz.films.split import FOLDS
from negviz.models.checkpoint import read_family, read_training
from negviz.models.encoder import DualEncoder, with_text
from negviz.models.family import load_models
from negviz.retrieval.metrics import auroc
from training.data.bank import open_bank
from training.data.captions import Bank, Caption, truth
from training.measure.eligible import held_out_fold
from training.measure.experiments.cells import Vectors
from training.measure.experiments.material import Material, picked, recipe_of, sample
from training.measure.experiments.settings import BASE, answers_of_all
from training.measure.experiments.unseen import unseen
from training.measure.reader import WRITTEN, read_written
from training.tune.captions import (
    CaptionConfig,
    Lessons,
    Method,
    TunedOnCaptions,
    towards,
    tune_captions,
    where_to_lie,
)

Keep = Callable[[Caption], bool]
EVERY: Final = 8  # of the typed sentences that are held out, one is asked: there are thousands
FEWEST: Final = 5  # films of either kind without which a held-out caption is not scored
CHOSEN: Final = "CON3"
ON_FEWER: Final = "CON3 on CON2's films"
REFERENCE: Final = "CON2 as chosen"


def _every(caption: Caption) -> bool:
    return True


def _of_effusion(caption: Caption) -> bool:
    return caption.findings <= {"effusion"}


@dataclass(frozen=True)
class Setting:
    """A way of tuning CON3: its knobs, and which captions and films it sees."""

    config: CaptionConfig
    keep: Keep = field(default=_every)
    fewer_films: bool = False  # only those that CON2 was tuned on, and their reports

    def facts(self) -> Json:
        chosen = {name: value for name, value in asdict(self.config).items() if name != "seed"}
        return {**chosen, "captions": self.keep.__name__.strip("_"), "fewer_films": self.fewer_films}


def ablations() -> dict[str, Setting]:
    """CON3 as chosen, drawn back, longer, and without its parts; most of these in half as many steps."""
    chosen = CaptionConfig()
    short = replace(chosen, steps=chosen.steps // 2)
    return {
        CHOSEN: Setting(chosen),
        "three quarters of the way from base": Setting(replace(chosen, interpolate=0.75)),
        "half of the way from base": Setting(replace(chosen, interpolate=0.5)),
        "twice the steps": Setting(replace(chosen, steps=chosen.steps * 2)),
        "without hedges": Setting(replace(chosen, hedged=0)),
        "half the steps": Setting(short),
        "half the steps, without distillation": Setting(replace(short, distil=0.0)),
        "half the steps, without film → captions": Setting(replace(short, choosing=0.0)),
        "half the steps, without denials → films": Setting(replace(short, denials=False)),
        "half the steps, without hedges": Setting(replace(short, hedged=0)),
        "half the steps, without composed sentences": Setting(
            replace(short, composed=0, prompts=15, sentences=20)
        ),
        "half the steps, without report sentences": Setting(
            replace(short, sentences=0, neutral=0, composed=42)
        ),
        "half the steps, effusion alone": Setting(short, keep=_of_effusion),
    }


@dataclass(frozen=True)
class Workshop:
    """Banks and lessons of a family, made once."""

    material: Material
    typed: bool = False  # whether the bank holds what the second reader learns from
    _last: dict[str, Any] = field(default_factory=dict, repr=False)

    @cached_property
    def bank(self) -> Bank:
        films = self.material.films.select("train").films
        return open_bank(self.material.paths, films, typed=self.typed)

    @cached_property
    def near(self) -> Callable[[Method], dict[str, Tensor]]:
        """Where the captions of the bank are drawn to by a recipe, worked out once for any number of runs."""
        films, material = self.material.films.select("train"), self.material
        vectors, family = material.vectors[material.films.rows(films)], material.paths.family
        return cache(
            lambda method: where_to_lie(method, material.base, self.bank, vectors, films.films, family)
        )

    def tune(self, setting: Setting, seed: int, *, hold_out: int | None = None) -> DualEncoder:
        """One run, on all training films or without a fold of films and of wordings.

        Settings that differ in nothing but how far the weights are drawn back share a run.
        """
        base, share = self.material.base, setting.config.interpolate
        whole = replace(setting, config=replace(setting.config, interpolate=1.0))
        if self._last.get("run") != (whole, seed, hold_out):
            self._last.update(run=(whole, seed, hold_out), tuned=self._tune(whole, seed, hold_out))
        tensors = towards(base.text.tunable(), self._last["tuned"].tensors, share)
        return with_text(base, setting.config.method, tensors, base.logit_scale)

    def _tune(self, setting: Setting, seed: int, hold_out: int | None) -> TunedOnCaptions:
        material, config = self.material, replace(setting.config, seed=seed)
        films = [film for film in self.films(setting) if film.fold != str(hold_out)]
        bank = self.bank.where(lambda caption: caption.fold != hold_out and setting.keep(caption))
        bank = bank.of_studies({film.uid for film in films})
        vectors = material.vectors[material.films.rows(films)]
        lessons = Lessons.of(vectors, films, bank, self.near(config.method))
        return tune_captions(material.base, lessons, config)

    def films(self, setting: Setting) -> Sequence[Film]:
        pairs = self.material.pairs
        return pairs.films if setting.fewer_films else self.material.films.select("train").films

    def facts(self, setting: Setting, seed: int) -> Json:
        """All that decides a run."""
        return {"setting": setting.facts(), "seed": seed, "bank": self.bank.hash, **self.material.hashes}


# Choosing -------------------------------------------------------------------------------------


def runs_of_settings(seeds: int) -> int:
    """How many runs it takes: each setting in each fold, whatever the number of seeds."""
    return FOLDS * len(ablations())


def measure_settings(material: Material) -> Json:
    """Mean AUROC of held-out wordings over held-out films, by where they come from and what they ask for."""
    shop, settings = Workshop(material), ablations()
    exams = [Exam.of(material, shop.bank, fold) for fold in range(FOLDS)]
    marks = {BASE: [exam.score(material.base) for exam in exams]} | {name: [] for name in settings}
    for fold, exam in enumerate(exams):  # folds outside: settings that share a run follow one another
        for name, setting in settings.items():
            facts = {"run": "con3 exam", "fold": str(fold), "exam": exam.hash, **shop.facts(setting, 0)}
            scores = material.store.get(facts, partial(_sit, exam, shop, setting, fold))
            marks[name].append({key: float(value[0]) for key, value in scores.items()})
    figures = {
        name: {cell: float(np.mean([marked[cell] for marked in folds])) for cell in folds[0]}
        for name, folds in marks.items()
    }
    best = max((name for name in figures if name != BASE), key=lambda name: figures[name]["mean"])
    return {
        "what": "CON3 and its parts by cross-validation over studies and wordings: mean AUROC over folds; "
        "settings are judged by the mean of the eight columns",
        "folds": [{"films": len(exam.films), "captions": exam.counts} for exam in exams],
        "unseen_by_base": held_out_fold(material.paths.family),
        "settings": {name: setting.facts() for name, setting in settings.items()},
        "figures": figures,
        "by_fold": {name: [marked["mean"] for marked in given] for name, given in marks.items()},
        "best": best,
    }


def _sit(exam: Exam, shop: Workshop, setting: Setting, fold: int) -> dict[str, NDArray[np.float32]]:
    scores = exam.score(shop.tune(setting, 0, hold_out=fold))
    return {name: np.array([value], np.float32) for name, value in scores.items()}


class TextEncoder(Protocol):
    """All that an exam asks of a model."""

    def encode_text(self, texts: Sequence[str]) -> Vectors: ...


@dataclass(frozen=True)
class Exam:
    """Held-out captions and films, and which are right for which."""

    films: tuple[Film, ...]
    vectors: Vectors
    captions: tuple[Caption, ...]
    truth: NDArray[np.float32]  # [captions, films]

    @classmethod
    def of(cls, material: Material, bank: Bank, fold: int) -> Exam:
        films = tuple(film for film in material.films.select("train") if film.fold == str(fold))
        held_out = bank.where(lambda caption: caption.fold == fold).in_both_senses
        asked = [caption for caption in (*held_out, *_written(bank)) if caption.polarity]
        asked = [caption for caption in asked if caption.polarity != "uncertain"]
        typed = [caption for caption in asked if caption.source == "typed"]
        asked = [caption for caption in asked if caption.source != "typed"] + typed[::EVERY]
        facts = truth(asked, films)
        enough = np.minimum((facts == 1).sum(1), (facts == 0).sum(1)) >= FEWEST
        kept = np.flatnonzero(enough)
        vectors = material.vectors[material.films.rows(films)]
        return cls(films, vectors, tuple(asked[i] for i in kept), facts[kept])

    @property
    def hash(self) -> str:
        facts = [(caption.text, caption.said) for caption in self.captions]
        return hashlib.sha256(repr((facts, [film.id for film in self.films])).encode()).hexdigest()

    @property
    def counts(self) -> dict[str, int]:
        """How many captions each figure is a mean of."""
        names = [self._cell(caption) for caption in self.captions]
        return {name: names.count(name) for name in dict.fromkeys(names)}

    @property
    def sizes(self) -> dict[str, int]:
        """How many captions there are of every kind of wording in every cell, by "source/polarity/kind"."""
        return dict(Counter(map(self._kind, self.captions)))

    def kinds(self, model: TextEncoder) -> dict[str, float]:
        """Mean AUROC of these."""
        ranked = model.encode_text([caption.text for caption in self.captions]) @ self.vectors.T
        kinds: dict[str, list[float]] = {}
        for caption, right, scores in zip(self.captions, self.truth, ranked, strict=True):
            value = auroc(right, scores)
            kinds.setdefault(self._kind(caption), []).append(np.nan if value is None else value)
        return {kind: float(np.mean(values)) for kind, values in kinds.items()}

    def score(self, model: TextEncoder) -> dict[str, float]:
        """Each cell's mean AUROC, every kind of wording counting alike, and the mean of the cells."""
        return over_kinds(self.kinds(model))

    @classmethod
    def _kind(cls, caption: Caption) -> str:
        return f"{cls._cell(caption)}/{caption.kind}"

    @staticmethod
    def _cell(caption: Caption) -> str:
        return f"{caption.source if caption.kind != 'written' else 'written'}/{caption.polarity}"


def over_kinds(kinds: Mapping[str, float]) -> dict[str, float]:
    """Of what `Exam.kinds` returns, the mean of each cell, and the mean of the cells."""
    cells: dict[str, list[float]] = {}
    for kind, value in kinds.items():
        cells.setdefault(kind.rpartition("/")[0], []).append(value)
    means = {cell: float(np.mean(values)) for cell, values in cells.items()}
    return {**means, "mean": float(np.mean([*means.values()]))}


def _written(bank: Bank) -> list[Caption]:
    """The reader's written sentences that share no template with a caption of the bank."""
    known = {template(text) for caption in bank.captions for text in (caption.text, caption.opposite) if text}
    return [
        Caption(one.text, tuple(sorted(one.gold)), "sentence", -1, kind="written")  # type: ignore[arg-type]
        for one in read_written(WRITTEN)
        if one.gold and len({finding for finding, _ in one.gold}) == len(one.gold)
        if template(one.text) not in known
    ]


# Reporting ------------------------------------------------------------------------------------


def runs_of_con3(seeds: int) -> int:
    """How many runs it takes: CON3 on all films and on CON2's, and CON2."""
    return 3 * seeds


def measure_con3(material: Material) -> Json:
    """Every seed on the 99 prompts, and on wordings that no caption shares a template with."""
    shop, tasks = Workshop(material), {**material.effusion, **unseen(material)}
    asked = list(dict.fromkeys(prompt for each in tasks.values() for prompt in each.prompts))
    settings = {CHOSEN: Setting(CaptionConfig()), ON_FEWER: Setting(CaptionConfig(), fewer_films=True)}
    con2 = material.chosen["con2"]
    tuned: dict[str, Callable[[int], Vectors]] = {
        REFERENCE: lambda seed: material.tuned(recipe_of(con2, seed), asked),
        **{name: partial(_vectors, material, shop, setting, asked) for name, setting in settings.items()},
    }
    measured = {
        name: sample(tasks, [picked(asked, run(seed)) for seed in material.seeds])
        for name, run in tuned.items()
    }
    return {
        "what": "CON3 on all training films and on exactly CON2's, beside CON2, on the 99 prompts and on "
        "wordings never trained on; differences to the reference are to CON2",
        "settings": {
            REFERENCE: {"films": len(material.pairs)},
            **{name: setting.facts() for name, setting in settings.items()},
        },
        "reference": REFERENCE,
        "questions": tasks,
        "films": answers_of_all(tasks, measured, REFERENCE, totals=True),
    }


def _vectors(material: Material, shop: Workshop, setting: Setting, asked: list[str], seed: int) -> Vectors:
    """What one seed makes of all prompts, [asked, dim]."""
    key = hashlib.sha256(repr(asked).encode()).hexdigest()
    facts: Json = {"run": "con3", "asked": key, **shop.facts(setting, seed)}
    model = partial(_made, material, shop, setting, seed)
    return material.store.get(facts, lambda: {"prompts": model().encode_text(asked)})["prompts"]


def _made(material: Material, shop: Workshop, setting: Setting, seed: int) -> DualEncoder:
    """The family's own CON3 where that is this very run, else one that is tuned now."""
    family = material.paths.family
    known = read_training(family, "con3") if "con3" in read_family(family).columns else {}
    wanted = asdict(replace(setting.config, seed=seed)) | {"training_films": len(shop.films(setting))}
    same = known.get("data", {}).get("captions") == shop.bank.hash
    if same and setting.keep is _every and all(known.get(name) == value for name, value in wanted.items()):
        return load_models(family)["con3"]
    return shop.tune(setting, seed)


__all__ = ["measure_con3", "measure_settings", "runs_of_con3", "runs_of_settings"]
