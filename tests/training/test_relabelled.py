"""Labels of films that a rebuild changed: by which words, what was judged by hand, and the counts of it."""

from __future__ import annotations

import csv
import json
from collections import Counter
from dataclasses import replace
from typing import Any, Final

import pytest

from negviz.films.collection import Film, open_collection
from negviz.films.openi import parse_report
from tests.films.test_openi import report_xml
from training.data.films import label
from training.data.relabelled import CHANGED, JudgedByHand, Relabelled, read_judged, relabelled, to_judge
from training.paths import RESULTS

COUNTED: Final[dict[str, Any]] = json.loads((RESULTS / "labels-changed.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def changed() -> list[Relabelled]:
    with CHANGED.open(encoding="utf-8", newline="") as file:
        return [Relabelled(**row) for row in csv.DictReader(file)]


UNLABELLED: Final = Film("f", "", "1")


def changes(findings: str, old: Film = UNLABELLED) -> list[Relabelled]:
    """What a report that is not indexed as normal changes of a film."""
    report = parse_report(report_xml("1", findings, mesh=("Scoliosis",)))
    return relabelled([old], [label(UNLABELLED, report)], {"1": report})


@pytest.mark.parametrize(
    ("findings", "old", "change"),
    [
        (
            "Thin bones. No huge effusion.",
            replace(UNLABELLED, denied=frozenset({"effusion"})),
            Relabelled("f", "effusion", "denied", "uncertain", "no huge", "1"),
        ),
        (
            "No new nodule. Clips. No lung mass.",
            UNLABELLED,
            Relabelled("f", "nodule", "", "denied", "other words", "0 2"),
        ),
        (
            "Edema is possible. No overt edema.",
            replace(UNLABELLED, findings=frozenset({"edema"})),
            Relabelled("f", "edema", "present", "uncertain", "other words", "0 1"),
        ),
    ],
)
def test_a_change_tells_its_words_and_its_sentences(findings: str, old: Film, change: Relabelled) -> None:
    assert changes(findings, old) == [change]


def test_what_denies_all_that_is_acute_is_a_kind_of_its_own() -> None:
    assert {(one.finding, one.kind) for one in changes("No active lung disease.")} == {
        (finding, "no acute process") for finding in ("pneumothorax", "consolidation", "edema")
    }


def test_no_label_of_a_test_film_that_was_confirmed_by_hand_changes(changed: list[Relabelled]) -> None:
    test = {film.id for film in open_collection("openi") if film.split == "test"}
    of_test = [one for one in changed if one.id in test]
    assert "effusion" not in {one.finding for one in of_test}
    assert COUNTED["test_films"] == {"films": 70, "confirmed": 0, "other_findings": len(of_test)}


def test_every_change_is_what_the_manifest_says_and_is_counted(changed: list[Relabelled]) -> None:
    shipped = open_collection("openi")
    for one in changed:
        film = shipped.by_id(one.id)
        sets = {"present": film.findings, "uncertain": film.uncertain, "denied": film.denied}
        assert one.new == next((state for state, names in sets.items() if one.finding in names), ""), one
        assert one.old != one.new, one
    counted = {(c["kind"], c["finding"], c["old"], c["new"]): c["labels"] for c in COUNTED["changes"]}
    assert counted == Counter((one.kind, one.finding, one.old, one.new) for one in changed)
    assert (COUNTED["labels"], COUNTED["films"]) == (len(changed), len({one.id for one in changed}))


def test_what_was_judged_is_what_the_draw_gives_and_is_counted(changed: list[Relabelled]) -> None:
    judged = read_judged()
    second = [one for one in judged if one.draw == "second"]
    drawn = [(one.id, one.finding, one.old, one.new, one.kind) for one in to_judge(changed)]
    assert [(one.id, one.finding, one.old, one.new, one.kind) for one in second] == drawn
    verdicts = Counter((one.draw, one.verdict) for one in judged)
    counted = COUNTED["judged_by_hand"]
    assert {(draw, each): counted[draw][each] for draw in counted for each in counted[draw]} == verdicts
    assert sum(change["judged"] for change in COUNTED["changes"]) == len(second) == 50
    assert sum(change["right"] for change in COUNTED["changes"]) == verdicts["second", "new"]
    assert {one.judged for one in judged} <= {"present", "uncertain", "denied", ""}


def test_a_draw_takes_of_every_kind_before_it_takes_a_second() -> None:
    some = [Relabelled(f"CXR{n}", "edema", "", "denied", f"kind {n % 3 // 2}", "0") for n in range(30)]
    drawn = to_judge(some, 4)
    assert Counter(one.kind for one in drawn) == {"kind 0": 2, "kind 1": 2}
    assert to_judge(some[::-1], 4) == drawn


def test_a_verdict_says_which_label_is_right() -> None:
    def verdict(judged: str) -> str:
        return JudgedByHand("first", "f", "edema", "denied", "uncertain", "no overt", judged, "0").verdict

    assert [verdict(judged) for judged in ("denied", "uncertain", "present")] == ["old", "new", "neither"]


def test_agreement_after_is_that_of_the_shipped_labels() -> None:
    shipped: dict[str, Any] = json.loads((RESULTS / "labels.json").read_text("utf-8"))
    sides = COUNTED["agreement_with_mesh"]
    assert {name: each["after"] for name, each in sides.items()} == shipped["agreement"]
    for each in sides.values():  # what is indexed stays
        assert indexed(each["before"]) == indexed(each["after"])


def indexed(counts: dict[str, float]) -> float:
    return sum(number for key, number in counts.items() if key.startswith("mesh_yes"))


def test_sentences_are_numbers_and_no_word_of_them_is_kept(changed: list[Relabelled]) -> None:
    assert all(number.isdigit() for one in changed for number in one.sentences.split())
    assert all(one.sentence.isdigit() for one in read_judged())
