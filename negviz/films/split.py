"""Which films models are tuned on and which they are measured on, where a manifest leaves that open.

It is drawn by study (`uid`) and never by chance: whoever opens the collection, page or command, finds the
same films set apart.  Test studies are as many with the finding that models are tuned on as without, as in
the paper, and folds are dealt out evenly on either side, however rare the finding is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from negviz.films.collection import Film

TUNED_ON: Final = "effusion"  # the finding whose pairs models are tuned on
FOLDS: Final = 5
FEWEST: Final = 10  # studies a side of a test; with fewer, one side cannot fill a gallery
_MOST: Final = 50
_SHARE: Final = 4  # of the scarcer side's studies, one in so many is for the test


def with_split(films: Sequence[Film]) -> tuple[Film, ...] | None:
    """The films set apart, the training films in folds; None where there are too few of either side."""
    sides = studies_by_side(films)[:2]
    each = min(_MOST, *(len(side) // _SHARE for side in sides))
    if each < FEWEST:
        return None
    test = {uid for side in sides for uid in side[:each]}
    return with_folds([replace(film, split="test" if film.uid in test else "train") for film in films])


def with_folds(films: Sequence[Film]) -> tuple[Film, ...]:
    """The films, those for training in folds by study."""
    dealt = [uid for side in studies_by_side(f for f in films if f.split == "train") for uid in side]
    folds = {uid: str(number % FOLDS) for number, uid in enumerate(dealt)}
    return tuple(replace(f, fold=folds[f.uid]) if f.split == "train" else f for f in films)


def studies_by_side(films: Iterable[Film]) -> tuple[list[str], list[str], list[str]]:
    """Studies with the finding, those without, and those that do not say, each in an order of their own."""
    states: dict[str, set[bool | None]] = {}
    for film in films:
        states.setdefault(film.uid, set()).add(film.states(TUNED_ON, "present"))
    ordered = sorted(states, key=lambda uid: hashlib.sha256(f"test {uid}".encode()).digest())
    with_it = [uid for uid in ordered if True in states[uid]]
    without = [uid for uid in ordered if False in states[uid] and True not in states[uid]]
    return with_it, without, [uid for uid in ordered if states[uid] == {None}]


def too_few(films: Iterable[Film]) -> str:
    """Why no test could be drawn, as a clause."""
    with_it, without, _ = map(len, studies_by_side(films))
    needed = _SHARE * FEWEST
    return f"{with_it} studies show {TUNED_ON} and {without} deny it, where a test is drawn of {needed} each"
