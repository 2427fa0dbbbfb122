"""What was opened at start, and a question put to it: what every panel of the page is given."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final, TypeVar, cast, get_args

from negviz.explain.diagnosis import RESULTS, Background, read_backgrounds
from negviz.films.collection import CollectionError
from negviz.findings import FINDINGS, Polarity
from negviz.language.prompt import Prompt
from negviz.models.encoder import DualEncoder
from negviz.models.training_free import Arithmetic, TrainingFree, TwoBoxes, arithmetic_of
from negviz.page.families.choice import ONLY_ONE, Home
from negviz.page.pictures import Pictures
from negviz.page.server.once import EachOnce
from negviz.results.averages import Usual, read_usual
from negviz.retrieval.answer import Answer, AnswerError, SearchSet, answer, probabilities, ranks
from negviz.retrieval.answer_types import Standing
from negviz.retrieval.calibration import Calibration, read_calibrations
from negviz.retrieval.comparison import Comparison
from negviz.retrieval.examples import Example, examples

T = TypeVar("T")

FIRST: Final = 3  # columns that everybody sees; further models are added by the visitor
_KINDS: Final = 16  # of what panels keep; there are a few
_REMEMBERED: Final = 256  # answers of some 30 kB, for the panels of one visit and for a whole room at once


@dataclass(frozen=True)
class Asked:
    """A question as the galleries answered it; it has been to the browser and back, so it is not trusted."""

    text: str
    films: str = ""  # the name of a search set; "" and unknown names mean the first
    meant: tuple[str, Polarity] | None = None  # what the visitor says the sentence says
    models: tuple[str, ...] = ()  # models beyond the first ones that the visitor has added
    opposite: str = ""  # the contrary sentence in the visitor's words; "": ours
    show: str = ""  # two boxes: films near to this …
    but_not: str = ""  # … and far from this; "": no such column

    def json(self) -> str:
        return json.dumps(
            {
                "text": self.text,
                "films": self.films,
                "meant": self.meant,
                "models": self.models,
                "opposite": self.opposite,
                "show": self.show,
                "but_not": self.but_not,
            }
        )

    def says(self, text: str) -> bool:
        """Whether a sentence is in it, as the question, as its contrary or in a box."""
        return text in (self.text, self.opposite, self.show, self.but_not)

    @property
    def by_sentence(self) -> Asked:
        """Without the column that reads no sentence."""
        return replace(self, show="", but_not="")

    @classmethod
    def read(cls, text: str | None) -> Asked:
        """What `json` wrote; an empty question where it is anything else."""
        try:
            given: Any = json.loads(text or "")
            meant = given.get("meant")
            said = (meant[0], meant[1]) if meant else None
            if said is not None and (said[0] not in FINDINGS or said[1] not in get_args(Polarity)):
                said = None
            return cls(
                text=str(given["text"]),
                films=str(given.get("films", "")),
                meant=cast("tuple[str, Polarity] | None", said),
                models=tuple(map(str, given.get("models", ()))),
                opposite=str(given.get("opposite", "")),
                show=str(given.get("show", "")),
                but_not=str(given.get("but_not", "")),
            )
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
            return cls("")


@dataclass(frozen=True, eq=False)
class Room:
    """Models, the sets that may be searched, and pictures of their films.  Only read, by any thread."""

    models: Mapping[str, DualEncoder]
    sets: tuple[SearchSet, ...]
    pictures: Pictures
    home: Home = ONLY_ONE
    _answers: EachOnce[Asked, Answer] = field(init=False, repr=False)
    _own: EachOnce[Callable[[Room], Any], Any] = field(init=False, repr=False)
    _usual: EachOnce[str, Usual | None] = field(init=False, repr=False)
    _examples: EachOnce[str, tuple[Example, ...]] = field(init=False, repr=False)
    _forgetful: list[Callable[[str], None]] = field(default_factory=list, init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_answers", EachOnce(self._answer, most=_REMEMBERED))
        object.__setattr__(self, "_own", EachOnce(lambda kind: kind(self), most=_KINDS))
        object.__setattr__(
            self, "_usual", EachOnce(self._read_usual, most=sum(1 + len(films.lists) for films in self.sets))
        )
        object.__setattr__(self, "_examples", EachOnce(self._try, most=len(self.sets)))
        self.when_forgetting(lambda text: self._answers.forget(lambda asked: asked.says(text)))

    def own(self, kind: Callable[[Room], T]) -> T:
        """The one `kind` of this room: what that has worked out serves all, and goes when the room goes."""
        return cast("T", self._own(kind))

    @cached_property
    def backgrounds(self) -> dict[str, Background]:
        """What was measured of the models beforehand over the 99 prompts, as far as it is theirs."""
        return read_backgrounds(self.models, self._results / RESULTS.name)

    @cached_property
    def calibrations(self) -> dict[str, Calibration]:
        """How sure the models are, as far as that was fitted on their very weights."""
        return read_calibrations(self.models, self._results / "calibration.json")

    def films(self, name: str) -> SearchSet:
        """The set of that name, or the list of one; else the first set."""
        lists = (each for films in self.sets for each in films.lists.values())
        return next((films for films in (*self.sets, *lists) if films.name == name), self.sets[0])

    def choice(self, name: str) -> SearchSet:
        """The set of that name, or of which that is a list; else the first."""
        named = (each for each in self.sets if name in (each.name, *(of.name for of in each.lists.values())))
        return next(named, self.sets[0])

    def can_be_seen(self, films: SearchSet) -> bool:
        """Whether a set's films can be shown; where those of none can, marks are better than nothing."""
        lost = {name for name in self.pictures.collections if self.pictures.lost(name)}
        return films.collection.name not in lost or all(each.collection.name in lost for each in self.sets)

    @property
    def _results(self) -> Path:
        """Where what was measured of these models lies."""
        return self.home.results or RESULTS.parent

    def usual(self, films: SearchSet) -> Usual | None:
        """How often sentences that rule out what a set is for go wrong, as far as that was measured."""
        return self._usual(films.name)

    def examples(self, films: SearchSet) -> tuple[Example, ...]:
        """What may be tried over a set, and what it shows there in the models that everybody sees."""
        return self._examples(films.name)

    @property
    def first(self) -> tuple[str, ...]:
        """Names of the models that everybody sees: never those that need no training."""
        trained = [name for name, model in self.models.items() if not isinstance(model, TrainingFree)]
        return tuple(trained[:FIRST])

    @property
    def further(self) -> tuple[str, ...]:
        """Names of the models that a visitor may add."""
        return tuple(name for name in self.models if name not in self.first)

    def chosen(self, asked: Asked) -> dict[str, DualEncoder]:
        """The models that answer a question, in column order."""
        names = [*self.first, *(name for name in self.further if name in asked.models)]
        return {name: self.models[name] for name in names}

    @cached_property
    def arithmetic(self) -> Arithmetic | None:
        """The rival whose weight two boxes take; None where none was chosen for these models."""
        return arithmetic_of(list(self.models.values()))

    def columns(self, asked: Asked) -> dict[str, DualEncoder]:
        """The models that answer a question and, where two boxes were filled, what they find."""
        chosen, rival = self.chosen(asked), self.arithmetic
        if rival is None or not (asked.show.strip() and asked.but_not.strip()):
            return chosen
        boxes = TwoBoxes.of(next(iter(self.models.values())), asked.show, asked.but_not, rival.weight)
        return {**chosen, boxes.name: boxes}

    def boxes(self, prompt: Prompt) -> tuple[str, str]:
        """What two boxes might say in place of a sentence: a scene, and what it rules out."""
        wording = (self.arithmetic or Arithmetic()).wording
        return wording.scene_of(prompt), next(iter(wording.concepts_of(prompt)), "")

    def answer(self, asked: Asked) -> Answer:
        """The ten best films of every chosen model; asked again, remembered.  Raises `AnswerError`."""
        return self._answers(asked)

    def compare(self, asked: Asked, other: Asked) -> Comparison:
        """Two questions over the films and by the models of the first.  Raises `AnswerError`."""
        first = self.answer(asked)
        second = replace(
            other,
            films=first.films.name,
            models=asked.models,
            show=asked.show,
            but_not=asked.but_not,
        )
        return Comparison.of(first, self.answer(second))

    def ranks(self, asked: Asked, film_id: str) -> dict[str, Standing]:
        """Where every chosen model ranks one film.  Raises `AnswerError`, `CollectionError`."""
        return ranks(self.answer(asked), film_id)

    def probabilities(self, asked: Asked, film_id: str) -> dict[str, float]:
        """By chosen model, that a film satisfies the question; empty where that is not known."""
        try:
            return probabilities(self.answer(asked), film_id) if self.sets else {}
        except (AnswerError, CollectionError):
            return {}

    def forget(self, texts: Iterable[str]) -> None:
        """Drop what is remembered of these sentences, here and where `when_forgetting` was told to."""
        for text in texts:
            for forget in self._forgetful:
                forget(text)

    def when_forgetting(self, forget: Callable[[str], None]) -> None:
        """Have `forget(text)` called where a visitor asks for a sentence to be forgotten."""
        self._forgetful.append(forget)

    def _read_usual(self, name: str) -> Usual | None:
        films = self.films(name)
        of_it = (each for each in self.sets if each.collection.name == films.collection.name)
        whole = next((each for each in of_it if each.part == "all"), films)
        listed = next((name for each in self.sets for name, of in each.lists.items() if of is films), None)
        return read_usual(films, whole.collection.hash, self.backgrounds, self._results, listed=listed)

    def _try(self, name: str) -> tuple[Example, ...]:
        return examples(lambda text: self.answer(Asked(text, name)))

    def _answer(self, asked: Asked) -> Answer:
        return answer(
            self.columns(asked),
            self.films(asked.films),
            asked.text,
            meant=asked.meant,
            opposite=asked.opposite,
            calibrations=self.calibrations,
        )


__all__ = ["AnswerError", "Asked", "Room"]
