"""Sides: which lung a finding is said to be in, and what is said of the other one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from negviz.language.lexicon import SEEN
from negviz.language.scope import Span

Side = Literal["left", "right"]

_NO_SIDES: Final = frozenset({"cardiomegaly", "normal"})
_ONE: Final = r"(?:left|right|l|r|[lr][uml]l|lingular?)"  # how a side is named
_AHEAD: Final = re.compile(  # "left pleural effusion", "right-sided"
    rf"(?<![^ ])({_ONE})(?: (?!(?:and|or|nor|but|plus|with|no|not|none|without|is|are|on|in|the|heart|"
    r"left|right)(?![^ ]))[a-z]+){0,3} $"
)
_BEHIND: Final = re.compile(  # "effusion on the left", "pneumothorax: none identified at the right apex"
    r"(?: (?:or|nor|and) (?!(?:no|on|in|at|an?|the|left|right|l|r) )[a-z]+"  # or "effusion or nodule on …"
    r"(?: (?!(?:on|in|at|is|are) )[a-z]+)?(?= (?:on|in|at) ))?"
    rf"(?: ,(?= (?:(?:present|seen|noted|visible|absent) |{_ONE}(?: [,.;]|$)))| :)?"
    r"(?: (?:is|are|was|were|can|could|be|been|not(?! (?:on|at|in) )|none|no longer|now|also|again|still|"
    rf"clearly|definitely|only|absent|small|large|tiny|moderate|{SEEN}))*"
    r"(?: (?:on|in|at|of|to|along))?(?: (?:the|her|his|my|your|lower|upper))*"
    rf" ({_ONE})(?: sided?)?"
    rf"(?= (?!(?:[a-z]+ ){{0,2}}?(?:and|or|/|than|>|<) (?:(?:in|on|at|the) ){{0,2}}{_ONE}(?![^ ]))|$)"
)
_PLACED: Final = re.compile(  # "at the left base there is none", "the right lung has none", "left: opacity"
    r"(?:^|[.,;:] |but |and )(?:(?:on|in|at|over) )?(?:the |her |his |my )?"
    rf"({_ONE})(?: (?:side|lung|base|apex|hemithorax|(?:upper|lower|mid|middle) (?:lobe|zone|lung))){{0,2}}"
    r"(?: ,)?(?= (?:there|i|we|no|an?|has|have|is|are|was|shows?|demonstrates|contains|without|with|free|"
    r"clear|:)(?![^ ]))"
    r"(?: (?!(?:left|right|or|and|but|whereas|while|although|though|however|despite)(?![^ ]))[a-z:]+){0,5} $"
)
_LUNGS: Final = re.compile(r"(?<![^ ])lungs(?![^ ])")
_BOTH: Final = re.compile(  # "left and right", "on the left more than on the right"
    rf"(?<![^ ]){_ONE} (?:and|or|/|nor|>|<|(?:more|greater|less|larger|worse) than)"
    r" (?:(?:on|in|at) )?(?:the )?$"
)
_SIZE: Final = re.compile(
    r"(?<![^ ])(?:small|tiny|trace|minimal|mild|moderate|large|big|massive|huge|severe|subtle|extensive)"
    r"(?: (?!(?:and|or|but|with|no|not|is|are|on|in|the)(?![^ ]))[a-z]+){0,3} $"
)
_ELSEWHERE: Final = re.compile(  # "…, none on the right"
    r"(?P<turn>(?: [,;-])?(?: (?:but|and|or|with|though|yet))*)"
    r"(?: (?P<no>none|not|nothing|nil|no|absent|never|neg)|"
    r" (?:there is |is )?(?P<yes>one|some|present|seen|visible|yes|(?<=but )(?:on|in|at)(?= the )|"
    r"(?:small(?:er)?|larger?|bigger|tiny|moderate|more|less)"
    r"(?! (?:left|right) (?:lung|hemithorax)(?![^ ]))))"
    r"(?: (?:is|are|seen|present|visible|there|noted|any|one|to be))*"
    r"(?: (?:on|at|in|over|to|round|around))?(?: (?:the|her|his|my))?"
    r" (?P<side>left|right|l|r)(?: (?:side|lung|base|one|hemithorax))?(?= [,.;:?!]|$| please)"
)
_WELL: Final = re.compile(  # "…, right side clear"
    r"(?P<turn>(?: (?:,|;|-|but|and|with|though|yet|while))*)(?: (?:the|her|his|my))?"
    r" (?P<side>left|right|l|r)(?: (?:side|one|base|apex|hemithorax|is|are|was|has|had|does|have|looks|"
    r"appears|remains|completely|totally))*"
    r" (?:(?P<no>clear|dry|normal|fine|ok|okay|free|spared|not|unaffected|unremarkable|negative|good|"
    r"uninvolved|no|none|nil|nothing|absent|neg|resolved|gone|0)|"
    r"(?P<yes>yes|present|persists?|persistent|positive|affected|involved|remains|there|small|large|big))"
    r"(?: (?:have|got|of))*(?: (?:one|any|it))?(?= [.,;:?!]|$| please)"
)
_SIDE: Final = re.compile(r"(?<![^ ])(?:left|right|l|r)(?![^ ])")
_SIDE_BEFORE: Final = re.compile(
    r"(?<![^ ])(?:left|right|l|r)(?: (?:sided?|lung|base|one|hemithorax))?"
    r"(?: (?:yes|no|present|absent|clear|positive|negative))?$"
)
_NOT_ON: Final = re.compile(r" not (?:on|at|in) ")
_OF_IT: Final = frozenset({"present", "seen", "visible", "absent"})  # said of what stands before
_NEARBY: Final = 60  # characters; three words and a side are shorter


@dataclass(frozen=True)
class Elsewhere:
    """What a clause goes on to say of the other side, and the word that says so."""

    span: Span
    side: Side
    denied: bool
    cue: Span


def side_of(text: str, span: Span, findings: frozenset[str]) -> Side | None:
    """The one side that a finding's words are said to be on; None for both, or where none is named."""
    start, end = span
    if findings & _NO_SIDES or _LUNGS.search(text, start, end):
        return None
    before = text[max(0, start - _NEARBY) : start]
    ahead = _AHEAD.search(before)
    behind = None if ahead else _BEHIND.match(text, end)
    if behind is not None:
        return _side(behind[1])
    found = ahead or _PLACED.search(before)
    return None if found is None or _BOTH.search(before[: found.start(1)]) else _side(found[1])


def sized(text: str, start: int) -> bool:
    """Whether a size stands before the words of a finding."""
    return _SIZE.search(text[max(0, start - _NEARBY) : start]) is not None


def elsewhere(text: str, clause: Span) -> Elsewhere | None:
    """ "…, none on the right"."""
    start = max(0, clause[0] - 1)
    every = (match for pattern in (_ELSEWHERE, _WELL) for match in pattern.finditer(text, start, clause[1]))
    for found in sorted(every, key=re.Match.start):
        if _goes_on(text, clause, found):
            cue = "no" if found["no"] else "yes"
            return Elsewhere(found.span(), _side(found["side"]), cue == "no", found.span(cue))
    return None


def _goes_on(text: str, clause: Span, found: re.Match[str]) -> bool:
    """Whether a clause goes on to another side: "no effusion seen on the left" has named none before."""
    before = text[clause[0] : found.start()]
    if before and not found["turn"] and not _NOT_ON.match(found[0]):
        return _SIDE_BEFORE.search(before) is not None
    of_it = found.re is _ELSEWHERE and (found["no"] or found["yes"]) in _OF_IT
    return not before or not of_it or _SIDE.search(before) is not None


def _side(word: str) -> Side:
    return "left" if word.startswith("l") else "right"
