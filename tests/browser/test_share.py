"""Sharing as a visitor does it: by keyboard, into files, and by a link that somebody else follows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from negviz.page import words as page_words
from negviz.page.share import words
from negviz.retrieval.export import CSV_COLUMNS, seal_holds
from tests.browser.conftest import ANSWERS_WITHIN, HOSTILE, ROOT, App, Visit, look_at

SECRET = "no effusion in xanadu"


@pytest.fixture(scope="module")
def sharing(chromium: Browser, running: App) -> Iterator[Visit]:
    for visit in look_at(chromium, running, {}):
        visit.search(SECRET)
        visit.page.wait_for_function(
            "text => document.querySelector('.nv-share')?.dataset.asked.includes(text)",
            arg=SECRET,
        )
        visit.page.locator(".nv-share > summary").focus()
        visit.page.keyboard.press("Enter")
        yield visit


def press(visit: Visit, name: str) -> None:
    visit.page.locator(".nv-share").get_by_role("button", name=words.BUTTONS[name]).focus()
    visit.page.keyboard.press("Enter")


def test_a_link_is_made_only_when_asked_for(sharing: Visit, running: App) -> None:
    assert "xanadu" not in sharing.page.url
    press(sharing, "link")
    link = sharing.page.get_by_label(words.LINK)
    link.wait_for()
    assert link.input_value().startswith(f"{running.address}#q={quote(SECRET)}")
    assert "xanadu" not in sharing.page.url
    assert "xanadu" not in running.log.read_text(encoding="utf-8")


def test_a_qr_code_is_drawn_here(sharing: Visit) -> None:
    press(sharing, "qr")
    sharing.page.locator(".nv-share .nv-qr svg[role=img]").wait_for()


@pytest.mark.parametrize("kind", ["png", "svg", "csv", "file"])
def test_a_comparison_is_saved(sharing: Visit, kind: str, tmp_path: Path) -> None:
    with sharing.page.expect_download() as caught:
        press(sharing, kind)
    assert "xanadu" not in caught.value.suggested_filename
    path = tmp_path / "saved"
    caught.value.save_as(path)
    content = path.read_bytes()
    if kind == "png":
        assert content.startswith(b"\x89PNG")
    elif kind == "svg":
        drawn = list(ElementTree.fromstring(content).iter())
        assert SECRET in "".join(text.text or "" for text in drawn)
        films = [node.get("href", "") for node in drawn if node.tag.endswith("image")]
        assert len(films) == 30
        assert all(film.startswith("data:image/jpeg;base64,") for film in films)
    elif kind == "csv":
        assert content.decode().startswith(",".join(CSV_COLUMNS))
    else:
        assert seal_holds(content)
        assert SECRET.encode() in content


def test_an_opened_bar_stays_open_when_another_answer_comes(chromium: Browser, running: App) -> None:
    for visit in look_at(chromium, running, {}):
        visit.page.locator(".nv-share > summary").click()
        visit.search(SECRET)
        visit.page.wait_for_function(
            "text => document.querySelector('.nv-share')?.dataset.asked.includes(text)",
            arg=SECRET,
        )
        visit.page.locator(".nv-share").get_by_role("button", name=words.BUTTONS["link"]).wait_for()
        visit.page.locator(".nv-share > summary").click()
        visit.page.locator(".nv-share").get_by_role("button", name=words.BUTTONS["link"]).wait_for(
            state="hidden"
        )


def follow(visit: Visit, running: App, fragment: str, shows: str) -> None:
    before = len(visit.complaints)
    visit.page.goto("about:blank")
    del visit.complaints[before:]  # what gradio says of being left is no complaint of the page
    visit.page.goto(running.address + fragment)
    visit.page.wait_for_function(
        "text => document.querySelector('.nv-reading')?.textContent.includes(text)",
        arg=shows,
        timeout=2 * ANSWERS_WITHIN,
    )


def test_a_link_that_is_followed_asks_its_question(visit: Visit, running: App) -> None:
    collection = visit.page.locator(".nv-sets input[type=radio]").nth(1).get_attribute("value") or ""
    link = f"#q={quote('small left pleural effusion')}&films={quote(collection, safe='')}"
    follow(visit, running, link, "small left pleural effusion")
    visit.page.locator(".nv-sets input[type=radio]").nth(1).is_checked()


def test_a_link_brings_back_the_whole_state_of_the_page(visit: Visit, running: App) -> None:
    page = visit.page
    page.get_by_role("radio", name="all films").check()
    page.get_by_text("Searched all 26 films").wait_for()
    visit.search("lungs without fluid around them")
    page.get_by_role("button", name=page_words.PIN).click()
    page.get_by_role("button", name=page_words.UNPIN).wait_for()
    visit.search("no effusion")
    page.locator(".nv-compared").wait_for()
    film = next(film for film in visit.films("con2") if film not in HOSTILE)
    page.locator(f"[data-model=con2] [data-film={film}] .nv-pick").first.press("Enter")
    visit.unfold("diagnosis")
    expect(page.locator(".nv-share")).to_have_attribute("data-asked", re.compile('"no effusion"'))
    page.locator(".nv-share > summary").click()
    press(visit, "link")
    link = page.get_by_label(words.LINK).input_value()
    follow(visit, running, link.removeprefix(running.address), "no effusion")
    expect(page.locator(".nv-columns")).to_have_attribute("data-pinned", "lungs without fluid around them")
    page.locator(".nv-compared").wait_for()
    expect(page.locator("#nv-fold-diagnosis")).to_have_attribute("aria-expanded", "true")
    assert page.evaluate("negviz.selected") == film
    assert page.locator(".nv-sets input[type=radio]").nth(1).is_checked()


def test_a_link_brings_back_a_sentence_without_its_no_and_further_films(visit: Visit, running: App) -> None:
    films = visit.page.locator(".nv-sets input[type=radio]").nth(1).get_attribute("value") or ""
    kept = f"#q=no%20fluid&films={quote(films, safe='')}"
    follow(visit, running, f"{kept}&taken=1&opposite=there%20is%20fluid", "no fluid")
    expect(visit.page.locator("[data-model=base] h3 q").last).to_have_text("there is fluid")
    follow(visit, running, f"{kept}&show=chest%20film&not=pleural%20effusion", "no fluid")
    expect(visit.page.locator("[data-model=two-boxes] .nv-tile")).to_have_count(10)
    follow(visit, running, f"{kept}&more=base.nosuch&like=film03&panel=nosuch&taken=", "no fluid")
    expect(visit.page.locator("[data-model=base] .nv-tile")).to_have_count(26)
    visit.page.locator(".nv-like[data-like=film03]").wait_for()


def test_a_panel_is_saved_as_a_picture_that_says_what_it_is_of(visit: Visit, tmp_path: Path) -> None:
    visit.unfold("attribution")
    visit.page.locator(".nv-panel-attribution .nv-heat").wait_for()
    panel = visit.page.locator(".nv-panel-attribution")
    assert len(visit.page.evaluate("negviz.caption()")) == 3
    with visit.page.expect_download() as caught:
        panel.locator("[data-panel-share=png]").press("Enter")
    caught.value.save_as(tmp_path / "saved.png")
    with Image.open(tmp_path / "saved.png") as picture:
        wide = panel.evaluate("panel => panel.clientWidth")
        assert picture.width >= 2 * wide
        grey = picture.convert("L")
        below = grey.crop((0, picture.height - 100, *picture.size))
        assert len(below.getcolors(256) or []) > 5  # what stands below
        assert (
            len(grey.crop((0, 0, picture.width, picture.height // 2)).getcolors(256) or []) > 20
        )  # words and bars
    assert panel.locator(".nv-panel-share [role=status]").inner_text() == "Saved as negviz-attribution.png."
    assert visit.barriers(".nv-panel-attribution") == []


def test_a_picture_has_rules_that_came_after_the_first_picture(visit: Visit) -> None:
    """As those of plots do, which are drawn when their panel is first unfolded."""
    visit.unfold("attribution")
    visit.page.locator(".nv-panel-attribution .nv-heat").wait_for()
    red = """async () => {
      const canvas = await negviz.picture(document.querySelector(".nv-panel-attribution"), []);
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      return data.some((part, at) => at % 4 === 0 && part === 255 && !data[at + 1] && !data[at + 2]);
    }"""
    assert not visit.page.evaluate(red)
    visit.page.add_style_tag(content=".nv-panel-attribution .nv-heat { background: rgb(255 0 0); }")
    assert visit.page.evaluate(red)


@pytest.mark.parametrize(
    ("panel", "there"),
    [
        ("attribution", ".nv-heat"),
        ("saliency", ".nv-where-model"),
        ("map", ".nv-map-plot .main-svg"),
        ("diagnosis", ".nv-signature"),
        ("dial", ".nv-dial-film"),
    ],
)
def test_a_panel_is_saved_as_svg_with_its_text_as_text(
    visit: Visit, panel: str, there: str, tmp_path: Path
) -> None:
    visit.unfold(panel)
    shown = visit.page.locator(f".nv-panel-{panel}")
    shown.locator(there).first.wait_for()
    with visit.page.expect_download() as caught:
        shown.locator("[data-panel-share=svg]").press("Enter")
    caught.value.save_as(tmp_path / "saved.svg")
    drawn = list(ElementTree.fromstring((tmp_path / "saved.svg").read_bytes()).iter())
    assert not [node for node in drawn if node.tag.endswith(("foreignObject", "script", "style"))]
    stretched = [inner for node in drawn[1:] if node.get("viewBox") for inner in node.iter()]
    assert not [node for node in stretched if node.get("vector-effect") == "non-scaling-stroke"]
    lines = [(node.text or "").strip() for node in drawn if node.tag.endswith("}text")]
    assert shown.locator("h2").first.inner_text() in lines
    assert any(line.startswith("Research and teaching only") for line in lines)
    said = {*re.findall(r"[a-z]{4,}", " ".join(lines))}
    for paragraph in shown.locator("p:visible:not(.nv-panel-share):not(.nv-of)").all():
        if not paragraph.evaluate("one => Boolean(one.closest('details:not([open])'))"):
            assert {*re.findall(r"[a-z]{4,}", paragraph.inner_text())} <= said
    wide = float(drawn[0].get("width", 0))
    assert all(
        0 <= float(node.get("x", 0)) <= wide for node in drawn if node.tag.endswith(("}text", "}image"))
    )
    images = [node for node in drawn if node.tag.endswith("}image")]
    assert all(node.get("href", "").startswith("data:image/") for node in images)
    assert bool(images) is (panel in {"saliency", "dial"})


def test_the_dials_picture_has_its_film_though_it_was_still_on_its_way(visit: Visit, tmp_path: Path) -> None:
    visit.unfold("dial")
    film = visit.page.locator(".nv-panel-dial [data-dial] img")
    film.wait_for(state="attached")
    with visit.page.expect_download() as caught:
        visit.page.locator(".nv-panel-dial [data-panel-share=png]").click()
    caught.value.save_as(tmp_path / "saved.png")
    panel = visit.page.locator(".nv-panel-dial").bounding_box()
    box = film.bounding_box()
    assert box is not None
    assert panel is not None
    left, top = box["x"] - panel["x"] + 16, box["y"] - panel["y"] + 16  # in the picture, which has an edge
    with Image.open(tmp_path / "saved.png") as picture:
        right, bottom = left + box["width"], top + box["height"]  # of a picture twice as dense
        chest = picture.convert("L").crop((2 * left, 2 * top, 2 * right, 2 * bottom))
    black = sum(chest.histogram()[:16]) / (chest.width * chest.height)
    assert black < 0.5
    where = visit.page.locator(".nv-dial-where select")
    assert (where.bounding_box() or {"width": 0})["width"] > 40


def test_a_link_may_say_what_was_meant(visit: Visit, running: App) -> None:
    follow(visit, running, f"#q={quote('fluid anywhere')}&meant=effusion.absent", "As you told us")


def test_a_link_made_before_the_move_asks_its_question(visit: Visit, running: App) -> None:
    then = json.loads((ROOT / "tests" / "data" / "before_the_move" / "then.json").read_text(encoding="utf-8"))
    follow(visit, running, then["permalink"], "No pleural effusion.")
    assert visit.page.locator(".nv-box textarea, .nv-box input").first.input_value() == "No pleural effusion."


@pytest.mark.parametrize("text", [*HOSTILE, "javascript:alert(1)", 'effusion"];window.hacked=1//'])
def test_hostile_links_are_only_text(visit: Visit, running: App, text: str) -> None:
    hostile = quote(text, safe="")
    follow(visit, running, f"#q={hostile}&films={hostile}&meant={hostile}.{hostile}", text[:30])
    assert not visit.hacked
