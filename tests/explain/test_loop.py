"""The loop: every scene counts what the answers say, and a sentence that denies nothing has none."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from negviz.explain.loop import make_loop
from negviz.films.collection import Collection
from negviz.models.encoder import DualEncoder
from negviz.retrieval.answer import Answer, answer, search_sets

Ask = Callable[[str], Answer]


@pytest.fixture
def ask(models: dict[str, DualEncoder], collection: Collection) -> Ask:
    films = search_sets(models, collection)[1]
    return lambda text: answer(models, films, text)


def test_the_scenes_are_those_of_the_story_and_count_what_was_found(ask: Ask) -> None:
    denied, stated = ask("no pleural effusion"), ask("pleural effusion")
    asked, away, stays, tuned, normal = make_loop(ask, denied)
    assert [scene.about for scene in (asked, away, stays, tuned, normal)] == [
        "asked",
        "taken away",
        "stays",
        "tuned",
        "normal",
    ]
    assert (asked.model, tuned.model, normal.model) == ("base", "con2", "con2")
    assert (asked.films, asked.of) == (denied.columns[0].tally.contradicts, denied.columns[0].tally.judged)
    assert asked.by_chance == pytest.approx(asked.of / 2)  # half of the films have it
    assert away.films == stated.columns[0].tally.matches
    assert [denied.prompt.text[start:end] for start, end in away.struck] == ["no"]
    both = {hit.id for hit in denied.columns[0].hits} & {hit.id for hit in stated.columns[0].hits}
    assert stays.outlined == frozenset(both)
    assert stays.films == len(both)
    assert tuned.films == denied.columns[-1].tally.contradicts
    assert (normal.films, normal.of) == (denied.columns[-1].normal, 10)
    assert len(normal.outlined) == normal.films


def test_a_contrary_that_is_no_sentence_without_its_cue_strikes_nothing_out(ask: Ask) -> None:
    scenes = make_loop(ask, ask("the pleural spaces are clear"))
    assert scenes
    assert {scene.struck for scene in scenes} == {()}


@pytest.mark.parametrize("text", ["pleural effusion", "possible effusion", "qwerty", "collapsed lung"])
def test_what_denies_no_single_thing_has_no_loop(ask: Ask, text: str) -> None:
    assert make_loop(ask, ask(text)) == ()
