"""What a visitor typed is nowhere after the visit: searched for, not promised."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import Browser, expect

from negviz.page import words
from negviz.page.attribution import words as attribution
from negviz.page.share import words as share
from tests.browser.conftest import ROOT, App, Visit, look_at, start
from tests.tiny_maps import tiny_maps

SECRET = "no effusion in ouagadougou"
OPPOSITE = "all the water of titicaca"
MARKS = (b"ouagadougou", b"titicaca")
_PASSED_BY = {".git", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"}
_KEPT = """async () => JSON.stringify([
  Object.entries(localStorage), Object.entries(sessionStorage), document.cookie, history.state,
  await indexedDB.databases(), await (globalThis.caches?.keys() ?? []),
])"""


@dataclass(frozen=True)
class House:
    """An app whose every folder is ours to search."""

    app: App
    folder: Path  # its home, its temporary files, its cache and its log
    began: float


@pytest.fixture(scope="module")
def house(
    family_folder: Path, hostile_collection: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    folder, began = tmp_path_factory.mktemp("house"), time.time()
    maps = tiny_maps(family_folder, hostile_collection)
    with pytest.MonkeyPatch.context() as patch:
        for variable in ("HOME", "TMPDIR"):
            (folder / variable).mkdir()
            patch.setenv(variable, str(folder / variable))
        patch.setenv("NEGVIZ_MAPS", str(maps))
        arguments = ["--family", str(family_folder), "--collection", str(hostile_collection)]
        running = start(arguments, folder, anew=True)
        app = running.__enter__()
    try:
        yield House(app, folder, began)
    finally:
        running.__exit__(None, None, None)


def test_a_visit_leaves_nothing_behind(chromium: Browser, house: House) -> None:
    for visit in look_at(chromium, house.app, {"accept_downloads": True}, alone=True):
        addresses: list[str] = []
        visit.page.on("request", lambda request: addresses.append(request.url))  # noqa: B023
        _use_everything(visit)
        said = visit.page.evaluate(_KEPT) + json.dumps(visit.page.context.storage_state(indexed_db=True))
        assert not _holds(said.encode())
        assert not _holds(visit.page.url.encode())
        assert [url for url in addresses if _holds(url.encode())] == []
    assert _written(house) == []


def test_marked_text_sent_everywhere_is_written_nowhere(house: House) -> None:
    """To every function of the page, in too few places, in all and in other shapes, and to every route."""
    with httpx.Client(base_url=house.app.address, timeout=120) as client:
        for number, fn in enumerate(client.get("config").json()["dependencies"]):
            if not fn["backend_fn"]:
                continue
            for sent in (
                [],
                [SECRET],
                [SECRET] * len(fn["inputs"]),
                [{SECRET: [SECRET]}] * len(fn["inputs"]),
            ):
                _put_to_a_function(client, f"visit{number}", fn["id"], sent)
        for method, path in _ADDRESSES:
            filled = path.format(quote(SECRET))
            for content in (
                SECRET.encode(),
                json.dumps({"asked": SECRET, "id": SECRET}).encode(),
                b"[" * 9_000,
            ):
                headers = {"content-type": "application/json", "x-nv": SECRET}
                client.request(method, filled, content=content, headers=headers, params={"q": SECRET})
    assert "Traceback" not in house.app.log.read_text("utf-8")  # nothing of this is a fault of ours
    assert _written(house) == []


_ADDRESSES = [
    *(("GET", path) for path in ("films/{0}/{0}", "films/drawn/{0}", "page/{0}", "family/{0}/", "{0}")),
    *(("GET", f"page/{name}") for name in ("dial-film", "map/drawn", "font/{0}")),
    *(("POST", f"page/{name}") for name in ("ranks", "many", "saliency", "film-record", "{0}")),
    *(("POST", f"gradio_api/{name}") for name in ("run/{0}", "call/{0}", "call/search", "upload")),
    *(("POST", f"gradio_api/{name}") for name in ("queue/join", "cancel", "reset")),
    *(("GET", f"gradio_api/{name}") for name in ("call/search/{0}", "file={0}", "stream/{0}", "proxy={0}")),
]


def _put_to_a_function(client: httpx.Client, session: str, fn: int, data: list[Any]) -> None:
    """Through the queue, as the page does, until gradio says that it is done."""
    asked = {
        "data": data,
        "fn_index": fn,
        "session_hash": session,
        "event_data": {"model": SECRET, "id": SECRET},
    }
    joined = client.post("gradio_api/queue/join", json=asked)
    assert not _holds(joined.content)
    if joined.is_success:
        with client.stream("GET", "gradio_api/queue/data", params={"session_hash": session}) as said:
            for line in said.iter_lines():
                if '"process_completed"' in line or '"close_stream"' in line:
                    break


def _use_everything(visit: Visit) -> None:
    """Search, words and heads, the map, the opposite, the viewer, sharing, every tab."""
    page = visit.page
    visit.search(SECRET)
    visit.unfold("attribution")
    expect(page.locator(".nv-heat tbody th").last).to_contain_text("ouagadougou")
    page.get_by_role("button", name=attribution.HEADS).click()
    page.locator(".nv-heads button").first.click()
    page.locator(".nv-looks").wait_for()
    for panel in ("diagnosis", "dial", "map"):
        visit.unfold(panel)
        page.locator(f".nv-panel-{panel} .nv-of q", has_text="ouagadougou").wait_for()
    page.locator(".nv-map-panes").scroll_into_view_if_needed()
    page.wait_for_selector(".nv-map-panes[aria-busy=false]")
    page.get_by_role("checkbox", name=words.TAKE_AWAY).check()
    page.locator(".nv-compared").wait_for()
    opposite = page.get_by_role("textbox", name=words.OPPOSITE)
    opposite.fill(OPPOSITE)
    opposite.press("Enter")
    page.locator("[data-model=con2] h3 q", has_text=OPPOSITE).wait_for()
    page.get_by_role("button", name=words.PIN).click()
    page.get_by_role("button", name=words.UNPIN).wait_for()
    pick = page.locator(".nv-pick").first
    pick.press("Enter")
    pick.press("Enter")
    page.locator("dialog.nv-viewer[open]").wait_for()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Escape")
    _share(visit)
    for tab in ("Lesson", "Evidence", "About", words.EXPLORE):
        page.get_by_role("tab", name=tab).click()
        page.wait_for_selector(f".nv-{tab.lower()}" if tab != words.EXPLORE else ".nv-tile")


def _share(visit: Visit) -> None:
    visit.page.wait_for_function(  # panels are told after the galleries; a later answer folds this one again
        "said => document.querySelector('details.nv-share').dataset.asked.includes(said)", arg=OPPOSITE
    )
    bar = visit.page.locator("details.nv-share")
    bar.locator("summary").click()
    bar.get_by_role("button", name=share.BUTTONS["link"]).click()
    bar.get_by_label(share.LINK).wait_for()
    bar.get_by_role("button", name=share.BUTTONS["qr"]).click()
    bar.locator(".nv-qr svg").wait_for()
    for kind in ("csv", "file", "png"):
        with visit.page.expect_download() as caught:
            bar.get_by_role("button", name=share.BUTTONS[kind]).click()
        assert not _holds(caught.value.suggested_filename.encode())
        caught.value.delete()


def _holds(content: bytes) -> bool:
    lower = content.lower()
    return any(mark in lower for mark in MARKS)


def _written(house: House) -> list[str]:
    """Files that hold a sentence: all of the app's own, and what was written elsewhere since it began."""
    itself = Path(__file__).resolve()
    gradio = Path(tempfile.gettempdir()) / "gradio"
    found = [path for path in _files(house.folder, 0) if _leaks(path)]
    found += [
        path
        for folder in (ROOT, gradio)
        for path in _files(folder, house.began)
        if path.resolve() != itself and _leaks(path)
    ]
    return [str(path) for path in found]


def _files(folder: Path, since: float) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in _PASSED_BY]
        for name in names:
            path = Path(place, name)
            if path.is_file() and path.stat().st_mtime >= since:
                yield path


def _leaks(path: Path) -> bool:
    return _holds(str(path).encode()) or _holds(path.read_bytes())
