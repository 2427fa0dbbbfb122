"""Explore, as a visitor meets it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Locator, expect

from negviz.language.identifiers import identifier
from negviz.models.checkpoint import write_checkpoint
from negviz.models.family import load_models
from negviz.page import words
from tests.browser.conftest import HOSTILE, App, Visit, look_at, start
from tests.language.test_identifiers import IDENTIFYING, ORDINARY

MODELS = ("base", "con1", "con2")
SECRET = "no effusion in zanzibar"
CHIP = ".nv-meant > button > span:first-child"
FAR = 60  # pixels
PROJECTOR = {"width": 1280, "height": 720}
HEIGHTS = "all => all.map(one => one.getBoundingClientRect().height)"
BOTTOMS = "all => all.map(one => one.getBoundingClientRect().bottom)"
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}


def test_first_paint_is_an_example_already_answered(visit: Visit) -> None:
    assert visit.text(".nv-sentence") == "Example No effusion"  # the quotation marks are drawn
    assert visit.text(CHIP) == "effusion · absent"
    assert visit.text(".nv-strip") == words.NOT_CLINICAL
    assert visit.page.locator(".nv-column h2").all_inner_texts() == [
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
    assert stay.text(CHIP) == "effusion · present · left"
    assert stay.films("con2") != before
    shown = stay.page.locator("[data-model=con2] .nv-tile").first
    assert words.MATCHES in shown.inner_text()
    film = shown.get_attribute("data-film") or ""
    assert film.split("_")[0] in (shown.locator("img").get_attribute("src") or "")


def test_an_example_answers_itself(stay: Visit) -> None:
    stay.search("zzz")
    example = stay.page.locator("[data-try]").last
    text = example.get_attribute("data-try") or ""
    example.click()
    expect(stay.page.locator(".nv-sentence q")).to_have_text(text)
    assert stay.box.input_value() == text
    assert stay.page.locator("[data-try] small").count() > 0


def test_all_films_are_tagged_where_they_were_used_in_tuning(stay: Visit) -> None:
    stay.search("no effusion")
    assert stay.page.locator(".nv-tuned").count() == 0
    stay.page.get_by_role("radio", name="all films").check()
    stay.page.locator(".nv-tuned").first.wait_for()
    stay.page.get_by_text("Searched all 26 films").wait_for()
    stay.page.get_by_role("radio", name="test films").check()
    stay.page.get_by_text("Searched 10 films").wait_for()


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
    assert words.ENGLISH_ONLY in stay.text(".nv-reading")
    assert len(stay.films("con1")) == 10
    stay.search("no effusion " + "y" * 3_000)
    assert words.CUT in stay.text(".nv-reading")
    stay.box.fill("   ")
    stay.page.get_by_role("button", name=words.SEARCH, exact=True).click()
    stay.page.get_by_text("Type a sentence to search for").wait_for()
    stay.search("no effusion")
    assert len(stay.films("con1")) == 10


def test_what_was_meant_can_be_told_by_keyboard_alone(stay: Visit) -> None:
    stay.search("qwerty film")
    films = stay.films("base")
    assert stay.page.locator(".nv-mark").count() == 0
    finding = stay.page.locator(".nv-meant").get_by_role("combobox", name=words.FINDING)
    finding.wait_for()
    expect(finding).to_have_value("")
    absent = stay.page.get_by_role("radio", name="absent", exact=True)
    expect(absent).not_to_be_checked()  # as the sentence before had left it
    finding.focus()
    stay.page.keyboard.type("effusion", delay=60)  # as hands type: the list follows each letter
    stay.page.wait_for_timeout(150)
    stay.page.keyboard.press("Enter")
    stay.page.wait_for_timeout(150)
    absent.focus()
    stay.page.keyboard.press("Space")
    mark = stay.page.get_by_role("button", name=words.MARK)
    expect(mark).to_be_enabled()  # a key passes over a button that is not
    for key in ("Tab", "Enter"):
        stay.page.keyboard.press(key)
    stay.page.get_by_text(words.CORRECTED).wait_for()
    assert stay.films("base") == films
    assert stay.page.locator(".nv-mark").count() == 30
    assert stay.text(CHIP) == "effusion · absent"


def test_what_may_mean_several_things_is_asked_and_marked_when_it_is_told(stay: Visit) -> None:
    stay.search("collapsed lung")
    films = stay.films("base")
    offers = stay.page.locator(".nv-offer:visible")
    expect(offers).to_have_text(["pneumothorax · present", "atelectasis · present"])
    assert stay.page.locator(".nv-mark").count() == 0
    assert stay.text(CHIP) == words.SOMETHING_ELSE
    question, answers = (
        stay.page.locator(f"{css}:visible").first.bounding_box() for css in (".nv-say", ".nv-offer")
    )
    assert question is not None
    assert answers is not None
    assert question["height"] < 30  # one line of 18 px, above its answers
    assert question["y"] + question["height"] <= answers["y"]
    row = [".nv-offer:visible", ".nv-meant", ".nv-switches"]
    tops = [stay.page.locator(css).first.evaluate("one => one.getBoundingClientRect().top") for css in row]
    assert max(tops) - min(tops) < 1
    offers.first.focus()
    stay.page.keyboard.press("Enter")
    stay.page.get_by_text(words.CORRECTED).wait_for()
    expect(offers).to_have_count(0)
    assert stay.films("base") == films
    assert stay.page.locator(".nv-mark").count() == 30
    assert stay.text(CHIP) == "pneumothorax · present"


def test_a_reading_that_was_recognised_can_be_corrected_too(stay: Visit) -> None:
    stay.search("no pleural effusion")
    chip = stay.page.locator(".nv-meant > button")
    assert chip.get_attribute("aria-expanded") == "false"
    chip.focus()
    stay.page.keyboard.press("Enter")
    stay.page.locator(".nv-meant > button[aria-expanded=true]").wait_for()
    stay.page.get_by_role("radio", name="present", exact=True).check()
    stay.page.get_by_role("button", name=words.MARK).click()
    stay.page.get_by_text(words.CORRECTED).wait_for()
    assert stay.text(CHIP) == "effusion · present"


def test_a_correction_opens_on_the_reading_and_waits_for_a_change(stay: Visit) -> None:
    stay.search("no cardiomegaly")
    chip = stay.page.locator(".nv-meant > button")
    expect(chip).to_contain_text("cardiomegaly · absent")
    if chip.get_attribute("aria-expanded") != "true":
        chip.click()
    present, absent = (
        stay.page.get_by_role("radio", name=name, exact=True) for name in ("present", "absent")
    )
    mark = stay.page.get_by_role("button", name=words.MARK)
    finding = stay.page.locator(".nv-meant").get_by_role("combobox", name=words.FINDING)
    expect(finding).to_have_value("cardiomegaly")
    expect(absent).to_be_checked()
    expect(mark).to_be_disabled()
    present.check()
    expect(mark).to_be_enabled()
    absent.check()
    expect(mark).to_be_disabled()
    stay.search("qwerty film")
    expect(finding).to_have_value("")
    expect(absent).not_to_be_checked()
    absent.check()
    expect(mark).to_be_disabled()  # of what?
    stay.search("no effusion")
    expect(chip).to_have_attribute("aria-expanded", "false")
    chip.click()
    expect(finding).to_have_value("effusion")
    expect(absent).to_be_checked()


def test_groups_of_choices_have_names(stay: Visit) -> None:
    assert stay.page.get_by_role("group", name=words.SEARCH_IN).is_visible()


def test_what_is_said_of_one_sentence_goes_with_it(visit: Visit) -> None:
    visit.search("qwerty film")
    visit.page.get_by_role("checkbox", name=words.WORD_OPPOSITE).check()
    said = visit.page.get_by_text(words.NO_OPPOSITE)
    said.wait_for()
    visit.search("no effusion")
    expect(said).to_have_count(0)


# Selecting ------------------------------------------------------------------------------------


def test_a_film_selected_by_keyboard_is_selected_everywhere_with_its_ranks(visit: Visit) -> None:
    visit.page.get_by_role("radio", name="all films").check()
    visit.page.get_by_text("Searched all 26 films").wait_for()
    columns = {model: visit.films(model) for model in MODELS}
    film = next(film for film in columns["base"] if film not in columns["con2"] and film not in HOSTILE)
    visit.page.locator(f"[data-model=base] [data-film={film}] .nv-pick").focus()
    visit.page.keyboard.press("Enter")
    spare = visit.page.locator(".nv-spare[data-model=con2]")
    spare.get_by_text("[rank ").wait_for()
    assert spare.locator("img").evaluate("image => image.src").endswith(f"id={film}")
    assert "similarity" in spare.inner_text()
    place = columns["base"].index(film) + 1
    assert visit.text(".nv-spare[data-model=base]") == words.IN_TEN.format(place)
    pressed = visit.page.locator(f"[data-film={film}] .nv-pick")
    assert {tile.get_attribute("aria-pressed") for tile in pressed.all()} == {"true"}
    states: tuple[tuple[bool, Literal["attached", "detached"]], ...] = (
        (True, "attached"),
        (False, "detached"),
    )
    for compared, state in states:
        visit.page.get_by_role("checkbox", name=words.TAKE_AWAY).set_checked(compared)
        visit.page.locator(".nv-compared").wait_for(state=state)
    spare.get_by_text("[rank ").wait_for()
    visit.search("pleural effusion")
    assert visit.page.locator(".nv-selected").first.get_attribute("data-film") == film
    visit.page.locator(".nv-pick").first.focus()
    visit.page.keyboard.press("Escape")
    assert visit.page.locator(".nv-selected").count() == 0
    assert visit.text(".nv-spare[data-model=con2]") == words.PICK


def test_a_column_shows_more_of_its_films_with_their_marks_and_chance(visit: Visit) -> None:
    visit.page.get_by_role("radio", name="all films").check()
    visit.page.get_by_text("Searched all 26 films").wait_for()
    column = visit.page.locator(".nv-column[data-model=con1]")
    more = column.locator(".nv-more")
    expect(more).to_have_text(words.SHOW.format(26))
    more.focus()
    visit.page.keyboard.press("Enter")
    expect(column.locator(".nv-tile")).to_have_count(26)
    expect(more).to_have_attribute("aria-expanded", "true")
    expect(column.locator(".nv-further")).to_contain_text("11 of 22 judged match · random picks: 11")
    assert column.locator(".nv-tile .nv-mark").count() == 26
    assert visit.page.locator("[data-model=base] .nv-tile").count() == 10
    assert visit.barriers(".nv-columns") == []
    film = column.locator(".nv-tile").nth(20)
    film.locator(".nv-pick").press("Enter")
    expect(visit.page.locator(".nv-spare[data-model=con1]")).to_have_text(words.IN_TEN.format(21))
    visit.search("pleural effusion")  # and goes on showing them
    expect(column.locator(".nv-further")).to_contain_text("11 of 22 judged match")
    expect(column.locator(".nv-tile")).to_have_count(26)
    assert column.locator(".nv-tile").first.get_attribute("data-film") == visit.films("con1")[0]
    more.press("Enter")
    expect(column.locator(".nv-tile")).to_have_count(10)
    expect(more).to_have_text(words.SHOW.format(26))


def test_more_films_like_one_are_shown_and_left_again(visit: Visit) -> None:
    film = next(film for film in visit.films("con2") if film not in HOSTILE)
    alike = visit.page.locator(f"[data-model=con2] [data-film={film}] .nv-alike")
    visit.page.locator(f"[data-model=con2] [data-film={film}] .nv-pick").focus()
    alike.focus()
    visit.page.keyboard.press("Enter")
    shown = visit.page.get_by_role("region", name=words.ALIKE.format(id=film))
    expect(shown.get_by_role("heading")).to_be_focused()
    expect(visit.page.locator(".nv-columns")).to_be_hidden()
    films = [tile.get_attribute("data-film") for tile in shown.locator(".nv-tile").all()]
    assert len(films) == 9
    assert film not in films
    assert shown.locator(".nv-mark").count() == 9
    assert visit.barriers(".nv-like") == []
    visit.page.keyboard.press("Escape")
    expect(visit.page.locator(".nv-columns")).to_be_visible()
    expect(alike).to_be_focused()
    visit.page.locator(f"[data-model=con2] [data-film={film}]").dblclick()
    visit.page.locator("dialog.nv-viewer[open]").wait_for()
    visit.page.keyboard.press("l")
    shown.wait_for()
    assert visit.page.locator("dialog.nv-viewer[open]").count() == 0
    visit.search("no fluid")  # another answer takes their place
    expect(visit.page.locator(".nv-columns")).to_be_visible()
    expect(shown).to_have_count(0)


# Taking the "no" away, pinning ----------------------------------------------------------------


def test_the_no_is_taken_away_by_keyboard_alone(visit: Visit) -> None:
    visit.page.get_by_role("radio", name="all films").check()
    visit.page.get_by_text("Searched all 26 films").wait_for()
    visit.page.get_by_role("checkbox", name=words.TAKE_AWAY).focus()
    visit.page.keyboard.press("Space")
    visit.page.locator(".nv-compared").wait_for()
    assert visit.page.locator("[data-model=base] h3 q").all_inner_texts() == ["No effusion", "Effusion"]
    assert visit.text("[data-model=base] .nv-stays") == "10 of 10 films stay"
    opposite = visit.page.get_by_role("textbox", name=words.OPPOSITE)
    assert opposite.input_value() == "Effusion"
    opposite.fill("there is fluid")
    opposite.press("Enter")
    visit.page.locator("[data-model=con2] h3 q", has_text="there is fluid").wait_for()
    visit.page.get_by_role("checkbox", name=words.TAKE_AWAY).uncheck()
    visit.page.locator(".nv-compared").wait_for(state="detached")
    assert len(visit.films("base")) == 10


def test_ours_is_a_fourth_column_at_one_press_and_is_known_where_models_are_added(
    chromium: Browser, family_folder: Path, collection_folder: Path, tmp_path: Path
) -> None:
    family = Path(shutil.copytree(family_folder, tmp_path / "tiny"))
    tuned = load_models(family)["con2"].text.tunable()
    write_checkpoint(family, words.OURS, tuned, training={"seed": 1})
    with start(["--family", str(family), "--collection", str(collection_folder)], tmp_path) as app:
        for visit in look_at(chromium, app, {"viewport": PROJECTOR}):
            ours = visit.page.get_by_role("checkbox", name=words.ADD_OURS)
            ours.focus()
            visit.page.keyboard.press("Space")
            visit.page.locator(f".nv-column[data-model={words.OURS}]").wait_for()
            assert len(visit.films(words.OURS)) == len(visit.films("base")) > 0
            heads = visit.page.locator(".nv-column > div:first-child").evaluate_all(HEIGHTS)
            assert len(heads) == 4
            assert max(heads) <= 72  # three lines
            assert max(visit.page.locator(".nv-tile").evaluate_all(BOTTOMS)) <= PROJECTOR["height"]
            visit.search("effusion")
            assert len(visit.films(words.OURS)) == len(visit.films("base")) > 0
            visit.page.locator(".nv-add > button").click()  # the same model, named there too
            added = visit.page.locator(f".nv-add input[name={words.OURS}]")
            expect(added).to_be_checked()
            added.uncheck()
            visit.page.locator(f".nv-column[data-model={words.OURS}]").wait_for(state="detached")
            expect(ours).not_to_be_checked()


@pytest.mark.parametrize("visit", [PHONE], indirect=True)
def test_on_a_phone_the_switch_stands_beside_the_reading(visit: Visit) -> None:
    reading, switch = (visit.page.locator(css).bounding_box() for css in (".nv-meant", ".nv-switches"))
    assert reading is not None
    assert switch is not None
    assert abs(reading["y"] - switch["y"]) < reading["height"]


def test_two_boxes_are_filled_by_keyboard_and_stay_a_column(visit: Visit) -> None:
    visit.page.locator(".nv-add > button").press("Enter")
    visit.page.locator(".nv-boxes > button").press("Enter")
    show, but_not = (
        visit.page.get_by_role("textbox", name=name) for name in (words.SHOW_BOX, words.BUT_NOT_BOX)
    )
    expect(but_not).to_have_value("There is a pleural effusion.")  # what the example rules out
    show.fill("chest film")
    show.press("Tab")
    visit.page.keyboard.type("pleural effusion")  # over what stood there, which Tab selects
    visit.page.keyboard.press("Enter")
    column = visit.page.locator("[data-model=two-boxes] .nv-margin")
    expect(column).to_have_text("Show “chest film”, but not “pleural effusion”")
    films = visit.films("two-boxes")
    assert len(films) == 10
    visit.search("fluid")
    expect(column).to_be_visible()
    assert visit.films("two-boxes") == films
    assert visit.barriers(".nv-sets") == []
    visit.page.locator("#nv-fold-diagnosis").click()
    expect(visit.page.locator(".nv-panel-diagnosis")).to_contain_text("CON2")
    expect(visit.page.locator(".nv-panel-diagnosis")).not_to_contain_text("but not")
    but_not.fill("")
    but_not.press("Enter")
    expect(column).to_have_count(0)


def test_a_pinned_sentence_is_compared_with_the_next(visit: Visit) -> None:
    visit.page.get_by_role("button", name=words.PIN).click()
    visit.page.get_by_role("button", name=words.UNPIN).wait_for()
    visit.search("lungs without fluid around them")
    visit.page.locator(".nv-compared").wait_for()
    said = visit.page.locator("[data-model=con1] h3 q").all_inner_texts()
    assert said == ["lungs without fluid around them", "No effusion"]
    visit.page.get_by_role("button", name=words.UNPIN).click()
    visit.page.locator(".nv-compared").wait_for(state="detached")


# What is typed --------------------------------------------------------------------------------


def test_what_may_name_a_patient_is_not_sent_unasked(visit: Visit) -> None:
    sent: list[str] = []
    visit.page.on("request", lambda asked: sent.append(asked.post_data or ""))
    guard = visit.page.locator(".nv-guard")
    visit.box.fill("no effusion, MRN 0045123")
    visit.box.press("Enter")
    guard.get_by_text("a record number").wait_for()
    visit.page.keyboard.press("Enter")  # back to the sentence
    assert guard.is_hidden()
    assert visit.box.evaluate("box => box === document.activeElement")
    visit.page.get_by_role("button", name=words.SEARCH, exact=True).click()
    guard.wait_for()
    assert not any("0045123" in body for body in sent)
    guard.get_by_role("button", name=words.SEND_ANYWAY).click()
    visit.page.locator(".nv-sentence q", has_text="0045123").wait_for()
    assert any("0045123" in body for body in sent)


def test_the_browser_sees_in_a_sentence_what_python_sees(visit: Visit) -> None:
    texts = [*IDENTIFYING, *ORDINARY]
    found = visit.page.evaluate(
        """texts => { const signs = JSON.parse(document.querySelector('.nv-guard').dataset.signs);
        return texts.map(text => signs.find(
            sign => new RegExp(sign.pattern, sign.any_case ? 'iu' : 'u').test(text))?.kind ?? null); }""",
        texts,
    )
    assert found == [identifier(text) for text in texts]


def test_a_visit_is_cleared(visit: Visit) -> None:
    visit.search(SECRET)
    visit.page.locator(".nv-pick").first.click()
    visit.page.get_by_role("button", name=words.CLEAR).click()
    visit.page.get_by_text(words.CLEARED).wait_for()
    assert visit.box.input_value() == ""
    assert visit.page.locator(".nv-tile").count() == 0
    visit.page.wait_for_function(  # panels are told after the galleries, each in its turn
        "() => !document.documentElement.outerHTML.includes('zanzibar')"
    )
    assert "zanzibar" not in visit.page.content()
    visit.search("no effusion")
    assert visit.page.locator(".nv-selected").count() == 0


def test_clearing_is_far_from_other_buttons_and_can_be_undone(visit: Visit) -> None:
    page = visit.page
    visit.search("no effusion")
    page.get_by_role("button", name=words.PIN).click()
    page.get_by_role("button", name=words.UNPIN).wait_for()
    clear = page.get_by_role("button", name=words.CLEAR)
    assert _nearest(clear) > FAR
    visit.search("lungs without fluid around them")
    page.locator(".nv-compared").wait_for()
    shown = page.locator(".nv-tile").evaluate_all("tiles => tiles.map(tile => tile.dataset.film)")
    clear.click()
    page.get_by_text(words.CLEARED).wait_for()
    assert page.locator(".nv-tile").count() == 0
    assert page.evaluate("scrollY") == 0
    page.get_by_role("button", name=words.BRING_BACK).click()
    page.locator(".nv-compared").wait_for()
    assert page.locator(".nv-tile").evaluate_all("tiles => tiles.map(tile => tile.dataset.film)") == shown
    assert visit.box.input_value() == "lungs without fluid around them"
    assert page.get_by_role("button", name=words.UNPIN).is_visible()
    expect(page.get_by_role("button", name=words.BRING_BACK)).to_have_count(0)


def _nearest(button: Locator) -> float:
    """Pixels from a button to the nearest other thing to be pressed."""
    gap: float = button.evaluate(
        """button => { const a = button.getBoundingClientRect();
        return Math.min(...[...document.querySelectorAll("button, a, summary, input, label")]
            .filter(other => other !== button && other.checkVisibility())
            .map(other => other.getBoundingClientRect()).filter(b => b.width)
            .map(b => Math.hypot(Math.max(a.left - b.right, b.left - a.right, 0),
                                 Math.max(a.top - b.bottom, b.top - a.bottom, 0)))); }"""
    )
    return gap


# Everybody, everywhere ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "visit", [{"color_scheme": "light"}, {"color_scheme": "dark"}], indirect=True, ids=["light", "dark"]
)
def test_nothing_serious_bars_anybody(visit: Visit) -> None:
    """Nor where nothing is read, or a film is picked; of all else `test_quality` asks it."""
    dark = visit.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(12, 14, 16)"
    assert dark is visit.page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    visit.search("zzz")
    assert visit.barriers() == []
    visit.search("no effusion")
    visit.page.locator(".nv-pick").first.click()
    visit.page.get_by_role("checkbox", name=words.TAKE_AWAY).check()
    visit.page.locator(".nv-compared").wait_for()
    assert visit.barriers() == []


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


@pytest.mark.parametrize("visit", [PHONE], indirect=True, ids=["phone"])
def test_a_phone_shows_one_column_at_a_time_and_every_count(visit: Visit) -> None:
    switch = visit.page.get_by_role("group", name=words.SHOW_COLUMN)
    assert all(part in switch.inner_text() for part in ("Base", "CON1", "CON2", "5/10"))
    assert visit.page.locator(".nv-column:visible h2").all_inner_texts() == ["Base before tuning"]
    switch.get_by_role("button", name="CON2").click()
    assert visit.page.locator(".nv-column:visible h2").all_inner_texts() == ["CON2 tuned on opposites"]
    visit.search("pleural effusion")
    assert visit.page.locator(".nv-column:visible").get_attribute("data-model") == "con2"
    visit.page.locator(".nv-column:visible .nv-tile").last.scroll_into_view_if_needed()
    stuck = switch.bounding_box()
    assert stuck is not None
    assert stuck["y"] >= -1


@pytest.mark.parametrize("width", [768, 1024, 1366, 1920, 2560])
def test_no_width_needs_sideways_scrolling(stay: Visit, width: int) -> None:
    stay.page.set_viewport_size({"width": width, "height": 768})
    too_wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert stay.page.evaluate(too_wide) <= 0
    stay.page.set_viewport_size({"width": 1366, "height": 768})


@pytest.mark.parametrize("visit", [{"viewport": PROJECTOR}], indirect=True, ids=["1280x720"])
def test_a_projector_shows_all_thirty_films_above_the_fold(visit: Visit) -> None:
    for sentence in ("", "heart is big, no fluid at the bottom", "small left effusion, no ptx"):
        if sentence:
            visit.search(sentence)
        bottoms = visit.page.locator(".nv-tile").evaluate_all(BOTTOMS)
        assert len(bottoms) == 30
        assert max(bottoms) <= PROJECTOR["height"]
        assert _last_line(visit.page.locator(".nv-verdict")) > 0.5


def _last_line(text: Locator) -> float:
    """How wide the last line is, as a share of the widest."""
    share: float = text.evaluate(
        """text => {
          const range = document.createRange(), lines = new Map();
          range.selectNodeContents(text);
          for (const { bottom, left, right } of range.getClientRects()) {
            const line = Math.round(bottom / 10), [from, to] = lines.get(line) ?? [left, right];
            lines.set(line, [Math.min(from, left), Math.max(to, right)]);
          }
          const widths = [...lines.values()].map(([from, to]) => to - from);
          return widths.at(-1) / Math.max(...widths);
        }"""
    )
    return share


@pytest.mark.parametrize("visit", [PHONE], indirect=True, ids=["phone"])
def test_on_a_phone_the_first_film_is_in_the_upper_half_and_the_rest_at_one_press(visit: Visit) -> None:
    aside = visit.page.locator(".nv-sets, .nv-wordings, .nv-usual").locator("visible=true")
    long = ("Cardiomegaly without effusion", "kid swallowed a coin, lungs fine, ribs fine")
    asked_back = ("neg for ptx, ribs 4 and 5 broken",)
    for text in ("", *long, *asked_back):
        if text:
            visit.search(text)
        first = visit.page.locator(".nv-column:visible .nv-tile").first.bounding_box()
        assert first is not None
        assert first["y"] <= 844 / 2, visit.text(".nv-said")
    expect(aside).to_have_count(0)
    more = visit.page.get_by_role("button", name=words.ASIDE)
    expect(more).to_have_attribute("aria-expanded", "false")
    more.focus()
    visit.page.keyboard.press("Enter")
    expect(more).to_have_attribute("aria-expanded", "true")
    expect(visit.page.locator(".nv-sets")).to_be_visible()
    visit.page.get_by_role("radio", name="all films").check()
    visit.page.get_by_text("Searched all 26 films").wait_for()
    expect(more).to_have_attribute("aria-expanded", "true")
    assert visit.barriers() == []


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
    assert list(found["models"]) == [*MODELS, "arithmetic"]  # whatever answers on the page, added or not
    assert all(len(model["hits"]) == 3 for model in found["models"].values())


def test_films_lie_side_by_side_however_much_a_head_says(visit: Visit) -> None:
    warned = visit.page.locator(".nv-column[data-model=base] .nv-tally")
    warned.evaluate(
        "head => head.insertAdjacentHTML('afterend', '<p>More to say. More to say.</p>'.repeat(3))"
    )
    firsts = visit.page.locator(".nv-column .nv-tile:first-child")
    tops = [tile.evaluate("tile => tile.getBoundingClientRect().top") for tile in firsts.all()]
    assert len(tops) == 3
    assert max(tops) - min(tops) < 1


def test_one_panel_at_a_time_is_unfolded_and_answers(stay: Visit) -> None:
    for panel, other in (("attribution", "diagnosis"), ("diagnosis", "attribution")):
        stay.unfold(panel)
        expect(stay.page.locator(f".nv-panel-{panel}")).to_be_visible()
        expect(stay.page.locator(f".nv-panel-{other}")).to_be_hidden()
        stay.search(f"no fluid by {panel}")
        mine, others = (
            stay.page.locator(f".nv-panel-{name} .nv-of q", has_text=f"by {panel}") for name in (panel, other)
        )
        expect(mine).to_be_visible()
        assert others.count() == 0
    stay.unfold("attribution")  # and is asked when it is unfolded
    expect(stay.page.locator(".nv-panel-attribution .nv-of q")).to_have_text("no fluid by diagnosis")
    stay.page.locator("#nv-fold-attribution").click()
    expect(stay.page.locator(".nv-panel-attribution")).to_be_hidden()
    height = stay.page.evaluate("document.documentElement.scrollHeight")
    assert height <= 2 * stay.page.viewport_size["height"]  # type: ignore[index]


def test_a_folded_panel_is_worked_out_when_it_is_opened(visit: Visit) -> None:
    for name in ("attribution", "diagnosis", "dial"):
        assert visit.page.locator(f".nv-panel-{name} .nv-of").count() == 0
        visit.unfold(name)
        expect(visit.page.locator(f".nv-panel-{name} .nv-of q", has_text="No effusion")).to_have_count(1)
        expect(visit.page.get_by_text(words.WORKED_OUT).locator("visible=true")).to_have_count(0)


def test_a_panel_says_what_it_answers_and_is_dim_until_that_is_what_was_asked(stay: Visit) -> None:
    panels = stay.page.locator(".nv-panel-diagnosis .nv-follows")
    dim = stay.page.locator(".nv-panel-diagnosis .nv-follows[data-stale]")
    stay.unfold("diagnosis")
    stay.search("no fluid at the bases")
    expect(dim).to_have_count(0)
    expect(stay.page.locator(".nv-panel-diagnosis .nv-of q")).to_have_text("no fluid at the bases")
    moved = "document.querySelector('.nv-columns').dataset.asked = {}"
    before = stay.page.evaluate("document.querySelector('.nv-columns').dataset.asked")
    stay.page.evaluate(moved.format("'{}'"))  # the films of another question have come
    expect(dim).to_have_count(panels.count())
    assert float(dim.first.evaluate("panel => getComputedStyle(panel).opacity")) < 0.6
    stay.page.evaluate(f"asked => {moved.format('asked')}", before)
    expect(dim).to_have_count(0)
