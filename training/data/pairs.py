"""Opposition pairs: a film with a finding and one without, a prompt for it and one against."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from negviz.common.errors import NegvizError
from negviz.evaluation.prompts import PromptRow
from negviz.films.collection import Collection, Film


class PairsError(NegvizError):
    """Films or prompts that make no pairs; the message says what is missing."""


@dataclass(frozen=True)
class Pairs:
    """Films of both classes and the captions that are true of each.

    Row i of `has` says whether film i has the finding; captions come as (true of it, opposite).
    """

    films: tuple[Film, ...]
    has: NDArray[np.bool_]  # <bool>[n]
    captions: tuple[tuple[str, str], ...]  # true of films with the finding, opposite
    denials: tuple[tuple[str, str], ...]  # true of films without it, opposite

    def __len__(self) -> int:
        return len(self.films)

    def draw(self, film: int, random: np.random.Generator) -> tuple[str, str, int]:
        """A caption of the film, its opposite, and a distractor: a film of the other class."""
        true = self.captions if self.has[film] else self.denials
        caption, opposed = true[int(random.integers(len(true)))]
        others = np.flatnonzero(self.has != self.has[film])
        return caption, opposed, int(random.choice(others))

    @property
    def hash(self) -> str:
        """SHA-256 over film ids, classes and captions."""
        facts = [(film.id, bool(h)) for film, h in zip(self.films, self.has, strict=True)]
        return hashlib.sha256(repr((facts, self.captions, self.denials)).encode()).hexdigest()


def make_pairs(
    collection: Collection,
    prompts: Sequence[PromptRow],
    finding: str = "effusion",
    seed: int = 0,
    *,
    balanced: bool = True,
) -> Pairs:
    """All training films with the finding and as many that lack it, at most one of a study in the latter.

    Films with it are those that state it and those whose report hedges while NLM's indexers chose it.
    Films without it are drawn by seed, half of them otherwise abnormal, so that telling abnormal from
    normal is not enough.  Unless `balanced`, they are all that there are.
    """
    train = [film for film in collection if film.split == "train"]
    with_it = [film for film in train if finding in film.findings or finding in film.uncertain & film.indexed]
    without = [film for film in train if film.states(finding, "absent")]
    without = _draw_without(without, len(with_it), seed) if balanced else without
    captions = _captions(prompts, finding, "present")
    denials = _captions(prompts, finding, "absent")
    for what, found in (
        ("films with", with_it),
        ("films without", without),
        ("prompts for", captions),
        ("prompts against", denials),
    ):
        if not found:
            raise PairsError(f"There are no {what} {finding} among the training films and prompts.")
    films = (*with_it, *without)
    return Pairs(films, np.arange(len(films)) < len(with_it), captions, denials)


def _draw_without(films: Sequence[Film], count: int, seed: int) -> list[Film]:
    order = np.random.default_rng(seed).permutation(len(films))
    one_a_study = list({films[i].uid: films[i] for i in order}.values())
    abnormal = [film for film in one_a_study if film.findings - {"normal"}]
    others = [film for film in one_a_study if not film.findings - {"normal"}]
    half = min(count // 2, len(abnormal))
    return [*abnormal[:half], *others[: count - half]]


def _captions(prompts: Sequence[PromptRow], finding: str, polarity: str) -> tuple[tuple[str, str], ...]:
    rows = [row for row in prompts if row.finding == finding and row.polarity == polarity]
    for row in rows:
        if not row.extra.get("opposite"):
            raise PairsError(f"The training prompt {row.prompt!r} has no opposite; fill in its column.")
    return tuple((row.prompt, row.extra["opposite"]) for row in rows)
