"""What is counted, what is not, and what chance would give."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pytest

from negviz.answer import Answer, AnswerError, SearchSet, Tally, answer, search_sets
from negviz.collection import Collection, Film
from negviz.model import DualEncoder

WITH = frozenset({"effusion"})
FILMS = Collection(
    "six",
    (
        Film("with1", "a.png", "1", findings=WITH),
        Film("with2", "b.png", "2", findings=WITH, denied=frozenset({"pneumothorax"})),
        Film("without1", "c.png", "3", denied=WITH),
        Film("without2", "d.png", "4", denied=WITH),
        Film("without3", "e.png", "5", findings=frozenset({"normal"})),
        Film("silent", "f.png", "6", findings=frozenset({"nodule"})),
    ),
)
SCORES = np.array([[0.9, 0], [0.8, 0], [0.7, 0], [0.6, 0], [0.5, 0], [0.85, 0]], dtype=np.float32)
SEARCHED = SearchSet("all", FILMS, {"tower": SCORES})


class Model:
    """Ranks the six films by `SCORES`, or the other way round."""

    tower_id = "tower"

    def __init__(self, name: str, sign: int = 1) -> None:
        self.name = name
        self.sign = sign

    def encode_text(self, texts: Sequence[str]) -> np.ndarray:
        return np.array([[self.sign, 0.0]] * len(texts), dtype=np.float32)


def ask(text: str, **options: object) -> Answer:
    models = {"base": Model("base"), "con1": Model("con1", -1)}
    return answer(models, SEARCHED, text, **options)  # type: ignore[arg-type]


def test_counts_only_judged_films_and_sets_chance_beside_them() -> None:
    given = ask("No pleural effusion", k=3)
    base, con1 = given.columns
    assert given.tally == Tally(matches=3, contradicts=2, not_stated=1)
    assert [hit.id for hit in base.hits] == ["with1", "silent", "with2"]
    assert base.tally == Tally(matches=0, contradicts=2, not_stated=1)
    assert base.showing == 2
    assert base.random_picks == pytest.approx(2 * 3 / 5)
    assert con1.tally == Tally(matches=3, contradicts=0, not_stated=0)
    assert con1.showing == 0


def test_films_that_show_a_finding_are_those_that_match_when_it_is_asked_for() -> None:
    base = ask("pleural effusion", k=3).columns[0]
    assert (base.showing, base.tally.matches) == (2, 2)


def test_several_findings_are_judged_together() -> None:
    given = ask("effusion without pneumothorax", k=2)
    assert given.marked
    assert given.columns[0].showing is None
    assert given.tally == Tally(matches=1, contradicts=3, not_stated=2)


@pytest.mark.parametrize("text", ["Effusion cannot be excluded", "no pneumothorax, possible effusion"])
def test_what_is_uncertain_is_not_counted(text: str) -> None:
    given = ask(text)
    assert given.mentions
    assert not given.marked
    assert given.tally == Tally(0, 0, len(FILMS))
    assert given.columns[0].random_picks is None


def test_searches_but_marks_nothing_where_nothing_is_recognised() -> None:
    given = ask("胸部エックス線", k=4)
    assert not given.marked
    assert not given.mentions
    assert len(given.columns[0].hits) == 4
    assert {hit.relevant for hit in given.columns[0].hits} == {None}


def test_saying_what_was_meant_changes_the_marking_not_the_films() -> None:
    unread, meant = ask("胸部エックス線", k=4), ask("胸部エックス線", k=4, meant=("effusion", "absent"))
    assert meant.marked
    assert [hit.id for hit in meant.columns[0].hits] == [hit.id for hit in unread.columns[0].hits]
    assert meant.columns[0].tally == Tally(matches=1, contradicts=2, not_stated=1)


@pytest.mark.parametrize("text", ["", "   ", "\n\t\u2003"])
def test_refuses_an_empty_sentence(text: str) -> None:
    with pytest.raises(AnswerError, match="Type a sentence"):
        ask(text)


@pytest.mark.parametrize("k", [0, -1, 101])
def test_refuses_a_k_out_of_range(k: int) -> None:
    with pytest.raises(AnswerError, match="between 1 and 100"):
        ask("effusion", k=k)


def test_reads_the_beginning_of_an_endless_sentence_and_says_so() -> None:
    given = ask("no effusion " + "x" * 100_000)
    assert given.cut
    assert len(given.prompt.text) <= 2_000
    assert given.prompt.finding == "effusion"
    assert not ask("no effusion").cut


@pytest.mark.parametrize(
    "text", ["\ud800 effusion", "effusion\x00\x1b[31m", "<script>effusion</script>", "\u202eeffusion"]
)
def test_is_json_whatever_was_typed(text: str) -> None:
    plain = ask(text).plain()
    assert json.loads(json.dumps(plain, ensure_ascii=False).encode())["prompt"] == plain["prompt"]
    assert plain["finding"] == "effusion"
    assert set(plain["models"]) == {"base", "con1"}
    assert plain["models"]["base"]["hits"][0].keys() == {"id", "rank", "score", "relevant"}


def test_test_films_are_the_default_set(models: dict[str, DualEncoder], collection: Collection) -> None:
    test, everything = search_sets(models, collection)
    assert (test.name, everything.name) == ("test", "all")
    assert (len(test), len(everything)) == (8, 24)
    assert {film.split for film in test.collection} == {"test"}
    for id_, rows in test.embeddings.items():
        assert rows.shape == (8, everything.embeddings[id_].shape[1])
    given = answer(models, test, "No pleural effusion")
    assert [column.model for column in given.columns] == list(models)
    assert given.columns[-1].tally.judged == 8


def test_a_collection_without_a_split_is_searched_whole(
    models: dict[str, DualEncoder], collection: Collection
) -> None:
    (only,) = search_sets(models, collection.where(lambda film: film.split != "test"))
    assert (only.name, len(only)) == ("all", 16)
