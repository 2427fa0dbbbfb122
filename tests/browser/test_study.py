"""A short reader study by keyboard alone: blinded, timed, and gone on with by code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Response, expect

from negviz.films.collection import open_collection
from negviz.models.encoder import DualEncoder
from negviz.page.study import words
from negviz.retrieval.answer import search_sets
from negviz.study.design import StudySentence, make_design
from negviz.study.records import Record
from negviz.study.store import StudyFile
from tests.browser.conftest import ANSWERS_WITHIN, App, Visit, start

NAMES = ("quokka", "wombat")  # words that occur nowhere else on the page
SENTENCES = (
    StudySentence("no pleural effusion", "absent", "structured"),
    StudySentence("lungs without fluid around them", "absent", "natural"),
)
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def path(
    models: dict[str, DualEncoder], collection_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    films = search_sets(models, open_collection(collection_folder))[0]
    named = dict(zip(NAMES, (models["base"], models["con2"]), strict=True))
    path = tmp_path_factory.mktemp("study") / "short.study"
    StudyFile.make(path, make_design(named, films, SENTENCES, number=2)).close()
    return path


@pytest.fixture(scope="module")
def running(
    path: Path, family_folder: Path, collection_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[App]:
    arguments = ["--family", str(family_folder), "--collection", str(collection_folder)]
    with start([*arguments, "--study", str(path)], tmp_path_factory.mktemp("app")) as app:
        yield app


def open_page(page: Page, app: App) -> None:
    page.set_default_timeout(ANSWERS_WITHIN)
    page.goto(app.address)
    page.wait_for_selector(".nv-study-stage h2")


def tab_to(page: Page, name: str) -> None:
    """Press Tab until what is called so has the focus."""
    for _ in range(40):
        here = page.evaluate("() => document.activeElement.innerText || document.activeElement.name || ''")
        if here.strip().endswith(name):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"The Tab key does not come to {name!r}.")


def wait_for(page: Page, number: int) -> None:
    page.wait_for_selector(f".nv-study-trial[data-place='{number - 1}'][data-ready]")
    expect(page.locator(".nv-study-trial .nv-label").first).to_have_text(words.place(number, 2))


def test_a_study_is_read_by_keyboard_blindly_and_gone_on_with(
    chromium: Browser, running: App, path: Path
) -> None:
    context = chromium.new_context(viewport={"width": 1366, "height": 768}, reduced_motion="reduce")
    page, sent, complaints = context.new_page(), list[str](), list[str]()

    def keep(response: Response) -> None:
        sent.append(response.url)
        if response.request.resource_type in ("document", "fetch", "xhr", "script"):
            sent.append(response.body().decode(errors="replace"))

    page.on("response", keep)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    open_page(page, running)
    contents = [page.content()]

    page.locator(".nv-study-stage h2").focus()
    tab_to(page, words.BEGIN)
    page.keyboard.press("Enter")  # without having agreed
    expect(page.locator(".nv-study-said")).to_have_text(words.MUST_AGREE)
    page.locator(".nv-study-stage h2").focus()
    tab_to(page, "agreed")
    page.keyboard.press("Space")
    tab_to(page, words.BEGIN)
    page.keyboard.press("Enter")
    code = page.locator(".nv-study-code").inner_text()
    assert re.fullmatch(r"\w{4}-\w{4}", code)
    tab_to(page, words.START)
    page.keyboard.press("Enter")

    wait_for(page, 1)
    contents.append(page.content())
    page.keyboard.press("n")  # before anything is chosen
    expect(page.locator(".nv-study-said")).to_have_text(words.NOT_YET)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    second = page.locator("[data-side=left] .nv-study-film").nth(1)
    expect(second).to_be_focused()
    page.keyboard.press("x")
    expect(second).to_have_attribute("aria-pressed", "true")
    marked = second.get_attribute("data-id")
    twins = page.locator(f".nv-study-film[data-id='{marked}']")
    assert {twin.get_attribute("aria-pressed") for twin in twins.all()} == {"true"}
    page.keyboard.press("v")
    expect(page.locator(".nv-study-closer h2")).to_have_text(words.film("left", 2))
    page.keyboard.press("ArrowRight")
    expect(page.locator(".nv-study-closer h2")).to_have_text(words.film("left", 3))
    page.keyboard.press("Escape")
    expect(page.locator("[data-side=left] .nv-study-film").nth(2)).to_be_focused()
    page.keyboard.press("?")
    expect(page.locator("#nv-study-keys")).to_be_visible()
    page.keyboard.press("p")
    expect(page.locator(".nv-study-films")).to_have_css("visibility", "hidden")
    page.wait_for_timeout(600)
    page.keyboard.press("p")
    page.keyboard.press("3")
    contents.append(page.content())
    page.keyboard.press("n")

    wait_for(page, 2)
    (record,) = read(path)  # written at once
    assert (record.decision.choice, record.decision.wrong) == ("right", (marked,))
    times = record.decision.times
    assert times.pauses == 1
    assert 500 < times.paused_ms < times.paused_ms + times.active_ms <= record.server_ms
    page.reload()
    wait_for(page, 2)  # the tab knows its reader
    context.close()

    again = chromium.new_context()
    page = again.new_page()
    page.on("response", keep)
    open_page(page, running)
    page.evaluate(
        "document.querySelector('.nv-study').dataset.idle = 200"
    )  # milliseconds, instead of a minute
    page.locator(".nv-study-stage h2").focus()
    tab_to(page, "code")
    page.keyboard.type(f" {code.lower()} ")
    page.keyboard.press("Enter")
    wait_for(page, 2)
    contents.append(page.content())
    page.wait_for_timeout(900)  # without a key: the clock has come to rest
    page.keyboard.press("2")
    page.keyboard.press("n")
    expect(page.locator(".nv-study-stage h2")).to_have_text(words.DONE_HEADING)
    contents.append(page.content())
    again.close()
    one, other = read(path)
    assert one == record
    assert (other.place, other.decision.choice, other.showings) == (1, "same", 3)
    assert other.decision.times.pauses >= 1
    assert other.decision.times.paused_ms >= 600

    assert len([url for url in sent if "/film/tile" in url]) >= 16
    assert [name for name in NAMES if any(name in each for each in (*contents, *sent))] == []
    assert complaints == []


def read(path: Path) -> tuple[Record, ...]:
    study = StudyFile(path)
    records = study.records()
    study.close()
    return records


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1366, "dark")])
def test_it_fits_every_screen_and_bars_nobody(
    chromium: Browser, running: App, width: int, scheme: str
) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]
    page, found = context.new_page(), list[str]()

    def look() -> None:
        found.extend(Visit(page).barriers())
        found.extend([f"{over} px too wide"] if (over := page.evaluate(TOO_WIDE)) > 0 else [])

    open_page(page, running)
    look()
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name=words.BEGIN).click()
    look()
    page.get_by_role("button", name=words.START).click()
    wait_for(page, 1)
    page.keyboard.press("?")
    look()
    page.locator(".nv-study-film").first.click()
    page.get_by_role("button", name=words.VIEW).click()
    look()
    page.keyboard.press("Escape")
    page.get_by_text(words.LEAVE, exact=True).click()
    page.get_by_role("button", name=words.DELETE).click()
    expect(page.locator(".nv-study-stage h2")).to_have_text(words.DELETED)
    context.close()
    assert found == []


def test_other_pages_of_the_app_are_not_there(chromium: Browser, running: App) -> None:
    context = chromium.new_context()
    page = context.new_page()
    open_page(page, running)
    assert [tab.inner_text() for tab in page.get_by_role("tab").all()] == [words.TAB]
    assert page.request.get(f"{running.address}page/ranks").status in (404, 405)
    assert page.request.get(f"{running.address}gradio_api/info").json()["named_endpoints"] == {}
    assert page.request.get(f"{running.address}health").json() == {"status": "ok"}
    context.close()
