"""The map, as a visitor meets it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Request, expect

from negviz.explain.projection import METHODS
from negviz.page.map import words
from tests.browser.conftest import HOSTILE, App, Visit, look_at

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
POINTS = ".nv-map-pane[data-map-model={}] .scatterlayer .point"
_SEEN = """() => {
  const panes = document.querySelector(".nv-map-panes");
  if (panes?.getAttribute("aria-busy") === "false") return true;
  panes?.scrollIntoView();  // again and again: what lies above it may still grow
  return false;
}"""
FADED = (
    "model => [...document.querySelectorAll(`.nv-map-pane[data-map-model=${model}] .scatterlayer .point`)]"
    ".filter(point => Number(point.style.opacity) < 0.5).length"
)


@pytest.fixture(scope="module")
def seat(chromium: Browser, running: App) -> Iterator[Visit]:
    """One page, its map drawn, for the tests below; none minds what the others left."""
    for visit in look_at(chromium, running, {}):
        _draw(visit)
        yield visit


def _draw(visit: Visit) -> None:
    visit.unfold("map")
    visit.page.wait_for_function(_SEEN, polling=1000)
    visit.page.wait_for_selector(POINTS.format("base"))
    visit.page.wait_for_selector(".nv-panel-map .nv-of", state="attached")  # what lies above is there


def _choose(visit: Visit, what: str) -> None:
    visit.page.locator(".nv-map").get_by_role("radio", name=what, exact=True).check()


def _answered(visit: Visit, text: str) -> None:
    expect(visit.box).to_have_value(text)
    expect(visit.page.locator(".nv-sentence q")).to_have_text(text)


def _note(asked: list[str]) -> Callable[[Request], None]:
    return lambda request: asked.append(request.url)


def test_nothing_is_fetched_before_the_panel_is_seen(chromium: Browser, running: App) -> None:
    for visit in look_at(chromium, running, {"viewport": {"width": 1366, "height": 400}}):
        asked: list[str] = []
        visit.page.on("request", _note(asked))
        visit.page.reload()
        visit.page.wait_for_selector(".nv-tile")
        visit.page.wait_for_timeout(1500)
        assert not [url for url in asked if "/map/" in url]
        assert not visit.page.evaluate("'Plotly' in window")
        _draw(visit)
        assert len([url for url in asked if "plotly.js" in url]) == 1


def test_a_click_on_a_point_searches_its_sentence(seat: Visit) -> None:
    seat.page.evaluate(
        "document.querySelector('.nv-map-pane[data-map-model=con1] .nv-map-plot')"
        ".emit('plotly_click', {points: [{customdata: 0}]})"
    )
    _answered(seat, "pleural effusion")


def test_a_real_click_reaches_the_box_too(seat: Visit) -> None:
    seat.search("no fluid")
    seat.page.locator(".nv-map-panes").scroll_into_view_if_needed()
    before = seat.box.input_value()
    box = seat.page.locator(POINTS.format("base")).nth(3).bounding_box()
    assert box is not None
    seat.page.mouse.move(box["x"] + box["width"] / 2 - 1, box["y"] + box["height"] / 2)
    seat.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    seat.page.wait_for_timeout(200)
    seat.page.mouse.down()
    seat.page.mouse.up()
    expect(seat.box).not_to_have_value(before)
    _answered(seat, seat.box.input_value())


def test_a_lasso_marks_the_same_sentences_in_every_pane(seat: Visit) -> None:
    plot = seat.page.locator(".nv-map-pane[data-map-model=base] .nsewdrag").first
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box is not None
    corners = [(0.02, 0.02), (0.5, 0.02), (0.5, 0.98), (0.02, 0.98), (0.02, 0.02)]
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in corners]
    seat.page.mouse.move(*places[0])
    seat.page.mouse.down()
    for place in places[1:]:
        seat.page.mouse.move(*place, steps=8)
    seat.page.mouse.up()
    status = seat.page.locator(".nv-map-marked [role=status]")
    expect(status).to_contain_text("marked")
    number = int(status.inner_text().split()[0])
    assert 0 < number < 99
    assert {seat.page.evaluate(FADED, model) for model in ("base", "con1", "con2")} == {99 - number}
    seat.page.get_by_role("button", name=words.FORGET).click()
    assert {seat.page.evaluate(FADED, model) for model in ("base", "con1", "con2")} == {0}


def test_a_lasso_around_films_finds_them_in_the_columns(seat: Visit) -> None:
    _choose(seat, words.FILMS.format(collection="drawn"))
    expect(seat.page.locator(".nv-map-how")).to_have_text(words.HOW_FILMS)
    shown = [film for film in seat.films("base") if film not in HOSTILE]
    seat.page.evaluate(
        "ids => document.querySelector('.nv-map-plot').emit('plotly_selected',"
        " {points: ids.map(id => ({customdata: id}))})",
        shown[:2],
    )
    status = seat.page.locator(".nv-map-marked [role=status]")
    expect(status).to_contain_text("2 films marked")
    bright = seat.page.locator("[data-model=base] .nv-tile:not(.nv-outside)")
    assert sorted(str(tile.get_attribute("data-film")) for tile in bright.all()) == sorted(
        map(str, shown[:2])
    )
    seat.search("no fluid at all")  # the next films are filtered, too
    dim = seat.page.locator(".nv-columns .nv-outside")
    expect(dim).not_to_have_count(0)
    assert not {tile.get_attribute("data-film") for tile in dim.all()} & {*shown[:2]}
    seat.page.get_by_role("button", name=words.FORGET).click()
    expect(dim).to_have_count(0)
    expect(status).to_have_text("")
    _choose(seat, words.SHEETS["effusion"].format(n=99))
    expect(seat.page.locator(".nv-map-how")).to_have_text(words.HOW)


def test_the_list_marks_and_searches_by_keyboard(seat: Visit) -> None:
    seat.page.locator(".nv-map-list summary").focus()
    seat.page.keyboard.press("Enter")
    row = seat.page.locator(".nv-map-table tbody tr").nth(25)
    row.get_by_role("checkbox").focus()
    seat.page.keyboard.press("Space")
    expect(seat.page.locator(".nv-map-marked [role=status]")).to_have_text("1 marked")
    assert {seat.page.evaluate(FADED, model) for model in ("base", "con1", "con2")} == {98}
    seat.page.keyboard.press("Tab")
    seat.page.keyboard.press("Enter")
    _answered(seat, "no pleural effusion")
    seat.page.get_by_role("button", name=words.FORGET).click()


def test_what_was_typed_stays_on_the_map_and_in_the_browser(seat: Visit) -> None:
    stars = "document.querySelector('.nv-map-plot').data.at(-1).customdata.map(one => one.typed)"
    for text in ("no <b>fluid</b> here", "small effusion on the right"):
        seat.search(text)
        seat.page.wait_for_function(f"text => {stars}.at(-1) === text", arg=text)
    assert "no <b>fluid</b> here" in seat.page.evaluate(stars)
    assert "fluid" not in seat.page.evaluate(
        "JSON.stringify([localStorage, sessionStorage, document.cookie])"
    )


def test_arrows_lead_from_the_first_models_place_of_the_last_sentence(seat: Visit) -> None:
    arrows = """model => document.querySelector(`.nv-map-pane[data-map-model=${model}] .nv-map-plot`)
      .layout.annotations.map(({ax, ay, x, y}) => [[ax, ay], [x, y]])"""
    star = """model => { const {x, y} = document.querySelector(
      `.nv-map-pane[data-map-model=${model}] .nv-map-plot`).data.at(-1); return [x.at(-1), y.at(-1)]; }"""
    seat.search("no fluid by the heart")
    last = "document.querySelector('.nv-map-plot').data.at(-1).customdata.at(-1)?.typed"
    seat.page.wait_for_function(f"{last} === 'no fluid by the heart'")
    assert seat.page.evaluate(arrows, "base") == []
    for model in ("con1", "con2"):
        assert seat.page.evaluate(arrows, model) == [
            [seat.page.evaluate(star, "base"), seat.page.evaluate(star, model)]
        ]
    _choose(seat, words.FILMS.format(collection="drawn"))
    expect(seat.page.locator(".nv-map-how")).to_have_text(words.HOW_FILMS)
    assert seat.page.evaluate(arrows, "con2") == []
    _choose(seat, words.SHEETS["effusion"].format(n=99))
    expect(seat.page.locator(".nv-map-how")).to_have_text(words.HOW)


def test_methods_colours_and_films_are_chosen(seat: Visit) -> None:
    legend = seat.page.locator(".nv-map-legend")
    _choose(seat, words.COLOURS["right"])
    expect(legend).to_contain_text(re.compile("mostly|mixed"))
    _choose(seat, METHODS["pca"].title)
    _choose(seat, words.FILMS.format(collection="drawn"))
    expect(seat.page.locator(".nv-map-how")).to_have_text(words.HOW_FILMS)
    seat.page.evaluate(
        "document.querySelector('.nv-map-plot').emit('plotly_click', {points: [{customdata: 'film02'}]})"
    )
    assert seat.page.evaluate("negviz.selected") == "film02"
    seat.page.evaluate("negviz.select('')")
    _choose(seat, words.SHEETS["effusion"].format(n=99))
    expect(seat.page.locator(".nv-map-how")).to_have_text(words.HOW)


def test_a_phone_shows_one_pane_and_a_switch(chromium: Browser, running: App) -> None:
    for visit in look_at(chromium, running, PHONE):
        _draw(visit)
        assert visit.page.locator(".nv-map-pane:visible").count() == 1
        _choose(visit, "CON2")
        expect(visit.page.locator(".nv-map-pane[data-map-model=con2]")).to_be_visible()
        assert visit.page.locator(".nv-map-pane:visible").count() == 1
        visit.page.wait_for_selector(POINTS.format("con2"))
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert visit.page.evaluate(wide) <= 0
        for target in visit.page.locator(".nv-map button:visible, .nv-map-choices label:visible").all()[:20]:
            box = target.bounding_box()
            assert box is not None
            assert box["height"] >= 44
