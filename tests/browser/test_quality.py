"""Explore with every panel, and every tab: for everybody, on every screen, by keyboard, whatever is typed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from negviz.page import words
from negviz.page.attribution import words as attribution
from negviz.page.dial import words as dial_words
from negviz.page.map import words as map_words
from negviz.page.share import words as share
from tests.browser.conftest import HOSTILE, App, Visit, look_at, start
from training.bench.running import free_port

TABS = (words.EXPLORE, "Lesson", "Many sentences", "Evidence", "About")
WIDTHS = (390, 768, 1366, 2560)
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
# Pairs of texts that lie on one another: every visible run of text outside plots, pictures and the viewer.
OVERLAPS = """() => {
  const runs = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode, holder = text.parentElement;
    if (!text.data.trim() || !holder.checkVisibility({ opacityProperty: true, visibilityProperty: true })
        || holder.closest("svg, dialog, script, style, .nv-well, [hidden]")) continue;
    const range = document.createRange();
    range.selectNodeContents(text);
    for (const box of range.getClientRects()) {
      const seen = clip(box, holder);
      if (seen) runs.push({ holder, ...seen, text: text.data.trim().slice(0, 40) });
    }
  }
  function clip(box, node) {  // what scrolling boxes around it leave of it
    let { left, right, top, bottom } = box;
    for (let around = node; around && around !== document.body; around = around.parentElement) {
      const style = getComputedStyle(around);
      if (style.clipPath !== "none" || style.clip !== "auto") return null;
      if (style.overflowX === "visible" && style.overflowY === "visible") continue;
      const edge = around.getBoundingClientRect();
      left = Math.max(left, edge.left); right = Math.min(right, edge.right);
      top = Math.max(top, edge.top); bottom = Math.min(bottom, edge.bottom);
    }
    return right - left > 1 && bottom - top > 1 ? { left, right, top, bottom } : null;
  }
  const found = [];
  runs.sort((one, other) => one.top - other.top);
  for (let i = 0; i < runs.length; i++) {
    for (let j = i + 1; j < runs.length && runs[j].top < runs[i].bottom - 4; j++) {
      const [a, b] = [runs[i], runs[j]];
      if (a.holder === b.holder || a.holder.contains(b.holder) || b.holder.contains(a.holder)) continue;
      if (Math.min(a.right, b.right) - Math.max(a.left, b.left) > 3
          && Math.min(a.bottom, b.bottom) - b.top > 4) found.push(`${a.text} | ${b.text}`);
    }
  }
  return found;
}"""
# What has the focus, as far as a stop on the way through the page is told by it.
FOCUSED = """() => {
  const here = document.activeElement;
  return here === document.body ? "" : [
    here.tagName, here.className, here.type, here.getAttribute("role"), here.getAttribute("aria-label"),
    here.closest(".nv-dial-severity") ? "severity" : "", here.innerText?.slice(0, 60),
  ].join(" ");
}"""
STOPS = {
    "tabs": "tab ",
    "film": "nv-pick",
    "view": "nv-view",
    "how words are measured": attribution.MEASURED,
    "heads": attribution.HEADS,
    "list of the map": map_words.LIST,
    "dial": "severity",
    "another chest": dial_words.ANOTHER,
    "sharing": share.SUMMARY,
}


@pytest.fixture(scope="module")
def seat(chromium: Browser, running: App) -> Iterator[Visit]:
    """One page with everything on it drawn, its tabs opened once."""
    for visit in look_at(chromium, running, {}):
        for tab in (*TABS[1:], TABS[0]):
            visit.open_tab(tab)
        visit.unfold("map")
        visit.page.locator(".nv-map-panes").scroll_into_view_if_needed()
        visit.page.wait_for_selector(".nv-map-panes[aria-busy=false]")
        visit.page.locator(".nv-map-list summary").click()
        visit.unfold("attribution")
        visit.page.get_by_role("button", name=attribution.HEADS).click()
        visit.page.locator(".nv-heads button").first.wait_for()
        yield visit


def screens(seat: Visit) -> Iterator[str]:
    """Every tab, and of Explore every panel, each while it is on show."""
    for tab in TABS[1:]:
        seat.open_tab(tab)
        yield tab
    seat.open_tab(TABS[0])
    for panel in seat.panels:
        seat.unfold(panel)
        seat.page.evaluate("scrollTo(0, 0)")  # where nothing that stays in sight lies on anything
        yield panel


def test_nothing_serious_bars_anybody_anywhere(seat: Visit) -> None:
    barriers = []
    for scheme in ("light", "dark"):
        seat.page.emulate_media(color_scheme=scheme)
        seat.page.evaluate("dark => document.body.classList.toggle('dark', dark)", scheme == "dark")
        for screen in screens(seat):
            barriers += [f"{scheme} {screen} {barrier}" for barrier in seat.barriers()]
    seat.page.emulate_media(color_scheme="light")
    seat.page.evaluate("document.body.classList.remove('dark')")
    assert barriers == []


def test_no_screen_needs_sideways_scrolling_or_hides_text_under_text(seat: Visit) -> None:
    found = []
    for width in WIDTHS:
        seat.page.set_viewport_size({"width": width, "height": 800})
        for screen in screens(seat):
            seat.page.wait_for_timeout(200)  # plots follow the window
            wide = seat.page.evaluate(TOO_WIDE)
            found += [f"{width} {screen}: {wide} px too wide"] if wide > 0 else []
            found += [f"{width} {screen}: {pair}" for pair in seat.page.evaluate(OVERLAPS)]
    seat.page.set_viewport_size({"width": 1366, "height": 768})
    assert found == []


def test_hostile_sentences_and_ids_are_text_in_every_panel(seat: Visit) -> None:
    page = seat.page
    for text in HOSTILE:
        seat.search(text)
        page.wait_for_function(
            "text => JSON.parse(document.querySelector('details.nv-share').dataset.asked).text === text",
            arg=text,
        )
    seat.search("no effusion")
    seat.unfold("attribution")
    expect(page.locator(".nv-heat tbody th").last).to_contain_text("effusion")
    place = seat.films("base").index(HOSTILE[0])
    pick = page.locator("[data-model=base] .nv-tile").nth(place).locator(".nv-pick")
    pick.press("Enter")
    pick.press("Enter")
    page.locator("dialog.nv-viewer[open]").wait_for()
    expect(page.locator("dialog.nv-viewer h2")).to_contain_text(HOSTILE[0])
    page.keyboard.press("Escape")
    assert not seat.hacked
    assert page.locator("img[src=x]").count() == 0


def test_everything_is_reached_by_the_tab_key(seat: Visit) -> None:
    passed = []
    for panel in seat.panels:
        seat.unfold(panel)
        seat.box.focus()
        box = seat.page.evaluate(FOCUSED)
        for _ in range(500):
            seat.page.keyboard.press("Tab")
            here = seat.page.evaluate(FOCUSED)
            if here == box:  # once round: past the end, the browser's own bar, and the tabs above the box
                break
            passed.append(here)
    missing = [name for name, sign in STOPS.items() if not any(sign in stop for stop in passed)]
    assert missing == [], passed


def test_the_keyboard_alone_works_the_page(seat: Visit) -> None:
    page = seat.page
    seat.box.focus()
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type("pleural effusion")
    page.keyboard.press("Enter")
    page.locator(".nv-sentence q", has_text="pleural effusion").wait_for()
    pick = page.locator(".nv-pick").first
    pick.press("Enter")
    pick.press("Enter")
    page.locator("dialog.nv-viewer[open]").wait_for()
    page.keyboard.press("Escape")
    expect(page.locator("dialog.nv-viewer[open]")).to_have_count(0)
    assert page.evaluate("document.activeElement.closest('[data-film]') !== null")
    page.get_by_role("tab", name="Lesson").press("Enter")
    page.locator(".nv-lesson").wait_for()
    seat.open_tab(words.EXPLORE)


def test_a_page_outlives_the_app_it_came_from(
    chromium: Browser, family_folder: Path, collection_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    arguments = ["--family", str(family_folder), "--collection", str(collection_folder)]
    port = free_port()
    with chromium.new_context() as context:
        page = context.new_page()
        with start(arguments, tmp_path_factory.mktemp("before"), port=port) as app:
            page.goto(app.address)
            page.wait_for_selector(".nv-tile")
            before = len(Visit(page).films("con2"))
        with start(arguments, tmp_path_factory.mktemp("after"), port=port):
            Visit(page).search("no fluid after the night")
            assert len(Visit(page).films("con2")) == before
