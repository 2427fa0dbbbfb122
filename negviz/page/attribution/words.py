"""What the words panel says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

HEADING: Final = "What each word did"
WORD: Final = "Word"
CUE: Final = "(says no or maybe)"
SCROLLS: Final = "Words by model"
NOTHING_ASKED: Final = "Ask for films to see what each word of your sentence did."
TOWARDS: Final = {
    "hits": "+ towards these films, − away. Numbers are parts of the mean similarity to them.",
    "contrast": "+ towards your sentence, − towards its opposite, “{opposite}”.",
}
LEFT_OVER: Final = "Left over"
LEFT_OVER_MEANS: Final = "Left over: what the numbers above do not account for; near 0 is good."
NO_CUE: Final = (
    "No word here negates or hedges the first finding that we recognise, so there is no share to read."
)
READS_IT: Final = "Reads the “no”?"
BLINDNESS: Final = "(token blindness)"
MEASURED: Final = "How this is measured"
TARGET: Final = "What counts"
TARGETS: Final = {"hits": "Towards the films shown", "contrast": "Away from its opposite"}
METHOD: Final = "Method"
PAPER: Final = (
    "Each word is compared with padding in its place. The share on the “no” is its part of all that "
    "the words did, signs aside. The paper (arXiv 2512.17121) reports 0.101 before and 0.127 after tuning, "
    "by a method that it does not name, so its numbers and these need not agree."
)

HEADS: Final = "Heads: what if one is taken out?"
HEADS_MEAN: Final = (
    "A model prefers your sentence to its opposite by a margin: over the films shown, the similarity to the "
    "one less that to the other. Each square takes one attention head out and says by how many thousandths "
    "the margin falls (−: it grows). Choose a square to see what that head looks at; arrow keys move."
)
LAYER: Final = "Layer"
HEAD: Final = "Head"
AVERAGE: Final = "On average"
MARKS: Final = "start and end marks"
NO_HEAD: Final = "There is no such head here."


def signed(value: float) -> str:
    """Three decimals with a sign; what rounds to 0 has none."""
    text = f"{value:+.3f}".replace("-", "−")
    return text[1:] if text[1:] == "0.000" else text


def percent(share: float) -> str:
    return f"{share:.0%}".replace("%", " %")


def thousandths(value: float) -> str:
    return f"{round(value * 1000)}".replace("-", "−")


def share_on(cue: str) -> str:
    return f"Share on “{cue}”"


def unread(words: int) -> str:
    return f"The models read no further: the last {words} words did nothing."


def reads_it(cue: str, shares: Sequence[tuple[str, float]], even: float) -> str:
    """Token blindness in a sentence, from each model's cue share and what an even split would give."""
    each = ", ".join(f"{percent(share)} in {model}" for model, share in shares)
    alike = f"if every word counted alike it would be {percent(even)}"
    return f"Of all that the words did, “{cue}” did {each}; {alike}."


def margin(value: float) -> str:
    return f"margin {signed(value)}"


def strongest(layer: int, head: int, before: float, after: float) -> str:
    """Layers and heads are counted from 1 for people."""
    return f"Without layer {layer}, head {head} the margin goes from {signed(before)} to {signed(after)}."


def head_says(model: str, layer: int, head: int, drop: float) -> str:
    change = f"falls by {signed(drop)[1:]}" if drop >= 0 else f"grows by {signed(drop)[1:]}"
    if signed(drop) == "0.000":
        change = "stays as it is"
    return f"{model}, layer {layer}, head {head}: without it the margin {change}"


def looks_at(model: str, layer: int, head: int) -> str:
    return f"What head {head} of layer {layer} of {model} looks at"
