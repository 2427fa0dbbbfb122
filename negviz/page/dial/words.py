"""What the dial says."""

from __future__ import annotations

from typing import Final

from negviz.explain.dose import DoseCurve
from negviz.page.saliency.words import CAPTION
from negviz.page.words import number
from negviz.phantoms import Side
from negviz.retrieval.estimate import Estimate

TITLE: Final = "Dial a finding"
ABOUT: Final = (
    "A simulated chest, with one finding dialled in. "
    "Does a model that was told “no” move away as the finding grows?"
)
FINDING: Final = "Finding"
SIDE: Final = "Side of the patient"
SIDES: Final[dict[Side, str]] = {"right": "right", "left": "left", "both": "both"}
SEVERITY: Final = "Severity, from 0 (absent) to 1"
ANOTHER: Final = "Another chest"
SIMULATED: Final = "SIMULATED"
MAKING: Final = "making this film…"
CANNOT: Final = "This film cannot be made now; move the dial to try again."
REFUSED: Final = "Ask for a finding, its side, a severity from 0 to 1 and a chest, as the page does."
EMPTY: Final = "Search for a sentence, and its curves are drawn here."
NO_SWEEP: Final = (
    "No simulated chests were measured with these models, so there are no curves; "
    "make them with `python -m training dose`."
)
WHERE: Final = "Where your sentence finds what it says"
WHERE_OFF: Final = "off"
WHERE_SAYS: Final = "{model}, “{sentence}”: blue speaks for it, orange dashes against. " + CAPTION
WHERE_FAILED: Final = "The map cannot be had at the moment."
OWN: Final = "your sentence"
OPPOSITE: Final = "its opposite"
AXIS: Final = "similarity"
TABLE: Final = "The numbers"
THIS_CHEST: Final = "dots: this chest"
SEVERITY_HEAD: Final = "severity"
NUMBERS: Final = "Similarity and 95 % interval over chests, by severity"


def film_label(finding: str, side: Side | None, chest: int) -> str:
    """What is on the film, but for how severe it is."""
    where = {"right": "right ", "left": "left ", "both": "bilateral ", None: ""}[side]
    return f"Simulated chest {chest} with {where}{finding}, severity"


def legend(chests: int, *, own_chest: bool) -> str:
    mean = f"Lines: mean of {chests} simulated chests, with 95 % interval"
    return f"{mean} · {THIS_CHEST}" if own_chest else mean


def progress(done: int, total: int) -> str:
    return f"Measuring this chest: {done} of {total} films." if done < total else ""


def moved(curve: DoseCurve, sentence: str) -> tuple[str, str, str]:
    """What raising the finding does to the similarity with the sentence; the middle part is for italics."""
    rising = f"Raising the {curve.finding} from 0 to 1"
    said = f"“{_short(sentence)}”"
    change = curve.own_change
    if change.sign == 0:
        return f"{rising} ", "does not move", f" this model for {said}: {signed(change)}."
    warmer = "warmer" if change.sign > 0 else "cooler"
    return f"{rising} makes it ", warmer, f" to {said} by {signed(change)}."


def preferred(curve: DoseCurve) -> str:
    """What it does to the margin, and where the margin changes sign."""
    if curve.margin_change is None:
        return ""
    change = curve.margin_change
    away = {1: "towards your sentence", -1: "towards the opposite", 0: "neither way"}[change.sign]
    moves = f"Against the opposite it moves {away} ({signed(change)})"
    if curve.crossing is None:
        return f"{moves}."
    return f"{moves}; the two are level at severity {curve.crossing:.2f}."


def signed(change: Estimate) -> str:
    ends = f" [{', '.join(map(_signed, change.shown))}]" if change.shown else ""
    return f"{_signed(change.value)}{ends}"


def point(estimate: Estimate) -> str:
    ends = f" [{', '.join(map(number, estimate.shown))}]" if estimate.shown else ""
    return f"{number(estimate.value)}{ends}"


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def _short(sentence: str) -> str:
    return sentence if len(sentence) <= 80 else f"{sentence[:79]}…"
