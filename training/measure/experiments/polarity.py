"""Why does CON2 not beat CON1 here?  Where a batch already holds opposites, distractors add little.

A batch of balanced films holds as many denials as affirmations, so in CON1's loss every caption meets films
of the other kind: its negatives are CON2's distractors in all but name.  Here that is taken away in two ways:
batches of one polarity hold no opposite at all, and films drawn as often as they are found hold few.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Final

from negviz.evaluation.cells import Json
from training.measure.experiments.material import Material
from training.measure.experiments.settings import BASE, answers, facts

CONDITIONS: Final[dict[str, Json]] = {
    "balanced": {},
    "balanced, one polarity a batch": {"batches": "apart"},
    "as found": {"drawn": "found"},
    "as found, one polarity a batch": {"drawn": "found", "batches": "apart"},
}
SHARES: Final = {"without": 0.0, "with": 1.0}  # an anchor's distractor
WHAT: Final = (
    "CON2's settings with and without distractors, on films balanced or as often as they are found, in "
    "batches of both polarities or of one; differences to the reference are to the same without distractors"
)


def runs(seeds: int) -> int:
    """How many runs it takes."""
    return len(CONDITIONS) * len(SHARES) * seeds


def measure(material: Material) -> Json:
    """Every condition with and without distractors; each pair is compared by itself."""
    settings = {
        label(condition, side): replace(material.chosen["con2"], share=SHARES[side], **CONDITIONS[condition])
        for condition, side in product(CONDITIONS, SHARES)
    }
    tasks = material.effusion
    measured = {name: material.sampled(recipe, tasks) for name, recipe in settings.items()}
    return {
        "what": WHAT,
        "settings": {name: facts(recipe) for name, recipe in settings.items()},
        "reference": "the same without distractors",
        "films": {name: _compared(material, name, measured) for name in tasks},
    }


def _compared(material: Material, films: str, measured: Json) -> Json:
    found: Json = {}
    for condition in CONDITIONS:
        pair = {label(condition, side): measured[label(condition, side)][films] for side in SHARES}
        found |= answers(material.effusion[films], pair, label(condition, "without"))
    return {BASE: found[BASE], **found}


def label(condition: str, side: str) -> str:
    return f"{condition}, {side} distractors"
