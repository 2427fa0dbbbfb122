"""Which sentence of a report decided what a film is marked by: "says who?".

A statement beats a hedge and a hedge a denial, as when the films were labelled; but what the film is marked
by comes first, so that the sentence shown is one that agrees with the mark where there is such a sentence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Literal

from negviz.films.collection import Film
from negviz.findings import FINDINGS, Polarity
from negviz.language.normalise import normalise
from negviz.language.prompt import MAX_CHARACTERS, Mention, read_mentions
from negviz.language.reader import read

Span = tuple[int, int]
Role = Literal["", "finding", "cue"]
_STRENGTH: Final[tuple[Polarity, ...]] = ("present", "uncertain", "absent")


@dataclass(frozen=True)
class Segment:
    """A run of a sentence: the words of the finding, a cue that negates or hedges it, or neither ("")."""

    text: str
    role: Role


@dataclass(frozen=True)
class Evidence:
    """One sentence of a report and what it says of one finding; spans are character offsets in `text`."""

    number: int  # its index among the report's sentences
    text: str
    finding: str
    polarity: Polarity
    words: Span  # of the finding
    cues: tuple[Span, ...]  # what negates or hedges it
    implied: bool  # the finding is not named ("clear lungs")

    @property
    def pieces(self) -> tuple[Segment, ...]:
        """The whole sentence in order, cut where a role begins or ends; a cue stands out of the finding."""
        roles: list[Role] = [""] * len(self.text)
        for (start, end), role in [(self.words, "finding"), *((cue, "cue") for cue in self.cues)]:
            roles[start:end] = [role] * (end - start)  # type: ignore[list-item]
        runs = groupby(zip(self.text, roles, strict=True), key=lambda pair: pair[1])
        return tuple(Segment("".join(letter for letter, _ in run), role) for role, run in runs)


def film_states(film: Film, finding: str) -> Polarity | None:
    """What the collection says of a finding of a film; None where it does not say."""
    if finding != "normal" and finding in film.uncertain and finding not in film.findings:
        return "uncertain"
    present = film.states(finding, "present")
    return None if present is None else "present" if present else "absent"


def deciding_sentence(sentences: Sequence[str], film: Film, finding: str) -> Evidence | None:
    """The sentence that states, hedges or denies `finding` as the film is marked; None where none does.

    A film is not normal because of what it shows, and a normal one is free of all that is not named: then
    the sentence may speak of another finding than the one asked about.
    """
    state = film_states(film, finding)
    if finding == "normal" and state == "absent":
        shown = (_best(sentences, name, "present") for name in FINDINGS if name in film.findings)
        return next((found for found in shown if found is not None), None)
    found = _best(sentences, finding, state)
    if found is None and state == "absent" and "normal" in film.findings:
        return _best(sentences, "normal", "present")
    return found


def _best(sentences: Sequence[str], finding: str, state: Polarity | None) -> Evidence | None:
    """The statement that agrees with `state`, else the strongest; named before implied, then the first."""
    order = [state, *_STRENGTH]
    return min(
        _statements(sentences, finding),
        key=lambda said: (order.index(said.polarity), said.implied, said.number),
        default=None,
    )


def _statements(sentences: Sequence[str], finding: str) -> Iterator[Evidence]:
    for number, text in enumerate(sentences):
        for mention in read_mentions(text):
            if mention.finding == finding:
                yield _evidence(number, text, mention)


def _evidence(number: int, text: str, mention: Mention) -> Evidence:
    """`read_mentions` does not tell which cues made a mention what it is; the reading behind it does."""
    normal = normalise(text[:MAX_CHARACTERS])
    said = (mention.finding, mention.polarity)
    reading = next(
        reading
        for reading in read(normal.text)[0]
        if said in reading.outcomes and normal.origin(*reading.span) == mention.span
    )
    cues = tuple(sorted({normal.origin(*cue.span) for cue in reading.cues}))
    return Evidence(number, text, *said, mention.span, cues, reading.derived)
