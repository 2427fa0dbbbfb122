"""The dial in a browser: by keyboard, with the cursor and the film following the slider."""

from __future__ import annotations

from playwright.sync_api import expect

from negviz.page.dial import words
from tests.browser.conftest import Visit

SLIDER = ".nv-dial-severity input[type=range]"
FILMS_WITHIN = 30_000  # milliseconds: half a second each, on a busy machine more


def test_the_film_and_the_cursor_follow_the_slider(stay: Visit) -> None:
    page = stay.page
    stay.unfold("dial")
    slider = page.locator(SLIDER)
    slider.scroll_into_view_if_needed()
    slider.focus()
    for _ in range(2):
        slider.press("ArrowRight")
    expect(page.locator(".nv-dial-caption b")).to_have_text("0.70", timeout=FILMS_WITHIN)
    image = page.locator("[data-dial] img")
    assert (image.get_attribute("alt") or "").endswith("0.70")
    assert (
        page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--nv-severity')") == "0.7"
    )
    assert page.locator("[data-dial] .nv-dial-badge").inner_text() == words.SIMULATED
    page.wait_for_function(
        "document.querySelector('[data-dial] img').naturalWidth === 384", timeout=FILMS_WITHIN
    )


def test_another_chest_is_another_film(stay: Visit) -> None:
    stay.unfold("dial")
    before = stay.page.locator("[data-dial]").get_attribute("data-seed")
    stay.page.get_by_role("button", name=words.ANOTHER).press("Enter")
    expect(stay.page.locator("[data-dial]")).not_to_have_attribute("data-seed", before or "")


def test_findings_without_a_side_offer_none(stay: Visit) -> None:
    stay.unfold("dial")
    stay.search("no cardiomegaly")
    expect(stay.page.locator("[data-dial]")).to_have_attribute("data-finding", "cardiomegaly")
    expect(stay.page.get_by_role("radio", name="left", exact=True)).to_have_count(0)
    stay.search("no pleural effusion")
    expect(stay.page.get_by_role("radio", name="left", exact=True)).to_have_count(1)


def test_no_sentence_is_in_an_address(stay: Visit) -> None:
    asked: list[str] = []
    stay.page.on("request", lambda request: asked.append(request.url))
    stay.search("no effusion in samarkand")
    stay.page.wait_for_timeout(500)
    assert not [url for url in asked if "samarkand" in url]
