"""Sentences composed for CON3: frames of many kinds, put to findings under several names.

`assets/prompts/wordings.csv` holds the frames: `frame,kind,said`.  `{x}` `{y}` `{z}` are different findings,
`{a}` `{b}` `{c}` the same with their article, capitals begin with one.  `said` names the slots
("x:present|y:absent"), or findings where the frame is a sentence of its own ("effusion:absent"); nothing
where it speaks of none.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, get_args

from negviz.common.csv_file import Row, read_csv
from negviz.common.errors import NegvizError
from negviz.films.collection import ASSETS
from negviz.findings import ABNORMAL, BY_NAME, FINDINGS, Polarity
from training.data.captions import Caption, Said, fold_of

FRAMES: Final = ASSETS / "prompts" / "wordings.csv"
SLIPS: Final = "slips in words"
_COLUMNS: Final = ("frame", "kind", "said")
_TIMES: Final = 2  # each frame is put to each finding as often, under another name and beside other findings
_JOINED: Final = 4000  # pairs of sentences that are tried; those on two findings and of one fold are kept
_BEFORE: Final = (
    "Please:", "Report:", "I think:", "Today,", "Film 2:", "As expected,", "For the students:", "Summary.",
    "My question:", "On review,", "In short:", "He is 70.", "After surgery,", "Follow-up.", "Search:",
)  # fmt: skip
_AFTER: Final = (
    "on this film", "today", "in this patient", "at the left base", "on the right", "at present", "thank you",
    "as of this morning", "in the chest", "according to the report", "on the frontal view", "overall",
)  # fmt: skip
_BETWEEN: Final = (
    ". ",
    "; ",
    ", and ",
    ", but ",
    ", while ",
    " - ",
    ". However, ",
    ", though ",
    ". Moreover, ",
)


class WordingsError(NegvizError):
    """A file of frames that cannot be used; the message says where and what to do."""


@dataclass(frozen=True)
class Frame:
    """A wording with slots for findings."""

    text: str
    kind: str
    said: tuple[tuple[str, Polarity], ...]  # (slot or finding, polarity)

    @property
    def slots(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.said if name in "xyz")


def read_frames(path: Path = FRAMES) -> list[Frame]:
    """The frames of a file, in its order.  Raises `WordingsError`."""
    table = read_csv(path, _COLUMNS, WordingsError)
    return [_frame(row, f"{path}, line {row.line}") for row in table.rows]


def _frame(row: Row, where: str) -> Frame:
    said = [part.partition(":") for part in row["said"].split("|") if part]
    for name, _, polarity in said:
        if name not in ("x", "y", "z", *FINDINGS) or polarity not in get_args(Polarity):
            raise WordingsError(
                f"{where}: {name}:{polarity} is not understood; write x:absent or effusion:absent."
            )
    return Frame(row["frame"], row["kind"], tuple((name, polarity) for name, _, polarity in said))  # type: ignore[misc]


def compose(frames: list[Frame], seed: int = 0) -> Iterator[Caption]:
    """Every frame put to every finding, some in a setting, some joined, some with a slip of the keyboard."""
    draw = random.Random(seed)
    filled = [
        _fill(frame, finding, draw)
        for frame in frames
        for finding in (ABNORMAL if frame.slots else ("",))
        for _ in range(_TIMES if frame.slots else 1)
    ]
    placed = [_placed(caption, draw) for caption in filled]
    yield from placed
    for caption in draw.sample(placed, len(placed) // 4):
        yield replace(caption, text=_slip(caption.text, draw), kind=SLIPS)
    yield from _joined(filled, draw)


def _placed(caption: Caption, draw: random.Random) -> Caption:
    """Half of the time with something before or behind it that says nothing of a finding."""
    text, way = caption.text, draw.randrange(6)
    if way == 0:
        text = f"{draw.choice(_BEFORE)} {text}"
    elif not text.endswith("?"):
        text = {1: f"{text} {draw.choice(_AFTER)}", 2: f"{text}."}.get(way, text)
    return replace(caption, text=text)


def _joined(filled: list[Caption], draw: random.Random) -> Iterator[Caption]:
    """Two sentences on two findings as one, of wordings that are held out together."""
    single = [caption for caption in filled if len(caption.said) == 1 and caption.polarity != "uncertain"]
    for _ in range(_JOINED):
        first, second = draw.sample(single, 2)
        if first.fold == second.fold and first.findings.isdisjoint(second.findings):
            kind = "list" if first.polarity == second.polarity else "contrast"
            text = first.text + draw.choice(_BETWEEN) + second.text[:1].lower() + second.text[1:]
            yield replace(first, text=text, said=(*first.said, *second.said), kind=kind)


def _fill(frame: Frame, finding: str, draw: random.Random) -> Caption:
    others = draw.sample([name for name in ABNORMAL if name != finding], 2)
    chosen = dict(zip("xyz", (finding, *others), strict=True))
    words: dict[str, str] = {}
    for slot, with_article in zip("xyz", "abc", strict=True):
        finding_here = BY_NAME.get(chosen[slot])
        article, name = draw.choice(finding_here.named if finding_here else (("", ""),))
        full = f"{article} {name}".strip()
        words |= in_slot(slot, with_article, name, full)
    said: Said = tuple((chosen.get(name, name), polarity) for name, polarity in frame.said)
    return Caption(frame.text.format(**words), said, "composed", fold_of(frame.text), kind=frame.kind)


def in_slot(slot: str, with_article: str, name: str, full: str) -> dict[str, str]:
    """A finding's name, and with its article, as a frame may ask for it: `{x}`, `{X}`, `{a}`, `{A}`."""
    return {
        slot: name,
        slot.upper(): _capital(name),
        with_article: full,
        with_article.upper(): _capital(full),
    }


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _slip(text: str, draw: random.Random) -> str:
    """One letter doubled, dropped, or changed for its neighbour, within a word of five letters or more."""
    words = text.split(" ")
    long = [i for i, word in enumerate(words) if len(word) > 4]
    if not long:
        return text
    place = draw.choice(long)
    word, at = words[place], draw.randrange(1, len(words[place]) - 2)
    words[place] = draw.choice(
        (
            word[:at] + word[at] + word[at:],
            word[:at] + word[at + 1 :],
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        )
    )
    return " ".join(words)
