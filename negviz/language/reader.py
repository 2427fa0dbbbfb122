"""What a normalised text says of findings, clause by clause.

The order is CheXpert's: uncertainty that is spelt with negation ("cannot exclude"), then negation, then
hedges ("possible").  What nothing governs is affirmed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from negviz.findings import Outcome, Polarity, Term
from negviz.language import sides, tenses
from negviz.language.answers import Answer, answer_at, settled
from negviz.language.lexicon import CLAUSE_END, CUES, FINDING
from negviz.language.opposite import CONTRARY
from negviz.language.patterns import KIND, TIME
from negviz.language.scope import Found, ScopedCue, Span, clause_cues
from negviz.language.terms import ASKED, LOOSE, TERMS


@dataclass(frozen=True)
class Reading:
    """One term of the text, what it says, and the cues that made it say so."""

    span: Span
    outcomes: tuple[tuple[str, Polarity], ...]
    cues: tuple[ScopedCue, ...]
    derived: bool  # the findings are implied, not named
    side: sides.Side | None = None
    bound: str = ""  # what a "no" bears on, which leaves the finding open: "large"


_REQUEST: Final = re.compile(  # "can you pull up films with …?", "which of these have …?"
    r" ?(?:(?:can|could|would(?! you call)|will) (?:you|i|we|someone)|which|who|where"
    r"|(?:do|have) you (?:have|got)|got (?:any|one|some)"
    r"|any chance of|any (?:films?|radiographs?|x ?rays?|images?|pictures?|cases?|patients?|chests?|people)"
    r"(?= (?:with|without|that|who|showing|of)(?![^ ]))"
    r"|any(?:thing|one|body)(?: [a-z]+){0,3} (?:with|without|that|who|showing)"
    r"|what (?:does|do|would)"
    r"|(?:is|are) there (?:one|any|some)(?= (?:with|without|that)(?![^ ]))"
    r"|(?:is there an?|are there any) (?:films?|radiographs?|x-? ?rays?|cases?|patients?|chests?))(?![^ ])"
)
_INVERTED: Final = re.compile(  # asks without a mark: "is the edema better"
    r" ?(?:is|are|was|were|has|have|does|do|did) (?:the|my|his|her|their|this|it|that|these) (?!not )"
    rf"|(?:is|are) (?:(?:any|an?) )?(?=(?:[a-z]+ )?{FINDING}|heart |lung )"
    r"|(?:and |so |but )?(?:do|does|did|have|has|could|might) (?:i|we|they|he|she|it)(?: (?:still|really|"
    r"now|also|possibly|maybe))? (?:have|has|had|got|get|be|show|need|broken|"
    r"cracked) (?!no |not |to )"
)
_ASKS: Final = re.compile(  # what follows a statement and leaves that as it is
    r" , (?:and |so |but )?(?P<verb>is|are|was|were|has|have|does|do|did|could|can|would|will|"
    r"should)(?= (?:he|she|it|they|there|i|we|that|this|the|her|his|my|their|any|these|those|"
    r"all)(?![^ ]) (?!not ))| (?P<tag>(?:is|was) (?:that|this|it) (?:good|bad|ok|okay|normal|fine|serious|"
    r"dangerous|worrying|right|true|correct))(?= *$)"
)
_VERSUS_AFTER: Final = re.compile(
    r" (?:,? ?versus|vs|or|and / or)"
    r"(?! (?:previous|prior|more|less|without|larger|greater|not|no)(?![^ ]))(?![^ ])"
)
_VERSUS_BEFORE: Final = re.compile(
    r"(?<![^ ])(?:versus|vs|or|and / or)(?: (?!more |less |and |with )[a-z]+){0,3} $"
)
_VERSUS_BEYOND: Final = re.compile(  # the place stands between: "fracture of the sternum or artifact"
    r" (?:at|in|of) (?:the )?(?:[a-z0-9]+ ){1,3}(?:or|versus) (?!(?:left|right|both|bilateral|upper|lower|"
    r"mid|middle|lingula|lateral|medial|apical|basilar|lung|lobe|ribs?|on|in|at|the|\d\w*)(?![^ ]))"
)
_OR: Final = re.compile(r" (?:, )?(?:or|and / or) (?:[a-z]+ )?")
_RESTATED: Final = re.compile(  # the same in other words
    r" (?:, )?(?:aka|also (?:called|known as)|otherwise known as|or rather) (?:(?:an?|the) )?"
)
_SLASH: Final = re.compile(r" /(?: and| or)?(?: [a-z]+){0,2}? $")
_RIVAL: Final = re.compile(r" / (?:or )?(?:[a-z]+ )?(?:scar|thickening|crowding|fibrosis|artifact)")
_RIVAL_BEFORE: Final = re.compile(r"(?<![^ ])(?:scar|scarring|thickening|crowding|fibrosis|artifacts?) / $")
_FINITE: Final = re.compile(r" (?:is|are) ")
_OR_NO: Final = re.compile(r" (?:[a-z]+ )?or (?:no|not|without|absent) (?:[a-z]+ )?")
_BEARS: Final = re.compile(  # a "no" before one of these denies that, and leaves the finding open
    rf"(?<![^ ])(?P<bound>(?:non )?(?:{KIND}|{TIME}))"
    r"(?: (?!(?:and|or|nor|with|no|without)(?![^ ]))[a-z]+){0,3} $"
)
_KIND: Final = re.compile(r"(?P<bound>tension|loculated) ")
_OF_SIZE: Final = re.compile(r" of (?!any )(?:an? )?(?P<bound>[a-z]+) (?:size|volume|extent)(?![^ ])")
_BEYOND: Final = re.compile(  # "larger than 5 mm", "or mass over 2 cm"
    r" (?:(?:or|and) [a-z]+ )?(?P<bound>[a-z]+(?= than)|over|above|exceeding) (?:than )?\d"
)
_TWIN: Final = re.compile(r" (?:, )?(?:or|and|/|,) ")
_SUDDEN: Final = frozenset({"pneumothorax", "consolidation", "edema"})  # acute by their nature
_AIRSPACE: Final = re.compile(r"(?:air ?space|alveolar) ")  # whose opacities are too
_TAKES_UP: Final = re.compile(  # "…, but it is not there"
    r" which (?:(?:was|were) no longer|(?:is|are|has|have) (?:no longer|not|now|since|gone|resolved|"
    r"cleared))(?![^ ])| but (?:it|they|that|this|none|not|(?:on|in) (?:the|this|my|our) (?:one|film|x ray|"
    r"cxr|repeat|latest|current|new)|(?:is|are|was|were) not|there (?:is|are|was|were) (?:none|not))(?![^ ])|"
    r"; there (?:is|are) none(?![^ ])"
)
_ENDS_BEFORE: Final = (" which", " but", ";")  # as they stand before the clause that takes up
_ANSWER: Final = re.compile(  # "Effusion? None."; "white patch? no broken ribs" answers nothing
    r"\? (?:definitely |certainly |absolutely )?(?:no|none|not|nope|nah|nada|zilch|nil|never|absent|neg|"
    r"nowhere|nothing|negative)(?= (?:[.,;!-]|on|in|at|here|today|now|to be|seen|found|there|that|i|it|any|"
    r"for)(?![^ ])|$)"
)
_CONDITION: Final = re.compile(r"(?<![^ ])(?:if|unless|until|once|when|whether|provid(?:ed|ing))(?![^ ])")
_NEARBY: Final = 80  # characters; three words and an "or" are shorter


def read(text: str) -> tuple[list[Reading], list[ScopedCue]]:
    """Everything that `text` says of findings, and all its cues, both in order."""
    found = find_terms(text)
    cues: list[ScopedCue] = []
    readings: list[Reading] = []
    for clause in _clauses(text):
        answered = _answer(text, clause)
        times = None if answered else tenses.split(text, clause)
        other = None if answered or times else sides.elsewhere(text, clause)
        if times is not None:
            told, heard = _now(text, *times, found)
        elif other is not None:
            told, heard = _on_either_side(text, clause, other, found, readings)
        else:
            told, heard = _in_one_time(text, clause, answered, found)
        if not told and readings and any(_TAKES_UP.match(text, clause[0] - len(end)) for end in _ENDS_BEFORE):
            readings = [_turned(reading, heard) for reading in readings]
        readings += told
        cues += heard
    return readings, cues


def _answer(text: str, clause: Span) -> Answer | None:
    return answer_at(text, clause[1] + 1) if text.startswith(" ?", clause[1]) else None


def _in_one_time(
    text: str, clause: Span, answer: Answer | None, found: Sequence[Found]
) -> tuple[list[Reading], list[ScopedCue]]:
    """What a clause says, or a question with its answer."""
    return _read_clause(text, clause, found) if answer is None else _answered(text, clause, answer, found)


def _answered(
    text: str, clause: Span, answer: Answer, found: Sequence[Found]
) -> tuple[list[Reading], list[ScopedCue]]:
    """What a question asks of, as its answer has it; one that holds a denial itself stays a question."""
    told, cues = _read_clause(text, clause, found)
    if any(cue.kind == "negation" for cue in cues):
        return told, cues
    no = ScopedCue("denied", "negation", answer.span, clause)
    used = [no] if answer.state == "absent" else []
    inside = [item for item in found if clause[0] <= item.span[0] < clause[1] and _speaks(text, clause, item)]
    return [_reading(text, item, _of_wording(item, answer.state), used) for item in inside], used


def _turned(reading: Reading, cues: Sequence[ScopedCue]) -> Reading:
    """What a later clause takes up and denies."""
    denial = next((cue for cue in cues if cue.name in ("denied", "absent", "gone")), None)
    if denial is None or reading.derived or any(state == "absent" for _, state in reading.outcomes):
        return reading
    return replace(
        reading, outcomes=tuple((finding, "absent") for finding, _ in reading.outcomes), cues=(denial,)
    )


def asked(text: str, terms: Sequence[Term] = ASKED) -> list[Reading]:
    """Wordings of `text` that may mean several things, each with what it would say under its cues."""
    wanted = find_terms(text, terms)
    if not wanted:
        return []
    others = [one for one in find_terms(text) if not any(overlap(one.span, other.span) for other in wanted)]
    every = sorted([*wanted, *others], key=lambda item: item.span)
    spans = {item.span for item in wanted}
    told = [
        reading
        for clause in _clauses(text)
        for reading in _in_one_time(text, clause, _answer(text, clause), every)[0]
    ]
    return [reading for reading in told if reading.span in spans]


def overlap(one: Span, other: Span) -> bool:
    """Whether two stretches share a character."""
    return one[0] < other[1] and other[0] < one[1]


def _read_clause(text: str, clause: Span, found: Sequence[Found]) -> tuple[list[Reading], list[ScopedCue]]:
    inside = [item for item in found if clause[0] <= item.span[0] < clause[1]]
    cues = [*clause_cues(text, clause, inside), *_question(text, clause), *_both_ways(text, clause, inside)]
    spoken = [item for item in inside if _speaks(text, clause, item)]
    return _said_once(text, [_judge(text, clause, item, cues, spoken) for item in spoken]), cues


def _said_once(text: str, readings: list[Reading]) -> list[Reading]:
    """What is said twice in other words is said of both: "suspected effusion, i.e. pleural fluid"."""
    for place, (one, other) in enumerate(pairwise(readings)):
        if not _RESTATED.fullmatch(text[one.span[1] : other.span[0]]):
            continue
        governed = next((each for each in (one, other) if each.cues), one)
        for each in (place, place + 1):
            if {f for f, _ in readings[each].outcomes} == {f for f, _ in governed.outcomes}:
                readings[each] = replace(readings[each], outcomes=governed.outcomes, cues=governed.cues)
    return readings


def _now(text: str, then: Span, now: Span, found: Sequence[Found]) -> tuple[list[Reading], list[ScopedCue]]:
    """What a clause says that tells of two times: of what it names, what holds now."""
    before, _ = _read_clause(text, then, found)
    after, cues = _read_clause(text, now, found)
    if not after:
        deciding = [cue for cue in cues if cue.kind == "negation"] or [
            c for c in cues if c.kind == "uncertainty"
        ]
        state: Polarity | None = tenses.states(text, now)
        if deciding:
            state = "absent" if deciding[0].kind == "negation" else "uncertain"
        if state is None:
            return _read_clause(text, (min(then[0], now[0]), max(then[1], now[1])), found)
        inside = [item for item in found if then[0] <= item.span[0] < then[1]]
        return [_reading(text, item, _of_wording(item, state), deciding[:1]) for item in inside], cues
    named = {finding for reading in after for finding, _ in reading.outcomes}
    kept = [
        replace(
            reading,
            outcomes=tuple(
                (finding, "uncertain" if state == "present" else state) for finding, state in reading.outcomes
            ),
        )
        for reading in before
        if named.isdisjoint(finding for finding, _ in reading.outcomes)
    ]  # what there was, and nobody says whether it still is
    return sorted([*kept, *after], key=lambda reading: reading.span), cues


def _of_wording(item: Found, state: Polarity) -> Polarity:
    """Whether the words of a term hold where what they speak of is there: "normal" of a heart does not."""
    turned = any(outcome.affirmed == "absent" for outcome in item.term.outcomes) and state != "uncertain"
    return CONTRARY[state] if turned else state


def _on_either_side(
    text: str, clause: Span, other: sides.Elsewhere, found: Sequence[Found], earlier: Sequence[Reading]
) -> tuple[list[Reading], list[ScopedCue]]:
    """What a clause says that goes on to the other side: "small left effusion, none on the right"."""
    before, cues = _read_clause(text, (clause[0], max(clause[0], other.span[0])), found)
    spoken = before or earlier
    if not spoken or spoken[-1].derived:
        return _read_clause(text, clause, found)
    state: Polarity = "absent" if other.denied else "present"
    named = spoken[-1]
    outcomes = tuple((finding, state) for finding, _ in named.outcomes)
    there = replace(named, outcomes=outcomes, cues=(), bound="", side=other.side)
    if other.denied:
        cue = ScopedCue("denied", "negation", other.cue, named.span)
        there, cues = replace(there, cues=(cue,)), [*cues, cue]
    elif before and sides.sized(text, other.cue[1] + 1) and text[named.span[1] : other.cue[0]].isspace():
        before, there = before[:-1], replace(named, side=other.side)  # "pneumothorax small left side"
    rest = (other.span[1], max(other.span[1], clause[1]))
    again = sides.elsewhere(text, rest)
    if again is not None and again.span[0] == rest[0]:  # "left yes, right no"
        after, more = _on_either_side(text, rest, again, found, [there])
    else:
        after, more = _read_clause(text, rest, found)
    return [*before, there, *after], [*cues, *more]


def find_terms(text: str, terms: Sequence[Term] = TERMS) -> list[Found]:
    """Terms that do not overlap: where two do, the one that starts earlier, then the longer one."""
    every = [Found(term, match.span()) for term in terms for match in term.pattern.finditer(text)]
    every.sort(key=lambda item: (item.span[0], -item.span[1]))
    kept: list[Found] = []
    for item in every:
        if not kept or item.span[0] >= kept[-1].span[1]:
            kept.append(item)
    return kept


def _clauses(text: str) -> Iterator[Span]:
    """The clauses of a text; two of which one tells of then and the other of now are one."""
    whole: Span | None = None
    for clause in _apart(text):
        if whole is not None and tenses.tells_of_both(text, whole, clause):
            yield whole[0], clause[1]
            whole = None
            continue
        if whole is not None:
            yield whole
        whole = clause
    if whole is not None:
        yield whole


def _apart(text: str) -> Iterator[Span]:
    start = 0
    ends = list(CLAUSE_END.finditer(text))
    cues = [cue.span() for cue in CUES.finditer(text)] if ends else []
    for match in ends:
        if any(first < match.start() < last for first, last in cues):
            continue  # "anything on the list but nodules"
        answer = answer_at(text, match.start())
        if match.start() < start or (answer is None and _ANSWER.match(text, match.start())):
            continue
        yield start, max(start, match.start() - 1)
        start = answer.end if answer else match.end()
    yield start, len(text)


def _question(text: str, clause: Span) -> list[ScopedCue]:
    """A question leaves all of its clause open, unless it only asks politely for films."""
    asks = _REQUEST.match(text) or _REQUEST.match(text, clause[0])  # "which" may itself end a clause
    if asks:
        return []
    inverted = _INVERTED.match(text, *clause) if clause[0] == 0 else None
    if inverted is not None:
        return [ScopedCue("open", "uncertainty", inverted.span(), clause)]
    later = _ASKS.search(text, *clause)
    if later is not None:  # "collarbone broken, has he got a pneumothorax"
        return [ScopedCue("open", "uncertainty", later.span(later.lastgroup or 0), (later.end(), clause[1]))]
    if not text.startswith(("?", " ?"), clause[1]):
        return []
    mark = text.index("?", clause[1])
    return [ScopedCue("open", "uncertainty", (mark, mark + 1), clause)]


def _both_ways(text: str, clause: Span, found: Sequence[Found]) -> list[ScopedCue]:
    """ "Effusion or no effusion" asks."""
    return [
        ScopedCue("open", "uncertainty", (first.span[1] + 1, second.span[0] - 1), clause)
        for first, second in pairwise(found)
        if first.term.outcomes == second.term.outcomes
        and _OR_NO.fullmatch(text[first.span[1] : second.span[0]])
    ]


def _speaks(text: str, clause: Span, item: Found) -> bool:
    spoilt = item.term.unless_before
    return spoilt is None or spoilt.search(text, clause[0], item.span[0]) is None


def _judge(
    text: str, clause: Span, item: Found, cues: Sequence[ScopedCue], others: Sequence[Found]
) -> Reading:
    """What a term says under the cues that govern it."""
    over = [cue for cue in cues if _governs(text, cue, item)]
    if settled(text, item.span[1], clause[1]) and not _CONDITION.search(text, clause[0], item.span[0]):
        over = [cue for cue in over if cue.kind != "uncertainty"]
    denials = [cue for cue in over if cue.kind == "negation" and cue.name != "flip"]
    state: Polarity
    bound = ""
    if used := [cue for cue in over if cue.name == "open"]:
        state = "uncertain"
    elif denials:
        used = [min(denials, key=lambda cue: _distance(cue, item))]
        bound = _bound(text, clause, item, used[0], others)
        state = "uncertain" if bound else "absent"
    else:
        used = [cue for cue in over if cue.kind == "uncertainty"]
        alternative = _one_of_two(text, clause, item, cues, others) or _across_slash(text, item, others)
        state = "uncertain" if used or alternative else "present"
    flips = [cue for cue in over if cue.name == "flip"]
    if flips and state != "uncertain":
        state, used = "present" if state == "absent" else "absent", [*flips, *used]
    return replace(_reading(text, item, state, used), bound=bound)


def _reading(text: str, item: Found, state: Polarity, used: Sequence[ScopedCue]) -> Reading:
    gone = (
        state == "absent" and bool(used) and used[0].name == "gone"
    )  # what has cleared denies no more than itself
    named = (outcome for outcome in item.term.outcomes if not (gone and outcome.affirmed is None))
    said = ((outcome.finding, outcome_of(outcome, state)) for outcome in named)
    outcomes = tuple((finding, polarity) for finding, polarity in said if polarity is not None)
    side = sides.side_of(text, item.span, frozenset(finding for finding, _ in outcomes))
    return Reading(item.span, outcomes, tuple(used), item.term.derived, side)


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


def _bound(text: str, clause: Span, item: Found, cue: ScopedCue, others: Sequence[Found]) -> str:
    """The size, kind or time that a "no" bears on: "large" of "no large effusion"; "" where it denies all."""
    findings = {outcome.finding for outcome in item.term.outcomes}
    if cue.name == "gone" or item.term.derived or "normal" in findings:
        return ""
    start = item.span[0]
    after = cue.span[1] if cue.span[1] <= start else clause[0]
    bears = (
        _BEARS.search(text, after, start)
        or _KIND.match(text, start, item.span[1])
        or _OF_SIZE.match(text, item.span[1])
        or _BEYOND.match(text, item.span[1])
    )
    if bears is not None:
        sudden = findings & _SUDDEN or _AIRSPACE.match(text, *item.span)
        return "" if bears["bound"] == "acute" and sudden else bears["bound"]
    twins = (
        other
        for other in others  # "no suspicious nodule or mass" bears on both
        if other.term.outcomes == item.term.outcomes and _TWIN.fullmatch(text, other.span[1], start)
    )
    return next((_bound(text, clause, twin, cue, others) for twin in twins), "")


def _distance(cue: ScopedCue, item: Found) -> int:
    return max(item.span[0] - cue.span[1], cue.span[0] - item.span[1], 0)


def outcome_of(outcome: Outcome, state: Polarity) -> Polarity | None:
    """What a term says of one finding where the term is present (affirmed), absent (denied) or uncertain."""
    if state == "present":
        return outcome.affirmed
    if state == "absent":
        return outcome.denied
    return "uncertain" if outcome.affirmed is not None else None


def _one_of_two(
    text: str, clause: Span, item: Found, cues: Sequence[ScopedCue], others: Sequence[Found]
) -> bool:
    """Whether an affirmed finding is an alternative: "atelectasis or scarring", but not "nodule or mass"."""
    start, end = item.span
    if item.term.derived or any(cue.name == "unchanged" and cue.span[0] < start for cue in cues):
        return False  # "no change in effusion or edema": there are both
    if any(
        other is not item
        and other.term.outcomes == item.term.outcomes
        and _OR.fullmatch(text[min(other.span[1], end) : max(other.span[0], start)])
        for other in others
    ):
        return False
    before = text[max(clause[0], start - _NEARBY) : start]
    after = _VERSUS_AFTER.match(text, end, clause[1]) or _VERSUS_BEYOND.match(text, end, clause[1])
    return bool(after or _VERSUS_BEFORE.search(before)) and not _reworded(text, clause, item)


def _reworded(text: str, clause: Span, item: Found) -> bool:
    """Whether an "or" offers the same finding in looser words: "hazy area or opacity"."""
    findings = {outcome.finding for outcome in item.term.outcomes}
    start, end = item.span
    near = (max(clause[0], start - _NEARBY), min(clause[1], end + _NEARBY))
    return any(
        _OR.fullmatch(text[min(loose.end(), end) : max(loose.start(), start)])
        for term in (*ASKED, *LOOSE)
        if not findings.isdisjoint(outcome.finding for outcome in term.outcomes)
        for loose in term.pattern.finditer(text, *near)
    )


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
