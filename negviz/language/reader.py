"""What a normalised text says of findings, clause by clause.

The order is CheXpert's: uncertainty that is spelt with negation ("cannot exclude"), then negation, then
hedges ("possible").  What nothing governs is affirmed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from negviz.findings import Outcome, Polarity
from negviz.language.lexicon import CLAUSE_END
from negviz.language.scope import Found, ScopedCue, Span, clause_cues
from negviz.language.terms import TERMS


@dataclass(frozen=True)
class Reading:
    """One term of the text, what it says, and the cues that made it say so."""

    span: Span
    outcomes: tuple[tuple[str, Polarity], ...]
    cues: tuple[ScopedCue, ...]
    derived: bool  # the findings are implied, not named


_REQUEST: Final = re.compile(  # "can you pull up films with …?", "which of these have …?"
    r" ?(?:(?:can|could|would|will) (?:you|i|we|someone)|which|who|where|do you have"
    r"|(?:is there an?|are there any) (?:films?|radiographs?|x-? ?rays?|cases?|patients?|chests?))(?![^ ])"
)
_VERSUS_AFTER: Final = re.compile(
    r" (?:,? ?versus|vs|or|and / or)"
    r"(?! (?:previous|prior|more|less|without|larger|greater|not|no)(?![^ ]))(?![^ ])"
)
_VERSUS_BEFORE: Final = re.compile(r"(?<![^ ])(?:versus|vs|or|and / or)(?: (?!more |less )[a-z]+){0,3} $")
_VERSUS_BEYOND: Final = re.compile(  # the place stands between: "fracture of the sternum or artifact"
    r" (?:at|in|of) (?:the )?(?:[a-z0-9]+ ){1,3}(?:or|versus) "
    r"(?!(?:left|right|both|bilateral|upper|lower|mid|middle|lingula|lateral|medial|apical|basilar|lung|lobe|ribs?|"
    r"on|in|at|the|\d\w*)(?![^ ]))"
)
_SLASH: Final = re.compile(r" /(?: and| or)?(?: [a-z]+){0,2}? $")
_RIVAL: Final = re.compile(r" / (?:or )?(?:[a-z]+ )?(?:scar|thickening|crowding|fibrosis|artifact)")
_RIVAL_BEFORE: Final = re.compile(r"(?<![^ ])(?:scar|scarring|thickening|crowding|fibrosis|artifacts?) / $")
_FINITE: Final = re.compile(r" (?:is|are) ")
_NEARBY: Final = 80  # characters; three words and an "or" are shorter


def read(text: str) -> tuple[list[Reading], list[ScopedCue]]:
    """Everything that `text` says of findings, and all its cues, both in order."""
    found = find_terms(text)
    cues: list[ScopedCue] = []
    readings: list[Reading] = []
    for clause in _clauses(text):
        inside = [item for item in found if clause[0] <= item.span[0] < clause[1]]
        here = [*clause_cues(text, clause, inside), *_question(text, clause)]
        cues += here
        spoken = [item for item in inside if _speaks(text, clause, item)]
        readings += [_judge(text, clause, item, here, spoken) for item in spoken]
    return readings, cues


def find_terms(text: str) -> list[Found]:
    """Terms that do not overlap: where two do, the one that starts earlier, then the longer one."""
    every = [Found(term, match.span()) for term in TERMS for match in term.pattern.finditer(text)]
    every.sort(key=lambda item: (item.span[0], -item.span[1]))
    kept: list[Found] = []
    for item in every:
        if not kept or item.span[0] >= kept[-1].span[1]:
            kept.append(item)
    return kept


def _clauses(text: str) -> Iterator[Span]:
    start = 0
    for match in CLAUSE_END.finditer(text):
        if text.startswith(("? no", "? absent", "? neg"), match.start()):
            continue  # "Effusion? None."
        yield start, max(start, match.start() - 1)
        start = match.end()
    yield start, len(text)


def _question(text: str, clause: Span) -> list[ScopedCue]:
    """A question leaves all of its clause open, unless it only asks politely for films."""
    asks = _REQUEST.match(text) or _REQUEST.match(text, clause[0])  # "which" may itself end a clause
    if asks or not text.startswith(("?", " ?"), clause[1]):
        return []
    mark = text.index("?", clause[1])
    return [ScopedCue("open", "uncertainty", (mark, mark + 1), clause)]


def _speaks(text: str, clause: Span, item: Found) -> bool:
    spoilt = item.term.unless_before
    return spoilt is None or spoilt.search(text, clause[0], item.span[0]) is None


def _judge(
    text: str, clause: Span, item: Found, cues: Sequence[ScopedCue], others: Sequence[Found]
) -> Reading:
    """What a term says under the cues that govern it."""
    over = [cue for cue in cues if _governs(text, cue, item)]
    denials = [cue for cue in over if cue.kind == "negation" and cue.name != "flip"]
    state: Polarity
    if used := [cue for cue in over if cue.name == "open"]:
        state = "uncertain"
    elif denials:
        state, used = "absent", [min(denials, key=lambda cue: _distance(cue, item))]
    else:
        used = [cue for cue in over if cue.kind == "uncertainty"]
        alternative = _one_of_two(text, clause, item, cues) or _across_slash(text, item, others)
        state = "uncertain" if used or alternative else "present"
    flips = [cue for cue in over if cue.name == "flip"]
    if flips and state != "uncertain":
        state, used = "present" if state == "absent" else "absent", [*flips, *used]
    gone = state == "absent" and used[0].name == "gone"  # what has cleared denies no more than itself
    named = (outcome for outcome in item.term.outcomes if not (gone and outcome.affirmed is None))
    said = ((outcome.finding, outcome_of(outcome, state)) for outcome in named)
    outcomes = tuple((finding, polarity) for finding, polarity in said if polarity is not None)
    return Reading(item.span, outcomes, tuple(used), item.term.derived)


def _governs(text: str, cue: ScopedCue, item: Found) -> bool:
    start, end = item.span
    if cue.kind == "pseudo":
        return False
    if start <= cue.span[0] and cue.span[1] <= end:
        return True  # "not enlarged" within one term
    if item.term.statement and cue.name == "no":
        whole = item.term.derived and _FINITE.search(text, start, end)  # "no" before a whole clause: a slip
        if whole or start - cue.span[1] > 2:
            return False  # a clause of its own, out of reach unless the cue stands right before it
    first, last = cue.scope
    return first <= start < last or start < first < end <= last


def _distance(cue: ScopedCue, item: Found) -> int:
    return max(item.span[0] - cue.span[1], cue.span[0] - item.span[1], 0)


def outcome_of(outcome: Outcome, state: Polarity) -> Polarity | None:
    """What a term says of one finding where the term is present (affirmed), absent (denied) or uncertain."""
    if state == "present":
        return outcome.affirmed
    if state == "absent":
        return outcome.denied
    return "uncertain" if outcome.affirmed is not None else None


def _one_of_two(text: str, clause: Span, item: Found, cues: Sequence[ScopedCue]) -> bool:
    """Whether an affirmed finding is an alternative: "atelectasis or scarring", "edema versus infiltrate"."""
    start, end = item.span
    if item.term.derived or any(cue.name == "unchanged" and cue.span[0] < start for cue in cues):
        return False  # "no change in effusion or edema": there are both
    before = text[max(clause[0], start - _NEARBY) : start]
    after = _VERSUS_AFTER.match(text, end, clause[1]) or _VERSUS_BEYOND.match(text, end, clause[1])
    return bool(after or _VERSUS_BEFORE.search(before))


def _across_slash(text: str, item: Found, others: Sequence[Found]) -> bool:
    """Whether a slash offers another finding instead: "atelectasis/infiltrate", but not "nodule/mass"."""
    start, end = item.span
    if _RIVAL.match(text, end) or _RIVAL_BEFORE.search(text[max(0, start - _NEARBY) : start]):
        return True
    return any(
        other.term.outcomes != item.term.outcomes
        and _SLASH.fullmatch(text[min(other.span[1], end) : max(other.span[0], start)])
        for other in others
    )
