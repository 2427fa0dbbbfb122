"""What the map says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from negviz.explain.projection import METHODS, Judged, Mover, Separation

HEADING: Final = "Where your sentence sits"
MEANING: Final = "Near means treated alike; the axes mean nothing."
WHAT: Final = "Map of"
SHEETS: Final = {"effusion": "{n} sentences on effusion", "findings": "{n} on all findings"}
FILMS: Final = "Films: {collection}"
METHOD: Final = "Drawn by"
COLOUR: Final = "Shape and colour"
COLOURS: Final = {
    "polarity": "present or absent",
    "finding": "finding",
    "kind": "structured or natural",
    "right": "right or wrong",
}
PANE: Final = "Model"
FORGET: Final = "Unmark all"
LOADING: Final = "The map is being drawn …"
FAILED: Final = "The map did not come; choose again to retry."
WAITING: Final = "Ask for films to see where your sentence sits."
TYPED: Final = "your sentences"
PLACED: Final = "placed among its neighbours, not computed like the others"
TOP_FILMS: Final = "first ten films"
CENTRE: Final = "your sentence: a placement, the centre of its first ten films"
_ARROWS: Final = "Arrows: from where the first model has your sentence."
HOW: Final = (
    "Click a point to search its sentence. Draw around points to mark them in every pane; the list below "
    f"does the same. {_ARROWS}"
)
HOW_NARROW: Final = f"Tap a point to search its sentence. Mark sentences in the lists below. {_ARROWS}"
HOW_FILMS: Final = (
    "Each point is a film. Hover to see it, click to select it everywhere; draw around points to find them "
    "in the columns. Rings: the first ten films."
)
MARKED: Final = "{n} marked"
MARKED_FILMS: Final = (
    "{n} films marked: {among} of the {shown} places in the columns show one, the others are dim"
)
SEARCH: Final = "Search: {text}"
MARK: Final = "Mark on the map: {text}"
MOVED: Final = "What moved furthest from Base"
LIST: Final = "All sentences as a list"
LIST_COLUMNS: Final = ("Mark", "Sentence", "Finding", "Asks for", "Wording")
NOT_JUDGED: Final = "not judged"
NEAREST: Final = "{model} treats it like"
UNLIKE: Final = "Unlike every sentence of this map, so its place says little."
UNSTATED: Final = "no finding stated"


def silhouette(by: str, vectors: Separation, flat: Separation) -> str:
    """How far groups lie apart, in the model and in the picture of it."""
    apart = "Present and absent apart" if by == "polarity" else "Findings apart"
    return f"{apart}: {_interval(vectors)} in the model, {_interval(flat)} in this picture"


SILHOUETTE: Final = (
    "Silhouette: 1 far apart, 0 mixed, below 0 nearer to others; 95 % intervals over sentences."
)


def _interval(given: Separation) -> str:
    low, high = given.interval
    return f"{number(given.value)} ({number(low)} to {number(high)})"


def number(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


def judged(given: Judged) -> str:
    if not given.judged:
        return NOT_JUDGED
    chance = "" if given.random_picks is None else f" · random picks: {given.random_picks:.1f}"
    return f"{given.matches} of {given.judged} match{chance.removesuffix('.0')}"


def unmapped(names: Sequence[str]) -> str:
    """Columns that have no pane."""
    has = "has" if len(names) == 1 else "have"
    return f"{_listed(names)} {has} no map of sentences: only models of the family are mapped."


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def moved(mover: Mover) -> str:
    return f"moved {number(mover.distance)} radii · cosine with Base {number(mover.cosine)}"


def comparable(method: str, error: float) -> str:
    """What makes the panes comparable and how far a placement can be trusted."""
    start = "start from the same points and " if METHODS[method].by_chance else ""
    return (
        f"All panes {start}are turned onto Base's, so that only differences show. A typed sentence is a "
        f"placement: the mean of its nearest neighbours, wrong by {number(error)} of the map's radius on "
        "average when sentences of the map are left out."
    )
