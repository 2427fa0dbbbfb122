"""Then and now: where a sentence tells of two times, the later one is what the film shows."""

from __future__ import annotations

import re
from typing import Final

from negviz.findings import Polarity
from negviz.language.lexicon import FINDING
from negviz.language.scope import Span

_TREATED: Final = (
    r"(?:the |a |his |her |that )?(?:chest )?(?:drain(?:age)?|tube|tap|op|surgery|operation|biopsy|line|"
    r"procedure|treatment|thoracentesis|diuretics|diuresis|lasix|antibiotics|dialysis|extubation|"
    r"intubation|chemo(?:therapy)?|radiotherapy|transplant|lobectomy|pleurodesis|bronchoscopy|fall|crash|"
    r"accident)"
)
_CAME: Final = r"(?:appeared|developed|emerged|arisen|arrived|formed|turned up|come up|come on|come in)"
_AGO: Final = (  # stands behind what it dates
    rf"pre ?-? ?op(?:erative(?:ly)?)?|(?:before|prior to) {_TREATED}|"
    r"yesterday|last (?:week|month|year|night|time|visit|film|study)|"
    r"(?:\w+ )?(?:days?|weeks?|months?|years?) ago|(?<!than )(?<!as )(?<!from )before|"
    r"(?<!than )earlier(?! (?:films?|study|studies|exams?))|then(?= [,;]|$)|"
    r"(?:at|on) (?:admission|admit|arrival|intake)|initially(?= [,;])|at (?:first|baseline|presentation)|"
    r"(?:on|in) (?:the )?(?:prior|previous|earlier|last|old)(?= [.,;]|$)|in the past|at (?:that|the) time|"
    r"at (?:the )?time of (?:the )?[a-z]+|back then|(?:on|in) (?:the )?(?:prior|previous|earlier|last|old|"
    r"first|yesterday) (?:films?|one|study|exam|radiograph|x rays?|cxr)"
)
_DATED: Final = (  # of two of these the later one is now
    r"(?:in|on|at|since|from) (?:(?:19|20)\d\d|january|february|march|april|may|june|july|august|september|"
    r"october|november|december)|(?:19|20)\d\d(?= :)|(?:mon|tues|wednes|thurs|fri|satur|sun)day|"
    r"(?:on )?(?:day|week|film|pod) (?:\d+|one|two|three|four|five|six|seven|eight|nine|ten)"
)
_ONCE: Final = (  # stands before it
    r"(?:prior|previous|before|old|then)(?: (?:film|study|exam|x ray|cxr))? :|"
    r"(?:prior|previous|old)(?= shows?(?![^ ]))|(?<!to )(?<!with )(?<!from )(?<!the )(?:index|baseline|"
    r"initial|first|earlier|prior|previous|old) (?:film|study|exam|x ray|cxr)|used to (?:have|be|show)|"
    r"^(?:(?:he|she|it|they|there|pt|patient) )?(?:was|were|had)|"
    rf"(?:was|were) (?:(?:not )?(?:there|present|seen|visible)|absent)(?= ,)|"
    rf"(?:prior|previous|former)(?= (?:[a-z]+ )?{FINDING})|"
    r"(?:prev|previously|formerly|initially|earlier|once)(?! (?:seen|noted|described|identified|demonstrated|"
    r"mentioned|reported|visuali[sz]ed|questioned)(?![^ ]) ?(?!(?:today|now)))"
)
_THEN: Final = re.compile(rf"(?<![^ ])(?:(?P<behind>{_AGO}|{_DATED})|{_ONCE})(?![^ ])")
_YEAR: Final = re.compile(r" ?((?:19|20)\d\d) :")
_LATER: Final = re.compile(rf"(?<![^ ])(?:{_DATED})(?![^ ])")
_NOW: Final = re.compile(
    r"(?<![^ ])(?:(?:and |but |is |are )?now|today|(?:[a-z0-9]+ )?(?:hours?|days?|weeks?|months?|"
    r"years?) later|(?:at|after) (?:[a-z0-9]+ )?(?:hours|days|weeks|months)|"
    rf"currently|at present|no longer|any ?more|any longer|(?:on|in) this(?= [.,;]|$)|post ?-? ?op(?:erative"
    rf"(?:ly)?)?|after (?:it|{_TREATED})|(?:has|have)(?: since| now)? {_CAME}|{_CAME}|(?:got|developed) "
    r"(?:one|it|some)|(?:repeat|second|current|follow ?up|latest|new|subsequent) (?:film|study|exam|x ray|"
    r"cxr)|(?:current|present|new|after|latest|this)(?: (?:film|study|exam|x ray|cxr))? :|current(?= shows?)|"
    r"(?:the )?(?:new|current|latest) one|on (?:the )?(?:second|new|repeat|latest|current)(?= [.,;]|$)|"
    r"(?:on|at|by) (?:follow ?up|repeat|recheck|review|discharge|current)|"
    r"on (?:the )?(?:current|present|this|today|new|newest|latest|recent|second) (?:film|one|study|exam|"
    r"radiograph|x rays?|cxr)|after(?:wards?)?(?= [.,;]|$))(?![^ ])"
)
_OF_LATE: Final = re.compile(  # then, beside a "now"
    r"(?<![^ ])this (?:time|morning|week|month|year|visit|evening)(?![^ ])"
)
_MARK: Final = re.compile(r" (?:[.,;?!]|but|however|although|though|yet|while|whereas|and|-)(?= )")
_THERE: Final = re.compile(
    r"(?<![^ ])(?:present|seen|visible|there|new|(?:has|have) (?:one|some|it)|with (?:it|one)|do|"
    r"does(?! not)|(?:one|some) now|enlarged|bigger|swollen|broken|collapsed|large|small|moderate|big|tiny|"
    r"huge|mild|back|returned|larger|smaller|increased|persists?|persistent|unchanged|positive|yes|evident|"
    r"noted|obvious|worse|"
    rf"{_CAME}|(?:is|are) now(?! (?:no|not|absent|gone|clear)(?![^ ]))|\d[\d.]* ?(?:mm|cm)|got (?:one|it|"
    rf"some)|(?:one|some)(?: (?:on|in|at|after|since|today|this)|(?= ?$)))(?![^ ])"
)


_NOT_THERE: Final = re.compile(
    r"(?<![^ ])(?:nothing(?! (?:new|else|more))|dry|clear|cleared|fine|normal|(?:re ?|fully )expanded|"
    r"healed|recovered)(?![^ ])"
)


def split(text: str, clause: Span) -> tuple[Span, Span] | None:
    """The part of a clause that tells of then and the part that tells of now; `None` where it does not."""
    then, now = _THEN.search(text, *clause), _NOW.search(text, *clause)
    late = _OF_LATE.search(text, *clause)
    then, now = then or (late if now is not None else None), now or late
    if then is not None and now is None:
        now = _LATER.search(text, then.end(), clause[1])
    if then is None or now is None or (then.end() > now.start() and now.end() > then.start()):
        return None
    first, second = sorted((then, now), key=re.Match.start)
    mark = _MARK.search(text, first.end(), second.start() + 1)
    if mark is not None:
        at = mark.end()
    elif text.startswith(" :", first.end()):
        at = second.start()
    elif first is now or then.re is _OF_LATE or then["behind"]:
        at = first.end()
    else:
        at = second.start()
    before, after = (clause[0], at), (at, clause[1])
    return (before, after) if first is then else (after, before)


def tells_of_both(text: str, first: Span, second: Span) -> bool:
    """Whether of two clauses one tells of then alone and the other of now: "present then, but absent now"."""
    years = [_YEAR.match(text, part[0]) for part in (first, second)]
    if years[0] is not None and years[1] is not None:
        return years[0][1] < years[1][1]  # "2021: no nodule. 2024: nodule"
    told = [
        (
            _THEN.search(text, *part) is not None,
            (_NOW.search(text, *part) or _OF_LATE.search(text, *part)) is not None,
        )
        for part in (first, second)
    ]
    dated = told[0] == (True, False) and told[1] == (True, False) and _LATER.search(text, *second) is not None
    return dated or sorted(told) == [(False, True), (True, False)]


def states(text: str, part: Span) -> Polarity | None:
    """Whether words that no cue turns round say that something is there, or that all is well."""
    if _NOT_THERE.search(text, *part):
        return "absent"
    return "present" if _THERE.search(text, *part) else None
