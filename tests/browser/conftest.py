"""The app as a process of its own, over drawn films, and the system's Chromium to look at it.

A missing browser skips these tests, except where CI is set: there it fails them.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import STDOUT, Popen
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect, sync_playwright

from negviz.page import words
from negviz.results.files import RESULTS
from tests.browser.app_process import fork_app
from tests.tiny import tiny_rivals
from tests.tiny_maps import tiny_maps
from training.bench.running import FLAGS, free_port

ROOT = Path(__file__).parents[2]
HOSTILE = (
    '"><script>window.hacked=1</script>',
    "<img src=x onerror=window.hacked=1>${window.hacked=1}{{hacked}}",
)
EVERY = ("minor", "moderate", "serious", "critical")
# What is folded away bars nobody, and axe takes most of its time for it.
SET_FOLDED_ASIDE = """() => {
  window.folded = [...document.querySelectorAll("details:not([open])")].map(
    details => [details, [...details.children].filter(child => child.tagName !== "SUMMARY")]);
  window.folded.forEach(([, children]) => children.forEach(child => child.remove()));
}"""
PUT_FOLDED_BACK = """() => {
  window.folded.reverse().forEach(([details, children]) => details.append(...children));
  delete window.folded;
}"""
# Nor does what other tabs and panels hold.  It waits in an element that is in no page, in its order, so that
# svelte, whose it is, finds its neighbours.
SET_HIDDEN_ASIDE = """() => {
  const top = [...document.body.querySelectorAll("*")].filter(node => node.children.length
    && getComputedStyle(node).display === "none" && node.parentElement.checkVisibility());
  window.hidden = top.map(node => [node, document.createElement("div")]);
  window.hidden.forEach(([node, waiting]) => waiting.append(...node.childNodes));
}"""
PUT_HIDDEN_BACK = """() => {
  window.hidden.forEach(([node, waiting]) => node.append(...waiting.childNodes));
  delete window.hidden;
}"""
# The rules of axe that look at what is hidden, but for those of colours, of the head and of what plays.
ASK_HIDDEN = ("accesskeys", "area-alt", "aria-allowed-role", "duplicate-id-aria")
ALL_ANSWERED = (
    "![...document.querySelectorAll('.pending, [data-stale], [aria-busy=true]')]"
    ".some(element => element.offsetParent)"
)
STARTS_WITHIN = 300  # seconds
ANSWERS_WITHIN = 60_000  # milliseconds, on a busy machine
expect.set_options(timeout=ANSWERS_WITHIN)


@dataclass
class Visit:
    """One page and what it asked for and complained of."""

    page: Page
    hosts: set[str] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)

    def search(self, text: str) -> None:
        """Type a sentence, press Enter and wait until its reading is there."""
        box = self.box
        box.fill(text)
        box.press("Enter")
        self.page.wait_for_function(
            "text => document.querySelector('.nv-sentence q')?.textContent.startsWith(text)",
            arg=text.strip()[:200],
        )

    def open_tab(self, name: str) -> None:
        """A tab, and on Evidence the first of the themes that are folded away, where there are results."""
        self.page.get_by_role("tab", name=name).click()
        inside = ".nv-columns" if name == words.EXPLORE else f".nv-{name.partition(' ')[0].lower()}"
        self.page.wait_for_selector(inside, timeout=2 * ANSWERS_WITHIN)
        self.page.evaluate("document.querySelector('.nv-evidence .nv-theme')?.setAttribute('open', '')")

    @property
    def panels(self) -> list[str]:
        """Those of Explore that can be unfolded."""
        buttons = self.page.locator(".nv-folds button").all()
        return [(button.get_attribute("id") or "").removeprefix("nv-fold-") for button in buttons]

    def unfold(self, panel: str) -> None:
        """Have a panel of Explore open, by its name, and what it answers there."""
        button = self.page.locator(f"#nv-fold-{panel}")
        if button.get_attribute("aria-expanded") != "true":
            button.click()
        self.page.wait_for_function(
            "css => !document.querySelector(`${css} .nv-follows`) || document.querySelector(`${css} .nv-of`)",
            arg=f".nv-panel-{panel}",
        )

    @property
    def box(self) -> Locator:
        return self.page.get_by_role("textbox", name=words.SENTENCE)

    def films(self, model: str) -> list[str | None]:
        tiles = self.page.locator(f"[data-model={model}] .nv-tile")
        return [tile.get_attribute("data-film") for tile in tiles.all()]

    def text(self, selector: str) -> str:
        return self.page.locator(selector).inner_text()

    def barriers(
        self, within: str | None = None, impacts: Sequence[str] = ("serious", "critical")
    ) -> list[str]:
        """What bars somebody, by axe, on the page or in a part of it, as far as it is unfolded."""
        self.page.wait_for_function(ALL_ANSWERED)  # else it is dim
        self.page.evaluate(SET_FOLDED_ASIDE)
        try:
            found = self._axe(within, runOnly=ASK_HIDDEN)
            self.page.evaluate(SET_HIDDEN_ASIDE)
            try:
                found += self._axe(within)
            finally:
                self.page.evaluate(PUT_HIDDEN_BACK)
        finally:
            self.page.evaluate(PUT_FOLDED_BACK)
        return [
            f"{rule['id']}: {node['target']} {node['failureSummary']}"
            for rule in found
            if rule["impact"] in impacts
            for node in rule["nodes"]
        ]

    def _axe(self, within: str | None, **options: object) -> list[dict[str, Any]]:
        # passes are not listed: of a page of many tables they are megabytes
        only = {"resultTypes": ["violations"], **options}
        violations: list[dict[str, Any]] = (
            Axe().run(self.page, context=within, options=only).response["violations"]
        )
        return violations

    @property
    def hacked(self) -> bool:
        return bool(self.page.evaluate("'hacked' in window"))


@pytest.fixture(scope="package")
def hostile_collection(collection_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The drawn films and two more in the test split, whose ids are markup."""
    folder = tmp_path_factory.mktemp("hostile") / "drawn"
    shutil.copytree(collection_folder, folder)
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    rows += [rows[number] | {"id": id_, "uid": str(100 + number)} for number, id_ in enumerate(HOSTILE)]
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder


@dataclass(frozen=True)
class App:
    """The running app."""

    address: str
    log: Path


@pytest.fixture(scope="package")
def running(
    family_folder: Path, hostile_collection: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[App]:
    folder = tmp_path_factory.mktemp("shown")
    family = shutil.copytree(family_folder, folder / "tiny")
    tiny_rivals(family)
    shutil.copytree(RESULTS, family / "results", dirs_exist_ok=True)  # so that Evidence has all its tables
    arguments = ["--family", str(family), "--collection", str(hostile_collection)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEGVIZ_MAPS", str(tiny_maps(family_folder, hostile_collection)))
        with start(arguments, tmp_path_factory.mktemp("app")) as app:
            yield app


@contextmanager
def start(
    arguments: list[str],
    folder: Path,
    *,
    port: int | None = None,
    code: str = "",
    anew: bool = False,
    until: str = "is ready at",
) -> Iterator[App]:
    """The app with these arguments and a port, once it prints `until`; `folder` takes its log and its cache.

    It is forked from a process that has imported what apps import, or it is `python app.py` where it is to be
    started `anew`.  `code` takes the place of `app.py`.
    """
    log, number = folder / "log", port or free_port()
    arguments = [*arguments, "--port", str(number)]
    surroundings = {
        **os.environ,
        "NEGVIZ_CACHE": str(folder / "cache"),
        "NEGVIZ_NLM": "off",
        "OMP_NUM_THREADS": "1",
    }
    log.touch()
    wait: Callable[[float], object]
    if anew:
        command = [sys.executable, "app.py", *arguments]
        with log.open("wb") as out:
            process = Popen(command, cwd=ROOT, env=surroundings, stdout=out, stderr=STDOUT)
        ended, terminate, wait = (lambda: process.poll() is not None), process.terminate, process.wait
    else:
        forked = fork_app(arguments, surroundings, log, code)
        ended, terminate, wait = (lambda: not forked.is_alive()), forked.terminate, forked.join
    try:
        _wait_for(until, ended, log)
        yield App(f"http://127.0.0.1:{number}/", log)
    finally:
        terminate()
        wait(10)


def _wait_for(said: str, ended: Callable[[], bool], log: Path) -> None:
    until = time.monotonic() + STARTS_WITHIN
    while said not in log.read_text(encoding="utf-8"):
        if ended() or time.monotonic() > until:
            pytest.fail(f"The app did not start:\n{log.read_text(encoding='utf-8')}")
        time.sleep(0.2)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(
            "There is no Chromium; apt-get install chromium."
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=[*FLAGS, "--disable-quic"])
        yield browser
        browser.close()


@pytest.fixture
def visit(request: pytest.FixtureRequest, chromium: Browser, running: App) -> Iterator[Visit]:
    """The page in a context of its own; parametrize indirectly with options of the context."""
    yield from look_at(chromium, running, getattr(request, "param", {}))


@pytest.fixture(scope="module")
def stay(chromium: Browser, running: App) -> Iterator[Visit]:
    """One page for all tests that begin with a search of their own: opening it takes longest."""
    yield from look_at(chromium, running, {})


def _matters(said: ConsoleMessage) -> bool:
    """An error, but for gradio's own haste: it cancels events that it has not been told the id of."""
    hasty = ("/gradio_api/cancel", "/gradio_api/reset")
    return said.type == "error" and not said.location["url"].endswith(hasty)


def look_at(
    chromium: Browser, running: App, options: dict[str, Any], *, alone: bool = False
) -> Iterator[Visit]:
    """The page, and at the end whether it was content and asked nobody but the app.

    Half of what a visit costs is a new process of the browser and reading gradio's scripts in it, so visits
    come to a tab that others have left, of which nothing is kept but what was read; `alone` opens one that is
    thrown away.
    """
    usual = {"viewport": {"width": 1366, "height": 768}, "color_scheme": "light", "reduced_motion": "reduce"}
    wanted = usual | options
    media = {name: wanted.pop(name) for name in ("color_scheme", "reduced_motion")}
    tabs = [] if alone else _left_tabs(chromium, wanted)
    page = tabs.pop() if tabs else _open_tab(chromium, wanted)
    page.set_viewport_size(wanted["viewport"])
    page.emulate_media(**media)
    visit = Visit(page)
    told: dict[str, Callable[[Any], object]] = {
        "request": lambda asked: visit.hosts.add(urlsplit(asked.url).netloc),
        "console": lambda said: visit.complaints.append(said.text) if _matters(said) else None,
        "pageerror": lambda error: visit.complaints.append(str(error)),
    }
    for event, tell in told.items():
        page.on(event, tell)  # type: ignore[call-overload]
    page.goto(running.address)
    page.wait_for_selector(".nv-tile")
    yield visit
    if alone:
        page.context.close()
    else:
        _leave(page, running, told)
        tabs.append(page)
    assert visit.hosts - {""} == {urlsplit(running.address).netloc}  # "" are data: and blob: addresses
    assert visit.complaints == []


# The tabs that visits have left, by browser and by what a context cannot change later.
_LEFT: WeakKeyDictionary[Browser, dict[str, list[Page]]] = WeakKeyDictionary()


def _left_tabs(chromium: Browser, wanted: dict[str, Any]) -> list[Page]:
    lasting = {name: value for name, value in wanted.items() if name != "viewport"}
    return _LEFT.setdefault(chromium, {}).setdefault(json.dumps(lasting, sort_keys=True), [])


def _open_tab(chromium: Browser, wanted: dict[str, Any]) -> Page:
    context = chromium.new_context(**wanted)
    context.set_default_timeout(ANSWERS_WITHIN)
    return context.new_page()


def _leave(page: Page, running: App, told: dict[str, Callable[[Any], object]]) -> None:
    """A tab as it was before anybody came, but for scripts that it has read."""
    for event, tell in told.items():  # what gradio says of being left is no complaint of the page
        page.remove_listener(event, tell)
    page.evaluate("sessionStorage.clear()")
    page.goto("about:blank")
    page.unroute_all()
    page.context.clear_cookies()
    clearing = page.context.new_cdp_session(page)
    origin = running.address.removesuffix("/")
    clearing.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"})
    clearing.detach()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test beside this file is one of the browser's; they come first.

    They take longest and wait most, so other tests fill the time when several workers share a run.  None may
    come between them: Playwright keeps an event loop running in this thread until its fixture ends.
    """
    of_browser = [item for item in items if Path(__file__).parent in item.path.parents]
    for item in of_browser:
        item.add_marker(pytest.mark.browser)
    items[:] = of_browser + [item for item in items if item not in of_browser]
