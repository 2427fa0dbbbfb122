"""What a sentence says: findings with their polarity, the cues that say so, and the opposite sentence.

`read_prompt` is for what a person types, `read_mentions` is its cheap half for report sentences.  Both read
at most `MAX_CHARACTERS`; the rest is dropped.  Where nothing is recognised there are no mentions: the
reader never guesses.

The *main* mention is the first one that names its finding; a finding that is only implied ("clear lungs")
is main where none is named.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import Final, Literal

from negviz.findings import Polarity
from negviz.language import opposite, retorts
from negviz.language.lexicon import CueKind
from negviz.language.normalise import Normal, normalise
from negviz.language.reader import Reading, asked, overlap, read
from negviz.language.sides import Side, sized
from negviz.language.terms import LOOSE
from negviz.language.tongue import english

MAX_CHARACTERS: Final = 2_000
_WHITE: Final = ("effusion", "consolidation", "edema", "atelectasis")  # what may look white, hazy or a shadow
_EITHER: Final[tuple[Polarity, ...]] = ("present", "absent")
_COMMA = re.compile(
    r"(?: (?!(?:and|or|nor|positive|present|yes|there|is|are|seen|noted|confirmed) )[a-z]+){0,2} (?:,|with)"
    r"(?: (?!(?:and|or|nor|no|not) )[a-z]+){0,3} "
)
_FAILURE = re.compile(r"chf|failure|overload")  # which shows in more than one way
_BEHIND = re.compile(r" (?:(?:films?|cases?|patients?) )?(?:(?:is|was) )?")
_OTHERWISE = re.compile(r"(?<![^ ])(?:otherwise|apart from (?:that|this)|other than (?:that|this))(?![^ ])")
_OTHER_VIEW = re.compile(  # which of two views tells is not said
    r"(?: (?:is|are|was|were|as))? not (?:seen|visible|visuali[sz]ed|present|identified|evident|found|there|"
    r"appreciated) (?:on|in) (?:the |a |this )?(?:lateral|frontal|pa|ap|"
    r"other)(?: (?:view|film|one|projection|image))?(?= [.,;?!]|$)"
)
_WORD = re.compile(r"\d+(?:[.]\d+)+|[^\W_]+(?:['’-][^\W_]+)*|[^\w\s]+|_+")


@dataclass(frozen=True)
class Mention:
    """One finding and its polarity; `span` are the character offsets of the finding's words."""

    finding: str
    polarity: Polarity
    span: tuple[int, int]
    side: Side | None = None  # None: both, or not said
    sized: bool = False  # its size is said, which no film is judged by
    bound: str = ""  # the size, kind or time that a denial bears on, which leaves it uncertain: "large"


@dataclass(frozen=True)
class Cue:
    """Words that negate, hedge, only seem to negate, or end the reach of the others."""

    kind: CueKind
    span: tuple[int, int]


@dataclass(frozen=True)
class Word:
    """A word or a run of punctuation; `is_cue` where it negates or hedges the main mention."""

    text: str
    span: tuple[int, int]
    is_cue: bool


@dataclass(frozen=True)
class Prompt:
    """A sentence and what was read in it."""

    text: str
    mentions: tuple[Mention, ...]
    cues: tuple[Cue, ...]
    words: tuple[Word, ...]
    canonical: bool = False  # rebuilt from a finding, not worded by a person
    english: bool = True  # nothing is read in another language or script
    suggestion: tuple[Mention, ...] | None = None  # what wording may have meant that means several things
    besides: tuple[Mention, ...] = ()  # what of that is said in any case
    _main: Mention | None = field(default=None, repr=False)
    _main_cues: tuple[tuple[int, int], ...] = field(default=(), repr=False)
    _plain: bool = field(default=True, repr=False)  # one cue put in or taken away can turn it round

    @property
    def sure(self) -> bool:
        """Whether it may be acted upon: no film is judged by what has to be asked."""
        return self.suggestion is None

    @property
    def asked(self) -> tuple[Mention, ...]:
        """What of the suggestion is asked about: all but what is said in any case."""
        return tuple(mention for mention in self.suggestion or () if mention not in self.besides)

    @property
    def finding(self) -> str | None:
        """Finding of the main mention."""
        return self._main.finding if self._main else None

    @property
    def polarity(self) -> Polarity | None:
        """Polarity of the main mention."""
        return self._main.polarity if self._main else None

    @property
    def about(self) -> str | None:
        """The finding it is about; the likeliest, where it has to be asked what it says."""
        return self.suggestion[0].finding if self.suggestion else self.finding

    @cached_property
    def opposite(self) -> Prompt | None:
        """The prompt that asks for the contrary: reworded if that reads back cleanly, else canonical.

        `None` where nothing is recognised, the main mention is uncertain, or the reading is not sure.
        """
        if self._main is None or self._main.polarity == "uncertain" or not self.sure:
            return None
        finding, polarity = self._main.finding, opposite.CONTRARY[self._main.polarity]
        reworded = opposite.rewordings(self.text, self._main.span, self._main_cues) if self._plain else ()
        for prompt in map(read_prompt, reworded):
            if (prompt.finding, prompt.polarity) == (finding, polarity) and not _disagrees(
                prompt, finding, polarity
            ):
                return prompt
        return _read(opposite.canonical(finding, polarity), canonical=True)


def clean(text: str) -> str:
    """What is read of a text: a browser may send half a surrogate pair, which no tokenizer takes."""
    return text[:MAX_CHARACTERS].encode("utf-16", "surrogatepass").decode("utf-16", "replace").strip()


Unclear = Literal["nothing", "uncertain", "both"]


def unclear(mentions: Sequence[Mention]) -> Unclear | None:
    """Why no film can be right or wrong for what was read, whatever films record; None where one can.

    Nothing was read, some of it is uncertain, or one finding is both affirmed and denied.
    """
    if not mentions:
        return "nothing"
    if any(mention.polarity == "uncertain" for mention in mentions):
        return "uncertain"
    return "both" if len({mention.finding for mention in mentions}) < len(mentions) else None


def read_prompt(text: str) -> Prompt:
    """Read what a person typed.  Never raises: any Unicode, empty or endless text gives a `Prompt`."""
    return _read(text[:MAX_CHARACTERS], canonical=False)


def read_mentions(text: str) -> tuple[Mention, ...]:
    """Findings that `text` speaks of, in order, each finding once per polarity."""
    normal = normalise(text[:MAX_CHARACTERS])
    return tuple(mention for mention, _ in _mentions(normal, read(normal.text)[0]))


def strongest(sentences: Iterable[str]) -> dict[str, Mention]:
    """The mention that decides of each finding over all sentences of a report.

    A statement beats a hedge, a hedge a denial, and a denial one of no more than a size, kind or time.
    """
    weakest_first = sorted((m for text in sentences for m in read_mentions(text)), key=_strength)
    return {mention.finding: mention for mention in weakest_first}


def _strength(mention: Mention) -> int:
    return ("bound", "absent", "uncertain", "present").index("bound" if mention.bound else mention.polarity)


def _read(text: str, *, canonical: bool) -> Prompt:
    if not english(text):
        return Prompt(text, (), (), tuple(_words(text, ())), english=False)
    normal = normalise(text)
    found, cues = read(normal.text)
    pairs = _mentions(normal, found)
    main, reading = next((pair for pair in pairs if not pair[1].derived), pairs[0] if pairs else (None, None))
    main_cues = tuple(normal.origin(*cue.span) for cue in reading.cues) if reading else ()
    asks, besides = _suggestion(normal, found)
    return Prompt(
        text=text,
        mentions=tuple(mention for mention, _ in pairs),
        cues=tuple(Cue(cue.kind, normal.origin(*cue.span)) for cue in cues),
        words=tuple(_words(text, main_cues)),
        canonical=canonical,
        suggestion=(*asks, *besides) or None,
        besides=besides,
        _main=main,
        _main_cues=main_cues,
        _plain=reading is not None
        and (bool(main_cues) or not reading.derived)
        and not any(cue.kind == "pseudo" for cue in cues),
    )


def _mentions(normal: Normal, found: list[Reading]) -> list[tuple[Mention, Reading]]:
    """One mention a finding and polarity.

    What is only implied yields to what is said in so many words, except that "clear lungs" denies what "no
    acute infiltrate" leaves open.
    """
    said = {finding for one in found if not (one.derived or one.bound) for finding, _ in one.outcomes}
    left_open = {finding for one in found if one.bound for finding, _ in one.outcomes} - said
    stated = {
        finding for one in found if not one.derived for finding, state in one.outcomes if state == "present"
    }
    closed = left_open & {f for one in found if one.derived for f, state in one.outcomes if state == "absent"}
    kept: dict[tuple[str, Polarity], tuple[Mention, Reading]] = {}
    for reading in found:
        yields = said | left_open - closed if reading.derived else closed
        for finding, polarity in reading.outcomes:
            if finding in yields or (reading.bound and finding in stated):
                continue  # "no acute fracture, old rib fractures"
            before, _ = kept.get((finding, polarity), (None, None))
            if before is None:
                span, size = normal.origin(*reading.span), sized(normal.text, reading.span[0])
                mention = Mention(finding, polarity, span, reading.side, size, reading.bound)
                kept[finding, polarity] = mention, reading
            elif before.side != reading.side:
                kept[finding, polarity] = replace(before, side=None), kept[finding, polarity][1]
    return list(kept.values())


def _suggestion(normal: Normal, found: list[Reading]) -> tuple[tuple[Mention, ...], tuple[Mention, ...]]:
    """What wording may have meant that means several things, and what is said besides.

    Nothing where other words say which.
    """
    named = [reading for reading in found if not reading.derived and reading.outcomes]
    suggested: dict[tuple[str, Polarity], Mention] = {}
    if retorts.several_speak(normal.text):
        for reading in found:
            _suggest(suggested, normal, reading)  # "resident said clear, attending said small ptx"
        if len(suggested) == 1 and found[0].cues:
            _suggest_either(suggested, normal, found[0])  # "A reports a nodule, B reports none"
    loose = asked(normal.text, LOOSE)
    retold = [*found, *(one for one in loose if not any(overlap(one.span, other.span) for other in found))]
    if retorts.taken_back(normal.text, retold):
        for reading in retold:
            _suggest_either(suggested, normal, reading)
    for reading in found:
        if not reading.cues and _OTHER_VIEW.match(normal.text, reading.span[1]):
            _suggest_either(suggested, normal, reading)  # "nodule not seen on the lateral"
    for one, last in pairwise(found):
        if _may_share_a_sign(normal.text, one, last):  # "cardiomegaly, edema negative"
            _suggest(suggested, normal, last)
            _suggest_either(suggested, normal, one)
    several = asked(normal.text)
    for reading in several:
        within = [one for one in found if overlap(one.span, reading.span)]
        others = [one for one in named if one not in within]
        findings = {finding for finding, _ in reading.outcomes}
        same = [one for one in found if one not in within and findings & {f for f, _ in one.outcomes}]
        apart = bool(same) and _OTHERWISE.search(normal.text, reading.span[1]) is not None
        told = bool(same) and not apart
        longer = findings != {"normal"} and any(
            one.span != reading.span and _holds(one, reading) for one in within
        )  # "pleural fluid", but "chest nad" is no clearer than "nad"
        not_normal = findings == {"normal"} and any(
            state == "present" for one in others for _, state in one.outcomes
        )
        of_effusions = _FAILURE.search(normal.text, *reading.span) is not None and any(
            ("effusion", "present") in one.outcomes for one in others
        )
        if told or longer or not_normal or of_effusions or (findings == {"normal"} and others and not within):
            continue  # "heart failure with effusions"; "no acute process, but a nodule"
        _suggest(suggested, normal, reading)
        for one in same:  # "hazy angle, otherwise no effusion"
            _suggest(suggested, normal, one)
    said = {outcome for one in found for outcome in one.outcomes} | suggested.keys()
    if any((finding, "present") in said for finding in _WHITE):
        said.add(("opacity", "present"))  # "hazy because of effusions"
    for reading in loose:
        taken = any(overlap(one.span, reading.span) for one in (*found, *several))
        if taken or any(not said.isdisjoint({one, (one[0], "present")}) for one in reading.outcomes):
            continue  # "emphysema without bullae"
        # "fluid right base": edema is not of one side
        may_be = (each for each in reading.outcomes if reading.side is None or each[0] != "edema")
        _suggest(suggested, normal, replace(reading, outcomes=tuple(may_be)))
    besides: dict[tuple[str, Polarity], Mention] = {}
    if suggested and suggested.keys() != {("normal", "present")}:
        contested = {finding for finding, _ in suggested}
        for reading in named:
            if contested.isdisjoint(finding for finding, _ in reading.outcomes):
                _suggest(besides, normal, reading)
    return tuple(suggested.values()), tuple(besides.values())


def _may_share_a_sign(text: str, one: Reading, last: Reading) -> bool:
    """Whether a sign behind an item may be that of the item before it, too: no verb and no "and" tells."""
    sign = last.cues[0].span[0] if last.cues else 0
    return (
        ("absent" in {state for _, state in last.outcomes})
        and _BEHIND.fullmatch(text[last.span[1] : sign]) is not None
        and one.cues in ((), last.cues)
        and not one.derived
        and _COMMA.fullmatch(text[one.span[1] : last.span[0]]) is not None
    )


def _suggest(suggested: dict[tuple[str, Polarity], Mention], normal: Normal, reading: Reading) -> None:
    for finding, polarity in reading.outcomes:
        span = normal.origin(*reading.span)
        suggested.setdefault((finding, polarity), Mention(finding, polarity, span))


def _suggest_either(suggested: dict[tuple[str, Polarity], Mention], normal: Normal, reading: Reading) -> None:
    """That it is there, or is not: what was read first."""
    _suggest(suggested, normal, reading)
    for polarity in _EITHER:
        _suggest(
            suggested, normal, replace(reading, outcomes=tuple((f, polarity) for f, _ in reading.outcomes))
        )


def _holds(one: Reading, other: Reading) -> bool:
    return one.span[0] <= other.span[0] and other.span[1] <= one.span[1]


def _words(text: str, cues: tuple[tuple[int, int], ...]) -> list[Word]:
    return [
        Word(match[0], match.span(), any(start < match.end() and match.start() < end for start, end in cues))
        for match in _WORD.finditer(text)
    ]


def _disagrees(prompt: Prompt, finding: str, polarity: Polarity) -> bool:
    """Whether a prompt says more than one thing of its main finding."""
    return any(mention.finding == finding and mention.polarity != polarity for mention in prompt.mentions)
