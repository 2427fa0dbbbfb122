"""What the compact base learns from: prepared films, what is known of them, report sentences as written.

Simulated films stand beside the real ones: known in full, and without a report.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from negviz.films.collection import OPENI, Collection, Film
from negviz.films.openi import Report
from negviz.findings import FINDINGS
from negviz.models.image_tower import prepare
from negviz.models.text_tower import CompactTextTower
from training.data.films import nih_films, openi_reports
from training.data.phantoms.training_films import SimulatedFilms, simulated_films
from training.paths import Paths

SIDE: Final = 256  # pixels a prepared film has; augmentation samples the network's input from it
_COMMON: Final = 25  # studies a MeSH term needs to be learned
_HEDGED: Final = 0.4  # target where the report hedges …
_HEDGED_INDEXED: Final = 0.8  # … and where NLM's indexers chose the heading nonetheless
_SILENT_WEIGHT: Final = 0.3  # a report that does not mention a finding mostly means it is not there


@dataclass(frozen=True)
class BaseData:
    """Films with targets; row i of every tensor is film i of `collection`."""

    collection: Collection
    films: Tensor  # <uint8>[n, 2, 256, 256]
    labels: tuple[str, ...]  # the findings, then MeSH terms
    targets: Tensor  # <float32>[n, labels]
    weights: Tensor  # <float32>[n, labels]; 0 where not known
    sentences: tuple[tuple[int, ...], ...]  # per film: rows of `texts`
    texts: Tensor  # <float32>[m, 384], pooled and normalised, before the projection
    simulated: int = 0  # how many films, the last ones, are simulated
    mined: int = 0  # how many films, those before them, are NIH's

    @property
    def sources(self) -> dict[str, int]:
        """How many films come from where."""
        others = {"nih": self.mined, "simulated": self.simulated}
        own = len(self.collection) - sum(others.values())
        return {name: count for name, count in {OPENI: own, **others}.items() if count}

    @cached_property
    def hash(self) -> str:
        """SHA-256 over the pixels, the manifest, the targets and their weights."""
        digest = hashlib.sha256(self.collection.hash.encode())
        for tensor in (self.films, self.targets, self.weights):
            digest.update(tensor.numpy().tobytes())
        return digest.hexdigest()


def read_base_data(
    openi: Collection,
    reports: Mapping[str, Report],
    tower: CompactTextTower,
    extra: Collection | None,
    simulated: SimulatedFilms | None = None,
) -> BaseData:
    """Open-i films with their reports, and, if given, films that have labels only (NIH `p_*`, simulated)."""
    terms = _common_terms(reports[uid] for uid in {film.uid for film in openi})
    unique: dict[str, int] = {}
    said = tuple(tuple(_sentence_rows(reports[film.uid], unique)) for film in openi)
    mined = extra.films if extra is not None else ()
    made = simulated.films if simulated is not None else ()
    known = [_openi_targets(film, reports[film.uid], terms) for film in openi]
    known += [_labelled_targets(film, len(terms)) for film in mined]
    known += [_simulated_targets(film, len(terms)) for film in made]
    prepared = torch.stack([*_prepare(openi), *(_prepare(extra) if extra is not None else ())])
    return BaseData(
        collection=Collection("base", (*openi.films, *mined, *made)),
        films=prepared if simulated is None else torch.cat([prepared, simulated.pixels]),
        labels=(*FINDINGS, *terms),
        targets=torch.tensor([target for target, _ in known]),
        weights=torch.tensor([weight for _, weight in known]),
        sentences=(*said, *(() for _ in (*mined, *made))),
        texts=_encode(tower, list(unique)),
        simulated=len(made),
        mined=len(mined),
    )


def simulated_data(simulated: SimulatedFilms) -> BaseData:
    """Simulated films alone: no MeSH term, no sentence."""
    known = [_simulated_targets(film, 0) for film in simulated.films]
    return BaseData(
        collection=Collection("simulated", simulated.films),
        films=simulated.pixels,
        labels=FINDINGS,
        targets=torch.tensor([target for target, _ in known]),
        weights=torch.tensor([weight for _, weight in known]),
        sentences=tuple(() for _ in known),
        texts=torch.zeros(0, 1),
        simulated=len(known),
    )


def _prepare(collection: Collection) -> Iterator[Tensor]:
    for film in tqdm(collection, desc=f"reading films of {collection.name}", unit="film"):
        yield prepare(collection.image(film), SIDE)


def _sentence_rows(report: Report, unique: dict[str, int]) -> Iterator[int]:
    for sentence in dict.fromkeys(report.sentences):
        yield unique.setdefault(sentence, len(unique))


def _encode(tower: CompactTextTower, sentences: Sequence[str]) -> Tensor:
    """Mean-pooled encoder states `<float32>[m, width]`; the projection is what training learns."""
    shortest_first = sorted(range(len(sentences)), key=lambda row: len(sentences[row]))  # little padding
    encoded = torch.empty(len(sentences), tower.encoder.config.hidden_size)
    with torch.inference_mode():
        for start in tqdm(range(0, len(sentences), 64), desc="reading sentences", unit="batch"):
            rows = shortest_first[start : start + 64]
            tokens = tower.tokenize([sentences[row] for row in rows])
            encoded[rows] = F.normalize(tower.pooled(**tokens), dim=-1)
    return encoded


# Targets --------------------------------------------------------------------------------------


def _terms(report: Report) -> set[str]:
    """MeSH headings and each with one of its qualifiers: "Opacity", "Opacity/left"."""
    parts = [term.split("/") for term in report.mesh]
    return {heading for heading, *_ in parts} | {f"{h}/{q}" for h, *rest in parts for q in rest}


def _common_terms(reports: Iterator[Report]) -> tuple[str, ...]:
    counts = Counter(term for report in reports for term in _terms(report))
    return tuple(sorted(term for term, count in counts.items() if count >= _COMMON))


def _openi_targets(film: Film, report: Report, terms: Sequence[str]) -> tuple[list[float], list[float]]:
    findings = [_finding_target(film, name) for name in FINDINGS]
    found = _terms(report)
    targets = [target for target, _ in findings] + [float(term in found) for term in terms]
    return targets, [weight for _, weight in findings] + [1.0] * len(terms)


def _finding_target(film: Film, name: str) -> tuple[float, float]:
    """Target and weight."""
    if name in film.uncertain:
        return (_HEDGED_INDEXED if name in film.indexed else _HEDGED), 1.0
    has = film.states(name, "present")
    if name == "normal":  # a report that finds nothing of ours may still find something
        return float(bool(has)), 1.0
    return float(bool(has)), (_SILENT_WEIGHT if has is None else 1.0)


def _labelled_targets(film: Film, terms: int) -> tuple[list[float], list[float]]:
    """Mined labels: what is missing is probably absent; nothing is known of MeSH terms."""
    findings = [_finding_target(film, name) for name in FINDINGS]
    return [t for t, _ in findings] + [0.0] * terms, [w for _, w in findings] + [0.0] * terms


def _simulated_targets(film: Film, terms: int) -> tuple[list[float], list[float]]:
    """Nothing is guessed: what could be read either way does not count."""
    states = [film.states(name, "present") for name in FINDINGS]
    targets, weights = [float(bool(s)) for s in states], [float(s is not None) for s in states]
    return targets + [0.0] * terms, weights + [0.0] * terms


# From what a command was given -----------------------------------------------------------------


def training_data(paths: Paths, tower: CompactTextTower, *, simulated: int, hold_out: str) -> BaseData:
    """What the base learns from: real films but those of the fold kept out, and simulated ones."""
    reports = openi_reports(paths.need_films())
    trained, _ = sides(paths.open_collection(), hold_out)
    made = simulated_films(simulated, work=paths.work) if simulated else None
    return read_base_data(trained, reports, tower, _extra(paths), made)


def sides(films: Collection, hold_out: str) -> tuple[Collection, Collection]:
    """Training films that are trained on, and those of the fold kept out."""
    train = films.select("train")
    return train.where(lambda film: film.fold != hold_out), train.where(lambda film: film.fold == hold_out)


def _extra(paths: Paths) -> Collection | None:
    """NIH films that may help to train; the external test is not among them."""
    if paths.nih is None:
        return None
    films, _ = nih_films(paths.nih, keep=lambda name: name.startswith("p_"))
    return Collection("nih-train", tuple(films), paths.nih)
