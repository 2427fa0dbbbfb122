"""The film viewer, as it is used by keyboard, mouse and fingers."""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from negviz.page.viewer import words
from tests.browser.conftest import EVERY, HOSTILE, App, Visit, look_at, start

REPORT = "Heart size is normal. No pneumothorax or pleural effusion."
SIMULATED = {"seed": "7", "severities": "effusion:0.8", "sides": "effusion:left"}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
PROJECTOR = {"viewport": {"width": 2560, "height": 1440}}
# Grey at a place of the first canvas, given from 0 to 1; greys of the film itself and as it is shown.
GREY = """([x, y]) => {
  const canvas = document.querySelector(".nv-viewer canvas");
  return canvas.getContext("2d").getImageData(canvas.width * x, canvas.height * y, 1, 1).data[0];
}"""
TWO_SIDES = """async href => {
  const film = await createImageBitmap(await (await fetch(href)).blob());
  const canvas = document.querySelector(".nv-viewer canvas");
  const [high, wide] = [canvas.height, canvas.height * film.width / film.height];
  const mine = new OffscreenCanvas(wide, high).getContext("2d");
  mine.drawImage(film, 0, 0, wide, high);
  const left = (canvas.width - wide) / 2;
  const greys = (brush, from) => [0.2, 0.35, 0.5, 0.65, 0.8].flatMap(x => [0.3, 0.7].map(
    y => brush.getImageData(Math.round(from + x * wide), Math.round(y * high), 1, 1).data[0]));
  return [greys(mine, 0), greys(canvas.getContext("2d"), left)];
}"""


@pytest.fixture(scope="module")
def shown_collection(collection_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drawn films with a report each; two of them are said to be a simulated pair, two have hostile ids."""
    folder = tmp_path_factory.mktemp("viewer") / "drawn"
    shutil.copytree(collection_folder, folder)
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        further = {"report": REPORT, "pair": "", **dict.fromkeys(SIMULATED, "")}
        rows = [row | further for row in csv.DictReader(file)]
    rows[0] |= SIMULATED | {"pair": rows[1]["id"]}
    rows[1] |= SIMULATED | {"severities": "", "sides": ""}
    rows += [rows[number] | {"id": id_, "uid": str(100 + number)} for number, id_ in enumerate(HOSTILE, 2)]
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder


@pytest.fixture(scope="module")
def running(
    family_folder: Path, shown_collection: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[App]:
    arguments = ["--family", str(family_folder), "--collection", str(shown_collection)]
    with start(arguments, tmp_path_factory.mktemp("viewer_app")) as app:
        yield app


@pytest.fixture
def visit(request: pytest.FixtureRequest, chromium: Browser, running: App) -> Iterator[Visit]:
    yield from look_at(chromium, running, getattr(request, "param", {}))


@pytest.fixture(scope="module")
def one_page(chromium: Browser, running: App) -> Iterator[Visit]:
    yield from look_at(chromium, running, {})


@pytest.fixture
def stay(one_page: Visit) -> Iterator[Visit]:
    """One page for all tests that leave the viewer closed."""
    yield one_page
    one_page.page.evaluate("document.querySelector('dialog.nv-viewer').close()")


def view(visit: Visit, film: str | None = None, model: str = "base") -> Locator:
    """Open a film (the first) of a column by keyboard and wait until it is there."""
    tiles = visit.page.locator(f".nv-column[data-model={model}] .nv-tile")
    number = 0 if film is None else visit.films(model).index(film)
    switch = visit.page.locator(f"[data-show={model}]")
    if switch.is_visible():
        switch.press("Enter")
    pick = tiles.nth(number).locator(".nv-pick")
    pick.press("Enter")
    pick.press("Enter")
    settled(visit.page)
    return visit.page.locator("dialog.nv-viewer")


def settled(page: Page) -> None:
    """Film, facts and ranks have come."""
    page.wait_for_function(
        "waits => { const box = document.querySelector('dialog.nv-viewer[open]');"
        "  return box && !waits.some(text => box.innerText.includes(text)); }",
        arg=[words.SCRIPT["loading"], words.SCRIPT["asking"]],
    )


def readout(box: Locator) -> Locator:
    return box.locator(".nv-viewer-readout")


def title(box: Locator) -> str:
    return box.locator("h2").inner_text().removeprefix("Film ")


def focus(page: Page, script: str) -> Any:
    return page.evaluate(f"(() => {{ const here = document.activeElement; return {script}; }})()")


# By keyboard ----------------------------------------------------------------------------------


def test_a_film_is_reached_opened_walked_and_left_by_keyboard_alone(visit: Visit) -> None:
    keys = visit.page.keyboard
    for _ in range(80):
        keys.press("Tab")
        if focus(visit.page, "here.matches('.nv-column .nv-pick')"):
            break
    films = visit.films("base")
    keys.press("Enter")
    keys.press("Enter")
    settled(visit.page)
    box = visit.page.locator("dialog.nv-viewer")
    assert title(box) == films[0]
    expect(box.locator(".nv-viewer-place")).to_have_text(f"Base · 1 of {len(films)}")
    walk = {"ArrowRight": 1, "ArrowDown": 2, "ArrowLeft": 1, "End": -1, "Home": 0}
    for key, at in walk.items():
        keys.press(key)
        assert title(box) == films[at]
        assert visit.page.evaluate("negviz.selected") == films[at]
    keys.press("ArrowRight")
    keys.press("Escape")
    expect(box).to_be_hidden()
    assert focus(visit.page, "here.closest('[data-film]').dataset.film") == films[1]
    keys.press("i")  # keys act in the viewer alone
    assert title(view(visit)) == films[0]
    expect(readout(box)).to_have_text("Zoom 1.0× · window 255 · level 128")


def test_the_focus_stays_in_the_viewer(stay: Visit) -> None:
    view(stay)
    for key in ["Tab"] * 30 + ["Shift+Tab"] * 30:
        stay.page.keyboard.press(key)
        assert focus(stay.page, "Boolean(here.closest('dialog.nv-viewer'))")


def test_keys_zoom_pan_fit_invert_and_reset(stay: Visit) -> None:
    box, keys = view(stay), stay.page.keyboard
    stay.page.wait_for_function(f"() => ({GREY})([0.5, 0.5]) > 0")  # the film has been painted
    before = stay.page.evaluate(GREY, [0.5, 0.5])
    keys.press("+")
    expect(readout(box)).to_contain_text("Zoom 1.3×")
    for _ in range(8):
        keys.press("+")
    moved = stay.page.evaluate(GREY, [0.5, 0.5])
    keys.press("Shift+ArrowLeft")
    keys.press("Shift+ArrowUp")
    stay.page.wait_for_function(f"before => ({GREY})([0.5, 0.5]) !== before", arg=moved)
    keys.press("f")
    expect(readout(box)).to_contain_text("Zoom 1.0×")
    keys.press("i")
    expect(readout(box)).to_contain_text("inverted")
    assert stay.page.evaluate(GREY, [0.5, 0.5]) == pytest.approx(255 - before, abs=2)
    expect(box.get_by_role("button", name=words.INVERT)).to_have_attribute("aria-pressed", "true")
    keys.press("r")
    expect(readout(box)).to_have_text("Zoom 1.0× · window 255 · level 128")
    assert stay.page.evaluate(GREY, [0.5, 0.5]) == before


def test_a_slider_takes_the_arrow_keys_to_itself(stay: Visit) -> None:
    box = view(stay)
    film = title(box)
    box.get_by_label(words.BRIGHTNESS).press("ArrowRight")
    expect(readout(box)).to_contain_text("level 126")
    box.get_by_label(words.CONTRAST).press("End")
    expect(readout(box)).to_contain_text("window 64")
    assert title(box) == film


def test_the_keys_are_listed_and_escape_closes_the_list_first(stay: Visit) -> None:
    box = view(stay)
    stay.page.keyboard.press("?")
    listed = box.get_by_label(words.KEYS).filter(has_text="Home / End")
    expect(listed).to_be_visible()
    assert len(words.SHORTCUTS) == listed.locator("dt").count()
    stay.page.keyboard.press("Escape")
    expect(listed).to_be_hidden()
    expect(box).to_be_visible()
    stay.page.keyboard.press("Escape")
    expect(box).to_be_hidden()


# What is known --------------------------------------------------------------------------------


def test_it_says_who_and_where_each_model_ranks_the_film(stay: Visit) -> None:
    film = next(film for film in stay.films("con2") if film not in ("film00", "film01", *HOSTILE))
    box = view(stay, film, "con2")
    quoted = box.locator("blockquote")
    assert quoted.inner_text() == "No pneumothorax or pleural effusion."
    assert quoted.locator("u").all_inner_texts() == ["No"]
    assert "pleural effusion" in quoted.locator("strong").inner_text()
    expect(box.get_by_text("Sentence 2 of 2 of the report denies effusion.")).to_be_visible()
    rows = box.locator("[data-fill=ranks] tr")
    assert [row.split("\t")[0] for row in rows.all_inner_texts()] == ["Base", "CON1", "CON2"]
    place = stay.films("con2").index(str(film)) + 1
    assert rows.nth(2).inner_text().split("\t")[1] == f"#{place}"
    assert rows.nth(2).get_attribute("aria-current") == "true"
    expect(box.locator(".nv-asked")).to_contain_text("effusion")
    expect(box.locator(".nv-viewer-copy").first).to_have_text("96-px copy")
    assert not box.locator(".nv-viewer-link").is_visible()


def test_a_simulated_film_stands_beside_its_pair(stay: Visit) -> None:
    box, keys = view(stay, "film00"), stay.page.keyboard
    assert box.locator("[data-fill=signs]").inner_text() == "effusion\t0.80\tleft"
    expect(box.get_by_text("Seed 7")).to_be_visible()
    box.get_by_role("button", name=re.compile("pair film01")).press("Enter")
    settled(stay.page)
    expect(box.get_by_role("img", name="Chest film film01, for comparison")).to_be_visible()
    for _ in range(4):
        keys.press("+")
    stay.page.wait_for_function(
        "() => new Set([...document.querySelectorAll('.nv-viewer canvas')].map(one => one.width)).size === 1"
    )
    keys.press("c")
    expect(box.get_by_role("combobox")).to_have_value(re.compile("model "))
    box.get_by_role("combobox").press("Home")
    expect(box.locator("canvas").nth(1)).to_be_hidden()


def test_what_cannot_be_had_is_said(visit: Visit) -> None:
    for address in ("film/large", "page/ranks", "page/film-record"):
        visit.page.route(re.compile(address), lambda route: route.abort())
    box = view(visit)
    for text in ("failed", "no_ranks", "no_record"):
        expect(box.get_by_text(words.SCRIPT[text])).to_be_visible()
    visit.complaints.clear()


def test_a_film_is_neither_mirrored_nor_stretched(stay: Visit) -> None:
    film = stay.films("base")[0]
    view(stay, film)
    theirs, ours = stay.page.evaluate(TWO_SIDES, f"film/large?id={film}")
    assert ours == pytest.approx(theirs, abs=12)
    assert ours != pytest.approx(theirs[::-1], abs=12)


def test_hostile_ids_are_only_text(stay: Visit) -> None:
    for film in HOSTILE:
        box = view(stay, film)
        assert title(box) == film
        stay.page.keyboard.press("c")
        settled(stay.page)
        stay.page.keyboard.press("Escape")
    assert not stay.hacked


# By mouse and finger --------------------------------------------------------------------------


def test_wheel_drag_and_right_button(stay: Visit) -> None:
    box, mouse = view(stay), stay.page.mouse
    canvas = box.locator("canvas").first.bounding_box()
    assert canvas is not None
    x, y = canvas["x"] + canvas["width"] / 2, canvas["y"] + canvas["height"] / 2
    mouse.move(x, y)
    mouse.wheel(0, -240)
    expect(readout(box)).not_to_contain_text("Zoom 1.0×")
    mouse.down(button="right")
    mouse.move(x + 40, y + 40)
    mouse.up(button="right")
    expect(readout(box)).to_contain_text("window 222 · level 140")
    mouse.down()
    mouse.move(x - 40, y)
    mouse.up()
    expect(readout(box)).to_contain_text("window 222 · level 140")
    box.get_by_role("button", name=words.WINDOW).press("Enter")
    mouse.down()
    mouse.move(x - 80, y)
    mouse.up()
    expect(readout(box)).to_contain_text("window 255")
    box.get_by_role("button", name=words.WINDOW).press("Enter")


def test_a_double_click_opens_and_ctrl_leaves_the_link_to_the_browser(visit: Visit) -> None:
    tile = visit.page.locator(".nv-column .nv-tile").nth(1)
    tile.locator(".nv-pick").dblclick()
    settled(visit.page)
    visit.page.keyboard.press("Escape")
    with visit.page.context.expect_page() as opened:
        tile.locator('a[href^="film/large"]').click(modifiers=["Control"])
    opened.value.close()
    expect(visit.page.locator("dialog.nv-viewer")).to_be_hidden()
    tile.locator('a[href^="film/large"]').click()
    expect(visit.page.locator("dialog.nv-viewer")).to_be_visible()


@pytest.mark.parametrize("visit", [PHONE], indirect=True, ids=["phone"])
def test_fingers_swipe_and_pinch(visit: Visit) -> None:
    box = view(visit)
    films, hand = visit.films("base"), visit.page.context.new_cdp_session(visit.page)

    def touch(kind: str, *points: tuple[int, int]) -> None:
        at = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        hand.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})

    for kind, *points in (("touchStart", (300, 300)), ("touchMove", (200, 305)), ("touchEnd",)):
        touch(kind, *points)
    expect(box.locator("h2")).to_have_text(f"Film {films[1]}")
    touch("touchStart", (180, 300), (220, 300))
    touch("touchMove", (100, 300), (300, 300))
    touch("touchEnd")
    expect(readout(box)).not_to_contain_text("Zoom 1.0×")


# For everybody --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "visit", [{"color_scheme": "light"}, {"color_scheme": "dark"}], indirect=True, ids=["light", "dark"]
)
def test_nothing_bars_anybody(visit: Visit) -> None:
    box = view(visit, "film00")
    visit.page.keyboard.press("c")
    settled(visit.page)
    assert visit.barriers("dialog.nv-viewer", EVERY) == []
    visit.page.keyboard.press("?")
    assert visit.barriers("dialog.nv-viewer", EVERY) == []
    ground = box.locator(".nv-viewer-stage").evaluate("stage => getComputedStyle(stage).backgroundColor")
    assert ground == "rgb(0, 0, 0)"


@pytest.mark.parametrize(
    ("visit", "least"),
    [(PHONE, 44), ({}, 32), (PROJECTOR, 32)],
    indirect=["visit"],
    ids=["phone", "laptop", "projector"],
)
def test_it_fits_and_its_targets_are_large(visit: Visit, least: int) -> None:
    box = view(visit, "film00")
    visit.page.keyboard.press("c")
    settled(visit.page)
    assert box.evaluate("box => box.scrollWidth - box.clientWidth") <= 0
    record = box.locator(".nv-viewer-record")
    assert record.evaluate("record => record.scrollWidth - record.clientWidth") <= 0
    for target in box.locator("button:visible, select:visible, input:visible, a:visible").all():
        size = target.bounding_box()
        assert size is not None
        assert min(size["width"], size["height"]) >= least, target.evaluate("one => one.outerHTML")
    parts = [box.locator(f".nv-viewer-{name}").bounding_box() for name in ("stage", "tools", "record")]
    assert all(parts)
    (stage, tools, facts) = parts
    assert stage is not None
    assert stage["height"] >= 300
    assert tools is not None
    assert tools["y"] >= stage["y"] + stage["height"] - 1
    assert facts is not None
    assert facts["x"] >= stage["x"] + stage["width"] - 1 or facts["y"] >= tools["y"] + tools["height"] - 1
