"""What the page is made of, without a browser: words, markup, films over HTTP, the endpoint, the flags."""

from __future__ import annotations

import ast
import html
import io
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Protocol

import gradio as gr
import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

import app
from negviz import page
from negviz.common.download import Patience
from negviz.films.collection import Collection, CollectionError, Film
from negviz.films.on_demand import open_openi
from negviz.models.encoder import DualEncoder
from negviz.models.training_free import Arithmetic, TrainingFree
from negviz.page import words
from negviz.page.attribution.panel import WordsPanel
from negviz.page.build import foot
from negviz.page.explore import markup
from negviz.page.explore.markup import columns
from negviz.page.explore.panel import Explore, Shown
from negviz.page.opened import find_pictures, in_order, open_sets
from negviz.page.options import parser
from negviz.page.pictures import Pictures
from negviz.page.room import Asked, Room
from negviz.page.server.films import TILE_BYTES, film_routes, thumbnail
from negviz.page.theme.theme import css, theme
from negviz.page.viewer.ranks import rank_routes
from negviz.results.averages import Usual
from negviz.retrieval.answer import SearchSet, Tally, answer, search_sets
from negviz.retrieval.embeddings import EmbeddingsError
from negviz.retrieval.examples import Example
from tests import nlm_server
from tests.nlm_server import NlmServer, picture

SCRIPT = "<script>alert(1)</script>"
OPENI = tuple(f"CXR{number}_IM-{number:04}-4001" for number in range(1, 4))  # the first is asked for first


@pytest.fixture
def explore(models: dict[str, DualEncoder], collection: Collection) -> Explore:
    return Explore(Room(models, search_sets(models, collection), Pictures(collection)))


def say(explore: Explore, text: str, films: str = "drawn/test", **also: Any) -> Shown:
    """What the page shows for a sentence; `also` may be models, taken, pinned and asked."""
    kept: dict[str, Any] = {"models": [], "taken": False, "pinned": "", "asked": Asked("").json()} | also
    return Shown(*explore.ask(text, films, **kept))


@pytest.fixture
def films(explore: Explore) -> SearchSet:
    return explore.sets[0]


# Words ----------------------------------------------------------------------------------------


def test_the_verdict_names_what_was_asked_for_and_what_is_shown() -> None:
    counts = [("base", 8), ("con1", 3), ("con2", 1)]
    said = "".join(words.verdict("no effusion", "effusion", counts, 10, 5.0))
    assert said == ("Asked for no effusion, base shows 8 of 10 with effusion, CON1 3, CON2 1; chance: 5.")
    assert "".join(words.verdict("edema", None, counts, 10)).endswith("that contradict it, CON1 3, CON2 1.")


def test_many_findings_leave_the_verdict_its_room() -> None:
    read = [("effusion", "absent", "left"), ("edema", "present", None), ("nodule", "absent", None)]
    assert words.on_chip(read[:2]) == "effusion · absent · left, edema · present"  # type: ignore[arg-type]
    assert words.on_chip(read) == "effusion · absent · left and 2 more"  # type: ignore[arg-type]


def test_what_is_asked_for_reads_without_ambiguity() -> None:
    said = words.asked_for([("effusion", "absent", "left"), ("cardiomegaly", "present", None)])
    assert said == "cardiomegaly, no effusion on the left"
    assert words.asked_for([("normal", "absent", None)]) == "an abnormal film"


@pytest.mark.parametrize(
    ("matches", "judged", "by_chance", "said"),
    [
        (2, 10, 5.0, ("2 of 10 match", "random picks: 5")),
        (2, 8, 4.25, ("2 of 8 judged match", "random picks: 4.2")),
        (0, 0, None, ("none of 10 says", "")),
    ],
)
def test_a_count_stands_beside_chance(
    matches: int, judged: int, by_chance: float | None, said: object
) -> None:
    assert words.precision(matches, judged, 10, by_chance) == said


def test_says_which_base_it_is() -> None:
    assert words.base_note("compact", None) == "The base here is the compact family, not CheXagent."
    assert "not CheXagent" in words.base_note("clip", "openai/clip-vit-base-patch16")
    assert "not CheXagent" not in words.base_note(
        "clip", "StanfordAIMI/XrayCLIP__vit-b-16__laion2b-s34b-b88k"
    )


def test_what_was_left_aside_of_labels_stands_on_the_page(
    models: dict[str, DualEncoder], collection: Collection
) -> None:
    films = replace(collection, notes=(f"Not findings that negviz knows: {SCRIPT!r} (2 films).",))
    text = str(markup.footer(foot(Room(models, search_sets(models, films), Pictures(films)))))
    assert "drawn: Not findings that negviz knows: &#39;&lt;script&gt;" in text


def test_says_how_the_searched_films_divide() -> None:
    said = words.searched("test", Tally(35, 35, 0), 70, marked=True)
    assert said == "Searched 70 films left out of tuning: 35 match, 35 contradict, 0 do not say."


# Markup ---------------------------------------------------------------------------------------


def test_every_column_shows_rank_mark_and_similarity_of_its_films(explore: Explore, films: SearchSet) -> None:
    shown = say(explore, "No pleural effusion").columns
    assert shown.count("nv-column") - 1 == len(explore.models)
    assert shown.count('class="nv-tile"') == 3 * len(films)
    assert shown.count('data-mark="matches"') == 3 * len(films) // 2
    for part in ("✓", "✗", "matches", "contradicts", 'data-rank="1"', "random picks: 4"):
        assert part in shown


def test_nothing_typed_reaches_the_page_unescaped(explore: Explore, films: SearchSet) -> None:
    for text in (SCRIPT, f"no {SCRIPT} effusion", "<img src=x onerror=alert(1)> possible effusion"):
        said = say(explore, text, asked=Asked(text, opposite=text).json(), taken=True)
        shown = said.reading + said.columns
        assert "<script" not in shown
        assert "<img src=x" not in shown
    assert SCRIPT not in markup.complaint(SCRIPT)


def test_a_film_whose_image_is_not_at_hand_leaves_a_black_well_with_its_id(
    explore: Explore, collection: Collection, tmp_path: Path
) -> None:
    bare = Collection(collection.name, collection.films, tmp_path)
    films, pictures = SearchSet("drawn/all", bare, explore.sets[1].embeddings), Pictures(bare)
    given = answer(explore.models, films, "no effusion")
    shown = columns(given, Asked("no effusion"), pictures)
    assert "<img" not in shown
    assert all(f'<span class="nv-id">{hit.id}</span>' in shown for hit in given.columns[0].hits)
    assert pictures.origin() == (words.origin(0, 24), True)
    assert words.CONTRADICTS in shown


def test_films_used_in_tuning_are_tagged_among_all_films_only(explore: Explore) -> None:
    for films, tagged in zip(explore.sets, (False, True), strict=True):
        assert (words.IN_TUNING in say(explore, "no effusion", films.name).columns) is tagged


def test_the_cue_is_underlined_and_what_it_reaches_over_is_shaded(explore: Explore) -> None:
    read = say(explore, "The heart is big, no pleural effusion").reading
    assert 'The heart is big, <u>no</u> <span class="nv-scope">pleural effusion</span>' in read


def test_a_sentence_that_is_not_understood_is_asked_about(explore: Explore) -> None:
    said = say(explore, "qwerty film")
    assert words.NOTHING_RECOGNISED in said.reading
    assert 'class="nv-tile"' in said.columns
    assert 'class="nv-mark' not in said.columns
    assert (said.chip["label"], said.chip["open"]) == (words.TELL_US, True)
    told = Shown(*explore.mark("effusion", "absent", False, "", said.asked))
    assert words.CORRECTED in told.reading
    assert (told.chip["label"], told.chip["open"]) == ("effusion · absent", False)
    assert 'class="nv-mark' in told.columns


def test_a_reading_may_be_corrected_at_any_time_and_stays_so_over_other_films(explore: Explore) -> None:
    said = say(explore, "No pleural effusion")
    told = Shown(*explore.mark("cardiomegaly", "present", False, "", said.asked))
    assert told.chip["label"] == "cardiomegaly · present"
    over_all = say(explore, "No pleural effusion", "drawn/all", asked=told.asked)
    assert over_all.chip["label"] == "cardiomegaly · present"
    assert say(explore, "Pleural effusion", asked=told.asked).chip["label"] == "effusion · present"


@pytest.mark.parametrize(
    ("text", "finding", "polarity"),
    [
        ("No cardiomegaly", "cardiomegaly", "absent"),
        ("No pneumothorax but a small effusion", "pneumothorax", "absent"),
        ("Effusion cannot be excluded", "effusion", None),
        ("qwerty film", None, None),
    ],
)
def test_a_correction_opens_on_the_reading_as_it_stands(
    explore: Explore, text: str, finding: str | None, polarity: str | None
) -> None:
    said = say(explore, text)
    assert (said.finding["value"], said.polarity["value"]) == (finding, polarity)
    assert said.mark["interactive"] is False
    assert json.loads(said.stands) == [finding or "", polarity or ""]


def test_a_correction_opens_on_the_correction_and_is_taken_back_by_what_was_read(explore: Explore) -> None:
    said = say(explore, "No cardiomegaly")
    told = Shown(*explore.mark("effusion", "present", False, "", said.asked))
    assert json.loads(told.stands) == ["effusion", "present"]
    back = Shown(*explore.mark("cardiomegaly", "absent", False, "", told.asked))
    assert words.CORRECTED not in back.reading
    assert back.asked == said.asked


def test_no_update_takes_a_text_away_by_none(explore: Explore) -> None:
    """Gradio would leave the old one: only a value may be None, for nothing chosen."""
    odd = say(explore, "qwerty film", taken=True)
    assert odd.opposite["info"] == words.NO_OPPOSITE
    assert say(explore, "no effusion", asked=odd.asked).opposite["info"] == ""
    assert say(explore, "", asked=odd.asked).opposite["info"] == ""
    every = [
        *odd.outputs(),
        *say(explore, "no effusion").outputs(),
        *explore.clear("", "[]", "", "", False, "", odd.asked),
        *explore.bring_back(""),
        *explore.forget_cleared(),
        *explore.origin(""),
    ]
    updates = [update for update in every if isinstance(update, dict)]
    assert len(updates) > 20
    assert [u for u in updates for key, value in u.items() if value is None and key != "value"] == []


def test_uncertainty_is_neither_yes_nor_no(explore: Explore) -> None:
    said = say(explore, "Effusion cannot be excluded")
    assert "“Cannot be excluded” is neither yes nor no, so nothing is counted." in said.reading
    assert 'class="nv-mark' not in said.columns
    assert said.toggle["label"] == words.WORD_OPPOSITE


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("No large effusion", "“No” bears on a size, kind or time of effusion here"),
        ("Large effusion: none", "“None” bears on a size, kind or time of effusion here"),
        ("Effusion as before, no new nodule", "“No” bears on a size, kind or time of nodule here"),
        ("No effusion, not a large nodule", "“Not” bears on a size, kind or time of nodule here"),
    ],
)
def test_a_no_that_bears_on_a_size_names_its_finding(explore: Explore, text: str, said: str) -> None:
    assert said in say(explore, text).reading


def test_an_empty_sentence_is_answered_with_one(explore: Explore) -> None:
    said = say(explore, "  ")
    assert "Type a sentence" in said.reading
    assert not said.columns
    assert not said.chip["visible"]
    assert Asked.read(said.asked).text == ""


# Taking the "no" away, pinning, clearing ------------------------------------------------------


def test_taking_the_no_away_shows_both_rankings_and_how_many_films_stay(explore: Explore) -> None:
    said = say(explore, "No pleural effusion", "drawn/all", taken=True)
    assert said.toggle["label"] == words.TAKE_AWAY
    assert said.opposite["value"] == "Pleural effusion"
    assert said.columns.count('class="nv-stays"') == len(explore.models)
    assert said.columns.count("<ol") == 2 * len(explore.models)
    assert "10 of 10 films stay" in said.columns  # base does not read the "no"
    base = explore.models["base"].encode_text(["No pleural effusion", "Pleural effusion"])
    assert f"your sentence and its opposite: Base {base[0] @ base[1]:.2f} · CON1" in said.reading
    assert "its opposite: Base" not in say(explore, "No pleural effusion", "drawn/all").reading
    assert say(explore, "pleural effusion").toggle["label"] == words.PUT_IN


def test_a_sentence_without_an_opposite_takes_one_that_is_worded_for_it(explore: Explore) -> None:
    said = say(explore, "qwerty film", taken=True)
    assert said.opposite["info"] == words.NO_OPPOSITE
    assert 'class="nv-stays"' not in said.columns
    assert "and its opposite" not in said.reading
    turned = Shown(*explore.turn("no qwerty film", "", said.asked))
    assert turned.opposite["value"] == "no qwerty film"
    assert turned.columns.count('class="nv-stays"') == len(explore.models)


def test_an_opposite_that_is_no_rewording_is_said_to_be_none(explore: Explore) -> None:
    assert say(explore, "Sharp costophrenic angles").opposite["info"] == words.PLAIN_OPPOSITE
    assert say(explore, "No effusion").opposite["info"] == ""


def test_a_pinned_sentence_is_compared_with_the_next(explore: Explore) -> None:
    first = say(explore, "No pleural effusion")
    pinned = Shown(*explore.pin(False, "", first.asked))
    assert pinned.pin["value"] == words.UNPIN
    assert 'class="nv-stays"' not in pinned.columns
    second = say(explore, "lungs without fluid around them", pinned=pinned.pinned)
    assert '<q dir="auto">No pleural effusion</q>' in second.columns
    assert second.columns.count('class="nv-stays"') == len(explore.models)
    let_go = Shown(*explore.pin(False, second.pinned, second.asked))
    assert not let_go.pinned
    assert 'class="nv-stays"' not in let_go.columns


def test_clearing_a_visit_empties_the_page_and_the_memory(explore: Explore) -> None:
    asked = Asked("No effusion in zanzibar", "drawn/test")
    before = explore.room.answer(asked)
    assert explore.room.answer(asked) is before
    told: list[str] = []
    explore.room.when_forgetting(told.append)
    visited = json.dumps([asked.text])
    emptied = explore.clear("drawn/test", visited, asked.text, "", False, "", asked.json())
    assert (*emptied[:4], Shown(*emptied[5:]).columns) == ("", "", "", "", "")
    assert told == [asked.text]
    assert explore.room.answer(asked) is not before
    for odd in ("", "{", "7", "[7]"):
        explore.clear("", odd, "", odd, False, odd, odd)
        explore.bring_back(odd)


def test_a_cleared_visit_is_brought_back_as_it_was(explore: Explore) -> None:
    pinned = Asked("effusion", "drawn/all").json()
    before = say(explore, "no effusion", "drawn/all", taken=True, pinned=pinned)
    kept = (True, before.pinned, before.asked)
    *_, timer = explore.clear("drawn/all", "[]", "no effu", "", *kept)[:5]
    cleared = Shown(*explore.clear("drawn/all", "[]", "no effu", "", *kept)[5:])
    assert (timer["active"], cleared.undo["visible"], cleared.asked) == (
        True,
        True,
        Asked("", "drawn/all").json(),
    )
    twice = Shown(*explore.clear("drawn/all", "[]", "", cleared.cleared, False, "", cleared.asked)[5:])
    assert (twice.cleared, twice.undo["visible"]) == (cleared.cleared, True)  # still to be had
    box, show, but_not, *shown = explore.bring_back(cleared.cleared)
    assert (box, show, but_not) == ("no effu", "", "")
    now = vars(Shown(*shown))
    assert {name: (now[name], was) for name, was in vars(before).items() if now[name] != was} == {}
    assert explore.forget_cleared()[0] == ""


# Figures and the films they were measured over -------------------------------------------------


def test_an_average_is_that_of_the_films_on_show_and_names_them(
    explore: Explore, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = ("No effusion", "Free of fluid", "Effusion: none")
    known = Usual("effusion", texts, 8, {"base": (0.0, 10.0, 2.0), "con2": (10.0, 9.0, 10.0)})
    monkeypatch.setattr(
        "negviz.page.room.read_usual", lambda films, *_, **__: known if films.name == "drawn/test" else None
    )
    said = say(explore, "no effusion").reading
    assert "Of 3 wordings that rule out effusion, base finds no right film for 1 and ten for 1" in said
    assert "means of 10: base 4, CON2 9.7." in said
    assert re.findall(r'data-try="([^"]+)"', said) == ["Free of fluid", "Effusion: none", "No effusion"]
    assert "“Free of fluid”: right of ten, base 10, CON2 9" in said
    assert (said.count('tabindex="0"'), said.count('tabindex="-1"')) == (1, 2)  # arrows go on from the first
    assert "means of 10" not in say(explore, "no effusion", "drawn/all").reading
    for other in ("effusion", "no pneumothorax", "no effusion and no pneumothorax"):
        assert "means of 10" not in say(explore, other).reading


def test_every_head_counts_normal_films_beside_chance(explore: Explore, films: SearchSet) -> None:
    shown = say(explore, "no effusion").columns
    for column in explore.room.answer(Asked("no effusion", films.name)).columns:
        assert column.normal is not None
        assert column.normal_by_chance is not None
        assert words.normal(column.normal, column.normal_by_chance) in shown
    assert words.normal(10, 2.5) == "10 normal (chance: 2.5)"


def test_a_sentence_about_nothing_listed_keeps_the_list_that_was_searched_last(
    models: dict[str, DualEncoder], collection: Collection
) -> None:
    hearts = tuple(replace(film, lists=frozenset({"cardiomegaly"})) for film in collection.films[8:])
    listed = replace(collection, films=(*collection.films[:8], *hearts))
    explore = Explore(Room(models, search_sets(models, listed), Pictures(listed)))
    hearts_asked = say(explore, "no cardiomegaly")
    after = say(explore, "PA view", asked=hearts_asked.asked)
    assert "Searched 16 films, as many with cardiomegaly as without" in hearts_asked.columns
    assert "Searched 16 films, as many with cardiomegaly as without" in after.columns
    assert after.examples == explore.tries(explore.sets[0])
    for left in (say(explore, "no effusion", asked=after.asked), say(explore, "PA view")):
        assert "Searched 8 films" in left.columns
    assert "Searched all 24 films" in say(explore, "PA view", "drawn/all", asked=after.asked).columns
    corrected = Shown(*explore.mark("effusion", "absent", False, "", after.asked))
    assert "Searched 8 films" in corrected.columns
    found = explore.search("no cardiomegaly", "drawn/test")
    assert (found["set"], sum(found["films"].values())) == ("cardiomegaly", 16)


def test_a_sentence_that_is_asked_about_searches_the_list_of_its_likeliest_reading(
    models: dict[str, DualEncoder], collection: Collection
) -> None:
    films = tuple(
        replace(film, lists=frozenset({"cardiomegaly" if place < 16 else "pneumothorax"}))
        for place, film in enumerate(collection.films)
    )
    listed = replace(collection, films=films)
    explore = Explore(Room(models, search_sets(models, listed), Pictures(listed)))
    hearts_asked = say(explore, "no cardiomegaly")
    assert "Searched 16 films, as many with cardiomegaly as without" in hearts_asked.columns
    asked_about = say(explore, "collapsed lung", asked=hearts_asked.asked)
    assert "Did you mean “pneumothorax”" in asked_about.reading
    assert "Searched 8 films, as many with pneumothorax as without" in asked_about.columns
    assert explore.search("collapsed lung", "drawn/test")["set"] == "pneumothorax"
    beside = say(explore, "collapsed lung, no effusion").reading
    assert "or “atelectasis”, beside “no effusion”?" in beside


def test_sentences_to_try_are_those_of_the_films_on_show(explore: Explore) -> None:
    for films in explore.sets:
        found = say(explore, "no effusion", films.name).examples
        for example in explore.room.examples(films):
            assert f'data-try="{example.text}"' in found
    nothing = say(explore, "", "drawn/all")
    assert nothing.examples == explore.tries(explore.sets[1])


def test_a_sentence_to_try_reaches_the_page_as_text() -> None:
    text = 'it\'s "no" \\n </script><b>\u2028\u00a0\U0001fac1'
    shown = str(markup.tries([Example(text, "control")]))
    assert "<b>" not in shown
    assert "</script>" not in shown
    button = re.search('data-try="([^"]*)"', shown)
    assert button is not None
    assert html.unescape(button[1]) == text


def test_panels_listen_and_watch_through_what_they_share() -> None:
    """Gradio replaces elements at will: a listener or an observer a panel each would be forty of them."""
    folder = Path(page.__file__).parent
    scripts = {path: path.read_text("utf-8") for path in folder.rglob("*.js") if path.name != "core.js"}
    assert scripts
    alone = [path.name for path, text in scripts.items() if re.search(r"document\.add|MutationObs", text)]
    assert alone == []


def test_no_script_is_put_together_by_python() -> None:
    """What a script of a component speaks of comes to it as data: no text is ever read as JavaScript."""
    given = [
        (path.name, keyword.value)
        for path in Path(page.__file__).parent.rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(call, ast.Call)
        for keyword in call.keywords
        if keyword.arg in ("js", "js_on_load")
    ]
    assert len(given) > 3
    assert not [name for name, value in given if not isinstance(value, ast.Name | ast.Constant)]


# Ranks over HTTP ------------------------------------------------------------------------------


@pytest.fixture
def ranked(explore: Explore) -> TestClient:
    return TestClient(Starlette(routes=rank_routes(explore.room)))


def test_every_model_ranks_any_film(ranked: TestClient, explore: Explore) -> None:
    asked = Asked("No pleural effusion", "drawn/all")
    for given in (asked.json(), json.loads(asked.json())):
        found = ranked.post("/page/ranks", json={"asked": given, "id": "film23"}).json()
        assert list(found) == list(explore.models)
        assert all(hit["rank"] > 0 and hit["relevant"] is None for hit in found.values())
    best = explore.room.answer(asked).columns[2].hits[0]
    found = ranked.post("/page/ranks", json={"asked": asked.json(), "id": best.id}).json()
    assert found["con2"] == {"id": best.id, "rank": 1, "score": best.score, "relevant": best.relevant}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b'{"asked": "", "id": "film01"}', 400),
        (b"x" * 40_000, 400),
        (json.dumps({"asked": Asked("effusion").json(), "id": SCRIPT}).encode(), 404),
        (json.dumps({"asked": Asked("effusion", "drawn/test").json(), "id": "film23"}).encode(), 404),
    ],
)
def test_a_film_that_was_not_searched_has_no_rank(ranked: TestClient, body: bytes, status: int) -> None:
    reply = ranked.post("/page/ranks", content=body)
    assert reply.status_code == status
    assert SCRIPT not in reply.text


def test_no_theme_asks_for_a_font_from_elsewhere() -> None:
    assert "//" not in css()
    assert theme()._stylesheets == []


# Films over HTTP ------------------------------------------------------------------------------


@pytest.fixture
def browser(collection: Collection) -> TestClient:
    return TestClient(Starlette(routes=film_routes(Pictures(collection))))


@pytest.mark.parametrize("size", ["tile", "large"])
def test_serves_a_film_by_its_id(browser: TestClient, size: str) -> None:
    reply = browser.get(f"/film/{size}", params={"id": "film03"})
    assert reply.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(reply.content)).size == (96, 96)


@pytest.mark.parametrize(
    "film", ["", "nosuch", "../manifest.csv", "images/film03.png", "/etc/passwd", SCRIPT]
)
def test_serves_nothing_but_films_of_the_collection(browser: TestClient, film: str) -> None:
    reply = browser.get("/film/tile", params={"id": film})
    assert reply.status_code == 404
    assert reply.text == "There is no such film here."


def test_thumbnails_are_small_keep_their_aspect_and_carry_nothing_but_pixels() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (900, 600), dtype=np.uint8)
    image = Image.fromarray(noise)
    image.info["comment"] = b"a name"
    made = thumbnail(image)
    assert len(made) <= TILE_BYTES
    assert b"a name" not in made
    small = Image.open(io.BytesIO(made))
    assert small.height / small.width == pytest.approx(1.5, abs=0.02)


# Films on demand ------------------------------------------------------------------------------


@pytest.fixture
def bare(tmp_path: Path) -> Collection:
    """Three films of Open-i, none at hand."""
    return Collection("openi", tuple(Film(id_, f"{id_}.png", id_) for id_ in OPENI), tmp_path)


@pytest.fixture
def nlm() -> Iterator[NlmServer]:
    with NlmServer(dict.fromkeys(OPENI, picture(size=(900, 700)))) as server:
        yield server


class Find(Protocol):
    def __call__(self, host: str, *, read: float = 30) -> Pictures: ...


@pytest.fixture
def find(bare: Collection, tmp_path: Path) -> Iterator[Find]:
    """The pictures of three films by the address of a host, and the seconds it is given to answer."""
    opened = []

    def find(host: str, *, read: float = 30) -> Pictures:
        patience = Patience(connect=1, read=read, whole=30, attempts=1)
        opened.append(open_openi(bare, cache=tmp_path / "cache", host=host, patience=patience))
        return Pictures(bare, openi=opened[-1])

    yield find
    for openi in opened:
        openi.close()


def visitor(pictures: Pictures) -> TestClient:
    return TestClient(Starlette(routes=film_routes(pictures)))


def test_a_film_that_is_not_at_hand_is_fetched_once_and_served_small(find: Find, nlm: NlmServer) -> None:
    browser = visitor(find(nlm.url))
    for _ in range(2):
        tile = browser.get("/film/tile", params={"id": OPENI[1]})
        assert tile.headers["content-type"] == "image/jpeg"
        assert len(tile.content) <= TILE_BYTES
    assert Image.open(io.BytesIO(browser.get("/film/large", params={"id": OPENI[1]}).content)).width == 900
    assert nlm.asked(OPENI[1]) == nlm.requests == 1
    assert browser.get("/film/tile", params={"id": "CXR9_IM-0009-4001"}).status_code == 404


def test_a_film_at_hand_is_never_asked_for(find: Find, nlm: NlmServer, tmp_path: Path) -> None:
    for id_ in OPENI:
        (tmp_path / f"{id_}.png").write_bytes(picture())
    pictures = find(nlm.url)
    assert visitor(pictures).get("/film/tile", params={"id": OPENI[1]}).status_code == 200
    assert pictures.origin() == ("Films come from this machine.", True)
    assert nlm.requests == 0


@pytest.mark.parametrize(
    ("act", "status"),
    [
        (nlm_server.status(404), 404),
        (nlm_server.status(429), 503),
        (nlm_server.status(500), 502),
        (nlm_server.sends(b"<html>"), 502),
        (nlm_server.silent(1), 504),
    ],
    ids=["gone", "busy", "failed", "invalid", "slow"],
)
def test_a_film_that_cannot_be_had_says_so_and_why(
    find: Find, nlm: NlmServer, act: nlm_server.Act, status: int
) -> None:
    nlm.always(OPENI[1], act)
    browser = visitor(find(nlm.url, read=0.5 if status == 504 else 30))
    tile, large = (browser.get(f"/film/{size}", params={"id": OPENI[1]}) for size in ("tile", "large"))
    assert tile.status_code == large.status_code == status
    assert tile.headers["content-type"].startswith("image/svg+xml")
    assert words.CANNOT_BE_HAD in tile.text
    assert large.headers["content-type"].startswith("text/plain")
    assert tile.headers["cache-control"] == large.headers["cache-control"] == "no-store"


@pytest.mark.timing
def test_a_film_that_takes_its_time_frees_the_connection_between_turns(
    find: Find, nlm: NlmServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("negviz.page.server.films._TURN", 0.1)
    nlm.delay = 0.2
    came = visitor(find(nlm.url)).get("/film/tile", params={"id": OPENI[1]})
    assert came.headers["content-type"] == "image/jpeg"
    assert {turn.status_code for turn in came.history} == {307}
    assert nlm.requests == 1
    monkeypatch.setattr("negviz.page.server.films._TURN", 0.001)
    nlm.delay = 2.0  # more than all turns take, on a busy machine too
    given_up = visitor(find(nlm.url)).get("/film/large", params={"id": OPENI[2]})
    assert given_up.status_code == 504
    assert "try again later" in given_up.text


def test_says_where_films_come_from_as_soon_as_it_is_known(find: Find, nlm: NlmServer) -> None:
    nlm.delay = 0.1
    reached, lost = find(nlm.url), find("http://127.0.0.1:9")
    assert reached.origin() == (f"Films are asked for at {nlm.url[7:]}.", False)
    assert settled(reached) == f"Films come from {nlm.url[7:]} as they are shown."
    assert "nowhere at the moment: 127.0.0.1:9 cannot be reached" in settled(lost)


def settled(pictures: Pictures, collection: str | None = None) -> str:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        said, known = pictures.origin(collection)
        if known:
            return said
        time.sleep(0.02)
    pytest.fail("It never settled.")


def test_some_films_may_be_at_hand_and_others_not() -> None:
    assert words.origin(1, 3, "NLM", reached=True) == (
        "Some films come from this machine. The others come from NLM as they are shown."
    )
    assert "start with --films DIR" in words.origin(1, 3)


def test_off_means_no_request_and_no_hope(
    bare: Collection, nlm: NlmServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEGVIZ_NLM", nlm.url)
    pictures = find_pictures([bare], parser().parse_args(["--nlm", "off"]).nlm)
    assert not any(map(pictures.hoped_for, bare))
    assert visitor(pictures).get("/film/tile", params={"id": OPENI[1]}).status_code == 404
    assert pictures.origin() == (words.origin(0, 3), True)
    assert nlm.requests == 0


def test_whether_nlm_answers_is_asked_as_soon_as_a_host_is_known(
    bare: Collection, nlm: NlmServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEGVIZ_NLM", nlm.url)
    pictures = find_pictures([bare], parser().parse_args([]).nlm)
    until = time.monotonic() + 10
    while not nlm.requests and time.monotonic() < until:
        time.sleep(0.02)
    assert nlm.requests == 1
    assert settled(pictures) == f"Films come from {nlm.url[7:]} as they are shown."
    assert pictures.openi is not None
    pictures.openi.close()


def test_only_films_of_openi_are_looked_for_at_nlm(bare: Collection) -> None:
    assert find_pictures([replace(bare, name="mine")], "http://127.0.0.1:9").openi is None


# Several collections -------------------------------------------------------------------------


@pytest.fixture
def phantoms(collection: Collection) -> Collection:
    """The drawn films as those that are simulated."""
    films = tuple(replace(film, id=f"s{film.id}", split="") for film in collection)
    return replace(collection, name="phantoms", films=films)


def test_opens_with_films_that_can_be_had_and_says_why(
    bare: Collection, phantoms: Collection, find: Find, models: dict[str, DualEncoder]
) -> None:
    lost = Pictures(bare, phantoms, openi=find("http://127.0.0.1:9").openi)
    assert lost.origin("phantoms") == (words.simulated(None, asked=True), False)
    assert settled(lost, "phantoms") == "Simulated films, because NLM’s Open-i cannot be reached from here."
    simulated = search_sets(models, phantoms)
    towers = {tower: np.ones((3, 16), np.float32) for tower in simulated[0].embeddings}
    openi = (SearchSet("openi/all", bare, towers),)
    assert in_order([openi, simulated], lost)[-1].name == "openi/all"
    assert (
        Pictures(bare, phantoms).origin("phantoms")[0].startswith("Simulated films, because Open-i’s are not")
    )


def test_opens_with_openi_where_nlm_answers(
    bare: Collection, phantoms: Collection, find: Find, nlm: NlmServer, models: dict[str, DualEncoder]
) -> None:
    pictures = Pictures(bare, phantoms, openi=find(nlm.url).openi)
    assert "choose them" in settled(pictures, "phantoms")
    openi = (SearchSet("openi/all", bare, {}),)
    assert in_order([openi, search_sets(models, phantoms)], pictures)[0].name == "openi/all"


def test_films_of_every_open_collection_are_served(bare: Collection, phantoms: Collection) -> None:
    browser = visitor(Pictures(bare, phantoms))
    assert browser.get("/film/tile", params={"id": "sfilm03"}).status_code == 200
    assert browser.get("/film/tile", params={"id": "film03"}).status_code == 404


def test_one_id_may_not_mean_two_films(collection: Collection) -> None:
    with pytest.raises(CollectionError, match="both have a film 'film00'; open one of them alone"):
        Pictures(collection, replace(collection, name="copy"))


def test_the_visitor_may_switch_between_collections(
    collection: Collection, phantoms: Collection, models: dict[str, DualEncoder]
) -> None:
    sets = (*search_sets(models, phantoms), *search_sets(models, collection))
    explore = Explore(Room(models, sets, Pictures(collection, phantoms)))
    assert explore.example().films == "phantoms/balanced"
    assert 'data-film="sfilm' in say(explore, "no effusion", "phantoms/balanced").columns
    assert 'data-film="film' in say(explore, "no effusion", "drawn/all").columns
    found = explore.search("no effusion", "phantoms", 2)
    assert (found["collection"], found["set"]) == ("phantoms", "balanced")
    assert explore.search("no effusion", "drawn", 2)["set"] == "test"
    assert explore.search("no effusion", "", 2)["collection"] == "phantoms"
    assert words.set_choice("phantoms", "balanced", 100) == "Simulated · balanced (100)"


def test_films_that_cannot_be_had_say_so_in_the_choice_and_are_no_wall_of_black(
    bare: Collection, phantoms: Collection, find: Find, models: dict[str, DualEncoder]
) -> None:
    simulated = search_sets(models, phantoms)
    towers = {tower: np.ones((3, 16), np.float32) for tower in simulated[0].embeddings}
    openi = SearchSet("openi/all", bare, towers)
    explore = Explore(Room(models, (*simulated, openi), Pictures(bare, phantoms)))
    assert explore.choices()[-1] == ("Open-i · not here (3)", "openi/all")
    assert not any(words.NOT_HERE in said for said, _ in explore.choices()[:-1])
    shown = say(explore, "no effusion", "openi/all", asked=Asked("no effusion", simulated[-1].name).json())
    assert shown.films["value"] == Asked.read(shown.asked).films == simulated[-1].name
    assert "The films of Open-i are not on this machine; start with --films DIR" in shown.reading
    assert 'data-film="sfilm' in shown.columns
    hoped = Pictures(bare, phantoms, openi=find("http://127.0.0.1:9").openi)
    asked = Explore(Room(models, (*simulated, openi), hoped))
    assert words.NOT_HERE not in str(asked.choices())  # as long as nobody knows
    settled(hoped, "phantoms")
    assert words.NOT_HERE in str(asked.origin("")[-1]["choices"])
    assert "cannot be fetched at the moment" in say(asked, "no effusion", "openi/all").reading
    alone = Explore(Room(models, (openi,), Pictures(bare)))  # marks are better than nothing
    said = say(alone, "no effusion", "openi/all")
    assert 'data-film="CXR1' in said.columns
    assert "None of the films shown says whether it has that." in said.reading  # so none contradicts it
    assert "base 0" not in said.reading


# Further models -------------------------------------------------------------------------------


def test_models_beyond_the_first_three_are_added_by_the_visitor(
    collection: Collection, models: dict[str, DualEncoder]
) -> None:
    more = models | {"con3": replace(models["con2"], name="con3")}
    explore = Explore(Room(more, search_sets(more, collection), Pictures(collection)))
    assert explore.room.further == ("con3",)
    assert 'data-model="con3"' not in say(explore, "no effusion").columns
    shown = say(explore, "no effusion", models=["con3", "nosuch"], taken=True)
    assert shown.columns.count("<section") == 4
    assert [*explore.room.answer(Asked.read(shown.asked)).columns][-1].model == "con3"
    assert len(explore.search("no effusion")["models"]) == 4


# The endpoint ---------------------------------------------------------------------------------


@pytest.fixture
def boxed(models: dict[str, DualEncoder], collection: Collection) -> Explore:
    """With the rival whose weight two boxes take."""
    facts = {field.name: getattr(models["base"], field.name) for field in fields(DualEncoder)}
    rival = TrainingFree(**(facts | {"name": "arithmetic"}), method=Arithmetic(weight=2.0))
    every = {**models, "arithmetic": rival}
    return Explore(Room(every, search_sets(models, collection), Pictures(collection)))


def test_two_boxes_are_a_column_that_stays_until_one_is_empty(boxed: Explore) -> None:
    said = say(boxed, "no effusion")
    filled = Shown(*boxed.fill("chest film", f"pleural effusion {SCRIPT}", False, "", said.asked))
    assert filled.columns.count('<section class="nv-column"') == 4
    assert "Show “chest film”, but not “pleural effusion &lt;script&gt;" in filled.columns
    after = say(boxed, "pleural effusion", asked=filled.asked)
    last = [each.columns.partition('aria-label="Show, but not"')[2] for each in (filled, after)]
    assert words.TELLS_APART not in last[0]  # no sentence is read there
    first, second = (re.findall('data-film="([^"]+)"', each)[:8] for each in last)
    assert first == second
    assert "8 of 8 films stay" in Shown(*boxed.look(True, "", after.asked)).columns
    emptied = Shown(*boxed.fill("chest film", " ", False, "", after.asked))
    assert emptied.columns.count('<section class="nv-column"') == 3


def test_two_boxes_start_with_what_the_example_rules_out(boxed: Explore) -> None:
    started = boxed.room.boxes(boxed.first_paint()[0].prompt)
    assert started == ("A chest radiograph.", "There is a pleural effusion.")


def test_without_a_weight_that_was_chosen_there_is_no_column_of_two_boxes(explore: Explore) -> None:
    asked = Asked("no effusion", show="chest film", but_not="effusion")
    assert list(explore.room.columns(asked)) == list(explore.models)


def test_the_endpoint_answers_for_every_model(explore: Explore) -> None:
    found = explore.search("No pleural effusion", "drawn", 3)
    assert (found["collection"], found["set"], found["polarity"]) == ("drawn", "test", "absent")
    assert [len(model["hits"]) for model in found["models"].values()] == [3, 3, 3]
    assert explore.search("effusion", "drawn/all", 20)["set"] == "all"


def test_the_endpoint_compares_two_sentences(explore: Explore) -> None:
    found = explore.compare("No pleural effusion", k=3)
    assert found["second"]["prompt"] == "Pleural effusion"
    assert len(found["stay"]["base"]) == 3
    assert explore.compare("effusion", "no fluid", "drawn/all", 5)["second"]["prompt"] == "no fluid"
    with pytest.raises(gr.Error, match="no opposite that we could find"):
        explore.compare("qwerty")


@pytest.mark.parametrize(
    ("prompt", "asked", "k", "complaint"),
    [
        ("", "", 10, "Type a sentence"),
        ("effusion", "../drawn", 10, "no such collection here; ask for drawn/test or drawn/all or drawn"),
        ("effusion", "drawn", 1_000, "between 1 and 100"),
    ],
)
def test_the_endpoint_says_what_is_wrong(
    explore: Explore, prompt: str, asked: str, k: int, complaint: str
) -> None:
    with pytest.raises(gr.Error) as raised:
        explore.search(prompt, asked, k)
    assert complaint in raised.value.message


@pytest.mark.parametrize("k", ["5", 2.5, None, True, 10**30, -1, 0, float("nan"), float("inf"), [5], {}])
def test_the_endpoints_say_that_k_is_no_number_of_films(explore: Explore, k: Any) -> None:
    def compare(prompt: str, films: str, k: Any) -> Any:
        return explore.compare(prompt, "", films, k)

    for ask in (explore.search, compare):
        with pytest.raises(gr.Error, match=r"k must .*\.'$"):
            ask("effusion", "drawn", k)


@pytest.mark.parametrize("sent", [None, 3, 2.5, True, ["effusion"], {"text": "effusion"}])
def test_the_endpoints_say_that_an_argument_is_no_text(explore: Explore, sent: Any) -> None:
    asks: list[tuple[Callable[[], Any], str]] = [
        (lambda: explore.search(sent), "prompt"),
        (lambda: explore.search("effusion", sent), "collection"),
        (lambda: explore.compare(sent), "prompt"),
        (lambda: explore.compare("effusion", sent), "against"),
        (lambda: WordsPanel(explore.room).attribute(sent), "prompt"),
    ]
    for ask, name in asks:
        with pytest.raises(gr.Error, match=rf"{name} must be text, not .*\.'$"):
            ask()


@pytest.mark.parametrize("text", ["no effusion \ud800", "no effusion \0", "no effusion " * 90_000])
def test_the_endpoints_answer_whatever_the_text(explore: Explore, text: str) -> None:
    for given in (explore.search(text), WordsPanel(explore.room).attribute(text)):
        assert len(json.dumps(given, ensure_ascii=False, allow_nan=False).encode()) < 200_000


# The flags ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--family", "/nowhere"], "/nowhere holds no family.json"),
        (["--port", "abc"], "'abc' is not a port between 1 and 65535"),
        (["--port", "70000"], "'70000' is not a port"),
        (["--nlm", "ftp://x"], "'ftp://x' is neither https://HOST, http://HOST:PORT nor off"),
        (["--nlm", "http://x:99999"], "'99999' is not a port"),
        (["--colection", "x"], "unrecognized arguments"),
        (["--collectio", "x"], "unrecognized arguments"),  # no option is guessed from its beginning
    ],
)
def test_a_bad_flag_ends_in_one_clear_line(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _ends_with(complaint, arguments, capsys)


def test_a_missing_collection_or_film_folder_ends_in_one_clear_line(
    family_folder: Path, collection_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    family = ["--family", str(family_folder)]
    _ends_with("neither a shipped collection nor a folder", [*family, "--collection", "nosuch"], capsys)
    films = ["--collection", str(collection_folder), "--films", "/nowhere"]
    _ends_with("/nowhere is not a folder", [*family, *films], capsys)


def _ends_with(complaint: str, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        app.main(arguments)
    said = capsys.readouterr().err or f"{ended.value.code}\n"
    assert ended.value.code not in (0, None)
    assert complaint in said
    assert said.count("\n") == 1


def test_options_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PORT", "HOST", "COLLECTION", "FILMS", "LABELS", "STUDY"):
        monkeypatch.setenv(f"NEGVIZ_{name}", "8123" if name == "PORT" else name.lower())
    monkeypatch.setenv("NEGVIZ_NLM", "https://mirror.example/")
    options = parser().parse_args([])
    assert vars(options) == {
        "port": 8123,
        "host": "host",
        "family": None,  # the environment may name several: `find_families` reads it
        "collection": "collection",
        "films": Path("films"),
        "labels": Path("labels"),
        "nlm": "https://mirror.example",
        "study": Path("study"),
    }
    assert parser().parse_args(["--port", "9"]).port == 9


def test_a_collection_that_models_cannot_search_is_left_out_and_named(
    models: dict[str, DualEncoder], collection: Collection, capsys: pytest.CaptureFixture[str]
) -> None:
    films = tuple(replace(film, id=f"other-{film.id}") for film in collection)
    bare = replace(collection, name="bare", films=films, folder=None)
    assert [group[0].collection.name for group in open_sets(models, [bare, collection])] == [collection.name]
    assert "bare" in capsys.readouterr().err
    with pytest.raises(EmbeddingsError):
        open_sets(models, [bare])
