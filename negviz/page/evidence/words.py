"""What the Evidence tab says; every number in it comes from a results file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from negviz.results.paper import CUE_SHARE, GAIN, Claim, PaperComparison, Verdict
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
IN_WORDS: Final = "Where we differ, in words"
AS_TABLE: Final = "As a table"
TABLE: Final = "Table, scrolls sideways"
MADE_BY: Final = "Made by"
FILE: Final = "SHA-256 of the results file"
NONE: Final = "—"

PAPER: Final = "Beside the paper"
PAPER_LEAD: Final = (
    "arXiv 2512.17121 publishes four statements that can be set beside ours; its tables, prompts and "
    "checkpoint are not published, and its films, prompts and base differ from ours."
)
PAPER_HEAD: Final = ("statement", "the paper", "films", "here", "")
CLAIMS: Final[dict[Claim, str]] = {
    "negated": "CON2 over base, negated prompts",
    "positive": "CON2 over base, positive prompts",
    "structured": "CON1, negated prompts: structured, natural",
    "cue share": "Share of attribution on negation words: base, CON2",
}
THEIRS: Final[dict[Claim, str]] = {
    "negated": f"about +{GAIN:.0%}".replace("%", " %"),
    "positive": "a slight drop",
    "structured": "over-fits structured prompts",
    "cue share": f"{CUE_SHARE[0]} → {CUE_SHARE[1]}",
}
VERDICTS: Final[dict[Verdict, str]] = {
    "agrees": "agrees",
    "larger": "larger here",
    "smaller": "smaller here",
    "opposite": "the other way here",
    "undecided": "cannot be told",
}

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
        "calibration": "How far a probability can be trusted",
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
        "experiment-knobs": "One knob at a time",
        "experiment-unfrozen": "The image tower unfrozen",
        "experiment-con3": "CON3 on all films and on CON2's, beside CON2",
        "experiment-con3-settings": "CON3: what each of its parts is worth",
        "experiment-con4-settings": "CON4: how its settings were chosen, and what each of its parts is worth",
    },
    "Reading, and what films are labelled by": {
        "reader": "How report sentences are read",
        "typed": "How typed prompts are read",
        "second-reader": "Rules alone, and rules with a second reader",
        "labels": "Labels: MeSH headings against reports",
        "labels-next": "Labels that will change, and why",
        "simulator": "Are the simulated films believable? Judged by the image tower of real films",
    },
    "How the page holds up": {
        "benchmark": "How long the page takes",
        "crowd": "Whether one visitor can stop the others",
        "visits": "Memory, visit after visit",
    },
}
MORE: Final = "More results"
_TITLES: Final = {name: title for of in THEMES.values() for name, title in of.items()}
_SOURCES: Final = {
    "openi": "Open-i",
    "nih": "NIH",
    "phantoms": "simulated",
    "simulated": "simulated",
    "diagnosis": "Open-i",
}


def title(name: str) -> str:
    return _TITLES.get(name) or name.replace("-", " ").replace("_", " ").capitalize()


def by_theme(results: Sequence[Result]) -> dict[str, list[Result]]:
    """The results of each theme that has any, in their order."""
    known = {result.name: result for result in results}
    themes = {theme: [known.pop(name) for name in names if name in known] for theme, names in THEMES.items()}
    return {theme: found for theme, found in (themes | {MORE: [*known.values()]}).items() if found}


def source(name: str) -> str:
    """The films of a results file, in a word."""
    return _SOURCES.get(name, name)


def axis(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".").replace("-", "−")


def omitted(rows: int) -> str:
    return f"{rows:,} more rows stand in the file."


def rows(count: int) -> str:
    return f"{AS_TABLE} ({count} rows)"


def difference(compared: PaperComparison) -> str:
    """Where the paper and we part, in a sentence; "" where we agree."""
    said = [str(figure) for figure in compared.ours]
    films = source(compared.films)
    match (compared.claim, compared.verdict):
        case _, "agrees":
            return ""
        case "negated", "larger" | "smaller":
            return (
                f"On {films} films CON2 gains {said[0]} on negated prompts, {VERDICTS[compared.verdict]} "
                "than "
                f"the paper's {THEIRS['negated']}, which lies outside the interval."
            ).replace(" here than", " than")
        case "positive", "undecided":
            return (
                f"On {films} films the change on positive prompts is {said[0]}: the interval reaches across "
                "zero, so a slight drop can be neither confirmed nor denied."
            )
        case "positive", "opposite":
            return (
                f"On {films} films CON2 gains on positive prompts ({said[0]}), where the paper sees a drop."
            )
        case "structured", "opposite":
            return (
                f"On {films} films CON1 is no better on structured negations ({said[0]}) than on natural "
                "ones "
                f"({said[1]}): the over-fitting that the paper reports is not seen here."
            )
        case "structured", "undecided":
            return (
                f"On {films} films CON1 reaches {said[0]} on structured and {said[1]} on natural negations: "
                "the intervals overlap, so over-fitting can be neither confirmed nor denied."
            )
        case "cue share", "opposite":
            return (
                f"Here the share on the negation words falls, from {said[0]} to {said[1]}; the paper's rises."
            )
        case "cue share", "larger" | "smaller":
            return (
                f"The share on the negation words rises here as it does in the paper, but from {said[0]} to "
                f"{said[1]} "
                f"instead of {THEIRS['cue share']}. How the paper attributes is not published."
            )
    return f"On {films} films there is no interval for {CLAIMS[compared.claim]}, so it cannot be compared."
