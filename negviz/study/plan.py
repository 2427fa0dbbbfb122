"""What one reader of a study is shown, in which order and on which side.

trials = plan(design, "K7QM3XPD")
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from negviz.study.design import Design


@dataclass(frozen=True)
class Trial:
    """One item as one reader sees it."""

    item: int  # its place in `Design.items`
    flipped: bool  # the second model of the pair is on the left

    def models(self, design: Design) -> tuple[str, str]:
        """The model on the left and the one on the right."""
        first, second = design.items[self.item].models
        return (second, first) if self.flipped else (first, second)


def plan(design: Design, code: str) -> tuple[Trial, ...]:
    """Every item once, in an order and on sides drawn for this reader: the same for the same code and seed.

    Within a pair of models, and within its sentences of one kind and polarity, either model is on the left
    as often as the other, give or take one.  Every sentence comes once before any comes again, and where it
    can be helped not twice in a row, so a reader who stops early has seen them evenly.
    """
    digest = hashlib.sha256(f"{design.seed}:{code}".encode()).digest()
    rng = np.random.default_rng(int.from_bytes(digest))
    flipped = _sides(design, rng)
    return tuple(Trial(item, flipped[item]) for item in _order(design, rng))


def _sides(design: Design, rng: np.random.Generator) -> dict[int, bool]:
    strata: dict[tuple[str, str], dict[tuple[str, str], list[int]]] = defaultdict(lambda: defaultdict(list))
    for place, item in enumerate(design.items):
        sentence = design.sentences[item.sentence]
        strata[item.models][sentence.kind, sentence.polarity].append(place)
    flipped = {}
    for cells in strata.values():
        side = bool(rng.integers(2))
        for places in cells.values():
            for place in rng.permutation(places):
                flipped[int(place)] = side
                side = not side
    return flipped


def _order(design: Design, rng: np.random.Generator) -> list[int]:
    by_sentence: dict[int, list[int]] = defaultdict(list)
    for place in rng.permutation(len(design.items)):
        by_sentence[design.items[place].sentence].append(int(place))
    order: list[int] = []
    while any(by_sentence.values()):
        once = [places.pop() for places in by_sentence.values() if places]
        turn = [once[i] for i in rng.permutation(len(once))]
        if order and len(turn) > 1 and _same_sentence(design, order[-1], turn[0]):
            turn[0], turn[1] = turn[1], turn[0]
        order += turn
    return order


def _same_sentence(design: Design, one: int, other: int) -> bool:
    return design.items[one].sentence == design.items[other].sentence
