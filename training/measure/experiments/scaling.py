"""How many hard negatives does it take?  From CON1, without distractors, to CON2, with one an anchor."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from negviz.evaluation.cells import Json
from training.measure.experiments.material import Material
from training.measure.experiments.settings import measure_settings

SHARES: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
WHAT: Final = (
    "CON2's settings with a distractor film and its opposed caption for a share of the anchors: none is "
    "CON1's loss, all is CON2's; differences to the reference are to no distractors"
)


def runs(seeds: int) -> int:
    """How many runs it takes."""
    return len(SHARES) * seeds


def measure(material: Material) -> Json:
    """Every share with the settings that cross-validation chose for CON2, so that the loss alone changes."""
    settings = {label(share): replace(material.chosen["con2"], share=share) for share in SHARES}
    return {"what": WHAT, **measure_settings(material, settings, label(0))}


def label(share: float) -> str:
    return f"{share:.0%} distractors"
