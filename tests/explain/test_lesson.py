"""The lesson: its questions and reveals follow what was measured, whatever that is."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from negviz.explain.lesson import Asking, Count, Step, make_lesson
from negviz.films.collection import Collection, open_collection
from negviz.films.masks import MASKS, SIZE, Masks, Place, write_masks
from negviz.models.encoder import DualEncoder
from negviz.page.lesson import words
from negviz.page.lesson.panel import lesson, measure
from negviz.page.opening import Once
from negviz.page.pictures import Pictures
from negviz.page.room import Asked, Room
from negviz.results.averages import Usual
from negviz.retrieval.answer import Answer, Column, Tally, search_sets


@pytest.fixture
def room(models: dict[str, DualEncoder], collection: Collection) -> Room:
    return Room(models, search_sets(models, collection), Pictures(collection))


@pytest.fixture
def steps(room: Room) -> tuple[Step, ...]:
    return measure(room)


def about(steps: tuple[Step, ...], what: str) -> Step:
    return next(step for step in steps if step.about == what)


def test_the_steps_follow_the_story(steps: tuple[Step, ...]) -> None:
    told = ["no", "other words", "taken away", "tuned", "any no", "prevalence", "instead"]
    assert [step.about for step in steps] == told


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
    assert [step.about for step in taught][3:5] == ["tuned", "where"]
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


Wrong = Callable[[str], tuple[int, ...]]  # of a sentence: films of ten that are wrong, by column


def ten_films(column: Column, wrong: int, **facts: Any) -> Column:
    """A column as if so many of ten films were wrong, against a chance of five."""
    hits = (*column.hits, *column.hits)[:10]
    return replace(column, hits=hits, tally=Tally(10 - wrong, wrong, 0), random_picks=5.0, **facts)


def taught(room: Room, wrong: Wrong, normal: int = 0, further: Asking | None = None) -> tuple[Step, ...]:
    """The lesson where the columns' ten hold so many films that are wrong, against a chance of five."""

    def ask(text: str) -> Answer:
        given = room.answer(Asked(text, room.sets[0].name))
        columns = [
            ten_films(column, n, normal=normal, normal_by_chance=2.5)
            for column, n in zip(given.columns, wrong(text), strict=True)
        ]
        return replace(given, columns=tuple(columns))

    asking = replace(further or Asking(ask), ask=ask)
    return make_lesson(asking, room.sets[0].collection)


def test_the_first_wording_that_shows_it_is_used_or_the_middle_one_and_that_is_said(room: Room) -> None:
    shows = taught(room, lambda text: (8 if text.startswith("Film without") else 6, 5, 5))[0]
    assert shows.sentences[0].startswith("Film without")
    assert "passes over the “no”" in words.reveal(shows)
    assert "the first of 10 wordings on which Base passes over" in words.details(shows)
    assert "has 6.2 of 10 on the mean" in words.details(shows)
    none = taught(room, lambda _: (6, 5, 5))[0]
    assert "nothing follows from it" in words.reveal(none)  # 6 against a chance of 5
    assert "Among 10 wordings there is none on which Base passes over the “no”" in words.details(none)


def test_one_sentence_proves_nothing_where_another_wording_of_it_turns_out_right(room: Room) -> None:
    def wrong(text: str) -> tuple[int, ...]:
        return (2 if text.startswith("Free of") else 9, 5, 5)

    step = about(taught(room, wrong), "other words")
    assert step.sentences[0].startswith("Free of")
    assert [count.model for count in step.counts] == ["base"]
    assert "Before, it showed 9. So one sentence proves nothing." in words.reveal(step)
    alike = about(taught(room, lambda _: (9, 5, 5)), "other words")
    assert "no clear difference" in words.reveal(alike)
    assert not alike.found


def test_each_wording_that_was_measured_is_a_dot_beside_one_sentence(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = Usual("effusion", ("No effusion", "Effusion ruled out"), 8, {"base": (0.0, 10.0)})
    monkeypatch.setattr(Room, "usual", lambda *_: measured)
    shown = lesson(room)
    assert "Of 2 wordings that rule out effusion, base finds no right film for 1 and ten for 1" in shown
    assert shown.count('<i style="--right: ') == 2
    assert shown.index("--right: 1.0") < shown.index("--right: 0.0")


def test_a_tuned_model_is_asked_for_what_shows_it_heeding_with_normal_chests(room: Room) -> None:
    def wrong(text: str) -> tuple[int, ...]:
        return (9, 5, 1 if text.startswith("Negative for") else 4)

    step = about(taught(room, wrong, normal=9), "tuned")
    assert step.sentences[0].startswith("Negative for")
    assert "heeds the “no”. But 9 of its 10 films are normal chests, by chance 2.5." in words.reveal(step)
    assert not about(taught(room, wrong, normal=3), "tuned").found


@pytest.mark.parametrize(
    ("wrong", "said"), [(9, "goes by the “no”"), (5, "nothing follows"), (1, "goes by what is asked for")]
)
def test_a_no_that_denies_nothing_is_told_by_its_distance_from_chance(
    room: Room, wrong: int, said: str
) -> None:
    step = about(taught(room, lambda _: (0, 5, wrong), normal=9), "any no")
    assert said in words.reveal(step)
    assert step.found == (wrong == 9)
    assert "asks for no normal chests" in words.question(step)


def test_the_most_lopsided_films_show_what_ignoring_a_sentence_would_score(room: Room) -> None:
    def everywhere(matches: int) -> Asking:
        given = room.answer(Asked("No effusion", room.sets[0].name))
        film_sets = [replace(given, tally=Tally(5, 5, 80)), replace(given, tally=Tally(matches, 5, 0))]
        return Asking(lambda _: given, everywhere=lambda _: film_sets)

    step = about(taught(room, lambda _: (9, 5, 5), further=everywhere(95)), "prevalence")
    assert step.found
    assert step.right == 2
    assert "9.5 of 10 match at random" in words.reveal(step)
    assert "a model that ignores the sentence looks right" in words.reveal(step)
    even = about(taught(room, lambda _: (9, 5, 5), further=everywhere(5)), "prevalence")
    assert "is found out" in words.reveal(even)


def test_our_model_is_shown_where_it_fails_or_that_it_was_not_found_to(room: Room) -> None:
    def ours(is_wrong: Callable[[str], int]) -> Step:
        def ask(text: str) -> Answer:
            given = room.answer(Asked(text, room.sets[0].name))
            columns = [ten_films(column, 5) for column in given.columns]
            last = ten_films(given.columns[-1], is_wrong(text), model="con4")
            return replace(given, columns=(*columns, last))

        return about(taught(room, lambda _: (9, 5, 8), further=Asking(ask, ours=ask)), "ours")

    step = ours(lambda text: 8 if text.startswith("Not free") else 0)
    assert "2 of 10 match" in words.reveal(step)
    assert "So it fails here" in words.reveal(step)
    assert "has not changed”, 10 did" in words.reveal(step)  # where the tuned model was wrong
    fine = ours(lambda _: 1)
    assert "there is none on which CON4 is right no oftener than chance" in words.details(fine)
    assert "So it reads this one." in words.reveal(fine)


def test_the_last_step_says_what_to_do_instead(room: Room, steps: tuple[Step, ...]) -> None:
    step = about(steps, "instead")
    assert step.sentences == ("Pleural effusion",)  # these models have no two boxes
    shown = lesson(room)
    for advice in words.ADVICE:
        assert advice in shown
    assert "its size in your system is not" in shown
    assert "drawn films" not in words.last(step)  # they are not those that are shipped
    with_boxes = replace(step, subject="two-boxes", sentences=("A film", "Effusion"), counts=step.counts[:1])
    assert "Show “A film”, but not “Effusion”" in words.question(with_boxes)


def test_the_true_answer_is_where_the_count_falls(steps: tuple[Step, ...]) -> None:
    for step in steps:
        options = words.options(step)
        assert len(options) == 3
        if step.about != "prevalence":
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
    ("stay", "said"),
    [(8, "hardly changes"), (3, "two unrelated lists"), (1, "two unrelated lists")],
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
    assert "tuning made no clear difference" in words.reveal(near)


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
    steps = make_lesson(Asking(lambda text: room.answer(Asked(text, room.sets[0].name))), hearts)
    assert {step.finding for step in steps} <= {"cardiomegaly"}


def test_every_step_can_be_voted_on_revealed_and_shared(room: Room) -> None:
    shown = lesson(room)
    assert shown.count('data-lesson="show"') == shown.count('class="nv-step"') == 7
    assert shown.count("data-vote=") == 21
    assert shown.count('href="#q=') == 7


def test_a_lesson_is_measured_once_for_everybody(room: Room) -> None:
    asked = []

    def make() -> str:
        asked.append(True)
        return lesson(room)

    once = Once(make)
    assert once() == once()
    assert len(asked) == 1
