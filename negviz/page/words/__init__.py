"""Every word the page says.  Plain words, counts before numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from negviz.answer import Tally
from negviz.findings import Polarity
from negviz.prompt import MAX_CHARACTERS

TITLE: Final = "negviz"
TAGLINE: Final = "What does a model show you when you say “no”?"
NOT_CLINICAL: Final = "Research and teaching only. Not for clinical use."
SENTENCE: Final = "Films you want to see"
SEARCH: Final = "Search"
TRY: Final = "Try"
EXAMPLES: Final = (
    "No pleural effusion",
    "Pleural effusion",
    "Costophrenic angles are sharp",
    "No pneumothorax but a small effusion",
    "Effusion cannot be excluded",
    "Water around the lung",
)
EXAMPLE: Final = "Example"
SEARCH_IN: Final = "Search in"
SET_LABELS: Final = {"test": "Test films", "all": "All films"}
YOU_TYPED: Final = "Read as"
NOTHING_RECOGNISED: Final = (
    "No finding was recognised in this sentence, so nothing is marked. "
    "The models searched for it all the same."
)
TELL_US: Final = "Tell us what you meant"
POLARITY: Final = "It is"
MARK: Final = "Mark the films"
CORRECTED: Final = "As you told us. This changes the marking, not the films."
CUT: Final = f"Only the first {MAX_CHARACTERS:,} characters were read."
MATCHES: Final = "matches"
CONTRADICTS: Final = "contradicts"
NOT_STATED: Final = "not stated"
SIMILARITY_OF_FILM: Final = "similarity"
SIMILARITY: Final = "Similarity: compare within a column"
IN_TUNING: Final = "seen in tuning"
CANNOT_BE_HAD: Final = "cannot be had"
OPEN_FILM: Final = "Open film {id} larger in a new tab"
CREDITS: Final = {
    "openi": "Films: Indiana University Chest X-ray Collection, NLM Open-i, CC BY-NC-ND 4.0 "
    "(Demner-Fushman et al., JAMIA 2016)."
}
_ROLES: Final = {
    "base": "before tuning",
    "con1": "tuned on matching pairs",
    "con2": "tuned on opposites",
}
_TO_SEE_THEM: Final = "start with --films DIR to see them."
_CHEXAGENT: Final = "StanfordAIMI/Xray"  # how the Hub ids of CheXagent's encoders begin


def column_title(model: str) -> tuple[str, str]:
    """The name of a column and what it stands for ("" where a model has no set role)."""
    return ("Base" if model == "base" else model.upper()), _ROLES.get(model, "")


def base_note(family: str, source: str | None) -> str:
    """Which base the columns share."""
    if source is None:
        return f"The base here is the {family} family, not CheXagent."
    return f"The base here is {source}{'.' if source.startswith(_CHEXAGENT) else ', not CheXagent.'}"


def set_choice(name: str, films: int) -> str:
    return f"{SET_LABELS[name]} ({films:,})"


def searched(name: str, films: Tally, total: int, *, marked: bool) -> str:
    """What was searched and, where films are judged, how they divide."""
    what = f"{total:,} films left out of tuning" if name == "test" else f"all {total:,} films"
    if not marked:
        return f"Searched {what}."
    return (
        f"Searched {what}: {films.matches:,} match, {films.contradicts:,} contradict, "
        f"{films.not_stated:,} do not say."
    )


def reading(finding: str, polarity: Polarity) -> str:
    return f"{finding} · {polarity}"


def uncertain(cue: str | None) -> str:
    said = f"“{cue[:1].upper()}{cue[1:]}”" if cue else "This"
    return f"{said} is neither yes nor no, so nothing is counted."


def asked_for(mentions: Sequence[tuple[str, Polarity]]) -> str:
    """What was asked for, what is to be seen first: a "no" may not seem to reach beyond its finding."""
    ordered = sorted(mentions, key=lambda mention: mention[1] != "present")
    return ", ".join(_asked(finding, polarity) for finding, polarity in ordered)


def _asked(finding: str, polarity: Polarity) -> str:
    if finding == "normal":
        return "a normal film" if polarity == "present" else "an abnormal film"
    return finding if polarity == "present" else f"no {finding}"


def verdict(
    asked: str, showing: str | None, counts: Sequence[tuple[str, int]], shown: int
) -> tuple[str, str, str]:
    """The verdict in three parts, the middle one to be set in italics."""
    what = f"Films showing {showing}" if showing else "Films that contradict this"
    each = ", ".join(f"{'base' if model == 'base' else model.upper()} {count}" for model, count in counts)
    return "You asked for ", asked, f". {what}: {each} of {shown}."


def origin(at_hand: int, films: int, host: str | None = None, *, reached: bool | None = None) -> str:
    """Where films come from; `host` is asked for those not at hand, and `reached` if it answers."""
    if at_hand == films:
        return "Films come from this machine."
    before, others = ("Some films come from this machine. ", "The others") if at_hand else ("", "Films")
    if host is None:
        return f"{before}{others} are not at hand, so only ids and marks are shown; {_TO_SEE_THEM}"
    if reached is None:
        return f"{before}{others} are asked for at {host}."
    if reached:
        return f"{before}{others} come from {host} as they are shown."
    return (
        f"{before}{others} are to be had nowhere at the moment: {host} cannot be reached, so only ids and "
        f"marks are shown; {_TO_SEE_THEM}"
    )


def number(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


def precision(matches: int, judged: int, shown: int, random_picks: float | None) -> tuple[str, str]:
    """ "2 of 10 match" and "random picks: 5"."""
    if random_picks is None or not judged:
        return f"none of {shown} says", ""
    of = str(judged) if judged == shown else f"{judged} judged"
    return f"{matches} of {of} match", f"random picks: {random_picks:.1f}".removesuffix(".0")
