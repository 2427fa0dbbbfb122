"""The second reader: what it learns from, that it is run as it was tuned, and how a family comes by it."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from negviz.common.csv_file import read_csv
from negviz.common.errors import NegvizError
from negviz.common.tensor_files import CheckpointError
from negviz.evaluation.prompts import read_prompts
from negviz.films.collection import Collection, open_collection
from negviz.films.openi import Report
from negviz.findings import ABNORMAL, BY_NAME, FINDINGS, Finding, Polarity
from negviz.language.prompt import read_mentions
from negviz.models.family import load_models
from negviz.models.text_tower import CompactTextTower
from negviz.models.two_readers import FILE, TwoReaders, write_second_reader
from negviz.retrieval.answer import answer
from negviz.retrieval.sets import search_sets
from training.build.second_reader import Built, build, gather
from training.data import typed
from training.data.bank import ALL_MEASURED_ON, BLIND_AGAIN
from training.data.reports import BLIND, SEEN
from training.data.typed import JOINED, Composed, kept_apart, type_sentences
from training.data.wordings import Frame
from training.paths import PROMPTS
from training.tune.second_reader import ReaderConfig

SMALL = ReaderConfig(layers=(1, 2), dim=16, heads=2, depth=1, epochs=60, batch=16, words_dropped=0.0)
WORDINGS: tuple[tuple[str, Polarity], ...] = (
    ("{}", "present"),
    ("no {}", "absent"),
    ("without {}", "absent"),
)
SAID = [
    Composed(words.format(noun) + " ." * fold, {"effusion": state}, "report" if fold == 1 else "drawn", fold)
    for fold in range(4)
    for noun in ("effusion", "pleural effusion", "fluid around the lung", "left effusion")
    for words, state in WORDINGS
]


def tower_of(folder: Path) -> CompactTextTower:
    tower = load_models(folder)["base"].text
    assert isinstance(tower, CompactTextTower)
    return tower


@pytest.fixture(scope="module")
def built(family_folder: Path) -> Built:
    return build(tower_of(family_folder), SAID, SMALL)


@pytest.fixture
def read_twice(family_folder: Path, built: Built, tmp_path: Path) -> Path:
    """A family with a second reader."""
    folder = tmp_path / "family"
    shutil.copytree(family_folder, folder)
    write_second_reader(folder, built.weights(), built.settings(SMALL), tower_of(folder))
    return folder


# What it learns from ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sentences() -> list[Composed]:
    return gather({})


def test_nothing_that_is_measured_on_is_learned_from(sentences: list[Composed]) -> None:
    texts = {_letters(one.text) for one in sentences}
    files = (*ALL_MEASURED_ON, BLIND_AGAIN)
    measured = [row.prompt for name in files for row in read_prompts(PROMPTS / name)]
    assert measured
    assert [text for text in measured if _letters(text) in texts] == []


def _letters(text: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", text.casefold()))


def test_report_sentences_that_the_rules_are_measured_on_are_not_learned_from() -> None:
    rows = [row for path in (SEEN, BLIND) for row in read_csv(path, ("uid", "sentence"), NegvizError).rows]
    uid = rows[0]["uid"]
    places = {int(row["sentence"]) for row in rows if row["uid"] == uid}
    words = [f"There is an effusion in zone {number} of ten." for number in range(40)]
    other = next(film.uid for film in open_collection("openi").select("train") if int(film.uid) % 5)
    reports = {name: Report(name, (), " ".join(words), "", "", ()) for name in (uid, other)}
    learned = {one.text for one in gather(reports)}
    assert {number for number, text in enumerate(words) if text not in learned} == places


def test_a_sentence_that_the_headings_contradict_is_not_learned_from() -> None:
    uid = next(film.uid for film in open_collection("openi").select("train") if int(film.uid) % 5)
    prose = "There is a marvellous effusion. No marvellous nodule. Marvellous ribs."
    learned = {one.text for one in gather({uid: Report(uid, ("normal", "Nodule/left"), prose, "", "", ())})}
    assert "Marvellous ribs." in learned
    assert learned.isdisjoint({"There is a marvellous effusion.", "No marvellous nodule."})


def test_sentences_are_of_many_kinds_and_say_every_finding_in_every_way(sentences: list[Composed]) -> None:
    told = {(finding, polarity) for one in sentences for finding, polarity in one.said.items()}
    assert told == {(f, p) for f in FINDINGS for p in ("present", "absent", "uncertain")}
    assert len({one.kind for one in sentences}) > 40
    assert {len(one.said) for one in sentences} >= {0, 1, 2, 3, 4}


def test_frames_are_held_out_whole() -> None:
    """Also where sentences are put together."""
    frames = [Frame(f"marker{number} {{x}}", "drawn", (("x", "present"),)) for number in range(30)]
    found = [(one, re.findall(r"marker\d+", one.text)) for one in type_sentences(frames)]
    folds = {marker: one.fold for one, (marker, *more) in found if not more}
    assert len(set(folds.values())) > 3
    assert any(one.kind == JOINED for one, _ in found)
    assert all(folds.get(marker, one.fold) == one.fold for one, markers in found for marker in markers)


def test_a_finding_that_no_words_are_listed_for_is_called_by_its_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So that a new finding is learned from before anybody has written how it is typed."""
    new = Finding("scoliosis", named=(("", "scoliosis"), ("a", "curved spine")))
    monkeypatch.setitem(BY_NAME, new.name, new)
    monkeypatch.setattr(typed, "ABNORMAL", (*ABNORMAL, new.name))
    frames = [Frame(text, "drawn", (("x", "present"),)) for text in ("see {x}", "{big} {n}")] * 40
    texts = " ".join(one.text for one in type_sentences(frames) if new.name in one.said)
    assert "scoliosis" in texts
    assert "curved spine" in texts


def test_a_slot_takes_no_finding_that_its_frame_names() -> None:
    """Else a sentence would be labelled with the one and say both."""
    frame = Frame("big heart, no {x}", "drawn", (("cardiomegaly", "present"), ("x", "absent")))
    composed = [one for one in type_sentences([frame] * 100) if one.kind == "drawn"]
    assert {one.said["cardiomegaly"] for one in composed} == {"present"}
    assert {finding for one in composed for finding in one.said} == {*ABNORMAL}


def test_a_size_bears_on_the_last_slot() -> None:
    frame = Frame("{x} XX {big} {n}", "drawn", (("x", "present"), ("y", "uncertain")))
    for one in type_sentences([frame] * 100):
        before, _, after = one.text.partition("XX")
        if one.kind == "drawn" and len(one.said) == 1:  # the other slot names what no film is judged by
            (polarity,) = one.said.values()
            read = read_mentions(before if polarity == "present" else after)
            assert {mention.finding for mention in read} <= {*one.said}


def test_a_finding_is_said_again_by_another_of_its_names() -> None:
    """Where two words for one thing stand side by side it is neither of two things nor another one."""
    frame = Frame("{x} XX {also}", "drawn", (("x", "present"),))
    for one in type_sentences([frame] * 100):
        if one.kind == "drawn":
            before, _, after = one.text.partition(" XX ")
            assert before.strip() != after.strip()
            assert set(one.said.values()) == {"present"}


def test_words_that_negate_are_mistyped_now_and_then() -> None:
    frame = Frame("films without {x}", "drawn", (("x", "absent"),))
    texts = {one.text.casefold() for one in type_sentences([frame] * 100)}
    assert any(" wihtout " in text or " witout " in text for text in texts)


def test_a_text_that_two_frames_label_otherwise_is_dropped() -> None:
    same = [Composed("Odd", {"effusion": "present"}, "a", 0), Composed("odd", {"effusion": "absent"}, "b", 1)]
    plain = Composed("Plain", {}, "c", 0)
    assert kept_apart([*same, plain, plain], lambda text: False) == [plain]


# How it is run ------------------------------------------------------------------------------------


def test_it_reads_as_it_was_tuned(read_twice: Path, built: Built) -> None:
    readers = load_models(read_twice)["base"].reads
    assert isinstance(readers, TwoReaders)
    tower = readers.tower
    assert len(built.networks) > 1
    for text in ("no effusion", "left effusion is there"):
        tokens = tower.tokenize([text])
        states = tower.states(tokens["input_ids"], tokens["attention_mask"], SMALL.layers)
        with torch.inference_mode():
            every = [network(states, tokens["attention_mask"].bool())[0] for network in built.networks]
        told = readers.probabilities(text)
        assert told is not None
        expected = torch.stack([(logits / built.temperature).softmax(-1) for logits in every]).mean(0)
        np.testing.assert_allclose(told, expected.numpy(), atol=0.02)  # stored in half precision
    assert readers.probabilities("effusion " * 300) is None


def test_a_run_that_was_stopped_goes_on_and_ends_alike(
    family_folder: Path, built: Built, tmp_path: Path
) -> None:
    tower = tower_of(family_folder)
    build(tower, SAID, replace(SMALL, epochs=2), tmp_path)
    stopped = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    again = build(tower, SAID, replace(SMALL, epochs=2), tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == stopped
    anew = build(tower, SAID, replace(SMALL, epochs=2))
    for name, weight in anew.weights().items():
        assert torch.equal(again.weights()[name], weight)


def test_it_learns_what_it_is_told(read_twice: Path) -> None:
    reads = load_models(read_twice)["con2"].reads  # of its family, whichever model is asked
    for text, polarity in (("no effusion", "absent"), ("effusion", "present")):
        prompt = reads(text)
        assert prompt.sure
        assert (prompt.finding, prompt.polarity) == ("effusion", polarity)


def test_an_answer_tells_who_read_and_marks_nothing_that_is_contested(
    read_twice: Path, family_folder: Path, collection: Collection
) -> None:
    alone, twice = load_models(family_folder), load_models(read_twice)
    (films, *_) = search_sets(alone, collection)
    text = "no effusion"
    assert answer(alone, films, text).plain()["read_by"] == ["rules"]
    given = answer(twice, films, text)
    assert given.plain()["read_by"] == ["rules", "second reader"]
    assert given.marked
    contested = next(
        t for t in ("effusion minus zero", "never effusion", "nodule", "big heart", "no nodule")
        if not twice["base"].reads(t).sure
    )  # fmt: skip
    asked = answer(twice, films, contested)
    assert not asked.marked
    assert asked.prompt.suggestion
    assert asked.columns[0].hits


def test_a_second_reader_that_cannot_be_trusted_is_refused(read_twice: Path, built: Built) -> None:
    path = read_twice / FILE
    whole, tower = path.read_bytes(), tower_of(read_twice)
    path.write_bytes(whole[:-4] + b"\x01\x02\x03\x04")
    with pytest.raises(CheckpointError, match="does not hold the weights"):
        load_models(read_twice)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError, match="not a second reader that this version reads"):
        load_models(read_twice)
    other = whole.replace(tower.identity["sha256"].encode(), b"0" * 64)
    path.write_bytes(other)
    with pytest.raises(CheckpointError, match="another text tower"):
        load_models(read_twice)
