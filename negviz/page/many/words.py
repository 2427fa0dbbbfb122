"""What the tab of many sentences says."""

from __future__ import annotations

from typing import Final

HEADING: Final = "Many sentences at once"
LEAD: Final = (
    "One sentence proves little. Put up to {most:,} to every model and see how many of the ten films that "
    "each puts first are right. Nothing you type is kept."
)
PASTE: Final = "Your sentences, one a line"
EXAMPLE: Final = "No pleural effusion\nNo effusion\nCardiomegaly without effusion"
OPEN: Final = "Open a CSV or text file"
OURS: Final = "… or take ours"
NONE: Final = "choose"
FILES: Final = {
    "evaluation": "the 49 denials and 50 affirmations of the evaluation",
    "blind": "140 written by somebody who had seen no other",
    "generalisation": "findings and wordings that CON1 and CON2 were not tuned on",
    "typed": "300 as six kinds of people type",
}
SEARCH_IN: Final = "Search in"
ASK: Final = "Ask every model"
STOP: Final = "Stop"
SAVE: Final = "Save as CSV"
PROGRESS: Final = "Sentences answered"
GROUPS: Final = {
    "": "all",
    "absent": "that deny a finding",
    "present": "that ask for a finding",
    "both": "that do both",
    "unmarked": "by which no film is marked",
}
SHOW: Final = "Show sentences"
KIND: Final = "of the kind"
TABLE: Final = "How many of the ten films that each model puts first are right"
SENTENCE: Final = "Sentence"
READ_AS: Final = "Read as"
CHANCE: Final = "By chance"
TOO_MANY_SENT: Final = "Send at most {} sentences of the page's own at once."
SCRIPT: Final = {  # for what the script writes itself
    "working": "{done} of {of} sentences",
    "left": "about {seconds} s left",
    "stopped": "Stopped after {done} of {of} sentences.",
    "nothing": "Paste a few sentences first, one a line, or open a file.",
    "tooMany": "Only the first {most} sentences are asked.",
    "noColumn": "The file has no column of the name prompt, sentence or text; its first column is taken.",
    "failed": "The page could not be reached; press “Ask every model” again.",
    "average": "{count} {group}:",
    "one": {
        "absent": "that denies a finding",
        "present": "that asks for a finding",
        "both": "that does both",
    },
    "shows": "{model} {right} right of ten",
    "normal": " (and {normal} normal chests)",
    "chance": "chance {chance}.",
    "marks": "{wrong} ✗ · {normal} normal",
    "marksAlone": "{wrong} ✗",
    "unjudged": "Films are judged by none of these sentences.",
    "contradict": "contradict",
    "normalChests": "normal chests",
    "margin": "nearer to the sentence than to its opposite by",
}
