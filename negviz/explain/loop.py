"""Twenty seconds of what a "no" does: five scenes, each what was measured over the films on show.

    scenes = make_loop(ask, answer)     # `ask` puts a sentence to the models over the same films

The first model is the base, the last one is tuned.  A scene claims nothing: it counts, beside chance.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from negviz.language.prompt import Prompt
from negviz.retrieval.answer_types import Answer, Column
from negviz.retrieval.comparison import Comparison
from negviz.retrieval.search import Hit

SECONDS: Final = 20  # all scenes together
About = Literal["asked", "taken away", "stays", "tuned", "normal"]


@dataclass(frozen=True)
class Scene:
    """The ten films of one model, and how many of them are what the scene is about."""

    about: About
    prompt: Prompt  # as it was put to the model
    struck: tuple[tuple[int, int], ...]  # stretches of the first sentence that are left out, if that is all
    model: str
    hits: tuple[Hit, ...]
    outlined: frozenset[str]  # ids of films to be pointed out; none where all are meant
    films: int  # that are what the scene is about
    of: int  # so many were counted
    by_chance: float | None  # of as many films picked at random


def make_loop(ask: Callable[[str], Answer], denied: Answer) -> tuple[Scene, ...]:
    """The scenes of a sentence that rules something out; none where it does not, or has no contrary."""
    if not tells(denied) or denied.opposite is None:
        return ()
    stated = ask(denied.opposite.text)
    base, tuned = denied.columns[0], denied.columns[-1]
    struck = _struck(denied.prompt, denied.opposite)
    scenes = [_shown("asked", denied, base), _without(stated, struck), _stays(denied, stated, struck)]
    scenes += [_shown("tuned", denied, tuned)] if tuned is not base else []
    return (*scenes, *_normal(denied, tuned))


def tells(answer: Answer) -> bool:
    """Whether a sentence rules one thing out that films were judged by."""
    said = [mention.polarity for mention in answer.mentions]
    return answer.marked and said == ["absent"] and answer.columns[0].tally.judged > 0


def _struck(denied: Prompt, stated: Prompt) -> tuple[tuple[int, int], ...]:
    """The cues, where the contrary is the sentence without them."""
    cues = tuple(cue.span for cue in denied.cues if cue.kind == "negation")
    left = denied.text
    for start, end in reversed(cues):
        left = left[:start] + left[end:]
    same = left.lower().split() == stated.text.lower().split()
    return cues if same and not stated.canonical else ()


def _shown(about: About, denied: Answer, column: Column) -> Scene:
    """Films of a model that show what is ruled out."""
    tally, right = column.tally, column.random_picks
    chance = None if right is None else tally.judged - right
    wrong, of = tally.contradicts, tally.judged
    return Scene(about, denied.prompt, (), column.model, column.hits, frozenset(), wrong, of, chance)


def _without(stated: Answer, struck: tuple[tuple[int, int], ...]) -> Scene:
    """Films of the base that show it when the "no" is gone."""
    column = stated.columns[0]
    found, of = column.tally.matches, column.tally.judged
    return Scene(
        "taken away",
        stated.prompt,
        struck,
        column.model,
        column.hits,
        frozenset(),
        found,
        of,
        column.random_picks,
    )


def _stays(denied: Answer, stated: Answer, struck: tuple[tuple[int, int], ...]) -> Scene:
    """Films of the base that it shows either way."""
    column, stay = denied.columns[0], frozenset(Comparison.of(denied, stated).pairs[0].stay)
    shown = len(column.hits)
    chance = shown * shown / max(len(denied.films), 1)
    return Scene("stays", stated.prompt, struck, column.model, column.hits, stay, len(stay), shown, chance)


def _normal(denied: Answer, column: Column) -> tuple[Scene, ...]:
    """Films of a tuned model that are normal chests; nothing where none searched is known to be one."""
    if column.normal is None:
        return ()
    films = denied.films.collection
    normal = frozenset(
        hit.id for hit in column.hits if films.by_id(hit.id).states("normal", "present") is True
    )
    shown, chance = len(column.hits), column.normal_by_chance
    return (
        Scene("normal", denied.prompt, (), column.model, column.hits, normal, len(normal), shown, chance),
    )
