"""What a sentence settles itself: "effusion? yes", "any nodule? not that I can see", "?edema - confirmed"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from negviz.findings import Polarity
from negviz.language.scope import Span

_ENDS: Final = r"(?= (?:[.,;:!-]|but|and|please|thanks)(?![^ ])|$)"
_AFFIRMS: Final = (
    r"yes|yep|yeah|yup|y|sure|indeed|correct|true|affirmative|definitely|certainly|absolutely|clearly|"
    r"for sure|of course|confirmed|present|positive|there (?:is|are)|it (?:is|does)|(?:i|we) do"
)
_DENIES: Final = (
    r"(?:definitely |certainly |absolutely )?(?:no|none|not|nope|nah|nada|zilch|nil|never|absent|neg|"
    r"negative|nowhere|nothing|neither|n)|excluded|ruled out|(?:it|there|i|we) (?:is|does|do|can) (?:not|"
    r"none)|(?:can|could|do|did) not(?= (?:see|find|spot|make|identify|detect|appreciate))"
)
_WITH_IT: Final = (  # what either may go on to say without a word of another finding
    r"(?: (?:it|there|that|this|these|i|we|you|is|are|was|does|do|did|have|has|can|could|see|seen|find|"
    r"spot|make out|identify|detect|appreciate|found|"
    r"noted|identified|visible|any|one|ones|not|at|all|in|on|the|a|film|x|ray|xray|rays|cxr|radiograph|"
    r"image|picture|view|chest|here|today|now|so|think|really|to|be|chance|way|evidence|sign|of|{more}))*"
)
_PLACED: Final = (
    r"both|left|right|base|bases|side|sides|apex|upper|lower|middle|lobe|[rl][uml]l|small|large|tiny|"
    r"moderate|mild|big|\d[\d.]*(?:mm|cm)?|mm|cm"
)
_ANSWER: Final = re.compile(
    rf"\?(?: (?:[,:-]|a|answer))* (?:(?P<no>{_DENIES}){_WITH_IT.format(more='them')}|"
    rf"(?P<yes>{_AFFIRMS}){_WITH_IT.format(more=_PLACED)}){_ENDS}"
)
_SETTLED: Final = re.compile(  # right behind a finding that was doubted
    r"(?: (?:was|were|is|are|has|have|been|now|then|later|since|and|suspected|questioned|[:,-]))*"
    r" (?:confirmed|proven|definite|positive|yes)(?= (?:[.,;!]|on|by|at|in|today|now|with)(?![^ ])|$)"
)


@dataclass(frozen=True)
class Answer:
    """What a question is answered with, where that stands, and where the answer ends."""

    state: Polarity
    span: Span
    end: int


def answer_at(text: str, mark: int) -> Answer | None:
    """The answer behind the question mark at `mark`; None where none is, or one that settles nothing."""
    found = _ANSWER.match(text, mark)
    if found is None:
        return None
    group = "no" if found["no"] else "yes"
    return Answer("absent" if group == "no" else "present", found.span(group), found.end())


def settled(text: str, end: int, stop: int) -> bool:
    """Whether what stands behind a finding, whose words end at `end`, takes a doubt of it away."""
    return _SETTLED.match(text, end, stop) is not None
