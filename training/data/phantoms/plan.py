"""The shipped simulated films, one by one: chest, findings, severities, sides, split and counterfactual.

A third is normal; every finding stands alone at ten severities, beside every other, and among three; barely
visible effusions come last.  A counterfactual is the same chest with one finding taken away.  The test films
are fifty chests with effusion, half of them with something else, and the same fifty without: whatever ranks
one half above the other can only have seen the effusion.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np

from negviz.explain.dose import sides_of
from negviz.findings import ABNORMAL
from negviz.phantoms import VISIBLE, Severity, Side
from training.data.phantoms.draw import LEAST, SHIPPED, Wish, draw_severity

_TESTS: Final = 50  # chests, two films each
_LEVELS: Final = 10  # films of each finding alone
_REPEATS: Final = 2  # of each two findings
_TRIPLES: Final = 50
_NORMAL_CHESTS: Final = 125  # beside those that are counterfactuals


@dataclass(frozen=True)
class Order:
    """One film to be made."""

    id: str
    seed: int
    wish: Wish
    split: str = ""
    pair: str = ""  # id of the film of the same chest with, or without, one of the findings


def shipped_plan() -> tuple[Order, ...]:
    """All films of `assets/phantoms`, in the order of its manifest."""
    random, seeds = np.random.default_rng(0), iter(SHIPPED)
    return tuple(
        order
        for group in (_test_chests(random), _alone(), _twos(random), _threes(random), _normal(), _faint())
        for chest in group
        for order in _orders(next(seeds), chest)
    )


@dataclass(frozen=True)
class _Chest:
    wish: Wish
    without: str = ""  # the finding its counterfactual lacks; empty: it has none
    split: str = ""


def _orders(seed: int, chest: _Chest) -> Iterator[Order]:
    if not chest.without:
        yield Order(f"s{seed}", seed, chest.wish, chest.split)
        return
    own, other = (f"s{seed}{letter}" for letter in ("ab" if seed % 2 else "ba"))  # no id tells which it is
    less = {name: severity for name, severity in chest.wish.items() if name != chest.without}
    yield Order(own, seed, chest.wish, chest.split, other)
    yield Order(other, seed, less, chest.split, own)


def _test_chests(random: np.random.Generator) -> Iterator[_Chest]:
    others = [name for name in ABNORMAL if name != "effusion"]
    for number in range(_TESTS):
        beside = random.choice(others, random.integers(1, 3), replace=False) if number % 2 else ()
        wish = {"effusion": _level("effusion", number // 2, _TESTS // 2), **_drawn(random, *beside)}
        yield _Chest(wish, "effusion", "test")


def _alone() -> Iterator[_Chest]:
    for finding in ABNORMAL:
        for number in range(_LEVELS):
            yield _Chest({finding: _level(finding, number, _LEVELS)}, finding if number % 2 else "")


def _twos(random: np.random.Generator) -> Iterator[_Chest]:
    for number, pair in enumerate((*combinations(ABNORMAL, 2),) * _REPEATS):
        yield _Chest(_drawn(random, *pair), pair[number // 2 % 2] if number % 2 else "")


def _threes(random: np.random.Generator) -> Iterator[_Chest]:
    for number in range(_TRIPLES):
        three = random.choice(ABNORMAL, 3, replace=False)
        yield _Chest(_drawn(random, *three), str(three[0]) if number % 2 else "")


def _normal() -> Iterator[_Chest]:
    yield from (_Chest({}) for _ in range(_NORMAL_CHESTS))


def _faint() -> Iterator[_Chest]:
    """A little fluid, neither stated nor denied: what no reader could be sure of."""
    for number in range(_LEVELS):
        value = round(0.05 + (VISIBLE - 0.05) * number / _LEVELS, 2)
        yield _Chest({"effusion": Severity(value, ("right", "left")[number % 2])}, "effusion")


def _level(finding: str, number: int, levels: int) -> Severity:
    """The severity in the middle of one of so many equal steps, the sides taking turns."""
    least, sides = LEAST[finding], sides_of(finding)
    value = round(least + (1 - least) * (number + 0.5) / levels, 2)
    return Severity(value, sides[number % len(sides)] if sides else None)


def _drawn(random: np.random.Generator, *findings: str) -> dict[str, Severity]:
    return {str(name): Severity(draw_severity(random, name), _side(random, name)) for name in findings}


def _side(random: np.random.Generator, finding: str) -> Side | None:
    sides = sides_of(finding)
    return sides[random.integers(len(sides))] if sides else None
