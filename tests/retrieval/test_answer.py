"""What is counted, what is not, and what chance would give; margins, ranks and comparisons."""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, cast

import numpy as np
import pytest

from negviz.films.collection import Collection, CollectionError, Film
from negviz.language.prompt import read_prompt
from negviz.models.encoder import DualEncoder
from negviz.retrieval.answer import Answer, AnswerError, SearchSet, Tally, answer, ranks, search_sets
from negviz.retrieval.calibration import Calibration
from negviz.retrieval.comparison import compare

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
    reads = staticmethod(read_prompt)

    def __init__(self, name: str, sign: int = 1) -> None:
        self.name = name
        self.sign = sign

    def encode_text(self, texts: Sequence[str]) -> np.ndarray:
        return np.array([[self.sign, 0.0]] * len(texts), dtype=np.float32)


def _base(kind: type[Model]) -> Any:
    return {"base": kind("base")}


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


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("collapsed lung", "ask"),
        ("kein Pneumothorax", "language"),
        ("qwerty", "nothing"),
        ("no large effusion", "uncertain"),
        ("left effusion, none on the right", "both"),
        ("no effusion on the left", "side"),
    ],
)
def test_says_why_nothing_is_marked(text: str, why: str) -> None:
    given = ask(text)
    assert given.unmarked == why
    assert not given.marked
    assert given.tally == Tally(0, 0, len(FILMS))
    assert {hit.relevant for hit in given.columns[0].hits} == {None}
    assert given.plain()["unmarked"] == why


def test_what_it_may_have_meant_is_offered_until_somebody_says() -> None:
    given = ask("collapsed lung")
    assert {mention.finding for mention in given.suggestion} == {"pneumothorax", "atelectasis"}
    assert given.plain()["sure"] is False
    assert [each["finding"] for each in given.plain()["suggestion"]] == ["pneumothorax", "atelectasis"]
    told = ask("collapsed lung", meant=("pneumothorax", "present"))
    assert told.marked
    assert not told.suggestion
    assert not ask("no effusion").suggestion
    assert ask("no effusion").plain()["sure"] is True


def test_what_else_is_said_still_holds_when_somebody_says_what_was_meant() -> None:
    given = ask("collapsed lung, no effusion")
    assert {mention.finding for mention in given.suggestion} == {"pneumothorax", "atelectasis"}
    assert [each["finding"] for each in given.plain()["besides"]] == ["effusion"]
    told = ask("collapsed lung, no effusion", meant=("atelectasis", "present"))
    assert [(mention.finding, mention.polarity) for mention in told.mentions] == [
        ("atelectasis", "present"),
        ("effusion", "absent"),
    ]
    for other in (
        ask("collapsed lung, no effusion", meant=("nodule", "present")),  # the reader was wrong altogether
        ask("collapsed lung, no effusion", meant=("atelectasis", "present"), alone=True),
    ):
        assert len(other.mentions) == 1
    besides = ask("collapsed lung, no effusion", meant=("effusion", "absent"))  # said once, not twice
    assert besides.marked
    assert [mention.finding for mention in besides.mentions] == ["effusion"]


def test_a_denial_of_one_side_is_judged_where_sides_are_known() -> None:
    right, left = frozenset({("effusion", "right")}), frozenset({("effusion", "left")})
    sided = Collection(
        "sided",
        (
            Film("right", "a.png", "1", findings=WITH, sides=right),
            Film("left", "b.png", "2", findings=WITH, sides=left),
            Film("both", "c.png", "3", findings=WITH, sides=frozenset({("effusion", "both")})),
            Film("none", "d.png", "4", denied=WITH),
            Film("untold", "e.png", "5", findings=WITH),
            Film("silent", "f.png", "6"),
        ),
    )
    films = SearchSet("sided", sided, {"tower": SCORES})

    def judged(text: str) -> dict[str, bool | None]:
        given = answer(cast("dict[str, DualEncoder]", {"base": Model("base")}), films, text)
        return {film.id: given.judge(film) for film in sided}

    denied = judged("no effusion on the left")
    assert denied == {
        "right": True,
        "left": False,
        "both": False,
        "none": True,
        "untold": None,
        "silent": None,
    }
    asked = judged("left effusion")
    assert asked == {
        "right": False,
        "left": True,
        "both": True,
        "none": False,
        "untold": True,
        "silent": None,
    }


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
    keys = {"id", "rank", "score", "relevant", "satisfies_probability"}
    assert plain["models"]["base"]["hits"][0].keys() == keys


def test_test_films_are_the_default_set(models: dict[str, DualEncoder], collection: Collection) -> None:
    test, everything = search_sets(models, collection)
    assert (test.name, everything.name) == ("drawn/test", "drawn/all")
    assert (test.part, everything.part) == ("test", "all")
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
    assert (only.name, len(only)) == ("drawn/all", 16)


def test_without_test_films_as_many_with_effusion_as_without_are_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    films = tuple(
        Film(f"f{n}", f"{n}.png", str(n), findings=WITH if n % 5 == 0 else frozenset({"normal"}))
        for n in range(80)
    )
    monkeypatch.setattr(
        "negviz.retrieval.sets.film_embeddings", lambda *_, **__: np.eye(80, dtype=np.float32)
    )
    balanced, everything = search_sets(_base(Model), Collection("many", films))
    assert (balanced.name, len(balanced)) == ("many/balanced", 32)
    assert sum(film.findings == WITH for film in balanced.collection) == 16
    assert len(everything) == 80
    rows = everything.collection.rows(balanced.collection)
    assert np.array_equal(balanced.embeddings["tower"], everything.embeddings["tower"][rows])


LISTED: Final = {"effusion": (0, 1, 2, 3), "nodule": (2, 3, 4, 5)}


def _listed(place: int, film: Film) -> Film:
    """Without a nodule unless it has one, and on lists and in the test as `LISTED` says."""
    return replace(
        film,
        denied=(film.denied | {"nodule"}) - film.findings,
        split="test" if place in LISTED["effusion"] else "",
        lists=frozenset(name for name, places in LISTED.items() if place in places),
    )


CHOSEN = Collection("six", tuple(_listed(place, film) for place, film in enumerate(FILMS)))


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch) -> tuple[SearchSet, ...]:
    """The six films, four of them listed for effusion and four for nodules."""
    monkeypatch.setattr("negviz.retrieval.sets.film_embeddings", lambda *_, **__: SCORES)
    return search_sets(_base(Model), CHOSEN)


def _searched(found: Answer) -> set[str]:
    return {film.id for film in found.films.collection}


@pytest.mark.parametrize(
    ("text", "finding"),
    [("no effusion", "effusion"), ("no nodule", "nodule"), ("nodule without effusion", "nodule")],
)
def test_a_sentence_searches_the_list_of_its_main_mention(
    chosen: tuple[SearchSet, ...], text: str, finding: str
) -> None:
    found = answer(_base(Model), chosen[0], text)
    assert _searched(found) == {CHOSEN.films[place].id for place in LISTED[finding]}
    assert {hit.id for hit in found.columns[0].hits} == _searched(found)
    assert found.films.part == ("test" if finding == "effusion" else finding)
    assert ranks(found, "without1")["base"].rank in range(1, 5)
    assert len(answer(_base(Model), chosen[1], text).films) == len(CHOSEN)  # all films, as asked for


def test_what_was_meant_decides_which_list_is_searched(chosen: tuple[SearchSet, ...]) -> None:
    found = answer(_base(Model), chosen[0], "no effusion", meant=("nodule", "absent"))
    assert found.films.part == "nodule"
    assert found.tally == Tally(matches=3, contradicts=1, not_stated=0)


def test_a_sentence_and_its_opposite_are_compared_over_one_list(chosen: tuple[SearchSet, ...]) -> None:
    against = compare(_base(Model), chosen[0], "no nodule", "effusion")
    assert _searched(against.first) == _searched(against.second)
    assert against.second.films.part == "nodule"


# Margins --------------------------------------------------------------------------------------


class Reader(Model):
    """Takes a sentence with "no" for the second axis and any other for the first."""

    def encode_text(self, texts: Sequence[str]) -> np.ndarray:
        return np.array([[0.0, 1.0] if "no" in text.lower() else [1.0, 0.0] for text in texts], np.float32)


def test_the_margin_is_how_much_nearer_the_hits_are_to_the_sentence_than_to_its_opposite() -> None:
    films = SearchSet("six/all", FILMS, {"tower": np.array([[0.1, 0.9]] * 3 + [[0.9, 0.2]] * 3, np.float32)})
    given = answer(_base(Reader), films, "No pleural effusion", k=3)
    assert given.opposite is not None
    assert given.opposite.text == "Pleural effusion"
    margin = given.columns[0].margin
    assert margin is not None
    assert margin.value == pytest.approx(0.8)
    plain = json.loads(json.dumps(given.plain()))["models"]["base"]
    assert plain["margin"]["value"] == pytest.approx(0.8)
    assert plain["margin"]["separates"] is margin.separates
    assert plain["abstains"] is None


@dataclass(frozen=True, eq=False)
class Said:
    """Encodes by heart."""

    vectors: Mapping[str, np.ndarray]
    name: str = "base"
    tower_id: str = "tower"
    reads = staticmethod(read_prompt)

    def encode_text(self, texts: Sequence[str]) -> np.ndarray:
        return np.stack([self.vectors[text] for text in texts])


MANY: Final = Collection(
    "many",
    tuple(
        Film(f"f{n}", f"{n}.png", str(n), findings=WITH if n % 2 else frozenset({"normal"}))
        for n in range(60)
    ),
)
NO, YES, SAME = "No pleural effusion", "Pleural effusion", "There is no pleural effusion"


def separates(films: np.ndarray, vectors: Mapping[str, np.ndarray], **asked: Any) -> bool | None:
    """What is claimed of a model that has these vectors of films and sentences."""
    searched = SearchSet("many/all", MANY, {"tower": films.astype(np.float32)})
    model = cast("DualEncoder", Said({text: vector.astype(np.float32) for text, vector in vectors.items()}))
    margin = answer({"base": model}, searched, NO, **asked).columns[0].margin
    assert margin is not None
    return margin.separates


def unit(vectors: np.ndarray) -> np.ndarray:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True))


@pytest.mark.parametrize("alike", [0.0, 3.0])  # of what a sentence and its opposite share, in units of noise
def test_noise_separates_a_sentence_from_its_opposite_as_seldom_as_promised(alike: float) -> None:
    random = np.random.default_rng(0)
    times = 300
    claimed = 0
    for _ in range(times):
        films, shared = unit(random.normal(size=(60, 16))), alike * random.normal(size=16)
        own, opposed = unit(random.normal(size=(2, 16)) + shared)
        claimed += separates(films, {NO: own, YES: opposed}) is True
    assert claimed <= 0.05 * times


def test_what_lies_off_centre_alike_for_all_films_separates_nothing() -> None:
    random = np.random.default_rng(1)
    films = unit(np.array([3.0, 0, 0, 0]) + 0.1 * random.normal(size=(60, 4)))
    own, opposed = unit(np.array([[1.0, 1, 0, 0], [0, 1, 0, 0]]))  # every film is nearer to the one by far
    assert separates(films, {NO: own, YES: opposed}) is False


def test_a_model_that_prefers_right_films_separates_and_one_that_is_turned_round_does_not() -> None:
    random = np.random.default_rng(2)
    towards = np.array([[-1.0, 0.0] if "effusion" in film.findings else [1.0, 0.0] for film in MANY])
    films = unit(towards + random.normal(size=(60, 2)))
    one, other = np.array([1.0, 0.2]), np.array([-1.0, 0.2])
    assert separates(films, {NO: unit(one), YES: unit(other)}) is True
    assert separates(films, {NO: unit(other), YES: unit(one)}) is False
    assert separates(films, {NO: unit(one), YES: unit(one)}) is False  # it ignores the "no"


def test_two_wordings_of_one_thing_are_not_said_to_be_told_apart() -> None:
    towards = np.array([[-1.0, 0.0] if "effusion" in film.findings else [1.0, 0.0] for film in MANY])
    said = {NO: np.array([1.0, 0.0]), SAME: np.array([0.6, 0.8])}  # it denies the effusion less firmly
    assert separates(towards, said, opposite=SAME) is None
    unread = {NO: np.array([1.0, 0.0]), "qwerty": np.array([0.6, 0.8])}
    assert separates(towards, unread, opposite="qwerty") is True  # the visitor says that it is the opposite


def test_nothing_is_claimed_where_no_film_is_known_to_be_right_or_wrong() -> None:
    for text, opposite in (("qwerty", "not qwerty"), ("Effusion cannot be excluded", "Pleural effusion")):
        margin = ask(text, opposite=opposite).columns[0].margin
        assert margin is not None
        assert (margin.separation, margin.separates) == (None, None)


def test_blind_models_have_no_margin_and_keep_all_their_films() -> None:
    found = compare(_base(Model), SEARCHED, "No pleural effusion", k=3)
    assert found.second.prompt.text == "Pleural effusion"
    assert found.pairs[0].stay == ("with1", "silent", "with2")
    margin = found.pairs[0].first.margin
    assert margin is not None
    assert (margin.value, margin.separates) == (0.0, False)
    assert margin.separation is not None
    assert margin.separation.value == 0.5
    assert found.plain()["stay"] == {"base": ["with1", "silent", "with2"]}


def test_an_opposite_may_be_worded_by_the_visitor() -> None:
    assert ask("qwerty").opposite is None
    assert ask("qwerty").columns[0].margin is None
    given = ask("qwerty", opposite="not qwerty")
    assert given.opposite is not None
    assert given.columns[0].margin is not None
    with pytest.raises(AnswerError, match="no opposite"):
        compare(_base(Model), SEARCHED, "qwerty")


def test_what_was_meant_has_an_opposite_too() -> None:
    for text, meant, contrary in (
        ("qwerty", ("effusion", "absent"), ("effusion", "present")),
        ("no effusion", ("effusion", "present"), ("effusion", "absent")),
        ("no effusion", ("effusion", "absent"), ("effusion", "present")),
    ):
        opposite = ask(text, meant=meant).opposite
        assert opposite is not None
        assert (opposite.finding, opposite.polarity) == contrary
    assert ask("no effusion", meant=("effusion", "uncertain")).opposite is None


# Ranks ----------------------------------------------------------------------------------------


def test_a_film_has_a_rank_in_every_model_beyond_the_hits_too() -> None:
    given = ask("No pleural effusion", k=2)
    found = ranks(given, "without3")
    assert {model: hit.rank for model, hit in found.items()} == {"base": 6, "con1": 1}
    assert found["base"].relevant is True
    assert found["base"].score == pytest.approx(0.5)
    with pytest.raises(CollectionError):
        ranks(given, "nosuch")


def test_ranks_are_those_of_the_whole_ranking(models: dict[str, DualEncoder], collection: Collection) -> None:
    films = search_sets(models, collection)[-1]
    whole, short = (answer(models, films, "No pleural effusion", k=k) for k in (len(films), 1))
    for place in range(len(films)):
        hits = {column.model: column.hits[place] for column in whole.columns}
        for model, hit in hits.items():
            assert vars(ranks(short, hit.id)[model]) == vars(hit)


def test_an_answer_takes_no_more_memory_over_more_films(models: dict[str, DualEncoder]) -> None:
    few, many = (_held(models, number) for number in (200, 20_000))
    assert few < 40_000
    assert many < few + 4_000  # a ranking of so many films takes 400,000 a model


def _held(models: dict[str, DualEncoder], number: int) -> int:
    """Bytes of all that an answer over so many films refers to, beside the films, which are held once."""
    made = (
        Film(
            f"film{n}",
            f"{n}.png",
            f"{n}",
            findings=WITH if n % 2 else frozenset(),
            denied=frozenset() if n % 2 else WITH,
        )
        for n in range(number)
    )
    random = np.random.default_rng(0)
    towers = {model.tower_id for model in models.values()}
    vectors = random.normal(size=(number, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    films = SearchSet("many/all", Collection("many", tuple(made)), dict.fromkeys(towers, vectors))
    known = Calibration("margin", ((-1.0, -2.0), (1.0, 2.0)), ("effusion",), "spread", 0.0)
    given = answer(models, films, "No pleural effusion", calibrations=dict.fromkeys(models, known))
    assert all(column.probability(9) is not None for column in given.columns)
    found: dict[int, Any] = {}
    ahead: list[Any] = [given]
    while ahead:
        each = ahead.pop()
        if id(each) not in found and not isinstance(each, type) and each is not films:
            found[id(each)] = each
            ahead += [*gc.get_referents(each), *([each.base] if isinstance(each, np.ndarray) else [])]
    return sum(map(sys.getsizeof, found.values()))


def test_shades_what_a_cue_reaches_over() -> None:
    text = "The heart is big. No pleural effusion, and the bones are fine"
    assert [text[slice(*scope)] for scope in ask(text).scopes][:1] == ["pleural effusion"]
    assert ask("pleural effusion").scopes == ()
