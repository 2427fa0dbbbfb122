"""Whether a collection can be tuned on at all: asked before anything that takes long has begun."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from negviz.films.collection import Collection, Film
from negviz.films.split import FOLDS, TUNED_ON, too_few
from training.data.pairs import PairsError

_FOLDS: Final = frozenset(map(str, range(FOLDS)))
_HOW: Final = "name it in the column denied, or call the film normal"


def check_enough(films: Collection) -> None:
    """Refuse films that CON1 and CON2 cannot be chosen and tuned on.  Raises `PairsError`."""
    if said := _wrong(films):
        raise PairsError(f"{films.name} cannot be tuned on: {said}.")


def _wrong(films: Collection) -> str:
    train = films.select("train")
    if odd := sorted({film.split for film in films} - {"", "test", "train"}):
        return f"its column split says {odd[0]!r}, where test, train or nothing can stand"
    if not len(train):
        if any(film.fold for film in films):
            return "its films have folds and no split; give the column split: test, train or nothing"
        if any(film.split for film in films):
            return "no film is set apart to be tuned on; write train into the column split, or leave it out"
        return too_few(films)
    if odd := sorted({film.fold for film in train} - _FOLDS - {""}):
        return f"its column fold says {odd[0]!r}, where 0 to {FOLDS - 1} can stand, or nothing for all films"
    if both := sorted({film.uid for film in train} & {film.uid for film in films.select("test")}):
        return f"films of study {both[0]} are among test and training films; keep a study together"
    folds = {film.uid: film.fold for film in train}
    if apart := sorted({film.uid for film in train if folds[film.uid] != film.fold}):
        return f"films of study {apart[0]} are in several folds; keep a study together"
    parts = {f"fold {fold}": [film for film in train if film.fold == fold] for fold in sorted(_FOLDS)}
    parts["the test"] = list(films.select("test"))
    return next(filter(None, (_lacking(name, part) for name, part in parts.items())), "")


def _lacking(name: str, films: Sequence[Film]) -> str:
    """What a fold or the test lacks to rank anything."""
    states = {film.states(TUNED_ON, "present") for film in films}
    if True not in states:
        return f"no film of {name} shows {TUNED_ON}"
    return "" if False in states else f"no film of {name} denies {TUNED_ON}; {_HOW}"
