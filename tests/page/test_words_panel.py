"""The words panel without a browser: its HTML, its endpoint, what it remembers and does not trust."""

from __future__ import annotations

import gc
import json
import re
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import gradio as gr
import numpy as np
import pytest

from negviz.explain.attribution import attribute
from negviz.films.collection import Collection
from negviz.models.encoder import DualEncoder
from negviz.page.attribution import words
from negviz.page.attribution.panel import WordsPanel
from negviz.page.pictures import Pictures
from negviz.page.room import Asked, Room
from negviz.page.server.once import EachOnce
from negviz.retrieval.answer import search_sets

NEGATED = "No pleural effusion"
MODELS = ("base", "con1", "con2")


@pytest.fixture
def panel(room: Room) -> WordsPanel:
    return WordsPanel(room)


# Words ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "said"), [(0.0123, "+0.012"), (-0.2, "−0.200"), (0.0001, "0.000"), (-0.0001, "0.000")]
)
def test_numbers_carry_a_sign(value: float, said: str) -> None:
    assert words.signed(value) == said


def test_blindness_is_said_in_counts_before_judgement() -> None:
    assert words.reads_it("no", [("Base", 0.041), ("CON2", 0.951)], 1 / 3) == (
        "Of all that the words did, “no” did 4 % in Base, 95 % in CON2; if every word counted alike it would "
        "be 33 %."
    )


# The table ------------------------------------------------------------------------------------


def test_words_stand_beside_every_model(panel: WordsPanel, room: Room) -> None:
    shown = panel.show(Asked(NEGATED).json())
    assert re.findall(r'<th scope="col">([^<]*)</th>', shown) == ["Word", "Base", "CON1", "CON2"]
    assert len(re.findall(r'<th scope="row" dir="auto">', shown)) == 3
    assert "<u>No</u>" in shown
    assert words.share_on("No") in shown
    films = room.sets[0]
    hits = room.answer(Asked(NEGATED)).columns[2].hits
    rows = films.collection.rows(films.collection.by_id(hit.id) for hit in hits)
    vectors = films.embeddings[room.models["con2"].tower_id][rows]
    given = attribute(room.models["con2"], NEGATED, target="hits", hits=vectors)
    assert words.signed(given.scores[0]) in shown
    assert given.cue_share is not None
    assert words.percent(given.cue_share) in shown


def test_the_contrast_names_the_opposite(panel: WordsPanel) -> None:
    assert "“pleural effusion”" in panel.show(Asked(NEGATED).json(), "contrast").lower()
    assert "“my own words”" in panel.show(Asked(NEGATED, opposite="my own words").json(), "contrast")


def test_without_an_opposite_the_contrast_says_so(panel: WordsPanel) -> None:
    shown = panel.show(Asked("effusion cannot be excluded").json(), "contrast")
    assert "no opposite" in shown
    assert "nv-heat" not in shown


def test_without_a_cue_there_is_no_share(panel: WordsPanel) -> None:
    shown = panel.show(Asked("pleural effusion").json())
    assert words.NO_CUE in shown
    assert "Share on" not in shown


@pytest.mark.parametrize("asked", ["", "{}", "null", "[1]", Asked("").json(), Asked("  ").json()])
def test_nothing_asked_is_a_calm_panel(panel: WordsPanel, asked: str) -> None:
    assert words.NOTHING_ASKED in panel.show(asked)
    assert panel.show_heads(asked) == ("", "")


def test_settings_from_a_browser_are_looked_up(panel: WordsPanel) -> None:
    asked = Asked(NEGATED).json()
    assert panel.show(asked, "<b>", "<b>") == panel.show(asked)


def test_a_sentence_is_only_text(panel: WordsPanel) -> None:
    text = 'no <script>alert(1)</script> "effusion" <img src=x onerror=alert(1)>'
    shown = panel.show(Asked(text).json()) + panel.show(Asked(NEGATED, opposite=text).json(), "contrast")
    picked = {"model": "base", "layer": "0", "head": "0"}
    shown += panel.look(Asked(text).json(), picked) + panel.show_heads(Asked(text).json())[0]
    assert "<script" not in shown
    assert "<img" not in shown


def test_other_panels_repeat_the_share_of_the_table(room: Room) -> None:
    panel = room.own(WordsPanel)
    assert room.own(WordsPanel) is panel
    shares = panel.cue_shares(Asked(NEGATED, meant=("cardiomegaly", "present")))
    assert tuple(shares) == MODELS
    shown = panel.show(Asked(NEGATED).json())
    assert all(share is not None and words.percent(share) in shown for share in shares.values())


def test_a_room_goes_with_all_that_was_made_for_it(
    models: dict[str, DualEncoder], collection: Collection
) -> None:
    room = Room(models, search_sets(models, collection), Pictures(collection))
    room.own(WordsPanel).show(Asked(NEGATED).json())
    gone = weakref.ref(room)
    del room
    gc.collect()
    assert gone() is None


def test_marking_changes_nothing_here(panel: WordsPanel) -> None:
    asked = Asked(NEGATED)
    meant = replace(asked, meant=("cardiomegaly", "present"))
    assert panel.show(asked.json()) == panel.show(meant.json())


# Heads ----------------------------------------------------------------------------------------


def test_a_square_a_head(panel: WordsPanel) -> None:
    shown, looks = panel.show_heads(Asked(NEGATED).json())
    assert looks == ""
    assert len(re.findall("<button", shown)) == 3 * 2 * 4
    assert len(re.findall('tabindex="0"', shown)) == 3  # one stop a grid
    assert panel.show_heads(Asked(NEGATED).json(), False) == ("", "")


def test_a_model_without_an_opposite_says_so(panel: WordsPanel) -> None:
    shown, _ = panel.show_heads(Asked("effusion cannot be excluded").json())
    assert shown.count("no opposite") == 3


def test_a_picked_head_shows_what_it_looks_at(panel: WordsPanel) -> None:
    shown = panel.look(Asked(NEGATED).json(), {"model": "con2", "layer": "1", "head": "2"})
    assert words.looks_at("CON2", 2, 3) in shown
    assert shown.count('<th scope="row"') == 4  # on average, and three words


@pytest.mark.parametrize(
    "picked",
    [
        {},
        {"model": "con9", "layer": "0", "head": "0"},
        {"model": "con1", "layer": "9", "head": "0"},
        {"model": "con1", "layer": "-1", "head": "0"},
        {"model": "con1", "layer": "x", "head": None},
    ],
)
def test_a_pick_is_not_trusted(panel: WordsPanel, picked: dict[str, object]) -> None:
    assert words.NO_HEAD in panel.look(Asked(NEGATED).json(), picked)


# The endpoint ---------------------------------------------------------------------------------


def test_the_endpoint_gives_plain_json_for_every_model(panel: WordsPanel) -> None:
    given = json.loads(json.dumps(panel.attribute(NEGATED)))
    assert tuple(given["models"]) == MODELS
    for model in given["models"].values():
        assert [word["text"] for word in model["words"]] == ["No", "pleural", "effusion"]
        assert np.isfinite([word["score"] for word in model["words"]]).all()
        assert 0 <= model["cue_share"] <= 1


def test_the_endpoint_says_what_is_wrong(panel: WordsPanel) -> None:
    with pytest.raises(gr.Error, match="Type a sentence"):
        panel.attribute(" ")


# Once for everybody ---------------------------------------------------------------------------


def test_many_who_ask_at_once_wait_for_one() -> None:
    calls, started = [], threading.Event()

    def work(key: str) -> str:
        calls.append(key)
        started.wait(5)
        return key.upper()

    once = EachOnce(work, most=2)
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(once, "no") for _ in range(8)]
        time.sleep(0.05)
        started.set()
    assert {answer.result() for answer in answers} == {"NO"}
    assert calls == ["no"]


def test_errors_are_not_kept_and_old_answers_go_first() -> None:
    calls: list[int] = []

    def work(key: int) -> int:
        calls.append(key)
        if len(calls) == 1:
            raise ValueError("not yet")
        return key

    once = EachOnce(work, most=2)
    with pytest.raises(ValueError, match="not yet"):
        once(1)
    assert [once(key) for key in (1, 2, 1, 3, 1, 2)] == [1, 2, 1, 3, 1, 2]
    assert calls == [1, 1, 2, 3, 2]


def test_a_run_that_fails_after_a_newer_one_leaves_its_value_alone() -> None:
    calls: list[str] = []

    def work(key: str) -> int:
        calls.append(key)
        if len(calls) > 1:
            return len(calls)
        once.forget(key.__eq__)  # while it is under way; then somebody asks anew
        assert once(key) == 2
        raise ValueError("too late")

    once = EachOnce(work, most=2)
    with pytest.raises(ValueError, match="too late"):
        once("no")
    assert once("no") == 2
    assert calls == ["no", "no"]


def test_what_is_to_be_forgotten_is(panel: WordsPanel, room: Room) -> None:
    asked = Asked(NEGATED).json()
    panel.show(asked)
    panel.show_heads(asked)
    panel.look(asked, {"model": "con2", "layer": 0, "head": 0})
    remembered: list[EachOnce[Any, Any]] = [panel._heat, panel._heads, panel._looks]
    assert [len(once._known) for once in remembered] == [1, 1, 1]
    room.forget([NEGATED])
    assert [len(once._known) for once in remembered] == [0, 0, 0]
