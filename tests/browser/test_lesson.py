"""The lesson as a room meets it: by keyboard, on a wall and on a phone; and Evidence and About beside it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Route, expect
from starlette.applications import Starlette
from starlette.testclient import TestClient

from negviz.page.lesson import words
from negviz.page.lesson.votes import Votes, vote_routes
from tests.browser.conftest import App, Visit, look_at

# What of a projected step is beyond the edges of the window or lies under the bar.
CUT = """() => {
  const bar = document.querySelector(".nv-lesson-bar").getBoundingClientRect();
  const shown = [...document.querySelectorAll(".nv-now *")].filter(node => node.checkVisibility());
  return shown.filter(node => !node.closest(".nv-mark"))
    .filter(node => { const box = node.getBoundingClientRect();
      return box.width && (box.bottom > bar.top + 1 || box.right > innerWidth + 1 || box.left < -1); })
    .map(node => node.outerHTML.slice(0, 80));
}"""
VOTES = "/page/lesson/votes"
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
    assert words.number(2, 7) in now.inner_text()
    page.keyboard.press("2")
    assert now.locator("[data-vote='1']").get_attribute("aria-pressed") == "true"
    assert now.locator(".nv-answer").is_hidden()
    page.keyboard.press(" ")
    assert now.locator(".nv-answer").is_visible()
    page.keyboard.press("PageUp")
    assert words.number(1, 7) in now.inner_text()
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


def test_a_projected_step_fits_with_its_films_and_a_code_to_photograph(taught: Visit) -> None:
    page = taught.page
    page.set_viewport_size({"width": 1280, "height": 720})
    page.get_by_role("button", name=words.PRESENT).click()
    page.wait_for_selector(".nv-presenting")
    now = page.locator(".nv-step.nv-now")
    for _ in page.locator(".nv-step").all():
        if now.locator(".nv-answer").is_hidden():
            page.keyboard.press(" ")
        expect(now.locator(".nv-answer")).not_to_have_attribute("hidden", "")
        assert page.evaluate(CUT) == [], now.inner_text()
        films = now.locator(".nv-well:visible")
        assert films.count() in (0, 8, 10, 24, 30)  # a row for each model that was asked
        page.keyboard.press("PageDown")
    page.keyboard.press("PageUp")
    now.get_by_role("button", name=words.QR).click()
    code = now.locator(".nv-qr svg[role=img]")
    code.wait_for()
    box = code.bounding_box()
    assert box is not None
    assert min(box["width"], box["height"]) >= 300
    assert box["x"] >= 0 and box["y"] >= 0 and box["y"] + box["height"] <= 720  # noqa: PT018
    now.get_by_role("button", name=words.QR).click()
    page.keyboard.press("Escape")
    page.wait_for_selector(".nv-lesson:not(.nv-presenting)")
    page.set_viewport_size({"width": 1366, "height": 768})


def test_a_step_has_a_qr_code_to_its_comparison(taught: Visit) -> None:
    step = taught.page.locator(".nv-step").nth(2)
    step.get_by_role("button", name=words.QR).click()
    step.locator(".nv-qr svg[role=img]").wait_for()
    assert words.LOCAL_ONLY in step.inner_text()


def test_a_room_votes_by_phone_where_phones_reach_the_page_and_else_by_hand(
    taught: Visit, visit: Visit, running: App
) -> None:
    kept = Votes()
    rooms = TestClient(Starlette(routes=vote_routes(kept)))

    def answer(route: Route) -> None:
        said = rooms.post(
            VOTES, content=route.request.post_data, headers={"Content-Type": "application/json"}
        )
        route.fulfill(status=said.status_code, body=said.text, content_type="application/json")

    page, line = taught.page, taught.page.locator(".nv-now .nv-room")
    page.get_by_role("button", name=words.PRESENT).click()
    expect(line).to_have_text(words.ROOM["hands"].strip())
    for _ in range(8):
        page.keyboard.press("PageUp")  # to the first step
    page.keyboard.press("Escape")
    for each in (page, visit.page):
        each.route(f"**{VOTES}", answer)
    page.evaluate("negviz.here = () => 'http://class.example/'")
    with page.expect_request(f"**{VOTES}") as opened:
        page.get_by_role("button", name=words.PRESENT).click()
    assert opened.value.post_data_json == {"open": True}
    expect(line).to_have_text(words.ROOM["phones"].format(votes=0).strip())
    with page.expect_request("**/share/qr") as drawn:
        page.locator(".nv-now").get_by_role("button", name=words.QR).click()
    state = (drawn.value.post_data_json or {})["state"]
    page.locator(".nv-now").get_by_role("button", name=words.QR).click()
    assert state.startswith("&lesson=")
    visit.page.goto("about:blank")
    visit.page.goto(f"{running.address}#q=no%20effusion{state}")
    step = visit.page.locator(".nv-step").first
    expect(step.locator(".nv-room")).to_have_text(words.ROOM["joined"].strip())
    for vote in ("0", "2"):  # the last one counts
        step.locator(f"[data-vote='{vote}']").click()
        expect(step.locator(".nv-room")).to_have_text(words.ROOM["counted"].format(votes=1).strip())
    expect(line).to_have_text(words.ROOM["phones"].format(votes=1).strip())
    third = page.locator(".nv-now [data-vote='2'] .nv-vote-mark")
    reveal = page.locator(".nv-lesson-bar").get_by_role("button", name=words.REVEAL)
    if page.locator(".nv-now .nv-answer").is_visible():  # another test has left it so
        reveal.click()
    expect(third).to_have_text("")  # nobody sees how others voted before the answer
    reveal.click()
    expect(third).to_contain_text(" · 1")
    page.keyboard.press("Escape")
    page.unroute(f"**{VOTES}")


@pytest.mark.parametrize("visit", [PHONE], indirect=True, ids=["phone"])
def test_the_tabs_are_for_everybody_on_a_phone(visit: Visit) -> None:
    """On wider screens, in light and dark, `test_quality` asks the same of every tab."""
    for name in ("Lesson", "Evidence", "About"):
        visit.open_tab(name)
        assert visit.barriers() == []
        assert visit.page.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        )


@pytest.mark.parametrize("visit", [PHONE], indirect=True, ids=["phone"])
def test_a_step_presented_on_a_phone_lies_under_nothing(visit: Visit) -> None:
    visit.open_tab("Lesson")
    page = visit.page
    page.get_by_role("button", name=words.PRESENT).click()
    page.wait_for_selector(".nv-presenting")
    page.locator(".nv-lesson-bar").get_by_role("button", name=words.REVEAL).click()
    step, bar = (page.locator(css).bounding_box() for css in (".nv-now", ".nv-lesson-bar"))
    assert step is not None
    assert bar is not None
    assert step["y"] + step["height"] <= bar["y"]
