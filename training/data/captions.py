"""What CON3 learns to read: prompts put to every finding, and report sentences with what they say.

A caption carries its mentions, so what it is true of is worked out film by film, never guessed: a film
satisfies it, contradicts it, or does not say.  Prompts come from the training file, whose pairs are put to
the other findings; sentences come from the reports of training studies, labelled by the reader.  Nothing
here shares a template with a prompt that something is measured on.  Sentences live in memory only.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from negviz.evaluation.prompts import PromptRow, template
from negviz.films.collection import Film
from negviz.films.openi import Report
from negviz.films.split import FOLDS
from negviz.findings import ABNORMAL, BY_NAME, FINDINGS, Polarity
from negviz.language.opposite import CONTRARY
from negviz.language.prompt import read_mentions
from training.data.films import different_sentences

Source = Literal["prompt", "sentence", "composed", "typed"]
Said = tuple[tuple[str, Polarity], ...]

_LONGEST: Final = 30  # words of a report sentence; longer ones cost time and say much at once
_EFFUSION: Final = re.compile(  # an effusion with its article and what only an effusion can be
    r"\b(?:(?P<article>an?)\s)?(?:(?P<side>left|right|small|mild|moderate)\s)?"
    r"(?:pleural\s|free-flowing\s|layering\s)?(?P<noun>effusions?|(?:pleural\s)?fluid|hydrothorax)\b",
    re.IGNORECASE,
)
_ABOUT_FLUID: Final = re.compile(  # what makes no sense of any other finding
    r"pleura|drain|costophrenic|angle|sulc|blunt|bases?\b|layer|pushed|flowing|fill|accumulat|tapped|dry|wet",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Caption:
    """A sentence and what it says; `fold` holds wordings out in cross-validation, not studies."""

    text: str
    said: Said  # (finding, polarity), each finding once
    source: Source
    fold: int
    opposite: str = ""  # a prompt's contrary
    studies: frozenset[str] = frozenset()  # in whose reports a sentence stands
    kind: str = ""  # what a composed sentence is an instance of

    @property
    def turned(self) -> Caption:
        """The opposite of a prompt, as a caption."""
        ((finding, polarity),) = self.said
        return replace(self, text=self.opposite, opposite=self.text, said=((finding, CONTRARY[polarity]),))

    @property
    def findings(self) -> frozenset[str]:
        return frozenset(finding for finding, _ in self.said)

    @property
    def polarity(self) -> Polarity | None:
        """The one polarity of all its mentions; None where it has several, or no mention."""
        polarities = {polarity for _, polarity in self.said}
        return polarities.pop() if len(polarities) == 1 else None


@dataclass(frozen=True)
class Bank:
    """Captions to learn from, in a fixed order."""

    captions: tuple[Caption, ...]

    def __len__(self) -> int:
        return len(self.captions)

    def where(self, keep: Callable[[Caption], bool]) -> Bank:
        return Bank(tuple(filter(keep, self.captions)))

    def without(self, finding: str) -> Bank:
        """All captions that do not speak of a finding, be it beside another."""
        return self.where(lambda caption: finding not in caption.findings)

    def of_studies(self, studies: Collection[str]) -> Bank:
        """All captions but the report sentences of other studies."""
        return self.where(
            lambda caption: caption.source != "sentence" or not caption.studies.isdisjoint(studies)
        )

    @property
    def in_both_senses(self) -> tuple[Caption, ...]:
        """The captions, then the opposites of those that have one."""
        return (*self.captions, *(caption.turned for caption in self.captions if caption.opposite))

    @cached_property
    def hash(self) -> str:
        """SHA-256 over texts and what they say; it tells nothing of the sentences."""
        facts = [(caption.text, caption.said, caption.opposite) for caption in self.captions]
        return hashlib.sha256(repr(facts).encode()).hexdigest()


def make_bank(
    prompts: Sequence[PromptRow],
    composed: Iterable[Caption],
    films: Iterable[Film],
    reports: Mapping[str, Report],
    barred: Iterable[str],
) -> Bank:
    """Prompts for every finding, composed sentences, and the report sentences of `films`' studies.

    `barred` are the texts that something is measured on: no caption, nor its opposite, shares a template
    with one of them.
    """
    forbidden = {template(text) for text in barred}
    found = (*_prompts(prompts), *composed, *_sentences(films, reports))
    return Bank(
        tuple(c for c in found if not {template(text) for text in (c.text, c.opposite) if text} & forbidden)
    )


def truth(captions: Sequence[Caption], films: Sequence[Film]) -> NDArray[np.float32]:
    """1 where a film satisfies a caption, 0 where it contradicts it, nan where it does not say.

    `<float32>[captions, films]`, as `negviz.films.collection.judge`: every mention must hold, one that fails
    is enough to contradict.
    """
    has = np.array([[_known(film, name) for name in FINDINGS] for film in films], np.float32).T
    verdicts = np.full((len(captions), len(films)), np.nan, np.float32)
    for row, caption in enumerate(captions):
        if caption.said:
            verdicts[row] = np.stack([_verdict(has, *mention) for mention in caption.said]).prod(axis=0)
            contradicted = np.any([_verdict(has, *mention) == 0 for mention in caption.said], axis=0)
            verdicts[row][contradicted] = 0
    return verdicts


def shows(films: Sequence[Film], finding: str) -> NDArray[np.float32]:
    """1 where a film has a finding, 0 where it is denied, nan where it does not say: `<float32>[films]`."""
    return np.array([_known(film, finding) for film in films], np.float32)


def _known(film: Film, finding: str) -> float:
    state = film.states(finding, "present")
    return np.nan if state is None else float(state)


def _verdict(has: NDArray[np.float32], finding: str, polarity: Polarity) -> NDArray[np.float32]:
    row = has[FINDINGS.index(finding)]
    if polarity == "uncertain":
        return np.full_like(row, np.nan)
    verdict: NDArray[np.float32] = row if polarity == "present" else 1 - row
    return verdict


# Prompts --------------------------------------------------------------------------------------


def _prompts(rows: Sequence[PromptRow]) -> Iterator[Caption]:
    for row in rows:
        fold, opposite = fold_of(row.prompt), row.extra["opposite"]
        yield Caption(row.prompt, ((row.finding, row.polarity),), "prompt", fold, opposite)
        if row.finding != "effusion" or _ABOUT_FLUID.search(_EFFUSION.sub("", f"{row.prompt} {opposite}")):
            continue
        for finding in (name for name in ABNORMAL if name != "effusion"):
            caption = Caption(
                _put_to(row.prompt, finding),
                ((finding, row.polarity),),
                "prompt",
                fold,
                _put_to(opposite, finding),
            )
            if _reads_as_said(caption) and _reads_as_said(caption.turned):
                yield caption


def _put_to(text: str, finding: str) -> str:
    """A sentence about effusion, asked about another finding."""
    article, noun = BY_NAME[finding].instead or BY_NAME[finding].said

    def other(match: re.Match[str]) -> str:
        words = f"{article} {noun}" if article and match["article"] else noun
        return words[0].upper() + words[1:] if match[0][0].isupper() else words

    return _EFFUSION.sub(other, text)


def _reads_as_said(caption: Caption) -> bool:
    """Whether the reader hears that and nothing else: a check on the rewording."""
    return {(mention.finding, mention.polarity) for mention in read_mentions(caption.text)} == {*caption.said}


# Sentences ------------------------------------------------------------------------------------


def _sentences(films: Iterable[Film], reports: Mapping[str, Report]) -> Iterator[Caption]:
    """Every different sentence once, neutral ones among them."""
    for text, studies in different_sentences(films, reports, _usable).items():
        said = tuple(dict.fromkeys((m.finding, m.polarity) for m in read_mentions(text)))
        if len({finding for finding, _ in said}) == len(said):  # none both stated and denied
            yield Caption(text, said, "sentence", fold_of(template(text)), studies=frozenset(studies))


def _usable(sentence: str) -> bool:
    return "XXXX" not in sentence and 2 <= len(sentence.split()) <= _LONGEST


def fold_of(text: str) -> int:
    """As `training.tune.choose.prompt_fold`: a wording and its opposite are held out together."""
    return int(hashlib.sha256(text.encode()).hexdigest(), 16) % FOLDS


__all__ = ["ABNORMAL", "Bank", "Caption", "make_bank", "shows", "truth"]
