"""A study as it is made, and what each reader is shown of it."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from negviz.films.collection import Collection
from negviz.models.encoder import DualEncoder
from negviz.retrieval.answer import search_sets
from negviz.retrieval.search import search
from negviz.study.design import (
    PROMPTS,
    Design,
    StudyError,
    StudySentence,
    choose,
    make_design,
    read_sentences,
)
from negviz.study.plan import plan
from tests.tiny_study import PAIRS, tiny_design

CODES = ("K7QM3XPD", "00000000", "ZZZZZZZZ", "A1B2C3D4")
SENTENCES = (
    StudySentence("pleural effusion", "present", "structured"),
    StudySentence("no pleural effusion", "absent", "structured"),
    StudySentence("the pleural spaces are clear", "absent", "natural"),
)


# Randomisation --------------------------------------------------------------------------------


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("sentences", [1, 5, 8])
def test_a_reader_judges_everything_once_with_sides_in_balance(code: str, sentences: int) -> None:
    design = tiny_design(sentences)
    trials = plan(design, code)
    assert sorted(trial.item for trial in trials) == list(range(len(design.items)))
    for pair in PAIRS:
        cells = Counter[tuple[str, str]]()
        for trial in trials:
            item = design.items[trial.item]
            if item.models == pair:
                sentence = design.sentences[item.sentence]
                way = 1 if trial.flipped else -1
                cells["all", ""] += way
                cells[sentence.kind, sentence.polarity] += way
        assert max(map(abs, cells.values())) <= 1


def test_the_models_of_a_trial_stand_on_the_sides_it_says() -> None:
    design = tiny_design()
    for trial in plan(design, CODES[0]):
        left, right = trial.models(design)
        pair = design.items[trial.item].models
        assert (right, left) == pair if trial.flipped else (left, right) == pair


@pytest.mark.parametrize("code", CODES)
def test_every_sentence_comes_before_any_comes_again_and_none_twice_in_a_row(code: str) -> None:
    design = tiny_design()
    shown = [design.items[trial.item].sentence for trial in plan(design, code)]
    for turn in range(len(PAIRS)):
        assert sorted(shown[8 * turn : 8 * turn + 8]) == list(range(8))
    assert all(one != other for one, other in pairwise(shown))


def test_a_plan_is_reproducible_and_each_reader_has_their_own() -> None:
    plans = [plan(tiny_design(), code) for code in CODES]
    assert plans == [plan(tiny_design(), code) for code in CODES]
    assert len(set(plans)) == len(CODES)
    assert plan(tiny_design(seed=1), CODES[0]) != plans[0]


def test_over_many_readers_neither_side_nor_place_tells_the_model() -> None:
    design = tiny_design(7)  # odd, so that every reader has one side more often
    flips, firsts = Counter[bool](), Counter[int]()
    for number in range(400):
        trials = plan(design, f"{number:08}")
        flips.update(trial.flipped for trial in trials)
        firsts[trials[0].item] += 1
    assert abs(flips[True] - flips[False]) < 0.03 * flips.total()
    assert min(firsts[item] for item in range(len(design.items))) > 0


# Making one -----------------------------------------------------------------------------------


def test_a_design_freezes_what_each_model_shows(
    models: dict[str, DualEncoder], collection: Collection
) -> None:
    films = search_sets(models, collection)[0]
    design = make_design(models, films, SENTENCES, number=3)
    assert [*design.models] == ["base", "con1", "con2"]
    assert len({marks["text"] for marks in design.models.values()}) == 3
    left_out = sum(number for *_, number in design.alike)
    assert len(design.items) == 9 - left_out
    for item in design.items:
        for model in item.models:
            text = design.sentences[item.sentence].text
            hits = search(models[model], films.collection, text)
            assert [(film.id, film.relevant) for film in item.of(model)] == [
                (hit.id, hit.relevant) for hit in hits
            ]
    assert Design.read(json.loads(json.dumps(design.record()))) == design


def test_a_pair_that_ranks_alike_is_not_asked_about(
    models: dict[str, DualEncoder], collection: Collection
) -> None:
    films = search_sets(models, collection)[0]
    doubled = {"base": models["base"], "again": models["base"], "con2": models["con2"]}
    design = make_design(doubled, films, SENTENCES, number=3)
    assert ("base", "again", 3) in design.alike
    assert all(item.models != ("base", "again") for item in design.items)
    for few in ({"base": models["base"]}, {"base": models["base"], "again": models["base"]}):
        with pytest.raises(StudyError):
            make_design(few, films, SENTENCES)


def test_sentences_are_drawn_evenly_and_the_same_again() -> None:
    every = read_sentences(PROMPTS)
    chosen = choose(every, 20, seed=0)
    assert len(chosen) == len(set(chosen)) == 20
    assert set(Counter((each.kind, each.polarity) for each in chosen).values()) == {5}
    assert chosen == choose(every, 20, seed=0) != choose(every, 20, seed=1)
    assert choose(every, 1_000, seed=0) == every


def test_a_file_of_sentences_alone_is_read(tmp_path: Path) -> None:
    path = tmp_path / "prompts.csv"
    path.write_text("prompt\nNo pleural effusion\nPleural effusion\n", encoding="utf-8")
    assert [(each.text, each.polarity) for each in read_sentences(path)] == [
        ("No pleural effusion", "absent"),
        ("Pleural effusion", "present"),
    ]


@pytest.mark.parametrize(
    "content",
    [b"", b"prompt\n", b"text\nno effusion\n", b"prompt\nx\nx\n", b"prompt\n\xff\n", b"prompt,b\n,1\n"],
)
def test_a_file_that_holds_no_prompts_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "prompts.csv"
    path.write_bytes(content)
    with pytest.raises(StudyError):
        read_sentences(path)


@pytest.mark.parametrize("lost", ["items", "models", "sentences", "seed"])
def test_a_damaged_design_is_refused(lost: str) -> None:
    record = tiny_design().record()
    del record[lost]
    with pytest.raises(StudyError, match="cannot be read"):
        Design.read(record)
