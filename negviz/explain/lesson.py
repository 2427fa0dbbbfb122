"""What the lesson asks and what is true of the open collection: every step is measured, none is assumed.

    lesson = make_lesson(Asking(room.answer_to), films)

A step is about something that may be so or not.  It has candidates, most often sentences, and is asked with
the first on which it is so; where it is so on none, with the middle one, so that none is picked for it.  The
finding is effusion where the collection has films with it and without it, else the finding that comes nearest
to being balanced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import mean
from typing import Final, Literal, TypeVar

from negviz.films.collection import Collection
from negviz.findings import ABNORMAL, BY_NAME
from negviz.models.training_free import TWO_BOXES
from negviz.retrieval.answer import Answer, Column
from negviz.retrieval.answer_types import CLEARLY
from negviz.retrieval.comparison import Comparison

T = TypeVar("T")
Ask = Callable[[str], Answer]
About = Literal[
    "no", "other words", "taken away", "tuned", "where", "any no", "prevalence", "ours", "instead"
]
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
_NO_DENIALS: Final = ("No change in {}", "{} has not changed", "No improvement of the {}", "Not free of {}")
_HARD: Final = ("Not free of {}", "{} is not absent")  # for a model that reads most sentences
_WHERE_AT: Final = (-0.05, 0.05)
_LOPSIDED: Final = 8  # of ten films that state it


@dataclass(frozen=True)
class Count:
    """One model's figure: films of so many shown, or a share."""

    model: str
    value: float


@dataclass(frozen=True)
class Placed:
    """What the place of a finding did to its denial on a film that shows it."""

    pair: tuple[str, str]  # the same chest without the finding and with it
    shares: Mapping[str, float]  # by model, of all that moved the score


@dataclass(frozen=True)
class Asking:
    """How the lesson asks what is open.  What cannot be asked leaves its step out."""

    ask: Ask  # the models that everybody sees, over the films on show
    everywhere: Callable[[str], Iterable[Answer]] = lambda _: ()  # over each set that may be searched
    placed: Callable[[Answer, str], Sequence[Placed]] = lambda *_: ()  # of a denial and its finding
    ours: Ask | None = None  # with our own model beside them, as the last
    boxes: Callable[[Answer], tuple[tuple[str, str], Answer] | None] = lambda _: None  # what they say, found


@dataclass(frozen=True)
class Step:
    """A question with three answers, which of them is true, and what was measured."""

    about: About
    sentences: tuple[str, ...]  # as put to the models; of the two boxes what they say
    finding: str
    subject: str  # the model that the question is about
    right: int  # 0, 1 or 2
    counts: tuple[Count, ...]  # in column order
    shown: int  # films of each model
    chance: float | None = None  # what random picks would give
    answer: Answer | None = None  # whose films are to be seen
    edges: tuple[int, int] = (3, 6)  # the first two answers end here
    among: int = 1  # candidates
    found: bool = False  # whether this is the first of them on which it is so; if not, the middle one
    mean: float | None = None  # of the subject's figure, over all of them
    showing: tuple[int, int] | None = (
        None  # films of the subject with the finding: with the "no", and without
    )
    normal: tuple[int, float] | None = None  # normal films of the subject, and what chance would give
    before: tuple[str, float] | None = None  # an earlier sentence, and the subject's figure for it
    place: Placed | None = None

    def beyond_chance(self, value: float) -> int:
        """-1 or 1 where a count of films lies clearly below or above what random picks would give, else 0."""
        if self.chance is None:
            return 0
        apart = 10 * (value - self.chance) / self.shown
        return 0 if abs(apart) < CLEARLY else 1 if apart > 0 else -1

    def of(self, model: str) -> float:
        return next(count.value for count in self.counts if count.model == model)


def make_lesson(asking: Asking, films: Collection) -> tuple[Step, ...]:
    """The steps that this collection can teach; none where no finding has films on both sides."""
    order = _findings(films)
    if not order:
        return ()
    finding, others = order[0], order[1:]
    denials = _denials(asking.ask, finding)
    base, tuned = denials[0].columns[0].model, _tuned(denials[0])
    no = _films("no", denials, _passes_over, finding, base, _WRONG)
    # Further steps begin with the sentence of the first.
    denied = next(answer for answer in denials if answer.prompt.text == no.sentences[0])
    denials = [denied, *(answer for answer in denials if answer is not denied)]
    steps = [no, *_other_words(denials, finding), *_taken_away(asking.ask, denials, finding, len(films))]
    steps += [_films("tuned", denials, lambda each: _by_normal_films(each, tuned), finding, tuned, _WRONG)]
    steps += _where(denied, asking.placed(denied, finding), finding, tuned)
    any_no = _any_no(asking.ask, finding, others, tuned)
    steps += [*any_no, *_prevalence(asking.everywhere(denied.prompt.text), finding)]
    steps += _ours(asking.ours, any_no[0].sentences[0], finding, others) if asking.ours and any_no else []
    return *steps, _instead(asking, denied, finding)


# Candidates -----------------------------------------------------------------------------------


def _choose(
    candidates: Sequence[T], is_so: Callable[[T], bool], figure: Callable[[T], float]
) -> tuple[T, bool]:
    """The first candidate on which it is so and True, or the middle one by its figure and False."""
    first = next(filter(is_so, candidates), None)
    if first is not None:
        return first, True
    return sorted(candidates, key=figure)[len(candidates) // 2], False


def _denials(ask: Ask, finding: str) -> list[Answer]:
    """Ways to say that it is not there, as far as the reader takes them for that."""
    texts = dict.fromkeys([f"No {finding}", *(_sentence(template, finding) for template in _DENIALS)])
    asked = [ask(text) for text in texts]
    return [answer for answer in asked if answer.marked and answer.prompt.polarity == "absent"]


def _judged(answers: Iterable[Answer]) -> list[Answer]:
    """Answers of which films are right or wrong."""
    return [answer for answer in answers if answer.marked and answer.columns[0].tally.judged]


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


def _column(answer: Answer, model: str) -> Column:
    return next(column for column in answer.columns if column.model == model)


# What may be so of an answer ------------------------------------------------------------------


def _passes_over(answer: Answer) -> bool:
    """The first model shows what is denied."""
    return answer.columns[0].beyond_chance <= -CLEARLY


def _by_normal_films(answer: Answer, model: str) -> bool:
    """A model heeds the "no", with normal chests."""
    column = _column(answer, model)
    return column.beyond_chance >= CLEARLY and column.normal_beyond_chance >= CLEARLY


def _finds(answer: Answer, model: str) -> bool:
    return _column(answer, model).beyond_chance > 0


def _with_normal_films(answer: Answer, model: str) -> bool:
    """A model is wrong, with normal chests."""
    column = _column(answer, model)
    return column.beyond_chance <= -CLEARLY and column.normal_beyond_chance >= CLEARLY


# The steps ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Counted:
    """Which films of a column a step counts, and how many chance would give."""

    films: Callable[[Column], int]
    by_chance: Callable[[Column], float | None]


_WRONG: Final = _Counted(lambda column: column.tally.contradicts, lambda column: column.contradicting_picks)
_RIGHT: Final = _Counted(lambda column: column.tally.matches, lambda column: column.random_picks)


def _films(
    about: About,
    candidates: Sequence[Answer],
    is_so: Callable[[Answer], bool],
    finding: str,
    subject: str,
    counted: _Counted,
) -> Step:
    """How many films of a model are right, or wrong."""

    def figure(answer: Answer) -> int:
        return counted.films(_column(answer, subject))

    answer, found = _choose(candidates, is_so, figure)
    column, edges = _column(answer, subject), _edges(_shown(answer))
    known = column.normal is not None and column.normal_by_chance is not None
    return Step(
        about=about,
        sentences=(answer.prompt.text,),
        finding=finding,
        subject=subject,
        right=_part(figure(answer), edges),
        counts=tuple(Count(each.model, counted.films(each)) for each in answer.columns),
        shown=_shown(answer),
        chance=counted.by_chance(column),
        answer=answer,
        edges=edges,
        among=len(candidates),
        found=found,
        mean=mean(map(figure, candidates)),
        normal=(column.normal or 0, column.normal_by_chance or 0.0) if known else None,
    )


def _other_words(denials: Sequence[Answer], finding: str) -> list[Step]:
    """The first model gets another wording of the same right: one sentence proves nothing."""
    denied, *others = denials
    before = denied.columns[0]

    def turns(answer: Answer) -> bool:
        base = answer.columns[0]
        return base.beyond_chance > 0 and base.share - before.share >= CLEARLY

    if not others:
        return []
    step = _films("other words", others, turns, finding, before.model, _WRONG)
    of_base = step.counts[:1]  # nothing is asked of the others
    return [replace(step, counts=of_base, before=(denied.prompt.text, before.tally.contradicts))]


def _taken_away(ask: Ask, denials: Sequence[Answer], finding: str, films: int) -> list[Step]:
    """How many films of the first model stay when the "no" is taken away."""
    compared = [
        Comparison.of(denied, ask(denied.opposite.text)) for denied in denials if denied.opposite is not None
    ]
    if not compared:
        return []
    shown, edges = _shown(denials[0]), _edges(_shown(denials[0]))
    chance = shown * shown / films

    def stay(comparison: Comparison) -> int:
        return len(comparison.pairs[0].stay)

    chosen, found = _choose(compared, lambda each: 10 * (stay(each) - chance) / shown >= CLEARLY, stay)
    base = chosen.pairs[0]
    step = Step(
        about="taken away",
        sentences=(chosen.first.prompt.text, chosen.second.prompt.text),
        finding=finding,
        subject=base.model,
        right=_part(stay(chosen), edges),
        counts=tuple(Count(pair.model, len(pair.stay)) for pair in chosen.pairs),
        shown=shown,
        chance=chance,
        answer=chosen.second,
        edges=edges,
        among=len(compared),
        found=found,
        mean=mean(map(stay, compared)),
        showing=(base.first.tally.contradicts, base.second.tally.matches),
    )
    return [step]


def _where(denied: Answer, places: Sequence[Placed], finding: str, tuned: str) -> list[Step]:
    """The place of the finding speaks for its denial in the first model, and against it once tuned."""
    if not places:
        return []
    base = next(iter(places[0].shares))

    def turns(placed: Placed) -> bool:
        return placed.shares[base] > _WHERE_AT[1] and placed.shares.get(tuned, 0.0) < _WHERE_AT[0]

    placed, found = _choose(places, turns, lambda each: each.shares[base])
    counts = tuple(Count(model, share) for model, share in placed.shares.items())
    right, shown = _part(placed.shares[base], _WHERE_AT), _shown(denied)
    sentences = (denied.prompt.text,)
    step = Step("where", sentences, finding, base, right, counts, shown, among=len(places), found=found)
    return [replace(step, place=placed)]


def _any_no(ask: Ask, finding: str, others: Sequence[str], tuned: str) -> list[Step]:
    """The tuned model answers with normal chests what asks for others."""
    best_known = sorted(others, key=list(ABNORMAL).index)[:1]
    texts = [f"{other} without {finding}".capitalize() for other in best_known]
    asked = _judged(map(ask, [*texts, *(_sentence(template, finding) for template in _NO_DENIALS)]))
    if not asked:
        return []
    return [_films("any no", asked, lambda each: _with_normal_films(each, tuned), finding, tuned, _WRONG)]


def _prevalence(everywhere: Iterable[Answer], finding: str) -> list[Step]:
    """Nearly all films that state it are right, so that a model which ignores the sentence looks right."""
    asked = sorted(_judged(everywhere), key=lambda answer: -len(answer.films))

    def by_chance(answer: Answer) -> float:
        return 10 * answer.tally.matches / answer.tally.judged

    if not asked:
        return []
    answer, found = _choose(asked, lambda each: by_chance(each) >= _LOPSIDED, by_chance)
    chance, edges = by_chance(answer), _edges(10)
    step = Step(
        about="prevalence",
        sentences=(answer.prompt.text,),
        finding=finding,
        subject=answer.columns[0].model,
        right=_part(chance, edges),
        counts=tuple(Count(column.model, column.share) for column in answer.columns),
        shown=10,
        chance=chance,
        answer=answer,
        edges=edges,
        among=len(asked),
        found=found,
    )
    return [step]


def _ours(ask: Ask, any_no: str, finding: str, others: Sequence[str]) -> list[Step]:
    """Our own model, which may have got `any_no` right, is right no oftener than chance would be."""
    texts = [_sentence(template, finding) for template in _HARD]
    texts += [_sentence(template, other) for other in others for template in ("{}", "No {}")]
    asked = _judged(map(ask, texts))
    if not asked:
        return []
    before = ask(any_no).columns[-1]
    step = _films("ours", asked, lambda each: not _finds(each, before.model), finding, before.model, _RIGHT)
    return [replace(step, before=(any_no, before.tally.matches))]


def _instead(asking: Asking, denied: Answer, finding: str) -> Step:
    """What finds films without asking for a "no": two boxes or, where there are none, what is to be seen."""
    boxes = asking.boxes(denied)
    said, answer = boxes or ((), asking.ask(_sentence("{}", finding)))
    subject = TWO_BOXES if boxes else answer.columns[0].model
    step = _films("instead", [answer], lambda each: _finds(each, subject), finding, subject, _RIGHT)
    return replace(step, sentences=said or step.sentences)


def _shown(answer: Answer) -> int:
    return len(answer.columns[0].hits)


def _edges(shown: int) -> tuple[int, int]:
    return shown // 3, 2 * shown // 3


def _part(value: float, edges: tuple[float, float]) -> int:
    """Which of the three answers a figure falls into."""
    return sum(value > edge for edge in edges)
