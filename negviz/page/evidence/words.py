"""What the Evidence tab says; every number in it comes from a results file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from negviz.results.types import Result

OPENING: Final = "Reading the results…"
HEADING: Final = "Evidence"
LEAD: Final = (
    "Everything here is read from the committed results files. A dot is what was measured, the line its "
    "interval of 95 %. Read each dot beside chance and, where there is one, beside the ceiling: what a "
    "supervised probe reaches on the same embeddings, without any text."
)
NOTHING: Final = "There are no results files here; python -m training results makes them."
LEGEND_CHANCE: Final = "dashed: chance"
LEGEND_CEILING: Final = "thick tick: ceiling"
BEHIND: Final = "All figures, and how they were made"
AS_TABLE: Final = "As a table"
TABLE: Final = "Table, scrolls sideways"
MADE_BY: Final = "Made by"
FILE: Final = "SHA-256 of the results file"
NONE: Final = "—"

# By theme, in the order in which one would ask; a results file that is in none comes last.
THEMES: Final[dict[str, dict[str, str]]] = {
    "Which models hear the “no”": {
        "openi": "Open-i: the test films",
        "nih": "NIH ChestX-ray14: films of another hospital",
        "phantoms": "Simulated films",
        "openi-findings": "Findings that no tuning saw",
        "phantoms-findings": "Findings that no tuning saw, on simulated films",
        "diagnosis": "The three signs of blindness, over the 99 prompts",
        "training-free": "Rivals that need no training",
        "protocols": "Published tests of negation, and whether a “no” is only “normal”",
        "calibration": "Of films with such a score, how many match: how far that holds",
    },
    "Other wordings, other findings": {
        "generalisation": "Wordings, findings and films beyond the tuning",
        "generalisation-blind": "The same with prompts written after CON3 was fixed",
        "leave-out": "What CON3 was not taught",
    },
    "Which words, and which parts of the model": {
        "attribution": "Which words counted",
        "saliency": "Where on the film: do maps lie where the finding does?",
        "heads": "Attention heads, switched off one at a time",
        "maps": "The maps: do opposites lie apart?",
        "dose": "Dialling a finding: does similarity follow severity?",
    },
    "How the models were made": {
        "base": "The image tower, and the ceiling it sets",
        "tuning": "How the settings were chosen: cross-validation",
        "experiment-overlap": "Do prompts for and against lie apart?",
        "experiment-scaling": "How many hard negatives?",
        "experiment-polarity": "Why CON2 does not beat CON1 here",
        "experiment-knobs": "One knob at a time",
        "experiment-unfrozen": "The image tower unfrozen",
        "experiment-con3": "CON3 on all films and on CON2's, beside CON2",
        "experiment-con3-settings": "CON3: what each of its parts is worth",
        "experiment-con4": "CON4 beside CON3, and beside vectors composed without training",
        "experiment-con4-settings": "CON4: how its settings were chosen, and what each of its parts is worth",
    },
    "Reading, and what films are labelled by": {
        "reader": "How report sentences are read",
        "typed": "How typed prompts are read",
        "second-reader": "Rules alone, and rules with a second reader",
        "labels": "Labels: MeSH headings against reports",
        "labels-changed": "Labels that the last rebuild changed, and why",
        "simulator": "Are the simulated films believable? Judged by the image tower of real films",
        "likeness": "Can a classifier tell the simulated films from real ones?",
    },
    "How the page holds up": {
        "benchmark": "How long the page takes",
        "crowd": "Whether one visitor can stop the others",
        "visits": "Memory, visit after visit",
        "archives": "How soon films are found among a million",
        "full-size": "What a full-size base takes, from its films to the page",
    },
}
MORE: Final = "More results"
_TITLES: Final = {name: title for of in THEMES.values() for name, title in of.items()}


def title(name: str) -> str:
    return _TITLES.get(name) or name.replace("-", " ").replace("_", " ").capitalize()


def by_theme(results: Sequence[Result]) -> dict[str, list[Result]]:
    """The results of each theme that has any, in their order."""
    known = {result.name: result for result in results}
    themes = {theme: [known.pop(name) for name in names if name in known] for theme, names in THEMES.items()}
    return {theme: found for theme, found in (themes | {MORE: [*known.values()]}).items() if found}


def axis(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".").replace("-", "−")


def omitted(rows: int) -> str:
    return f"{rows:,} more rows stand in the file."


def rows(count: int) -> str:
    return f"{AS_TABLE} ({count} rows)"
