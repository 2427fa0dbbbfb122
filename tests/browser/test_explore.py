"""Explore, as a visitor meets it."""

from __future__ import annotations

import json

import pytest
from axe_playwright_python.sync_playwright import Axe

from negviz.page import words
from tests.browser.conftest import ANSWERS_WITHIN, HOSTILE, App, Visit

MODELS = ("base", "con1", "con2")
SECRET = "no effusion in zanzibar"
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}


def test_first_paint_is_an_example_already_answered(visit: Visit) -> None:
    assert visit.text(".nv-sentence") == "Example No pleural effusion"  # the quotation marks are drawn
    assert visit.text(".nv-chip") == "effusion · absent"
    assert visit.text(".nv-strip") == words.NOT_CLINICAL
    assert visit.page.locator("h2").all_inner_texts() == [
        "Base before tuning",
        "CON1 tuned on matching pairs",
        "CON2 tuned on opposites",
    ]
    for model in MODELS:
        assert len(visit.films(model)) == 10
        count = visit.text(f"[data-model={model}] .nv-count")
        assert count.endswith("of 10 match · random picks: 5")
    visit.page.wait_for_function(
        "() => [...document.querySelectorAll('.nv-tile img')].every(image => image.naturalWidth > 0)"
    )
    assert "film00" in visit.films("base")[:5]  # base shows effusion first, whatever was asked


def test_a_typed_sentence_changes_the_galleries(stay: Visit) -> None:
    stay.search("no pleural effusion")
    before = stay.films("con2")
    stay.search("small left pleural effusion")
    assert stay.text(".nv-sentence").startswith("Read as")
    assert stay.text(".nv-chip") == "effusion · present"
    assert stay.films("con2") != before
    shown = stay.page.locator("[data-model=con2] .nv-tile").first
    assert words.MATCHES in shown.inner_text()
    film = shown.get_attribute("data-film") or ""
    assert film.split("_")[0] in (shown.locator("img").get_attribute("src") or "")


def test_an_example_answers_itself(stay: Visit) -> None:
    stay.page.get_by_role("button", name="Effusion cannot be excluded").click()
    stay.page.get_by_text("so nothing is counted").wait_for(timeout=ANSWERS_WITHIN)
    assert stay.page.get_by_role("textbox").input_value() == "Effusion cannot be excluded"
    assert stay.page.locator(".nv-mark").count() == 0


def test_all_films_are_tagged_where_they_were_used_in_tuning(stay: Visit) -> None:
    stay.search("no effusion")
    assert stay.page.locator(".nv-tuned").count() == 0
    stay.page.get_by_role("radio", name="All films").check()
    stay.page.locator(".nv-tuned").first.wait_for(timeout=ANSWERS_WITHIN)
    assert "all 26 films" in stay.text(".nv-reading")
    stay.page.get_by_role("radio", name="Test films").check()
    stay.page.get_by_text("Searched 10 films").wait_for(timeout=ANSWERS_WITHIN)


def test_hostile_sentences_and_ids_are_only_text(stay: Visit) -> None:
    stay.search("effusion")
    shown = stay.films("base")
    assert set(HOSTILE) <= set(shown)
    for text in (*HOSTILE, "${window.hacked=1} effusion", "{{constructor.constructor('window.hacked=1')()}}"):
        stay.search(text)
        assert stay.text(".nv-sentence q").strip() == text
    assert not stay.hacked
    assert stay.page.locator(".nv-well img[src=x]").count() == 0


def test_odd_sentences_are_survived(stay: Visit) -> None:
    stay.search("胸水なし، لا يوجد انصباب 🫁")
    assert words.NOTHING_RECOGNISED in stay.text(".nv-reading")
    assert len(stay.films("con1")) == 10
    stay.search("no effusion " + "y" * 3_000)
    assert words.CUT in stay.text(".nv-reading")
    stay.page.get_by_role("textbox").fill("   ")
    stay.page.get_by_role("button", name=words.SEARCH, exact=True).click()
    stay.page.get_by_text("Type a sentence to search for").wait_for(timeout=ANSWERS_WITHIN)
    stay.search("no effusion")
    assert len(stay.films("con1")) == 10


def test_what_was_meant_can_be_told_by_keyboard_alone(stay: Visit) -> None:
    stay.search("qwerty film")
    films = stay.films("base")
    assert stay.page.locator(".nv-mark").count() == 0
    absent = stay.page.get_by_role("radio", name="absent")
    absent.wait_for(timeout=ANSWERS_WITHIN)
    absent.focus()
    for key in ("Space", "Tab", "Enter"):
        stay.page.keyboard.press(key)
    stay.page.get_by_text(words.CORRECTED).wait_for(timeout=ANSWERS_WITHIN)
    assert stay.films("base") == films
    assert stay.page.locator(".nv-mark").count() == 30


@pytest.mark.parametrize(
    "visit", [{"color_scheme": "light"}, {"color_scheme": "dark"}], indirect=True, ids=["light", "dark"]
)
def test_nothing_serious_bars_anybody(visit: Visit) -> None:
    dark = visit.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(12, 14, 16)"
    assert dark is visit.page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    assert _barriers(visit) == []
    visit.search("zzz")
    assert _barriers(visit) == []


def _barriers(visit: Visit) -> list[str]:
    found = Axe().run(visit.page).response["violations"]
    return [
        f"{violation['id']}: {violation['nodes'][0]['target']}"
        for violation in found
        if violation["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("visit", [PHONE], indirect=True, ids=["phone"])
def test_a_phone_needs_no_sideways_scrolling(visit: Visit) -> None:
    too_wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert visit.page.evaluate(too_wide) <= 0
    visit.search("x" * 300)
    assert visit.page.evaluate(too_wide) <= 0
    for target in visit.page.locator("button:visible, fieldset label:visible").all():
        box = target.bounding_box()
        assert box is not None
        assert box["height"] >= 44


def test_what_is_typed_is_kept_nowhere(stay: Visit, running: App) -> None:
    stay.search(SECRET)
    assert "zanzibar" not in stay.page.url
    assert "zanzibar" not in stay.page.evaluate(
        "JSON.stringify([localStorage, sessionStorage, document.cookie])"
    )
    assert "zanzibar" not in running.log.read_text(encoding="utf-8")


def test_the_named_endpoint_answers_in_plain_json(stay: Visit, running: App) -> None:
    address, data = f"{running.address}gradio_api/call/search", ["No pleural effusion", "drawn", 3]
    event = stay.page.request.post(address, data={"data": data}).json()["event_id"]
    lines = stay.page.request.get(f"{address}/{event}").text().splitlines()
    assert lines[0] == "event: complete", lines
    found = json.loads(lines[1].removeprefix("data: "))[0]
    assert found["set"] == "test"
    assert list(found["models"]) == list(MODELS)
    assert [len(model["hits"]) for model in found["models"].values()] == [3, 3, 3]
