"""The lesson: its questions and reveals follow what was measured, whatever that is."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from negviz.explain.lesson import Count, Step, make_lesson
from negviz.films.collection import Collection, open_collection
from negviz.films.masks import MASKS, SIZE, Masks, Place, write_masks
from negviz.models.encoder import DualEncoder
from negviz.page.lesson import words
from negviz.page.lesson.panel import lesson, measure
from negviz.page.opening import Once
from negviz.page.pictures import Pictures
from negviz.page.room import Asked, Room
from negviz.retrieval.answer import Answer, Tally, search_sets


@pytest.fixture
def room(models: dict[str, DualEncoder], collection: Collection) -> Room:
    return Room(models, search_sets(models, collection), Pictures(collection))


@pytest.fixture
def steps(room: Room) -> tuple[Step, ...]:
    return measure(room)


def about(steps: tuple[Step, ...], what: str) -> Step:
    return next(step for step in steps if step.about == what)


def test_about_six_steps_are_asked(steps: tuple[Step, ...]) -> None:
    assert [step.about for step in steps] == ["no", "taken away", "tuned", "cost", "words", "elsewhere"]


def test_where_on_the_film_is_asked_where_a_chest_was_simulated_twice(
    models: dict[str, DualEncoder], collection_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "drawn"
    shutil.copytree(collection_folder, folder)
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = [row | {"seed": "", "severities": "", "sides": "", "pair": ""} for row in csv.DictReader(file)]
    tested = [row for row in rows if row["split"] == "test"]
    with_it = next(row for row in tested if "effusion" in row["findings"])
    without = next(row for row in tested if "effusion" not in row["findings"])
    with_it |= {"seed": "7", "severities": "effusion:0.8", "sides": "effusion:left", "pair": without["id"]}
    without |= {"seed": "7", "pair": with_it["id"]}
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    mask = np.zeros((SIZE, SIZE), bool)
    mask[80:, 12:58] = True
    write_masks(folder / MASKS, Masks.pack({Place(with_it["id"], "effusion", "left"): mask}, "drawn"))
    films = open_collection(folder)
    room = Room(models, search_sets(models, films), Pictures(films))
    taught = measure(room)
    assert [step.about for step in taught][2:4] == ["tuned", "where"]
    step = about(taught, "where")
    assert words.count(step, step.counts[0]) in words.reveal(step)
    shown = lesson(room)
    assert shown.count('class="nv-where-lines"') == 4
    assert shown.index(f"id={without['id']}") < shown.rindex(f"id={with_it['id']}")


@pytest.mark.parametrize(
    ("share", "said"), [(0.3, "being passed over"), (0.01, "next to nothing"), (-0.3, "turned the map round")]
)
def test_what_the_place_did_is_said_as_it_was_measured(share: float, said: str) -> None:
    counts = (Count("base", share), Count("con2", -0.4))
    right = 2 if share > 0.05 else 0 if share < -0.05 else 1
    step = Step("where", ("No effusion",), "effusion", "base", right, counts, 10)
    assert said in words.reveal(step)
    assert "CON2 −40 %" in words.details(step)


def test_counts_are_those_of_the_open_room(room: Room, steps: tuple[Step, ...]) -> None:
    step = about(steps, "no")
    given = room.answer(Asked(step.sentences[0], room.sets[0].name))
    assert [count.value for count in step.counts] == [column.tally.contradicts for column in given.columns]
    assert [count.model for count in step.counts] == list(room.models)


def test_the_first_wording_that_shows_it_is_used_or_the_middle_one_and_that_is_said(room: Room) -> None:
    def asked(by_wording: Callable[[str], int]) -> Step:
        """The first step, where base's ten hold so many films that show what a wording denies."""

        def ask(text: str) -> Answer:
            given = room.answer(Asked(text, room.sets[0].name))
            wrong = by_wording(text)
            base = replace(given.columns[0], tally=Tally(10 - wrong, wrong, 0), random_picks=5.0)
            return replace(given, columns=(base, *given.columns[1:]))

        return make_lesson(ask, room.sets[0].collection)[0]

    shows = asked(lambda text: 8 if text.startswith("Film without") else 6)
    assert shows.sentences[0].startswith("Film without")
    assert "passes over the “no”" in words.reveal(shows)
    assert "the first of 10 wordings on which Base passes over" in words.details(shows)
    assert "shows 6.2 on the mean" in words.details(shows)
    none = asked(lambda text: 6)
    assert "nothing follows from it" in words.reveal(none)  # 6 against a chance of 5
    assert "On none of 10 wordings does Base pass over the “no”; this is the middle one" in words.details(
        none
    )


def test_the_true_answer_is_where_the_count_falls(steps: tuple[Step, ...]) -> None:
    for step in steps:
        options = words.options(step)
        assert len(options) == 3
        if step.about in ("no", "taken away", "tuned", "elsewhere"):
            low, _, high = options[step.right].partition(" to ")
            assert int(low) <= step.of(step.subject) <= int(high)


@pytest.mark.parametrize(
    ("value", "said"),
    [(8, "passes over the “no”"), (6, "no farther from chance"), (5, "no farther"), (1, "heeds the “no”")],
)
def test_the_reveal_says_what_is_true_of_this_collection(value: int, said: str) -> None:
    counts = (Count("base", value), Count("con2", 1))
    step = Step("no", ("No effusion",), "effusion", "base", 2, counts, 10, chance=5.0)
    assert said in words.reveal(step)
    assert f"{value} of 10" in words.reveal(step)


@pytest.mark.parametrize(
    ("base", "tuned", "said"),
    [(9.5, 6.0, "cost something"), (9.0, 9.0, "no cost"), (7.0, 9.0, "nothing was lost")],
)
def test_a_cost_is_only_claimed_where_there_is_one(base: float, tuned: float, said: str) -> None:
    change = tuned - base
    right = 0 if change <= -0.5 else 2 if change >= 0.5 else 1
    counts = (Count("base", base), Count("con2", tuned))
    assert said in words.reveal(Step("cost", ("Effusion",), "effusion", "con2", right, counts, 10))


@pytest.mark.parametrize(
    ("stay", "said"),
    [(8, "hardly changes"), (3, "nothing to do with one another"), (1, "nothing to do with")],
)
def test_what_stays_is_told_by_its_distance_from_chance(stay: int, said: str) -> None:
    counts = (Count("base", stay),)
    step = Step("taken away", ("a", "b"), "effusion", "base", 0, counts, 10, chance=1.0)
    assert f"{stay} of 10 stay; random picks would give 1. " in words.reveal(step)
    assert said in words.reveal(step)


def test_films_without_it_that_are_normal_chests_are_told() -> None:
    counts = (Count("base", 10), Count("con2", 0))
    step = Step("tuned", ("No effusion",), "effusion", "con2", 0, counts, 10, chance=5.0, normal=(10, 2.5))
    assert "So it heeds the “no”. But 10 of its 10 films are normal chests, by chance 2.5." in words.reveal(
        step
    )
    assert "But" not in words.reveal(replace(step, normal=(4, 2.5)))
    near = replace(step, counts=(Count("base", 6), Count("con2", 4)))
    assert "no difference that luck could not" in words.reveal(near)


def test_films_may_change_and_still_show_it() -> None:
    counts = (Count("base", 0),)
    step = Step("taken away", ("a", "b"), "effusion", "base", 0, counts, 10, showing=(7, 9))
    assert "Yet the finding stays: 7 of 10 films show it with the “no”, 9 without." in words.reveal(step)
    step = replace(step, showing=(1, 9))
    assert "Yet" not in words.reveal(step)


def test_a_collection_with_nothing_to_vote_on_says_so(
    models: dict[str, DualEncoder], collection: Collection
) -> None:
    silent = collection.where(lambda film: not film.findings and film.split != "test")
    room = Room(models, search_sets(models, silent), Pictures(silent))
    assert measure(room) == ()
    assert words.NOTHING in lesson(room)


def test_another_finding_serves_where_effusion_does_not(room: Room) -> None:
    films = room.sets[0].collection
    hearts = replace(
        films, films=tuple(replace(film, findings=film.findings - {"effusion"}) for film in films)
    )
    steps = make_lesson(lambda text: room.answer(Asked(text, room.sets[0].name)), hearts)
    assert {step.finding for step in steps} <= {"cardiomegaly"}


def test_the_words_step_is_left_out_where_no_share_is_known(room: Room) -> None:
    ask: Callable[[str], object] = lambda text: room.answer(Asked(text, room.sets[0].name))  # noqa: E731
    steps = make_lesson(ask, room.sets[0].collection, lambda _: {})  # type: ignore[arg-type]
    assert "words" not in {step.about for step in steps}


def test_every_step_can_be_voted_on_revealed_and_shared(room: Room) -> None:
    shown = lesson(room)
    assert shown.count('data-lesson="show"') == shown.count('class="nv-step"') == 6
    assert shown.count("data-vote=") == 18
    assert shown.count('href="#q=') == 6


def test_a_lesson_is_measured_once_for_everybody(room: Room) -> None:
    asked = []

    def make() -> str:
        asked.append(True)
        return lesson(room)

    once = Once(make)
    assert once() == once()
    assert len(asked) == 1
