"""The loop in a browser: by itself, by keyboard, with less motion, and as a file."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from negviz.page.loop import words
from negviz.page.share import words as share
from tests.browser.conftest import App, Visit, look_at

NOW = ".nv-scene.nv-now"
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}


def open_loop(visit: Visit) -> None:
    visit.unfold("loop")
    expect(visit.page.locator(NOW)).to_have_count(1)


def test_the_loop_plays_by_itself_is_paused_and_stepped_by_keyboard(chromium: Browser, running: App) -> None:
    for visit in look_at(chromium, running, {"reduced_motion": "no-preference"}, alone=True):
        visit.page.clock.install()
        open_loop(visit)
        scenes = visit.page.locator(".nv-scene").count()
        place = visit.page.locator(".nv-loop-place")
        expect(place).to_have_text(words.PLACE.format(at=1, of=scenes))
        visit.page.clock.run_for(20_000 // scenes + 100)
        expect(place).to_have_text(words.PLACE.format(at=2, of=scenes))
        expect(visit.page.locator(f"{NOW} s")).to_have_text("No")
        visit.page.get_by_role("button", name=words.PAUSE).press("Enter")
        visit.page.clock.run_for(30_000)
        expect(place).to_have_text(words.PLACE.format(at=2, of=scenes))
        visit.page.locator("[data-loop-does=next]").press("Enter")
        expect(place).to_have_text(words.PLACE.format(at=3, of=scenes))
        expect(visit.page.locator(NOW)).to_contain_text("stay")


@pytest.mark.parametrize("options", [{"color_scheme": "dark"}, PHONE])
def test_who_wants_less_motion_gets_none_until_it_is_asked_for(
    chromium: Browser, running: App, options: dict[str, object], tmp_path: Path
) -> None:
    for visit in look_at(chromium, running, {**options, "reduced_motion": "reduce"}, alone=True):
        visit.page.clock.install()
        open_loop(visit)
        visit.page.clock.run_for(30_000)
        expect(visit.page.locator(".nv-loop-place")).to_contain_text("1 ")
        expect(visit.page.locator("[data-loop-does=play]")).to_have_text(words.PLAY)
        assert visit.barriers(".nv-panel-loop") == []
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert visit.page.evaluate(wide) <= 0
        if visit.page.locator(".nv-aside").is_visible():  # on a phone *Share* is unfolded by it
            visit.page.locator(".nv-aside").click()
        visit.page.locator(".nv-share > summary").click()
        with visit.page.expect_download() as caught:
            visit.page.get_by_role("button", name=share.BUTTONS["loop"]).press("Enter")
        caught.value.save_as(tmp_path / "loop.gif")
        with Image.open(tmp_path / "loop.gif") as picture:
            assert getattr(picture, "n_frames", 1) == visit.page.locator(".nv-scene").count()
