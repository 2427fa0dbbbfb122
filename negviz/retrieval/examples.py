"""Sentences worth trying, each with what it shows, as far as that is so over the films on show.

    for example in examples(ask):      # `ask` puts a sentence to the models over those films
        print(example.text, example.shows)

What a sentence is said to show is a condition on its answer; where it does not hold over these films, the
next wording is tried, and where it holds for none, nothing is said.  The first model is the base, the others
are those tuned from it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from negviz.retrieval.answer_types import CLEARLY, Answer

Property = Literal["passes over", "one word more", "control", "cost", "any no", "other words"]
Ask = Callable[[str], Answer]
OPENING: Final = "No effusion"
_ENOUGH: Final = 20  # films that show a finding, before it is asked what tuning cost


@dataclass(frozen=True)
class Example:
    """A sentence and what it shows over the films asked; None where it shows nothing in particular."""

    text: str
    shows: Property | None


@dataclass(frozen=True)
class _Candidates:
    """Wordings that may show something, best first."""

    shows: Property
    texts: tuple[str, ...]
    holds: Callable[[Answer, Ask], bool]


def examples(ask: Ask) -> tuple[Example, ...]:
    """What may be tried over the films that `ask` searches; the sentence the page opens on is among it."""
    found = [
        Example(text, candidates.shows)
        for candidates in _CANDIDATES
        if (text := _first(candidates, ask)) is not None
    ]
    opened = any(example.text == OPENING for example in found)
    return (*(() if opened else (Example(OPENING, None),)), *found)


def _first(candidates: _Candidates, ask: Ask) -> str | None:
    return next((text for text in candidates.texts if candidates.holds(ask(text), ask)), None)


def _passes_over(answer: Answer, _: Ask) -> bool:
    """The base shows what was ruled out more often than chance would."""
    return _denies(answer) and _cued(answer) and answer.columns[0].beyond_chance <= -CLEARLY


def _one_word_more(answer: Answer, ask: Ask) -> bool:
    """The base gets it, where it passes over the “no” of the same sentence without that word."""
    less = ask(OPENING)
    base, before = answer.columns[0], less.columns[0]
    return (
        _denies(answer)
        and _passes_over(less, ask)
        and base.beyond_chance > 0
        and base.share - before.share >= CLEARLY
    )


def _control(answer: Answer, _: Ask) -> bool:
    """Every model finds what is asked for without a “no”."""
    return _asks(answer) and all(column.beyond_chance >= CLEARLY for column in answer.columns)


def _cost(answer: Answer, _: Ask) -> bool:
    """The base finds a finding that no tuning was about, and every tuned model finds it less often."""
    base, *tuned = answer.columns
    return (
        _asks(answer)
        and answer.tally.matches >= _ENOUGH
        and base.beyond_chance >= CLEARLY
        and bool(tuned)
        and all(base.share - column.share >= CLEARLY for column in tuned)
    )


def _any_no(answer: Answer, _: Ask) -> bool:
    """A “no” that denies nothing: every tuned model answers it with normal films, and the base does not."""
    base, *tuned = answer.columns
    return (
        _asks(answer)
        and any(cue.kind == "pseudo" for cue in answer.prompt.cues)
        and bool(tuned)
        and base.normal_beyond_chance <= 0
        and all(column.normal_beyond_chance >= CLEARLY for column in tuned)
    )


def _other_words(answer: Answer, _: Ask) -> bool:
    """Something is denied without a “no”, over films on either side."""
    return _denies(answer) and not _cued(answer) and min(answer.tally.matches, answer.tally.contradicts) > 0


def _denies(answer: Answer) -> bool:
    return _said(answer) == ["absent"]


def _asks(answer: Answer) -> bool:
    return _said(answer) == ["present"]


def _said(answer: Answer) -> Sequence[str]:
    return [mention.polarity for mention in answer.mentions] if answer.marked else []


def _cued(answer: Answer) -> bool:
    return any(cue.kind == "negation" for cue in answer.prompt.cues)


_CANDIDATES: Final = (
    _Candidates("passes over", (OPENING, "Free of pleural effusion", "Effusion ruled out"), _passes_over),
    _Candidates("one word more", ("No pleural effusion",), _one_word_more),
    _Candidates("control", ("Effusion", "Pleural effusion"), _control),
    _Candidates("cost", ("Cardiomegaly", "Enlarged heart"), _cost),
    _Candidates(
        "any no", ("No change in effusion", "Effusion has not changed", "No change in cardiomegaly"), _any_no
    ),
    _Candidates(
        "other words",
        ("Costophrenic angles are sharp", "Both costophrenic angles are clear"),
        _other_words,
    ),
)
