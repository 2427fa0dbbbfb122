"""The lesson as a room meets it: by keyboard, on a wall and on a phone; and Evidence and About beside it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from negviz.page.lesson import words
from tests.browser.conftest import App, Visit, look_at

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}


@pytest.fixture(scope="module")
def taught(chromium: Browser, running: App) -> Iterator[Visit]:
    for visit in look_at(chromium, running, {}):
        visit.open_tab("Lesson")
        yield visit


def test_the_answer_is_hidden_until_it_is_asked_for(taught: Visit) -> None:
    step = taught.page.locator(".nv-step").first
    assert step.locator(".nv-answer").is_hidden()
    vote = step.locator("[data-vote='1']")
    vote.click()
    assert vote.get_attribute("aria-pressed") == "true"
    assert words.RIGHT not in step.inner_text()
    step.get_by_role("button", name=words.REVEAL).click()
    assert step.locator(".nv-answer").is_visible()
    assert words.RIGHT in step.inner_text()
    assert words.VOTED in step.inner_text()
    assert (
        taught.page.evaluate("Object.keys(localStorage).concat(Object.keys(sessionStorage)).join()").find(
            "vote"
        )
        == -1
    )


def test_a_presenter_needs_no_mouse(taught: Visit) -> None:
    page = taught.page
    page.get_by_role("button", name=words.PRESENT).focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".nv-presenting")
    now = page.locator(".nv-step.nv-now")
    assert now.locator("h3").evaluate("node => node === document.activeElement")
    size = now.locator(".nv-question").evaluate("node => parseFloat(getComputedStyle(node).fontSize)")
    assert size >= 28
    page.keyboard.press("PageDown")
    assert words.number(2, 6) in now.inner_text()
    page.keyboard.press("2")
    assert now.locator("[data-vote='1']").get_attribute("aria-pressed") == "true"
    assert now.locator(".nv-answer").is_hidden()
    page.keyboard.press(" ")
    assert now.locator(".nv-answer").is_visible()
    page.keyboard.press("PageUp")
    assert words.number(1, 6) in now.inner_text()
    smallest = page.evaluate(
        """() => Math.min(...[...document.querySelectorAll(".nv-presenting *")]
          .filter(node => node.checkVisibility())
          .filter(node => [...node.childNodes].some(n => n.nodeType === 3 && n.data.trim()))
          .map(node => parseFloat(getComputedStyle(node).fontSize)))"""
    )
    assert smallest >= 28
    page.keyboard.press("Escape")
    page.wait_for_selector(".nv-lesson:not(.nv-presenting)")
    assert page.locator("[inert]").count() == 0


def test_a_step_has_a_qr_code_to_its_comparison(taught: Visit) -> None:
    step = taught.page.locator(".nv-step").nth(2)
    step.get_by_role("button", name=words.QR).click()
    step.locator(".nv-qr svg[role=img]").wait_for()
    assert words.LOCAL_ONLY in step.inner_text()


@pytest.mark.parametrize("visit", [PHONE], indirect=True, ids=["phone"])
def test_the_tabs_are_for_everybody_on_a_phone(visit: Visit) -> None:
    """On wider screens, in light and dark, `test_quality` asks the same of every tab."""
    for name in ("Lesson", "Evidence", "About"):
        visit.open_tab(name)
        assert visit.barriers() == []
        assert visit.page.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        )
