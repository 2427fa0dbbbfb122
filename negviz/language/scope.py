"""How far each cue of a clause reaches: on to the end of its list, or back to the head of its subject."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from negviz.findings import Term
from negviz.language.lexicon import CUES, HEDGE_END, NEGATION_END, CueKind, CueMatch, cue_of
from negviz.language.patterns import KIND, TIME

Span = tuple[int, int]


@dataclass(frozen=True)
class ScopedCue:
    """A cue where it stands; `scope` is the stretch of text that it governs."""

    name: str
    kind: CueKind
    span: Span
    scope: Span


@dataclass(frozen=True)
class Found:
    """A term where it stands."""

    term: Term
    span: Span


_VERB: Final = re.compile(
    r"(?<![^ ])(?<!previously )(?<!prior )(?<!formerly )(?:is|are|was|were|has|have|shows?|demonstrates?|"
    r"remains?|persists?|appears?|yes|y(?= ,)|positive(?! for)|confirmed|"
    r"reveals?|(?:seen|noted|present|identified|visuali[sz]ed)"  # "the effusion seen before has resolved"
    r"(?! (?:before|previously|earlier|yesterday|last (?:week|month|year|time)|"
    r"on (?:the )?(?:prior|previous|last|old|earlier))(?![^ ])))(?![^ ])"
)
_AUXILIARY: Final = re.compile(  # what may stand between a subject and a cue that looks back at it
    r"(?: (?:is|are|was|were|has|have|had|be|been|do|does|did|to|appears?|seems?|can|could|may|might|should|"
    r"must|will|now|explicitly|expressly|specifically|formally|firmly|completely|fully|entirely|totally|"
    r"labell?ed|marked|tagged|coded|as|would|will|also|either|still|yet|since|already|again|all|both|"
    r"remains?|that|:|-|,))*$"
)
_COPULA: Final = re.compile(r"(?<![^ ])(?:is|are|was|were|be|been|being|remains?)$")
_SHOWS: Final = re.compile(r"shows?|demonstrates?|reveals?")
_JOINT: Final = re.compile(r"(?<![^ ])(?:,|and|or|/|nor|with)(?![^ ])")
_COMMA: Final = re.compile(r" ,")
_ITEM_BEFORE: Final = re.compile(r"([^,;.]*), (?:and )?$")
_ALSO: Final = re.compile(r" (?:(?:and|or)(?! \d)|nor|/|versus|vs)(?= )")
_OPENS_ITEM: Final = re.compile(r"(?:,|and|with|or|:|there is|there are)$")
_STANDS: Final = re.compile(
    r" (?:(?:is|are) (?:again |still |now |also )?(?:present|noted|small|large|mild|moderate)|"
    r"(?:(?:is|are|remains?|appears?) )?(?:again |still |now |also )?(?:unchanged|stable|enlarged|larger|"
    r"smaller|increased|decreased|improved|worse|persists?))(?= [.,;:]|$| and | in | at | since | from )"
)
_IS_PRESENT: Final = re.compile(
    r" and [^,]* (?:is|are) (?:again |still |now |also )?(?:present|noted|evident|"
    r"(?:seen|visible) (?:in|at|on) (?:the |both )?(?:left|right|l|r|base|bases|apex|lingula)"
    r"(?! (?:or|nor))(?![^ ]))(?![^ ])"
)
_SIZED_ITEM: Final = re.compile(  # what is measured, sized or said to be in a state is there
    r" , (?:(?:displaced|comminuted)(?= (?:left|right|\d|[lr] ))|"
    r"(?:the |both )?lungs?(?= (?:hyper|emphysematous|overinflated|congested|hazy|wet|white))|small|mild|"
    r"moderate|severe|marked|extensive|large|big|huge|massive|minimal|tiny|stable|residual|normal|a|left|"
    r"right|l|r|present|known|positive|confirmed|new|worsening|increasing|improving|persistent|chronic|old|"
    r"healed|healing|enlarged|broken|cracked|multiple|several|one(?! (?:or|of))|two(?! or)|three|fractured|"
    r"consolidated|collapsed|popped|punctured|deflated|wet|swollen|less|more|decreased|increased|reduced|"
    r"smaller|larger|improved|bibasilar|bibasal|sub ?segmental|still(?! (?:no|not|without|never)(?![^ ]))|"
    r"[rl][uml]l|bilateral|\d[\d.]* ?(?:mm|cm|x)?) "
)
_STATED_ITEM: Final = re.compile(  # and what is said to be
    r" , (?!(?:and|or|nor|no|not) )(?:(?:(?!or |nor |and |not )[^ ,]+ )+(?:is|are|has|have) (?:now |also |"
    r"clearly |again |become )?(?:seen|evident|visible|noted|shown|identified|worsened|worse|increased|"
    r"progressed|developed|appeared|new|old|chronic|long ?standing|long standing|known|obvious|severe|marked|"
    r"extensive|massive|huge)|[^,]* (?:[rl][uml]l|broken|cracked|fractured|snapped|collapsed|"
    r"opacified|consolidated|blunted|enlarged|still [a-z]+|present|known|there|yes|positive|confirmed|"
    r"instead|again (?:evident|seen|noted|visible|shown|identified|demonstrated)|"
    r"(?:marked|widespread|extensive|severe|pronounced|mild|moderate)(?: (?:in|at|on|throughout) [^,]*)?|"
    r"(?:in|at|of|on) (?:the )?(?:both (?:bases|apices|lungs|sides)|left|right|lingula|\d\w*|"
    r"[rl][uml]l)(?: (?!or |nor )[^,]*)?|as before|bilateral|bilaterally|\d[\d.]* ?(?:mm|cm)|"
    r"ribs?(?: (?:to |and |- )?\d+)+))(?= [.,;]|$| please)"
)
_UNFINISHED: Final = re.compile(  # its item goes on behind the comma: "no new, enlarging nodule"
    rf"(?<![^ ])(?:{KIND}|{TIME}|small|tiny|minimal|trace|focal|definite|obvious|clear|significant|evidence|"
    r"signs?)$"
)
_OF_EITHER_SIDE: Final = frozenset({"ruled out", "denied"})  # "ptx was ruled out overnight"
_ARTICLE: Final = re.compile(r" ?(?:(?:the|my|his|her|this) )?")
_ADVERBS: Final = frozenset({"possibly", "probably", "likely", "presumably", "perhaps", "potentially"})
_PAUSE: Final = re.compile(r" (?:,|-|:|and|or|nor|with|there (?:is|are))(?![^ ])")
_PLACE: Final = re.compile(r" (?:within|in|on|at|from|of)(?![^ ])")
_UNKNOWN_WORD: Final = re.compile(
    r" (?!(?:on|in|at|given|and|but|though|over|within|based|too|here|present)(?![^ ]))\w"
)
_DENIED_BEFORE: Final = re.compile(r"(?<![^ ])(?:there (?:is|are)|no|without|not)(?![^ ])")
_SIGN: Final = re.compile(  # what a diagnosis may explain
    r"(?<![^ ])(?:opacit(?:y|ies)|opacifications?|densit(?:y|ies)|markings|prominence|accentuation|"
    r"air ?space disease|obscuration|blunt(?:ed|ing)|thickening|crowding|lucenc(?:y|ies)|deformit(?:y|ies)|"
    r"irregularity|appearance(?= $))(?![^ ])"
)
_SUBJECT: Final = 400  # characters; no list of findings is longer
_WORDS: Final = 20  # characters; enough for the words next to a cue
_CUES_AHEAD: Final = 30  # no sentence that means something has more
_NEW_SUBJECT_BEFORE: Final = re.compile(r"(?<![^ ]), and (?:an?|the) ")
_SIZED_BEFORE: Final = re.compile(  # "small pneumothorax, pleural fluid nil"
    r"(?<![^ ])(?:small|mild|moderate|large|big|huge|massive|minimal|tiny|residual) (?!or |to )[^,]*,"
    r"(?= (?!and |or |nor ))"
)


def clause_cues(text: str, clause: Span, found: Sequence[Found]) -> list[ScopedCue]:
    """The cues of one clause, each with the stretch it governs; `found` are the terms of that clause."""
    matches = [cue_of(match) for match in CUES.finditer(text, *clause)]
    matches = [cue for cue in matches if cue.name != "blank" or _explains(text, clause, cue, matches)]
    cues: list[ScopedCue] = []
    floor = clause[0]  # nothing before this can still be claimed by a cue that looks back
    for number, match in enumerate(matches):
        following = matches[number + 1 : number + 1 + _CUES_AHEAD]
        later = (other.span[0] for other in following if _closes(text, other, match))
        scope = _scope(text, match, next(later, clause[1]), floor, found)
        if scope[0] < match.span[0] or _has_subject(match, floor, found):
            floor = match.span[1]
        cues.append(ScopedCue(match.name, match.kind, match.span, scope))
    return _yield_to_later(cues)


def _explains(text: str, clause: Span, blank: CueMatch, cues: Sequence[CueMatch]) -> bool:
    """Whether a word that was taken away follows a sign that is there and may be doubted an explanation."""
    before = [cue for cue in cues if cue.span[0] < blank.span[0] and cue.kind in ("negation", "pseudo")]
    return not before and _SIGN.search(text, clause[0], blank.span[0]) is not None


def _has_subject(cue: CueMatch, floor: int, found: Sequence[Found]) -> bool:
    """Whether a hedge explains a finding before it, which no later cue then looks back at."""
    return cue.name in ("hedge", "blank") and any(floor <= item.span[0] < cue.span[0] for item in found)


def _closes(text: str, later: CueMatch, cue: CueMatch) -> bool:
    """Whether a later cue ends the reach of an earlier one: another negation, or a hedge on a new item."""
    if later.name in ("flip", "affirm") or cue.name == "flip":
        return False
    if later.kind == "pseudo":
        return True
    if later.reach == "before":
        return False
    if later.kind == "negation":
        return later.reach == "after"
    return bool(_OPENS_ITEM.search(_tail(text, cue.span[1], later.span[0], _WORDS)))


def _scope(text: str, cue: CueMatch, end: int, floor: int, found: Sequence[Found]) -> Span:
    """The stretch one cue governs; forward it may go to `end`, back to `floor`."""
    if cue.reach == "none":
        return cue.span
    if cue.reach == "before":
        start, last = _before(text, cue.span[0], floor, found)
        own = {"spared": _JOINT}.get(cue.name, _SIZED_BEFORE if cue.kind == "negation" else None)
        heads = own.finditer(text, start, last) if own else ()
        return max([start, *(head.end() for head in heads)]), last
    if cue.reach == "next":
        return _next(text, cue, end, found)
    forward = _after(text, cue, end, found)
    if cue.reach == "after":
        ahead = any(forward[0] <= item.span[0] < forward[1] for item in found)
        behind = not ahead and text[slice(*cue.span)] in _OF_EITHER_SIDE
        return _before(text, cue.span[0], floor, found) if behind else forward
    if _PAUSE.match(text, cue.span[1]) and any(item.span[1] + 1 == cue.span[0] for item in found):
        return _before(text, cue.span[0], floor, found)  # "effusion absent, nodule present"
    word = text[slice(*cue.span)]
    predicate = _COPULA.search(_tail(text, floor, cue.span[0], _WORDS)) and word not in _ADVERBS
    if not predicate and any(forward[0] <= item.span[0] < forward[1] for item in found):
        return forward
    if word in _ADVERBS and _PLACE.match(text, cue.span[1]):
        return cue.span  # "infiltrate, probably within the lower lobe" doubts the place alone
    if cue.name == "hedge" and _UNKNOWN_WORD.match(text, cue.span[1]):
        return forward  # "opacity, likely scarring" doubts a word that we do not know
    if any(item.span[0] <= cue.span[0] and cue.span[1] < item.span[1] for item in found):
        return cue.span  # "pleural line and absent markings"
    return _before(text, cue.span[0], floor, found)


def _next(text: str, cue: CueMatch, end: int, found: Sequence[Found]) -> Span:
    """From a cue to the end of the term that it stands before, if no other item stands between."""
    start = cue.span[1]
    item = next((item for item in found if start <= item.span[0] < end), None)
    if item is None or _JOINT.search(text, start, item.span[0]):
        return cue.span
    return start, item.span[1]


def _after(text: str, cue: CueMatch, end: int, found: Sequence[Found]) -> Span:
    """From a cue to the end of its list."""
    start = cue.span[1]
    hedge = cue.name in ("hedge", "blank")
    bound = HEDGE_END if hedge else NEGATION_END
    stop = bound.search(text, start, end)
    while stop is not None and (
        stop.start() - start <= 1  # "no, the …" ends nothing that has begun
        or (_SHOWS.fullmatch(stop[0]) and _begins(text, (start, stop.start()), found))
    ):  # "neither side shows …"
        stop = bound.search(text, stop.end(), end)
    end = stop.start() if stop else end
    statements = (
        item.span[0]
        for item in found
        if item.term.statement
        and start < item.span[0] < end
        and not _ARTICLE.fullmatch(text, start, item.span[0])
    )
    end = min(statements, default=end)
    item = next((item for item in found if start < item.span[1] and item.span[0] < end), None)
    first = item.span[1] if item else end  # of "heart not enlarged, …" the cue is within
    stretch = _to_end_of_verb(text[start:end], first - start)
    if hedge and text.startswith("differential", cue.span[0]):
        return start, start + len(stretch)  # a differential diagnosis is a list to its end
    hedge = hedge and not text.startswith("rule out", cue.span[0])  # what is looked for is a list
    of_all = item is not None and any(outcome.finding == "normal" for outcome in item.term.outcomes)
    return start, start + len(
        _to_end_of_list(stretch, first - start, alone=hedge or of_all or _last(text, cue))
    )


def _begins(text: str, before: Span, found: Sequence[Found]) -> bool:
    """Whether a verb has the cue for its subject: no item, and no comma, stands between ("neither side")."""
    return "," not in text[slice(*before)] and not any(
        before[0] <= item.span[0] < before[1] for item in found
    )


def _last(text: str, cue: CueMatch) -> bool:
    """Whether a cue denies one item alone, the last: "neither … nor …", "nil effusion, nil nodule"."""
    if text[slice(*cue.span)] == "nor":
        return True
    before = _ITEM_BEFORE.search(text, max(0, cue.span[0] - 3 * _WORDS), cue.span[0])
    denied = f" {text[slice(*cue.span)]} "
    return cue.kind == "negation" and before is not None and denied in f" {before[1]}"


def _to_end_of_verb(stretch: str, first: int) -> str:
    """Cut where a new clause begins after a finite verb; "no visualized effusion or …" has none before."""
    verb = _VERB.search(stretch, first)
    joint = _JOINT.search(stretch, verb.end()) if verb else None
    if joint is not None:
        stretch = stretch[: joint.start()]
    for stands in _STANDS.finditer(stretch):
        comma = stretch.rfind(" , ", 0, stands.start())
        if comma >= 0 and not _ALSO.search(stretch, comma, stands.start()):
            return stretch[:comma]
    both = _IS_PRESENT.search(stretch)
    if both is not None and " and " not in stretch[both.start() + 1 : both.end()]:
        return stretch[: both.start()]
    return stretch


def _to_end_of_list(stretch: str, first: int, *, alone: bool) -> str:
    """Cut at a comma behind an item that no "or" or "and" follows: before a sized item, or any if `alone`.

    A hedge stands alone, and so does a denial of all ("no acute process, emphysema").
    """
    for match in _COMMA.finditer(stretch):
        comma = match.start()
        named = alone or comma >= first  # behind what a term names; else "no lines, small nodule"
        if _ALSO.search(stretch, comma):
            if named:
                return stretch
            continue
        sized = _SIZED_ITEM.match(stretch, comma) and (named or not _UNFINISHED.search(stretch, 0, comma))
        closed = _ALSO.search(stretch, first, comma)  # "no effusion or pneumothorax, emphysema"
        stated = _STATED_ITEM.match(stretch, comma) and (named or not _UNFINISHED.search(stretch, 0, comma))
        if sized or stated or (named and (alone or closed)):
            return stretch[:comma]
    return stretch


def _before(text: str, end: int, floor: int, found: Sequence[Found]) -> Span:
    """From the head of its subject to a cue that looks back ("effusion and edema are absent")."""
    floor = max(floor, end - _SUBJECT)
    tail = _tail(text, floor, end, _SUBJECT)
    subject = _AUXILIARY.sub("", tail)
    breaks = [match.end() for pattern in (_DENIED_BEFORE, _VERB) for match in pattern.finditer(subject)]
    start = max(breaks, default=0)
    if breaks:  # an earlier clause stands before: the subject is its last item alone
        joints = [*_JOINT.finditer(subject, start)]
        listed = [joint[0] for joint in joints] == [",", "and"]  # "effusion present, edema and nodule absent"
        start = max([start, *(joint.end() for joint in (joints[:1] if listed else joints))])
        if "," in tail[len(subject) :] and not any(floor + start <= item.span[0] < end for item in found):
            start = 0  # "… was there last night, gone now" has one subject
    start = max([start, *(match.end() for match in _NEW_SUBJECT_BEFORE.finditer(subject))])
    return floor + start, end


def _tail(text: str, start: int, end: int, longest: int) -> str:
    """The last characters of a stretch, so that no cue costs more in a longer text."""
    return text[max(start, end - longest) : end].rstrip()


def _yield_to_later(cues: Sequence[ScopedCue]) -> list[ScopedCue]:
    """Cut a scope that looks ahead where a later cue claims a new subject by looking back."""
    claims = [(cue.span[0], cue.scope[0]) for cue in cues if cue.scope[0] < cue.span[0]]
    result = []
    for cue in cues:
        start, end = cue.scope
        if cue.name != "flip" and claims:
            heads = (head for at, head in claims if at >= cue.span[1] and head > cue.span[1])
            end = max(start, min([end, *heads]))
        result.append(replace(cue, scope=(start, end)))
    return result
