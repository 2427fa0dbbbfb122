"""The recipes by which base's text tower is tuned: commands, cards and tuning again go by this list.

A new one is its module beside this, its entry below, and what `training.build.tuned` does with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:  # `--help` lists recipes and waits for no torch
    from training.tune.devices import Precision


@dataclass(frozen=True)
class Recipe:
    """One way to tune, as far as others need to know."""

    name: str  # of the model and of its command
    does: str  # in `--help`
    what: str  # on its card
    learns_from: Literal["pairs", "captions"]  # pairs of prompts, or captions of all findings
    seeds: int = 1  # from how many it is tuned, where no cross-validation says; the first ships
    precision: Precision = "no"  # of the compact family's run; text towers gain nothing by half on CPUs


RECIPES: Final = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            "con1",
            does="tune the text tower with InfoNCE",
            what="Base with its text tower tuned by InfoNCE on films and matching prompts (CON1).",
            learns_from="pairs",
        ),
        Recipe(
            "con2",
            does="tune the text tower with CoN-CLIP",
            what="Base with its text tower tuned on opposites by the CoN-CLIP objective: distractor films "
            "and opposed prompts (CON2).",
            learns_from="pairs",
        ),
        Recipe(
            "con4",
            does="tune the text tower with our CON4: towards what a sentence's findings compose",
            what="Base with its text tower tuned to read (CON4, ours): every sentence, as people type "
            "it or as reports word it, is drawn to the vector that the directions of its findings compose, "
            "and names what it says of each finding.",
            learns_from="captions",
            seeds=3,
        ),
        Recipe(
            "con3",
            does="tune the text tower with our CON3: all findings, in report sentences and composed ones",
            what="Base with its text tower tuned on what sentences say (CON3, ours): every finding, in "
            "report sentences and composed ones beside prompts, ranked over films that satisfy and "
            "contradict them; near base where base reads well.",
            learns_from="captions",
        ),
    )
}
