"""What the diagnosis says: a question, its term, and a plain sentence a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from negviz.explain.diagnosis import Blindness, Hallucination, SemanticCollapse, Signature
from negviz.page.attribution.words import percent
from negviz.page.words import TELLS_APART, TOLD_APART, number
from negviz.retrieval.estimate import Estimate

TITLE: Final = "What goes wrong in these models?"
QUESTIONS: Final[dict[Signature, str]] = {
    "collapse": TELLS_APART,
    "blindness": "Reads the “no”?",
    "hallucination": "Shows what you ruled out?",
}
TERMS: Final[dict[Signature, str]] = {
    "collapse": "semantic collapse",
    "blindness": "token blindness",
    "hallucination": "visual hallucination",
}
KEYS: Final[dict[Signature, str]] = {
    "collapse": "Mark: your sentence and its opposite, similarity from −1 to 1. "
    "Grey: 9 in 10 pairs of the 99 prompts.",
    "blindness": "The ten films, best first. Filled: also found for the opposite.",
    "hallucination": "The ten films, best first. Filled: shows what was ruled out.",
}
NOT_ASKED: Final[dict[Signature, str]] = {
    "collapse": "No opposite of this sentence is known, so there is nothing to tell apart.",
    "blindness": "No opposite of this sentence is known, so there is nothing to compare with.",
    "hallucination": "Your sentence rules no finding out.",
}
EMPTY: Final = "Search for a sentence, and each model is examined on it."
STAYS: Final = "stays"
SHOWS_IT: Final = "shows it"
NOT_STATED: Final = "not stated"
NO: Final = "no"


def collapse(found: SemanticCollapse, alike: float | None) -> str:
    """What the films' margins tell, and how close the two sentences are."""
    if alike is None:
        near = f"Your sentence and its opposite have a similarity of {number(found.cosine)}; 1 is the same."
    else:
        near = (
            f"Your sentence and its opposite (similarity {number(found.cosine)}) are more alike than "
            f"{percent(alike)} of pairs of the 99 prompts."
        )
    return f"{separation(found.separation)} {near}" if found.separation else near


def separation(found: Estimate) -> str:
    """Which of two films a model puts nearer to the sentence than to its opposite."""
    interval = f" [{', '.join(map(percent, found.shown))}]" if found.shown else ""
    side, right = found.side_of(0.5), f"{percent(found.value)}{interval}"
    return (
        f"{TOLD_APART[side]} Of two films, one that matches and one that contradicts, it prefers the right "
        f"one in {right}."
    )


def blindness(found: Blindness) -> str:
    stay = (
        f"Asked for the opposite, it shows {found.count} of the same {len(found.stays)} films "
        f"(random picks: {plain(found.by_chance)})."
    )
    return stay if found.cue_share is None else f"{stay} {share(found.cue_share)}."


def share(cue_share: float) -> str:
    return f"Share on the “no”: {percent(cue_share)}"


def hallucination(found: Hallucination) -> str:
    if not found.judged:
        return "None of its films says whether it shows what you ruled out."
    what = " or ".join(found.findings)
    of = f"{found.count} of {found.judged}"
    said = of if found.judged == len(found.shows) else f"{of} judged"
    return f"{said} films show {what}, which you ruled out (random picks: {plain(found.by_chance)})."


def plain(count: float) -> str:
    return f"{count:.1f}".removesuffix(".0")


def among(signature: Signature, mine: float | None, mean: Estimate | None) -> str:
    """Where a sentence lies among the 99."""
    if mean is None:
        return ""
    where = "" if signature == "collapse" else ", on these films"
    over = f"Over the 99 prompts{where}: {_of(signature, mean.value)}"
    if mean.shown:
        over += f" [{', '.join(_of(signature, end) for end in mean.shown)}]"
    unit = "similarity" if signature == "collapse" else "of 10 films"
    if mine is None:
        return f"{over} {unit}"
    return f"{over} {unit} · yours {_of(signature, mine).removesuffix('.0')}"


def _of(signature: Signature, value: float) -> str:
    return number(value) if signature == "collapse" else f"{10 * value:.1f}"


def apart(alike: Mapping[str, float]) -> str:
    """Semantic collapse, repeated beside the toggle."""
    each = " · ".join(f"{name} {number(cosine)}" for name, cosine in alike.items())
    return f"{QUESTIONS['collapse']} Similarity of your sentence and its opposite: {each}; 1 is the same."
