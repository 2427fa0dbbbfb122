"""What the film viewer says."""

from __future__ import annotations

from typing import Final

from negviz.findings import Polarity
from negviz.page.saliency.words import CAPTION
from negviz.page.words import BEYOND

FILM: Final = "Film"
CLOSE: Final = "Close"
PREVIOUS: Final = "Previous film"
NEXT: Final = "Next film"
TOOLS: Final = "Adjust the film"
ZOOM_IN: Final = "Zoom in"
ZOOM_OUT: Final = "Zoom out"
FIT: Final = "Fit"
INVERT: Final = "Invert"
WINDOW: Final = "Window by dragging"
RESET: Final = "Reset"
WHERE: Final = "Where"
WHERE_SAYS: Final = "Where your sentence finds what it says"
BRIGHTNESS: Final = "Brightness"
CONTRAST: Final = "Contrast"
COMPARE: Final = "Compare with"
KEYS: Final = "Keys"
ABOUT_THIS_FILM: Final = "About this film"
RANKS: Final = "In each model"
MODEL: Final = "Model"
RANK: Final = "Rank"
SIMILARITY: Final = "Similarity"
MARK: Final = "Mark"
FINDINGS: Final = "Findings"
SAYS_WHO: Final = "Says who?"
SIMULATED: Final = "Simulated film"
SEVERITY: Final = "Severity"
SIDE: Final = "Side"
FINDING: Final = "Finding"
RECORD: Final = "This film at Open-i (new tab)"

SHORTCUTS: Final = (
    ("→ ↓ / ← ↑", "next / previous film of the ranking"),
    ("Home / End", "first / last film"),
    ("+ / −", "zoom; also the wheel, or two fingers"),
    ("Shift + arrows", "move a zoomed film; also by dragging"),
    ("F or 0", "fit to the window"),
    ("I", "invert"),
    ("W", "drag changes brightness and contrast; the right button always does"),
    ("M", "where your sentence finds what it says, and its opposite"),
    ("C", "compare with the next choice"),
    ("L", "films like this one, in place of the answer"),
    ("R", "reset everything"),
    ("?", "show or hide these keys"),
    ("Esc", "close"),
)

# What the script says; {braces} are filled in there.
SCRIPT: Final = {
    "film": "Film {id}",
    "place": "{model} · {rank} of {count}",
    "alone": "{model} · rank {rank}",
    "loading": "The film is on its way …",
    "failed": "The film cannot be had at the moment.",
    "copy": "{side}-px copy",
    "readout": "Zoom {zoom}× · window {window} · level {level}",
    "inverted": " · inverted",
    "asking": "Looking it up …",
    "no_record": "What is known of this film cannot be had at the moment.",
    "no_ranks": "The ranks cannot be had at the moment.",
    "rank": "#{rank}",
    "beyond": BEYOND,
    "nothing": "nothing (one film)",
    "pair": "its simulated pair, {id}",
    "same_rank": "#{rank} of {model}, {id}",
    "where_asking": "Drawing the map …",
    "where_failed": "The map cannot be had at the moment.",
    "where": "{model}, “{sentence}”: blue speaks for it, orange dashes against. {caption}",
    "where_unsigned": "{model}, “{sentence}”: the bluer, the more a place counted. {caption}",
    "where_caption": CAPTION,
    "show_pair": "Show beside its pair {id}",
    "seed": "Seed {seed}",
    "probability": "Of films with such a score, the share that match:",
    "asked_for": "asked for",
    "matches": "matches",
    "contradicts": "contradicts",
    "not_stated": "not stated",
    "in_tuning": "Seen in tuning",
    "canvas": "Chest film {id}",
    "canvas_compared": "Chest film {id}, for comparison",
}
STATES: Final = {"present": "Present", "absent": "Denied", "uncertain": "Uncertain", "": "Not stated"}

NO_FILM: Final = "There is no such film here."
BAD_REQUEST: Final = "Send JSON with the question as “asked” and a film's “id”."
TOO_LONG: Final = "That is too long for a question about a film."
NO_REPORTS: Final = "No reports come with this collection."
SIMULATED_SAYS: Final = "A simulated film has no report: what it shows was set beforehand."
NOT_AT_HAND: Final = (
    "The reports are not at hand and NLM is not asked for them; start with --films DIR, the folder that "
    "holds NLMCXR_reports.tgz."
)
NOT_IN_ARCHIVE: Final = "There is no report on this film."
ON_ITS_WAY: Final = "The report is on its way; look again in a moment."
NOTHING_ASKED: Final = "No finding was recognised in your sentence, so no sentence is looked for."
NOT_COUNTED: Final = "The collection itself does not say, so the film is not counted."
REMOVED: Final = "XXXX stands for words that the collection's makers removed."
_SAYS: Final[dict[Polarity, str]] = {
    "present": "states {}",
    "absent": "denies {}",
    "uncertain": "leaves {} open",
}


def holds_for(matches: int, judged: int) -> str:
    """What a share holds for: it is no fact about the patient."""
    return (
        "No fact about this patient: of films with such a score, about so many match. It was fitted on "
        "training films in a set where half do, and moved to where as many do as here "
        f"({matches:,} of {judged:,}); Evidence says how far it holds for others."
    )


def report_missing(reason: str) -> str:
    return f"The report cannot be shown. {reason}"


def sentence_note(number: int, total: int, finding: str, polarity: Polarity) -> str:
    """Which sentence it is and what it does."""
    if finding == "normal" and polarity == "present":
        return f"Sentence {number} of {total} of the report calls the film normal."
    return f"Sentence {number} of {total} of the report {_SAYS[polarity].format(finding)}."


def disagrees(finding: str) -> str:
    return f"The collection's indexers filed the film under {finding} all the same: it counts as uncertain."


def filed_under(finding: str) -> str:
    return f"No sentence of the report says so; the collection's indexers filed the film under {finding}."


def silent(finding: str) -> str:
    return f"No sentence of the report speaks of {finding}."
