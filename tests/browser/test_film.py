"""Where on the film: the panel and the viewer, as a visitor meets them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from negviz.page.saliency import words
from tests.browser.conftest import EVERY, App, Visit, look_at


@pytest.fixture(scope="module")
def seat(chromium: Browser, running: App) -> Iterator[Visit]:
    """One page for the tests below."""
    yield from look_at(chromium, running, {})


def test_maps_are_drawn_when_they_are_asked_for_and_follow_film_and_sentence(seat: Visit) -> None:
    page = seat.page
    expect(page.locator(".nv-where-maps svg")).to_have_count(0)
    seat.unfold("saliency")
    expect(page.locator(".nv-where-maps svg")).to_have_count(6)
    first, *_, last = seat.films("base")
    assert page.locator(f'.nv-where-maps img[src$="id={first}"]').count() == 6
    page.locator(f'[data-model=base] .nv-tile[data-film="{last}"] .nv-pick').click()
    expect(page.locator(f'.nv-where-maps img[src$="id={last}"]')).to_have_count(6)
    seat.search("there is fluid in the pleural space")
    expect(page.locator(".nv-where-maps figcaption").first).to_contain_text("there is fluid")
    with page.expect_download() as saved:
        page.locator(".nv-panel-saliency [data-panel-share=png]").click()
    with Image.open(saved.value.path()) as picture:
        assert picture.width > 2 * 1200
    page.locator(".nv-where-how summary").click()
    assert page.locator(".nv-where-table tbody tr").count() == 9
    assert seat.barriers(".nv-where", EVERY) == []
    assert not seat.hacked
    page.locator("#nv-fold-saliency").click()
    expect(page.locator(".nv-where-maps")).to_be_hidden()


def test_the_viewer_outlines_what_moved_the_score_and_says_so(seat: Visit) -> None:
    page = seat.page
    page.locator("[data-model=base] .nv-tile").first.dblclick()
    line = page.locator(".nv-viewer-where")
    expect(page.locator("dialog.nv-viewer")).to_be_visible()
    expect(line).to_be_hidden()
    for _ in range(2):  # the sentence, then its opposite
        said = line.text_content()
        page.keyboard.press("m")
        expect(line).to_contain_text(words.CAPTION)
        expect(line).not_to_have_text(said or "-")
    page.keyboard.press("m")
    expect(line).to_be_hidden()
    page.keyboard.press("Escape")


def test_in_the_dial_the_map_moves_as_the_finding_grows(seat: Visit) -> None:
    page = seat.page
    seat.unfold("dial")
    seat.search("no pleural effusion")
    lines, says = page.locator("[data-dial] svg"), page.locator(".nv-dial-where-says")
    page.locator(".nv-dial-where select").select_option("con2")
    expect(says).to_contain_text(words.CAPTION)
    expect(says).to_contain_text("CON2, “no pleural effusion”")
    drawn = lines.inner_html()
    page.locator(".nv-dial-severity input[type=range]").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.wait_for_function("was => document.querySelector('[data-dial] svg').innerHTML !== was", arg=drawn)
    assert seat.barriers(".nv-dial", EVERY) == []
    page.locator(".nv-dial-where select").select_option("")
    expect(lines.locator("path")).to_have_count(0)
