"""Who says what: where one takes back what another says, what a sentence means has to be asked.

"Was told of an effusion, but the film says otherwise" names its finding once; whether it is there is for the
reader of the film to say, so neither is believed.  Who agrees takes nothing back.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from negviz.language.patterns import STUDY
from negviz.language.reader import Reading


def _any_of(*wordings: str, end: str = r"(?![^ ])") -> re.Pattern[str]:
    """Whole words that say any of these."""
    return re.compile(rf"(?<![^ ])(?:{'|'.join(wordings)}){end}")


_SPEAKER: Final = re.compile(
    r"(?<![^ ])(?!(?:i|you|it|that|this|which|who|and|films?|patient) )([a-z]+) (?:said|says?|thinks?|"
    r"thought|calls?|called|reads?|felt|feels|claims?|marked|labell?ed|flagged|wrote|reports?|reported|"
    r"insists?|saw|sees)(?![^ ])"
)
_TOLD: Final = _any_of(
    r"told|said|saw|says?|thinks?|thought|claim(?:s|ed)|call(?:s|ed)|flag(?:s|ged)|"
    r"mention(?:s|ed)|report(?:s|ed)?|reads?|labell?ed|suspect(?:s|ed)|suppos(?:ed|edly)|alleged(?:ly)?|"
    r"referr(?:al|ed)|diagnos(?:is|ed)|believ(?:es|ed)|insist(?:s|ed)|meant to|"
    r"(?:written|put|set) (?:up|down) as|coded(?: as)?|wrote|passed as|signed off|billed as|listed as|"
    r"(?:answer|label|diagnosis) (?:is|was)"
)
_TAKEN_BACK: Final = _any_of(
    r"(?:says?|said|shows?|showed|suggests?|thinks?|reads?) (?:otherwise|different(?:ly)?|no|none|not|"
    r"nothing|the (?:opposite|contrary))(?= [.,;!]|$)",
    r"disagree[sd]?(?! (?:on|about|over))",
    r"(?:do|does|did|can|could|would) not(?:(?= [.,;!]|$)| (?:agree|concur|confirm|back|bear|support|"
    r"(?:see|show|find)(?= (?:it|one|any|this|that|them|so|the same)(?: [.,;!a-z]+)?(?: [.,;!]|$)| [.,;!]|"
    r"$)))",
    r"contradict(?:s|ed)?",
    r"(?:proves?|proved|is|was|are|were)(?: (?:it|them|him|her|this|that))? (?:wrong|mistaken|false)",
    r"(?<=, )wrong",
    r"over ?read",
    r"second (?:opinion|read|look|reader)",
    r"correction",
    r"corrected",
    r"amended",
    r"retracted",
    r"over ?(?:ruled|turned|called)",
    r"turn(?:s|ed) out (?:not|to be|it)",
    r"disprove[sd]?",
    r"refute[sd]?",
    r"scratch that",
    r"take that back",
    r"not so",
    r"actually (?:not|no)",
    r"but there (?:is|are|was) (?:one|some|none)",
    rf"but (?:the |my |this |her |his )?{STUDY} (?:(?:is|was|looks?|came back) )?"
    r"(?:normal|clear|clean|fine|ok|negative)",
)
_SAW: Final = r"(?:see|sees|saw|find|finds|found|spot|spots|spotted|notice|noticed) (?:it|one|some|any|them)"
_IS: Final = r"(?:there|it|one|some) (?:(?!is |are |was |were )[a-z]+ ){0,2}(?:is|are|was|were)"
_AFTER_ALL: Final = (
    r"(?: (?:one|some|any|none|indeed|definitely|clearly|though|too|after all|in fact|actually|on (?:my|our) "
    r"read(?:ing)?))*"
)
_IS_THERE: Final = _any_of(  # said of what was named before, which is not named again
    _IS,
    r"there (?:might|may|could|must) be",
    rf"(?<!not ){_SAW}",
    r"(?:believe|think|reckon|suspect) so",
    end=rf"{_AFTER_ALL}(?= [.,;!?]|$)",
)
_IS_NOT_THERE: Final = _any_of(
    rf"{_IS} (?:not|none|no)", rf"(?:not|never) {_SAW}", end=rf"{_AFTER_ALL}(?= [.,;!?]|$)"
)
_DISBELIEVED: Final = _any_of(
    r"(?:not|never) (?:(?:so|too|that|all that|entirely|quite|really|at all|very|fully) )?"
    r"(?:sure|convinced|certain|persuaded|happy with (?:it|that|this))",
    r"un(?:convinced|persuaded|sure)",
    r"doubt (?:it|that|this)",
    r"(?:have|got) (?:my|our) doubts",
    r"beg to differ",
    r"not (?:buy(?:ing)?|believe|trust|accept|think (?:so|it is|there is|that)|bet on it|have (?:it|that))"
    r"(?: (?:it|that|this))?",
    r"wrong if you ask me",
    r"(?:(?<=, )|(?<=; )|(?<=but )|(?<=it ))(?:looks?|seems?) (?:fine|ok|okay|normal|clear|clean|good)"
    r"(?: to me)?",
    r"not see (?:what|why|how|where) [^.,;]+",
    r"nothing of the (?:sort|kind)",
    r"is (?:it|that|this) (?:right|correct|true|so)",
    r"(?:they|he|she|it|that|this) (?:can|could|may|might|must) (?:not )?be (?:right|wrong|correct|true)",
    end=r"(?: (?:if|whether|that) (?:it|that|this|they)?(?: (?:is|are|was))? ?"
    r"(?:real|right|true|correct|there))?(?= [.,;!?]|$)",
)
_CONTRAST: Final = _any_of("but", "yet", "though", "although", "however", "whereas", "while")


def several_speak(text: str) -> bool:
    """Whether more than one is heard: "resident said clear, attending said small ptx"."""
    return len({match[1] for match in _SPEAKER.finditer(text)}) > 1


def taken_back(text: str, found: Sequence[Reading]) -> bool:
    """Whether one takes back what another says: "was told …, but the film says otherwise"."""
    told, turn = _TOLD.search(text), _CONTRAST.search(text)
    denied = {finding for one in found for finding, state in one.outcomes if state == "absent"}
    if told is not None:
        affirmed = {finding for one in found for finding, state in one.outcomes if state == "present"}
        retorts = (_TAKEN_BACK, _DISBELIEVED, _IS_NOT_THERE)
        if not denied.isdisjoint(affirmed) or any(each.search(text, told.end()) for each in retorts):
            return True
    behind = [each.end() for each in (told, turn) if each is not None]
    return bool(denied and behind) and _IS_THERE.search(text, min(behind)) is not None
