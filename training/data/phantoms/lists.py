"""For each finding fifty films that have it and fifty that deny it: a fair search for a sentence about it.

Half of those that deny it show another finding, so that who ranks ill films last is not taken for one who
sees the finding.  Both films of a pair, of the same chest, come first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from negviz.films.collection import Film
from negviz.findings import ABNORMAL

EACH: Final = 50  # films that have a finding, and films that deny it


def lists_of(films: Sequence[Film], pairs: Mapping[str, str]) -> Mapping[str, frozenset[str]]:
    """The films of every finding's list, by id; `pairs` names the other film of a chest."""
    return {finding: frozenset(_listed(finding, films, pairs)) for finding in ABNORMAL}


def named(lists: Mapping[str, frozenset[str]], id_: str) -> str:
    """The findings in whose lists a film is, as its row of the manifest says it."""
    return "|".join(finding for finding, ids in lists.items() if id_ in ids)


def _listed(finding: str, films: Sequence[Film], pairs: Mapping[str, str]) -> Iterable[str]:
    """Films of a pair before others, test films before others, and the rest as their hashes fall."""
    state = {film.id: film.states(finding, "present") for film in films}

    def order(film: Film) -> tuple[bool, bool, str]:
        other = state.get(pairs.get(film.id, ""))
        paired = other is not None and other != state[film.id]
        chest = hashlib.sha256(f"{finding} {film.uid}".encode()).hexdigest()  # both films of a pair alike
        return not paired, film.split != "test", chest

    ranked = sorted(films, key=order)
    having = [film.id for film in ranked if state[film.id]]
    healthy = [film.id for film in ranked if film.findings == {"normal"}]
    ill = [film.id for film in ranked if state[film.id] is False and film.findings - {"normal"}]
    return [*having[:EACH], *healthy[: EACH // 2], *ill[: EACH // 2]]
