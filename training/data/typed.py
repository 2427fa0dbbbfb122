"""Sentences as people type them, for the second reader and CON4: with shorthand, slips and lay words.

`assets/prompts/typed-frames.csv` holds frames of many kinds as `training.data.wordings` reads them, with
slots of their own (`{film}`, `{show}`, `{seen}` …; `{also}` is another name of what stands in `{x}`),
`typed-words.csv` what may stand in each.  What a sentence says follows from its frame, never from the rules:
they are checked with this.
"""

from __future__ import annotations

import hashlib
import random
import re
import string
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from negviz.common.csv_file import read_csv
from negviz.evaluation.prompts import PromptRow, read_prompts, template
from negviz.films import split
from negviz.films.collection import ASSETS
from negviz.findings import ABNORMAL, BY_NAME, Polarity
from negviz.language.opposite import CONTRARY
from negviz.language.prompt import Prompt, read_prompt
from training.data.captions import Caption
from training.data.wordings import FRAMES, Frame, WordingsError, in_slot, read_frames

TYPED_FRAMES: Final = ASSETS / "prompts" / "typed-frames.csv"
PROMPTS_TOLD: Final = ASSETS / "prompts" / "training.csv"
WORDS: Final = ASSETS / "prompts" / "typed-words.csv"
_SLOTS: Final = ("film", "films", "who", "show", "seen", "place", "mild", "ago", "now")
JOINED: Final = "several sentences"  # a kind
FOLDS: Final = 10
_PER_SLOT: Final = 10  # sentences of a frame with slots for findings
_FIXED: Final = 5  # sentences of a frame without
_SHARE_JOINED: Final = 0.15
_SHARE_OTHER: Final = 0.12  # slots that name what no film here is judged by
_SHARE_SLIPS: Final = 0.3
_SHARE_DRESSED: Final = 0.3
_SHARE_MISTYPED: Final = 0.06  # of a word that negates, where one stands

# How often findings are named in full, in shorthand, in lay words, in other words, and as they are misspelt.
_SHARES: Final = (0.5, 0.16, 0.16, 0.12, 0.06)
_AIRSPACE: Final = ("airspace disease", "air space disease", "airspace process")
_EFFUSION: Final = re.compile(r"\b(?:pleural )?effusions?\b", re.IGNORECASE)
_SIDED: Final = re.compile(  # what no heart is
    r"\b(?:left|right|bilateral|b/l|lt|rt|unilateral|basal|basilar|bibasilar|apical|lobe|rll|lll|retrocardiac|"
    r"perihilar|focal|patchy|dense|multifocal|faint|trace)\b|sided"
)
_STOPS: Final = ("", "", "", "", ".", ".", "!", "...", " .", ";", ",")
_BETWEEN: Final = (*". |. |. |; |; | but |, but |. also, |. however, | - |. and ".split("|"), "\n", ".\n")
_NEGATES: Final = re.compile(r"\b(?:no|not|none|without|never|absent|negative|excluded?|evidence|resolved)\b")
_BESIDE: Final = str.maketrans("qwertyuiopasdfghjklzxcvbnm", "wqretyuoipsdafghjklxzcvbmn")  # on a keyboard


@dataclass(frozen=True)
class Composed:
    """A sentence and what it says; findings that `said` lacks it says nothing of."""

    text: str
    said: Mapping[str, Polarity]
    kind: str
    fold: int  # of its frame: whole frames are held out


def type_sentences(frames: Sequence[Frame] | None = None, seed: int = 0) -> Iterator[Composed]:
    """Every frame filled many times, a share of them put together, with slips."""
    draw = random.Random(seed)
    composed = [
        _fill(frame, draw)
        for frame in (all_frames() if frames is None else frames)
        for _ in range(_PER_SLOT if frame.slots else _FIXED)
    ]
    yield from (_finished(one, draw) for one in composed)
    yield from (_finished(one, draw) for one in _joined(composed, draw))


def fold_of(text: str) -> int:
    """Where a frame belongs, with all that is made of it."""
    return int(hashlib.sha256(f"typed {text}".encode()).hexdigest(), 16) % FOLDS


@cache
def all_frames(paths: tuple[Path, ...] = (TYPED_FRAMES, FRAMES)) -> tuple[Frame, ...]:
    """Those of the second reader, and those that CON1, CON2 and CON3 learn from."""
    return (
        *(frame for path in paths for frame in read_frames(path)),
        *map(_frame_of, read_prompts(PROMPTS_TOLD)),
    )


def _frame_of(row: PromptRow) -> Frame:
    """A prompt about effusion, put to every finding where it names it so."""
    text, times = _EFFUSION.subn("{x}", row.prompt)
    said = ("x", row.polarity) if times == 1 else (row.finding, row.polarity)
    return Frame(text if times == 1 else row.prompt, f"prompt, {row.polarity}", (said,))


@cache
def _words(of: str) -> tuple[tuple[str, ...], ...]:
    """What a slot or a finding may be called, by the manner of calling it; nothing where none is listed."""
    rows = (row for row in read_csv(WORDS, ("of", "manner", "words"), WordingsError).rows)
    return tuple(tuple(row["words"].split("|")) for row in rows if row["of"] == of)


def _names(finding: str) -> tuple[tuple[str, ...], ...]:
    """Where none is listed, those of composed sentences in every manner."""
    return _words(finding) or (tuple(name for _, name in BY_NAME[finding].named),) * len(_SHARES)


def _word(of: str, draw: random.Random) -> str:
    return draw.choice(_words(of)[0])


# One sentence -----------------------------------------------------------------------------------


def _fill(frame: Frame, draw: random.Random) -> Composed:
    """A frame with words in its slots, which take findings that it does not name itself.

    "{big} {n}" is that of its last slot.
    """
    states = dict(frame.said)
    said: dict[str, Polarity] = {name: state for name, state in frame.said if name not in "xyz"}
    free = [finding for finding in ABNORMAL if finding not in said]
    findings = dict(zip("xyz", draw.sample(free, 3), strict=True))
    words = {name: _word(name, draw) for name in _SLOTS}
    bears, twice, several = "{big}" in frame.text, "{also}" in frame.text, len(frame.slots) > 1
    for slot, with_article in zip("xyz", "abc", strict=True):
        state = states.get(slot)
        if state is None:
            continue
        finding, of = findings[slot], ""
        if draw.random() < _SHARE_OTHER and not twice:
            name = _word("others", draw)
        else:
            name = _plain(finding, draw) if bears else _name(finding, state, several, draw)
            of, said[finding] = f"bears on {finding}", state
            beside = finding == "opacity" and "consolidation" not in (*findings.values(), *said)
            if beside and not bears and draw.random() < 0.12:
                name = draw.choice(_AIRSPACE)
                said |= {"consolidation": "absent"} if state == "absent" else {}
        if twice:  # by another name, too
            words["also"] = draw.choice(
                [each for manner in _names(finding) for each in manner if each != name]
            )
        bearing = draw.choice((_words("bears"), _words(of) or _words("bears")))[0]
        words |= {"big": draw.choice(bearing), "n": name}
        full = name if draw.random() < 0.15 or name.startswith("a ") else f"{_article(name)}{name}"
        words |= in_slot(slot, with_article, name, full)
    return Composed(frame.text.format(**words), said, frame.kind, fold_of(frame.text))


def _name(finding: str, state: Polarity, several: bool, draw: random.Random) -> str:
    name = draw.choice(draw.choices(_names(finding), _SHARES)[0])
    if draw.random() < _SHARE_DRESSED / (2 if several else 1):
        dress = _word("dress denied" if state == "absent" else "dress", draw)
        if finding != "cardiomegaly" or not _SIDED.search(dress):
            name = f"{dress} {name.removeprefix('a ')}"
    return name


def _plain(finding: str, draw: random.Random) -> str:
    names = [name for name in _names(finding)[0] if not name.startswith(("a ", "enlarged"))]
    return draw.choice(names)


def _article(name: str) -> str:
    if name.endswith("s") and not name.endswith(("is", "us", "ss")):
        return ""
    return "an " if name[0] in "aeiou" else "a "


# Several, and slips -------------------------------------------------------------------------------


def _joined(composed: Sequence[Composed], draw: random.Random) -> Iterator[Composed]:
    """Two to four sentences as one, of frames that are held out together, on different findings."""
    folds: dict[int, list[Composed]] = defaultdict(list)
    for one in composed:
        folds[one.fold].append(one)
    for _ in range(int(len(composed) * _SHARE_JOINED)):
        pool = folds[draw.choice(composed).fold]
        first, *others = draw.sample(pool, min(len(pool), draw.choice((2, 2, 2, 2, 3, 4))))
        text, said = first.text, dict(first.said)
        for other in others:
            if said.keys().isdisjoint(other.said):
                between = " " if text.endswith(("?", ".", "!")) else draw.choice(_BETWEEN)
                text, said = text + between + other.text, said | dict(other.said)
        yield Composed(text, said, JOINED, first.fold)


def _finished(one: Composed, draw: random.Random) -> Composed:
    """With what people put around a sentence, and slips of the keyboard."""
    text = one.text
    if draw.random() < 0.12:
        text = f"{_word('before', draw)} {text}"
    if text[-1:] in string.ascii_letters:
        if draw.random() < 0.12:
            text = f"{text}{draw.choice((' ', ' ', ', '))}{_word('after', draw)}"
        text += draw.choice(_STOPS)
    changes: list[Callable[[str, random.Random], str]] = []
    if draw.random() < _SHARE_MISTYPED:
        changes.append(_mistype)
    if draw.random() < _SHARE_SLIPS:
        changes += [_slip] * draw.choice((1, 1, 1, 2))
    if draw.random() < 0.04:
        changes.append(_run_together)
    for change in changes:
        text = change(text, draw)
    return Composed(text, one.said, one.kind, one.fold)


def _mistype(text: str, draw: random.Random) -> str:
    """A word that negates, or tells of it, as it is often mistyped."""
    found = [match for match in _NEGATES.finditer(text) if _words(f"mistyped {match[0]}")]
    if not found:
        return text
    match = draw.choice(found)
    return text[: match.start()] + _word(f"mistyped {match[0]}", draw) + text[match.end() :]


def _slip(text: str, draw: random.Random) -> str:
    """A letter doubled, dropped, changed for its neighbour or struck beside, in a word of four or more."""
    words = text.split(" ")
    long = [place for place, word in enumerate(words) if len(word) > 3 and word.isalpha()]
    if not long:
        return text
    place = draw.choice(long)
    word = words[place]
    at = draw.randrange(1, len(word) - 1)
    words[place] = draw.choice(
        (
            word[:at] + word[at] + word[at:],
            word[:at] + word[at + 1 :],
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
            word[:at] + word[at].translate(_BESIDE) + word[at + 1 :],
        )
    )
    return " ".join(words)


def _run_together(text: str, draw: random.Random) -> str:
    """Two words without the space between them."""
    spaces = [place for place, letter in enumerate(text) if letter == " "]
    if not spaces:
        return text
    place = draw.choice(spaces)
    return text[:place] + text[place + 1 :]


# For CON4 ------------------------------------------------------------------------------------------


def typed_captions(barred: Iterable[str]) -> Iterator[Caption]:
    """Each sentence as a caption, and its opposite where it has one, that shares no template with `barred`.

    Frames that are in `training.data.wordings` as well are left to it, so that each is held out as a whole.
    """
    forbidden, known = {template(text) for text in barred}, {frame.text.casefold() for frame in read_frames()}
    frames = [frame for frame in read_frames(TYPED_FRAMES) if frame.text.casefold() not in known]
    for one in kept_apart(type_sentences(frames), lambda text: template(text) in forbidden):
        opposite = _opposite(one)
        told = "" if template(opposite) in forbidden else opposite
        yield Caption(one.text, tuple(one.said.items()), "typed", one.fold % split.FOLDS, told, kind=one.kind)


def _opposite(one: Composed) -> str:
    """The contrary in the same words, where the rules read both as they are meant; else nothing."""
    if len(one.said) != 1 or "uncertain" in one.said.values():
        return ""
    prompt = read_prompt(one.text)
    contrary = prompt.opposite
    if contrary is None or contrary.canonical or _heard(prompt) != one.said:
        return ""
    meant = {finding: CONTRARY[polarity] for finding, polarity in one.said.items()}
    return contrary.text if _heard(contrary) == meant else ""


def _heard(prompt: Prompt) -> dict[str, Polarity]:
    return {mention.finding: mention.polarity for mention in prompt.mentions}


def kept_apart(sentences: Iterable[Composed], barred: Callable[[str], bool]) -> list[Composed]:
    """Each text once, and none that is measured on; what two frames say differently of one text goes."""
    told: dict[str, list[Composed]] = {}
    for one in sentences:
        told.setdefault(" ".join(one.text.casefold().split()), []).append(one)
    return [
        same[0]
        for text, same in told.items()
        if text and all(other.said == same[0].said for other in same) and not barred(same[0].text)
    ]
