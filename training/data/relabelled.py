"""What a new manifest changes: labels that reports, as they are read now, give otherwise than before.

Each change is of a *kind*, by the words that it comes from: what a "no" bears on ("no large", "no acute"), a
denial of all that is acute.  What some of them should be was judged by hand, by what their reports say.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from hashlib import sha256
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

from negviz.common.csv_file import read_csv
from negviz.films.collection import ASSETS, Film
from negviz.films.openi import Report
from negviz.findings import FINDINGS
from negviz.language.prompt import Mention, read_mentions, strongest
from training.paths import FilmsError

CHANGED: Final = ASSETS / "openi" / "labels-changed.csv"  # what the manifest says otherwise than its last
NEXT: Final = ASSETS / "openi" / "labels-next.csv"  # what the next will say otherwise; none: nothing
JUDGED: Final = ASSETS / "openi" / "labels-judged.csv"
_ACUTE_PROCESS: Final = re.compile(r"\b(?:acute|active)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Relabelled:
    """A finding that a film's report, as it is read now, speaks of otherwise than a manifest does."""

    id: str
    finding: str
    old: str  # "present", "uncertain", "denied", or "" where nothing speaks
    new: str
    kind: str
    sentences: str  # numbers of those that speak of it now, with a space between


@dataclass(frozen=True)
class JudgedByHand:
    """A change that was judged by hand: `judged` is the label that the report gives, above all `sentence`."""

    draw: str  # "first", which the rules were mended with, or "second", which they were not
    id: str
    finding: str
    old: str
    new: str
    kind: str
    judged: str
    sentence: str

    @property
    def verdict(self) -> str:
        """Which label is right: "new", "old" or "neither"."""
        return {self.new: "new", self.old: "old"}.get(self.judged, "neither")


def read_judged(path: Path = JUDGED) -> list[JudgedByHand]:
    """What was judged, in the order in which it was drawn."""
    names = [field.name for field in fields(JudgedByHand)]
    return [
        JudgedByHand(**{name: row[name] for name in names}) for row in read_csv(path, names, FilmsError).rows
    ]


def relabelled(
    before: Sequence[Film], after: Sequence[Film], reports: Mapping[str, Report]
) -> list[Relabelled]:
    """Every finding, `normal` among them, of which two labellings of the same films differ."""
    old = {film.id: film for film in before}
    return [
        _relabelled(film, finding, was, now, reports[film.uid])
        for film in after
        for finding in FINDINGS
        if (was := _label(old[film.id], finding)) != (now := _label(film, finding))
    ]


def to_judge(changes: Sequence[Relabelled], count: int = 50) -> list[Relabelled]:
    """Changes to judge by hand, dealt from every kind and finding in turn: by hash, so always the same."""
    strata: dict[tuple[str, str], list[Relabelled]] = defaultdict(list)
    for change in sorted(changes, key=lambda one: sha256(f"{one.id} {one.finding}".encode()).digest()):
        strata[change.kind, change.finding].append(change)
    turns = zip_longest(*(strata[stratum] for stratum in sorted(strata)))
    return [change for turn in turns for change in turn if change is not None][:count]


def counted(changes: Sequence[Relabelled], judged: Sequence[JudgedByHand]) -> list[dict[str, Any]]:
    """How many changes are of one kind, finding, old and new label, and how many were judged right."""
    verdicts = defaultdict[tuple[str, ...], list[str]](list)
    for one in judged:
        verdicts[one.kind, one.finding, one.old, one.new].append(one.verdict)
    groups = Counter((one.kind, one.finding, one.old, one.new) for one in changes)
    return [
        {
            **dict(zip(("kind", "finding", "old", "new"), group, strict=True)),
            "labels": labels,
            "judged": len(verdicts[group]),
            "right": verdicts[group].count("new"),
        }
        for group, labels in sorted(groups.items(), key=lambda item: (-item[1], item[0]))
    ]


def _label(film: Film, finding: str) -> str:
    sets = {"present": film.findings, "uncertain": film.uncertain, "denied": film.denied}
    return next((state for state, names in sets.items() if finding in names), "")


def _relabelled(film: Film, finding: str, old: str, new: str, report: Report) -> Relabelled:
    speaking = list(_speaking(report, finding))
    decides = strongest(report.sentences).get(finding)
    if decides is not None and decides.bound:
        kind = f"no {decides.bound}"
    elif any(_ACUTE_PROCESS.search(text[slice(*mention.span)]) for _, text, mention in speaking):
        kind = "no acute process"
    else:
        kind = "other words"
    numbers = dict.fromkeys(str(number) for number, _, _ in speaking)
    return Relabelled(film.id, finding, old, new, kind, " ".join(numbers))


def _speaking(report: Report, finding: str) -> Iterator[tuple[int, str, Mention]]:
    for number, sentence in enumerate(report.sentences):
        for mention in read_mentions(sentence):
            if mention.finding == finding:
                yield number, sentence, mention
