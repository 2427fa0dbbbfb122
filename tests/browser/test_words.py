"""The words panel, as a visitor meets it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from negviz.explain.attribution import METHODS
from negviz.language.prompt import read_prompt
from negviz.page.attribution import words
from tests.browser.conftest import HOSTILE, App, Visit, look_at

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}


@pytest.fixture(scope="module")
def seat(chromium: Browser, running: App) -> Iterator[Visit]:
    """One page for the tests below, none of which minds what the others left."""
    for visit in look_at(chromium, running, {}):
        visit.unfold("attribution")
        yield visit


def _ask(visit: Visit, text: str) -> None:
    """Search and wait until the table's words are those of the sentence."""
    visit.search(text)
    found = [word.text for word in read_prompt(text).words]
    expect(visit.page.locator(".nv-heat tbody th")).to_contain_text(found)


def test_the_example_is_answered_when_the_page_comes(visit: Visit) -> None:
    visit.unfold("attribution")
    assert visit.page.locator(".nv-heat thead th").all_inner_texts() == ["Word", "Base", "CON1", "CON2"]
    assert visit.page.locator(".nv-heat tbody tr").count() == 2
    assert visit.page.locator(".nv-heat u").inner_text() == "No"
    assert words.READS_IT in visit.text(".nv-reads-it")


def test_another_sentence_has_other_words(seat: Visit) -> None:
    _ask(seat, "no left pleural effusion.")
    assert seat.page.locator(".nv-heat tbody tr").count() == 5
    assert words.share_on("no") in seat.text(".nv-heat tfoot")


def test_target_and_method_are_chosen_by_keyboard(seat: Visit) -> None:
    _ask(seat, "no effusion")
    before = seat.text(".nv-heat")
    seat.page.get_by_role("button", name=words.MEASURED).focus()
    seat.page.keyboard.press("Enter")
    seat.page.get_by_role("radio", name=words.TARGETS["hits"]).focus()
    for key in ("Tab", "Space"):  # gradio's radios are a stop of the tab key each
        seat.page.keyboard.press(key)
    expect(seat.page.locator(".nv-words")).to_contain_text("towards its opposite")
    assert seat.text(".nv-heat") != before
    seat.page.get_by_role("radio", name=METHODS["shapley"].title).check()
    expect(seat.page.locator(".nv-heat tfoot")).to_contain_text("0.000")
    seat.page.get_by_role("radio", name=words.TARGETS["hits"]).check()
    expect(seat.page.locator(".nv-words")).to_contain_text("towards these films")


def test_heads_are_looked_into_by_keyboard_alone(seat: Visit) -> None:
    _ask(seat, "no pleural effusion")
    seat.page.get_by_role("button", name=words.HEADS).focus()
    seat.page.keyboard.press("Enter")
    squares = seat.page.locator(".nv-grids section:nth-child(3) button")
    squares.first.wait_for()
    assert squares.count() == 2 * 4
    seat.page.locator(".nv-grids section:nth-child(3) button[tabindex='0']").focus()
    for key in ("ArrowLeft",) * 4 + ("ArrowUp", "ArrowRight"):
        seat.page.keyboard.press(key)
    says = seat.page.locator(".nv-grids section:nth-child(3) .nv-head-says")
    expect(says).to_contain_text("CON2, layer 1, head 2")
    seat.page.keyboard.press("Enter")
    expect(seat.page.locator(".nv-looks h3")).to_have_text(words.looks_at("CON2", 1, 2))
    _ask(seat, "no left effusion")  # an open fold follows the question, and no old head stays
    expect(seat.page.locator(".nv-looks")).to_have_count(0)
    expect(squares.first).to_be_visible()


def test_hostile_sentences_are_only_text(seat: Visit) -> None:
    for text in (*HOSTILE, "no ${window.hacked=1} {{constructor}} effusion"):
        _ask(seat, text)
    assert not seat.hacked


@pytest.mark.parametrize("visit", [PHONE], indirect=True, ids=["phone"])
def test_a_phone_scrolls_a_wide_grid_inside_its_box(visit: Visit) -> None:
    visit.unfold("attribution")
    visit.page.get_by_role("button", name=words.HEADS).click()
    visit.page.locator(".nv-heads button").first.wait_for()
    too_wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert visit.page.evaluate(too_wide) <= 0
    for square in visit.page.locator(".nv-heads button").all()[:3]:
        box = square.bounding_box()
        assert box is not None
        assert min(box["height"], box["width"]) >= 44


def test_the_named_endpoint_answers_in_plain_json(seat: Visit, running: App) -> None:
    address = f"{running.address}gradio_api/call/attribute"
    event = seat.page.request.post(address, data={"data": ["no effusion"]}).json()["event_id"]
    lines = seat.page.request.get(f"{address}/{event}").text().splitlines()
    assert lines[0] == "event: complete", lines
    given = json.loads(lines[1].removeprefix("data: "))[0]
    assert list(given["models"]) == ["base", "con1", "con2"]
    assert [word["text"] for word in given["models"]["con2"]["words"]] == ["no", "effusion"]
