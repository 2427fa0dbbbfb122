"""What the lesson asks and what is true of the open collection: every step is measured, none is assumed.

    lesson = make_lesson(room.answer_to, films, shares)

The finding is effusion where the collection has films with it and without it, else the finding that comes
nearest to being balanced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from negviz.films.collection import Collection
from negviz.findings import ABNORMAL, BY_NAME
from negviz.retrieval.answer import Answer, Column
from negviz.retrieval.comparison import Comparison

Ask = Callable[[str], Answer]
Shares = Callable[[str], Mapping[str, float]]  # of a sentence: the share of its cue, by model
# of an answer and a finding: by model, what its place did to the sentence, on a film that shows it
Within = Callable[[Answer, str], Mapping[str, float]]
About = Literal["no", "taken away", "tuned", "where", "cost", "words", "elsewhere"]
_AT_LEAST: Final = 3  # films with a finding, and without
_TUNED: Final = "con2"  # the model that was tuned on opposites
_DENIALS: Final = (
    "No {}",
    "There is no {}",
    "Film without {}",
    "No evidence of {}",
    "Chest film that shows no {}",
    "No {} is seen",
    "{} is absent",
    "Negative for {}",
    "Free of {}",
)
_PLAIN: Final = (
    "{}",
    "Film with {}",
    "There is {}",
    "Small {}",
    "Large {}",
    "Evidence of {}",
    "Chest film that shows {}",
    "{} is seen",
)
_HALF_A_FILM: Final = 0.5
CLEARLY: Final = 3  # films of ten away from chance, as where sentences to try are chosen
_WHERE_AT: Final = (-0.05, 0.05)
_WORDS_AT: Final = (0.1, 1 / 3)  # shares that part the options


@dataclass(frozen=True)
class Count:
    """One model's figure: films of so many shown, or a share."""

    model: str
    value: float


@dataclass(frozen=True)
class Step:
    """A question with three answers, which of them is true, and what was measured."""

    about: About
    sentences: tuple[str, ...]  # as put to the models, the one that is shown first
    finding: str
    subject: str  # the model that the question is about
    right: int  # 0, 1 or 2
    counts: tuple[Count, ...]  # in column order
    shown: int  # films of each model
    chance: float | None = None  # what random picks would give
    answer: Answer | None = None  # whose films are to be seen
    edges: tuple[int, int] = (3, 6)  # the first two answers end here
    mean: float | None = None  # of the subject's figure, over all of the sentences
    showing: tuple[int, int] | None = (
        None  # films of the subject with the finding: asked for without it, and with
    )

    normal: tuple[int, float] | None = None  # normal films of the subject, and what chance would give
    # whether the sentence is the first of these that shows what the step is about; if not, the middle one
    found: bool = False

    def beyond_chance(self, value: float) -> int:
        """-1 or 1 where a count of films lies clearly below or above what random picks would give, else 0."""
        if self.chance is None:
            return 0
        apart = 10 * (value - self.chance) / self.shown
        return 0 if abs(apart) < CLEARLY else 1 if apart > 0 else -1

    def of(self, model: str) -> float:
        return next(count.value for count in self.counts if count.model == model)


def make_lesson(
    ask: Ask, films: Collection, shares: Shares | None = None, within: Within | None = None
) -> tuple[Step, ...]:
    """The steps that this collection can teach; none where no finding has films on both sides."""
    order = _findings(films)
    if not order:
        return ()
    finding, others = order[0], order[1:]
    denials = _denials(ask, finding)
    shows_it = next(filter(_passes_over, denials), None)
    denied = shows_it or _middle(denials)
    steps = [_shows_it("no", denied, finding, denied.columns[0].model, denials)]
    if denied.opposite:
        steps += [_taken_away(denied, ask(denied.opposite.text), finding, len(films))]
    steps += [_shows_it("tuned", denied, finding, _tuned(denied), denials)]
    steps = [replace(step, found=shows_it is not None) for step in steps]
    placed = within(denied, finding) if within else {}
    steps += [_where(denied, finding, placed)] if placed else []
    steps += [_cost([ask(_sentence(template, finding)) for template in _PLAIN], finding)]
    found = shares(denied.prompt.text) if shares else {}
    steps += [_words(denied, finding, found)] if found else []
    steps += [_elsewhere(_middle(_denials(ask, others[0])), others[0])] if others else []
    return tuple(steps)


def _denials(ask: Ask, finding: str) -> list[Answer]:
    """Ways to say that it is not there, as far as the reader takes them for that."""
    texts = dict.fromkeys([f"No {finding}", *(_sentence(template, finding) for template in _DENIALS)])
    asked = [ask(text) for text in texts]
    return [answer for answer in asked if answer.marked and answer.prompt.polarity == "absent"]


def _passes_over(answer: Answer) -> bool:
    """The property of the first step: the first model shows what is denied, clearly beyond chance."""
    column = answer.columns[0]
    if column.random_picks is None:
        return False
    return column.random_picks - column.tally.matches >= CLEARLY * column.tally.judged / 10


def _middle(answers: Sequence[Answer]) -> Answer:
    """The sentence on which the first model does neither best nor worst: where no wording shows an effect,
    none is picked for it."""
    by_count = sorted(answers, key=lambda answer: answer.columns[0].tally.contradicts)
    return by_count[len(by_count) // 2]


def _sentence(template: str, finding: str) -> str:
    text = template.format(BY_NAME[finding].said[1])
    return text[:1].upper() + text[1:]


def _findings(films: Collection) -> list[str]:
    """Findings with films on both sides, effusion first, then the most balanced."""
    sides = {finding: min(_having(films, finding)) for finding in ABNORMAL}
    enough = [finding for finding, least in sides.items() if least >= _AT_LEAST]
    return sorted(enough, key=lambda finding: (finding != "effusion", -sides[finding]))


def _having(films: Collection, finding: str) -> tuple[int, int]:
    known = [film.states(finding, "present") for film in films]
    return known.count(True), known.count(False)


def _tuned(answer: Answer) -> str:
    models = [column.model for column in answer.columns]
    return _TUNED if _TUNED in models else models[-1]


def _edges(shown: int) -> tuple[int, int]:
    return shown // 3, 2 * shown // 3


def _part(value: float, edges: tuple[float, float]) -> int:
    """Which of the three answers a figure falls into."""
    return sum(value > edge for edge in edges)


def _shown(answer: Answer) -> int:
    return len(answer.columns[0].hits)


def _shows_it(about: About, denied: Answer, finding: str, subject: str, denials: Sequence[Answer]) -> Step:
    """How many of a model's films have what the sentence denies."""
    counts = tuple(Count(column.model, column.tally.contradicts) for column in denied.columns)
    shown, edges = _shown(denied), _edges(_shown(denied))
    column = _column(denied, subject)
    chance = None if column.random_picks is None else column.tally.judged - column.random_picks
    value = column.tally.contradicts
    each = [_column(answer, subject).tally.contradicts for answer in denials]
    known = column.normal is not None and column.normal_by_chance is not None
    return Step(
        about=about,
        sentences=tuple(dict.fromkeys([denied.prompt.text, *(answer.prompt.text for answer in denials)])),
        finding=finding,
        subject=subject,
        right=_part(value, edges),
        counts=counts,
        shown=shown,
        chance=chance,
        answer=denied,
        edges=edges,
        mean=sum(each) / len(each),
        normal=(column.normal or 0, column.normal_by_chance or 0.0) if known else None,
    )


def _taken_away(denied: Answer, stated: Answer, finding: str, films: int) -> Step:
    """How many films stay when the "no" is taken away."""
    counts = tuple(Count(pair.model, len(pair.stay)) for pair in Comparison.of(denied, stated).pairs)
    shown, edges = _shown(denied), _edges(_shown(denied))
    sentences = (denied.prompt.text, stated.prompt.text)
    right = _part(counts[0].value, edges)
    showing = denied.columns[0].tally.contradicts, stated.columns[0].tally.matches
    return Step(
        about="taken away",
        sentences=sentences,
        finding=finding,
        subject=counts[0].model,
        right=right,
        counts=counts,
        shown=shown,
        chance=shown * shown / films,
        answer=stated,
        edges=edges,
        showing=showing,
    )


def _cost(stated: Iterable[Answer], finding: str) -> Step:
    """Films that match, on the mean over plain sentences that ask for the finding."""
    asked = [answer for answer in stated if answer.marked and answer.prompt.polarity == "present"]
    counts = tuple(
        Count(column.model, sum(answer.columns[n].tally.matches for answer in asked) / len(asked))
        for n, column in enumerate(asked[0].columns)
    )
    subject = _tuned(asked[0])
    change = next(count.value for count in counts if count.model == subject) - counts[0].value
    right = 0 if change <= -_HALF_A_FILM else 2 if change >= _HALF_A_FILM else 1
    sentences = tuple(answer.prompt.text for answer in asked)
    chance = asked[0].columns[0].random_picks
    return Step("cost", sentences, finding, subject, right, counts, _shown(asked[0]), chance)


def _where(denied: Answer, finding: str, placed: Mapping[str, float]) -> Step:
    """Whether the place of the finding speaks for its denial."""
    counts = tuple(Count(model, share) for model, share in placed.items())
    right = _part(counts[0].value, _WHERE_AT)
    return Step("where", (denied.prompt.text,), finding, counts[0].model, right, counts, _shown(denied))


def _words(denied: Answer, finding: str, shares: Mapping[str, float]) -> Step:
    """The share of the "no" in all that the words did."""
    counts = tuple(Count(model, share) for model, share in shares.items())
    right = _part(counts[0].value, _WORDS_AT)
    return Step("words", (denied.prompt.text,), finding, counts[0].model, right, counts, _shown(denied))


def _elsewhere(denied: Answer, finding: str) -> Step:
    """How many films match the denial of a finding that no tuning was about."""
    counts = tuple(Count(column.model, column.tally.matches) for column in denied.columns)
    subject, edges = _tuned(denied), _edges(_shown(denied))
    column = _column(denied, subject)
    return Step(
        "elsewhere",
        (denied.prompt.text,),
        finding,
        subject,
        _part(column.tally.matches, edges),
        counts,
        _shown(denied),
        column.random_picks,
        denied,
        edges,
    )


def _column(answer: Answer, model: str) -> Column:
    return next(column for column in answer.columns if column.model == model)
