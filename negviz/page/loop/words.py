"""What the loop says: counts beside chance, and no more than was counted."""

from __future__ import annotations

from typing import Final

from negviz.explain.loop import SECONDS, Scene
from negviz.page.words import column_title

TITLE: Final = f"What the “no” does, in {SECONDS} seconds"
NOTHING: Final = (
    "There is nothing to play: no sentence over these films rules out one thing that they are judged by."
)
INSTEAD: Final = "Your sentence rules out no single thing, so the loop plays “{text}”."
PAUSE: Final = "Pause"
PLAY: Final = "Play"
BACK: Final = "Back"
NEXT: Final = "Next"
PLACE: Final = "{at} of {of}"
SAVE: Final = "Save as GIF"
OUTLINED: Final = "outlined"


def says(scene: Scene, first: str) -> str:
    """What was counted in a scene; `first` is the sentence that the loop is about."""
    who, role = column_title(scene.model)
    count, chance = f"{scene.films} of {scene.of}", _chance(scene.by_chance)
    match scene.about:
        case "asked":
            return f"{who}, asked for “{first}”: {count} films show what was ruled out{chance}."
        case "taken away":
            return f"The “no” struck out: {count} films of {who} show it{chance}."
        case "stays":
            return f"{count} films of {who} stay, with the “no” or without it{chance}."
        case "tuned":
            called = f"{who}, {role}" if role else who
            return f"{called}: {count} films show what was ruled out{chance}."
    return f"And {count} films of {who} are normal chests{chance}."


def _chance(films: float | None) -> str:
    return "" if films is None else f"; random films: {films:.1f}".removesuffix(".0")
