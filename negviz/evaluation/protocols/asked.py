"""What a protocol is put to, and the figures it gives.

Intervals are drawn over studies: all films of a study, and all questions put to them, are drawn together.
A share of which every question is answered alike cannot move in a bootstrap; then the exact binomial bounds
(Clopper and Pearson 1934) for as many studies stand in its place, and none where there is no such count.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from negviz.evaluation.ceiling import Indices
from negviz.films.collection import Collection, Film
from negviz.findings import ABNORMAL, BY_NAME
from negviz.retrieval.estimate import RESAMPLES, Estimate
from negviz.retrieval.metrics import Counts, Floats, average, draw, unanimous_interval
from negviz.retrieval.search import cosines

FEWEST: Final = 10  # films that show a finding, and films that lack it, for it to have a figure of its own


class Reads(Protocol):
    """All that is asked of a model: unit vectors [n, dim] of sentences."""

    def encode_text(self, texts: Sequence[str]) -> npt.NDArray[np.float32]: ...


@dataclass(frozen=True)
class ProtocolFigure:
    """One figure of one protocol."""

    quantity: str  # "accuracy", "R@5", "AUC, positive prompts"
    group: str  # what it is over: "all", a kind of question, a finding
    estimate: Estimate
    chance: float
    n: int  # questions, sentences or films it is over
    studies: int


@dataclass(frozen=True, eq=False)
class Asked:
    """Films, and how near a model puts each to any sentence."""

    model: Reads
    films: Collection
    vectors: Floats  # [films, dim] unit length
    resamples: int = RESAMPLES
    seed: int = 0
    known: dict[str, Floats] = field(default_factory=dict, repr=False)  # sentences that were encoded

    @classmethod
    def of(
        cls,
        model: Reads,
        films: Collection,
        vectors: npt.NDArray[Any],
        *,
        resamples: int = RESAMPLES,
        seed: int = 0,
    ) -> Asked:
        """`vectors` [films, dim] in the films' order."""
        return cls(model, films, vectors.astype(np.float64), resamples, seed)

    def where(self, rows: Indices) -> Asked:
        """The same model before some of the films."""
        some = replace(self.films, films=tuple(self.films.films[row] for row in rows))
        return replace(self, films=some, vectors=self.vectors[rows])

    def scores(self, texts: Sequence[str]) -> Floats:
        """Cosines [texts, films]."""
        return np.asarray(cosines(self.vectors, self.texts(texts)), np.float64)

    def texts(self, texts: Sequence[str]) -> Floats:
        """Unit vectors [texts, dim], each different text encoded once."""
        new = [text for text in dict.fromkeys(texts) if text not in self.known]
        if new:
            self.known.update(zip(new, self.model.encode_text(new).astype(np.float64), strict=True))
        return np.stack([self.known[text] for text in texts])

    @cached_property
    def shown(self) -> dict[str, Floats]:
        """By finding, [films] 1 shows it, 0 lacks it, nan where that is not known."""
        states = {finding: [film.states(finding, "present") for film in self.films] for finding in BY_NAME}
        return {
            finding: np.array([np.nan if state is None else float(state) for state in each])
            for finding, each in states.items()
        }

    @property
    def findings(self) -> tuple[str, ...]:
        """Those with films enough on either side for figures of their own."""
        return tuple(f for f in ABNORMAL if min((self.shown[f] == side).sum() for side in (1, 0)) >= FEWEST)

    @cached_property
    def study(self) -> Indices:
        """[films] the study each is of."""
        return np.unique([film.uid for film in self.films], return_inverse=True)[1]

    @cached_property
    def draws(self) -> Counts:
        """[resamples, films] how often each was drawn, by study."""
        counts = draw(int(self.study.max()) + 1, times=self.resamples, seed=self.seed)
        return counts[:, self.study]

    def share(
        self, quantity: str, group: str, right: Floats, film: Indices, chance: float | Floats
    ) -> ProtocolFigure:
        """Mean of `right` [questions], 0 to 1, each put to a `film` [questions]."""
        studies = len(np.unique(self.study[film]))
        estimate = Estimate.of(float(right.mean()), average(right[None], self.draws[:, film]))
        if np.all(right == right[0]):
            estimate = Estimate(float(right[0]), *(unanimous_interval(float(right[0]), studies) or ()))
        return ProtocolFigure(quantity, group, estimate, float(np.mean(chance)), len(right), studies)


def called(finding: str) -> str:
    """A finding as the protocols name it: "Pleural Effusion"."""
    return BY_NAME[finding].said[1].title()


def showing(film: Film) -> tuple[str, ...]:
    return tuple(finding for finding in ABNORMAL if film.states(finding, "present"))


def lacking(film: Film) -> tuple[str, ...]:
    """Findings that the film is known not to show."""
    return tuple(finding for finding in ABNORMAL if film.states(finding, "present") is False)


def pick(among: Sequence[str], *key: str) -> str:
    """One of several, the same on every call and without favour: its place comes from a sum over the key."""
    return among[zlib.crc32("|".join(key).encode()) % len(among)]
