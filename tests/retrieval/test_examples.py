"""What the sentences to try are said to show, checked against answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from negviz.films.collection import Collection
from negviz.language.prompt import read_prompt
from negviz.page import words
from negviz.retrieval.answer_types import Answer, Column, Query, Tally, Unmarked
from negviz.retrieval.examples import OPENING, Example, Property, examples
from negviz.retrieval.search import Hit
from negviz.retrieval.sets import SearchSet

NONE = SearchSet("none/all", Collection("none", ()), {})
HITS = tuple(Hit(f"film{number}", number, 0.5, None) for number in range(1, 11))
Counts = tuple[int, int]  # of ten films of one model: matching, normal
BLIND = ((0, 0), (10, 9), (10, 9))
WELL = ((10, 2), (10, 9), (10, 9))
EVERY: Mapping[str, tuple[Counts, ...]] = {
    "No effusion": BLIND,
    "No pleural effusion": WELL,
    "Effusion": ((10, 0), (10, 0), (9, 0)),
    "Cardiomegaly": ((10, 0), (0, 0), (1, 0)),
    "No change in effusion": ((10, 0), (0, 10), (0, 9)),
    "Costophrenic angles are sharp": ((0, 0), (0, 0), (0, 0)),
}


def _answer(text: str, counts: tuple[Counts, ...], *, showing: int = 50) -> Answer:
    """Over a hundred films, half of them right and a quarter normal."""
    prompt = read_prompt(text)
    columns = tuple(
        Column(
            model=model,
            query=Query("tower", np.zeros((1, 2)), None),
            hits=HITS,
            tally=Tally(matches, 10 - matches, 0),
            random_picks=showing / 10,
            showing=None,
            normal=normal,
            normal_by_chance=2.5,
        )
        for model, (matches, normal) in zip(("base", "con1", "con2"), counts, strict=False)
    )
    tally = Tally(showing, 100 - showing, 0)
    unmarked: Unmarked | None = None if prompt.mentions else "nothing"
    return Answer(prompt, prompt.mentions, False, unmarked, tally, columns, NONE)


def _found(counts: Mapping[str, tuple[Counts, ...]], *, showing: int = 50) -> dict[str, Property | None]:
    """Sentences that are offered where these are answered so, and all others as by chance."""
    chance = ((5, 2), (5, 3), (5, 3))
    given = examples(lambda text: _answer(text, counts.get(text, chance), showing=showing))
    return {example.text: example.shows for example in given}


def test_every_sentence_is_offered_with_what_it_shows() -> None:
    assert _found(EVERY) == {
        "No effusion": "passes over",
        "No pleural effusion": "one word more",
        "Effusion": "control",
        "Cardiomegaly": "cost",
        "No change in effusion": "any no",
        "Costophrenic angles are sharp": "other words",
    }
    assert set(_found(EVERY).values()) == set(words.SHOWS)


def test_where_it_is_not_so_another_stands_in_or_nothing_is_said() -> None:
    reads_it = {**EVERY, "No effusion": WELL, "Effusion ruled out": BLIND}
    found = _found(reads_it)
    assert found["Effusion ruled out"] == "passes over"
    assert "No pleural effusion" not in found  # no more words than one that base gets as well
    assert found[OPENING] is None  # the page opens on it all the same
    assert next(iter(found)) == OPENING
    assert _found({}) == {OPENING: None, "Costophrenic angles are sharp": "other words"}


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("No effusion", ((3, 0), (10, 9), (10, 9))),
        ("No pleural effusion", ((5, 0), (10, 9), (10, 9))),
        ("Effusion", ((10, 0), (10, 0), (7, 0))),
        ("Cardiomegaly", ((10, 0), (0, 0), (8, 0))),
        ("Cardiomegaly", ((10, 0),)),
        ("No change in effusion", ((10, 0), (0, 10), (0, 5))),
        ("No change in effusion", ((10, 9), (0, 10), (0, 9))),
    ],
)
def test_a_count_too_near_to_chance_shows_nothing(text: str, counts: tuple[Counts, ...]) -> None:
    assert _found({**EVERY, text: counts}).get(text) is None


def test_what_tuning_cost_is_asked_over_enough_films_with_the_finding_only() -> None:
    assert _found(EVERY, showing=20)["Cardiomegaly"] == "cost"
    assert "Cardiomegaly" not in _found(EVERY, showing=19)


def test_films_that_do_not_say_show_nothing() -> None:
    def silent(text: str) -> Answer:
        answer = _answer(text, BLIND)
        columns = [replace(c, tally=Tally(0, 0, 10), random_picks=None, normal=None) for c in answer.columns]
        return replace(answer, tally=Tally(0, 0, 100), columns=tuple(columns))

    assert examples(silent) == (Example(OPENING, None),)
