"""The pictures of the page that the READMEs show: taken anew by one command, of simulated films only.

python -m training screenshots --to assets/screenshots
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from PIL import Image

from negviz.common.files import write_atomically
from negviz.films.collection import PHANTOMS
from training.bench.running import arguments, chromium, run_app
from training.paths import add_family_option

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

MOST_BYTES: Final = 220_000
_COLOURS: Final = (256, 128, 64, 32)  # tried in turn until a picture is small enough
_SMALLER: Final = 0.8
_PATIENCE: Final = 120_000  # milliseconds
_LAPTOP: Final[dict[str, Any]] = {"viewport": {"width": 1366, "height": 768}, "reduced_motion": "reduce"}
_PHONE: Final[dict[str, Any]] = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "device_scale_factor": 2,
    "reduced_motion": "reduce",
}
_LOADED: Final = """() => [...document.querySelectorAll("img")]
  .filter(image => image.checkVisibility() && image.getBoundingClientRect().top < innerHeight)
  .every(image => image.complete && image.naturalWidth > 0)"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_family_option(parser)
    add = parser.add_argument
    add("--to", type=Path, required=True, metavar="DIR", help="folder for the PNG files")
    films = "collection to show (default: %(default)s, whose films are simulated)"
    add("--collection", default=PHANTOMS, metavar="NAME|DIR", help=films)


def run(args: argparse.Namespace) -> int:
    """Take all pictures.  Raises `RunningError`."""
    args.to.mkdir(parents=True, exist_ok=True)
    with run_app(*arguments(args.family, args.collection)) as app, chromium() as browser:
        for name, picture in take(browser, app.address).items():
            write_atomically(args.to / name, picture)
            print(f"{args.to / name}: {len(picture) / 1e3:.0f} kB")
    return 0


def take(browser: Browser, address: str) -> dict[str, bytes]:
    """PNG files by name."""
    dark = _LAPTOP | {"color_scheme": "dark"}
    light = _LAPTOP | {"color_scheme": "light"}
    return {
        name: small(picture)
        for options, wanted in (
            (dark, {"explore.png": _window}),
            (_PHONE | {"color_scheme": "light"}, {"phone.png": _window}),
            (
                light,
                {
                    "explore-light.png": _window,
                    "words.png": _words,
                    "film.png": _film,
                    "map.png": _map,
                    "dial.png": _dial,
                    "lesson.png": _lesson,
                },
            ),
        )
        for name, picture in _visit(browser, address, options, wanted).items()
    }


def small(picture: bytes, *, most: int = MOST_BYTES) -> bytes:
    """The picture as an optimised PNG of at most `most` bytes: fewer colours first, then fewer pixels."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    while True:
        for colours in _COLOURS:
            out = io.BytesIO()
            image.quantize(colours, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
            if out.tell() <= most or min(image.size) == 1:
                return out.getvalue()
        width, height = (max(1, round(side * _SMALLER)) for side in image.size)
        image = image.resize((width, height), Image.Resampling.LANCZOS)


def _visit(
    browser: Browser, address: str, options: dict[str, Any], wanted: Mapping[str, Callable[[Page], bytes]]
) -> dict[str, bytes]:
    context = browser.new_context(**options)
    page = context.new_page()
    page.set_default_timeout(_PATIENCE)
    page.goto(address)
    page.wait_for_selector(".nv-tile")
    page.wait_for_function(_LOADED)
    taken = {name: shoot(page) for name, shoot in wanted.items()}
    context.close()
    return taken


def _window(page: Page) -> bytes:
    return page.screenshot()


def _panel(page: Page, selector: str) -> bytes:
    """A panel, which may be taller than the window: the bar that stays would lie across it."""
    return page.locator(selector).screenshot(style=".nv-folds { position: static !important }")


def _words(page: Page) -> bytes:
    page.locator("#nv-fold-attribution").click()
    return _panel(page, ".nv-words")


def _film(page: Page) -> bytes:
    page.locator("#nv-fold-saliency").click()
    page.wait_for_selector(".nv-where-maps[aria-busy=false] figure")
    page.wait_for_function(_LOADED)
    return _panel(page, ".nv-where")


def _map(page: Page) -> bytes:
    page.locator("#nv-fold-map").click()
    page.locator(".nv-map-panes").scroll_into_view_if_needed()
    page.wait_for_selector(".nv-map-panes[aria-busy=false]")
    page.wait_for_selector(".nv-map-pane .scatterlayer .point")
    return _panel(page, ".nv-map")


def _dial(page: Page) -> bytes:
    page.locator("#nv-fold-dial").click()
    page.locator(".nv-dial").scroll_into_view_if_needed()
    page.wait_for_function("document.querySelector('[data-dial] img')?.naturalWidth > 0")
    return _panel(page, ".nv-dial")


def _lesson(page: Page) -> bytes:
    page.get_by_role("tab", name="Lesson").click()
    page.wait_for_selector(".nv-lesson .nv-step")
    page.evaluate("scrollTo(0, 0)")
    page.locator(".nv-step").first.locator("[data-vote]").first.click()
    page.wait_for_function(_LOADED)
    return page.screenshot()
