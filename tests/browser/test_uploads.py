"""Own films as their owner opens them, on a page started with NEGVIZ_UPLOADS=1."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from negviz.page.uploads import words
from negviz.page.uploads.panel import SWITCH
from tests.browser.conftest import App, Visit, look_at, start
from tests.retrieval.test_own_films import dicom, png, zipped


@pytest.fixture(scope="module")
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("temporary")


@pytest.fixture(scope="module")
def local(
    family_folder: Path, collection_folder: Path, tmp_path_factory: pytest.TempPathFactory, temporary: Path
) -> Iterator[App]:
    arguments = ["--family", str(family_folder), "--collection", str(collection_folder)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(SWITCH, "1")
        patch.setenv("TMPDIR", str(temporary))
        with start(arguments, tmp_path_factory.mktemp("app"), anew=True) as app:
            yield app


@pytest.fixture
def own(chromium: Browser, local: App) -> Iterator[Visit]:
    for visit in look_at(chromium, local, {}):
        button = visit.page.get_by_role("button", name=words.TITLE)
        button.focus()
        visit.page.keyboard.press("Enter")
        visit.page.locator(".nv-own-shelf:not([data-shelf=''])").wait_for(state="attached")
        yield visit


def choose(visit: Visit, label: str, name: str, data: bytes) -> None:
    visit.page.get_by_label(label, exact=True).set_input_files(
        {"name": name, "mimeType": "application/octet-stream", "buffer": data}
    )


def test_a_zip_is_opened_searched_and_deleted(own: Visit, local: App, temporary: Path) -> None:
    films = {f"xanadu{number}.png": png(number) for number in range(3)}
    choose(own, words.FILES, "xanadu.zip", zipped({**films, "xanadu.dcm": dicom(), "notes.txt": b"no film"}))
    tiles = own.page.locator(".nv-own-best .nv-own-column").first.locator(".nv-own-tile")
    expect(tiles).to_have_count(4)
    expect(own.page.locator(".nv-own-said")).to_have_text("4 opened, 1 not.")
    expect(own.page.locator(".nv-own-problems li")).to_have_text(re.compile(r"notes\.txt: It is not a PNG"))
    own.search("pleural effusion")
    expect(own.page.locator(".nv-own-best q")).to_have_text("pleural effusion")
    left = [path for path in temporary.rglob("*") if path.is_file() and path.stat().st_size]
    assert left == []
    assert "xanadu" not in local.log.read_text(encoding="utf-8")
    own.page.get_by_role("button", name=words.DELETE).click()
    expect(own.page.locator(".nv-own-shown")).to_have_text(words.DELETED)


def test_films_like_one_are_found(own: Visit) -> None:
    choose(own, words.SEEK, "mine.png", png(1))
    sought = own.page.locator(".nv-own-sought")
    sought.wait_for()
    expect(sought.locator(".nv-tile")).to_have_count(8)
    expect(sought.locator("tbody tr")).to_have_count(3)
    own.page.get_by_role("button", name=words.WHERE).press("Enter")
    expect(own.page.locator(".nv-own-where-maps figure")).to_have_count(6)
    assert own.barriers(".nv-own-panel") == []
    own.page.reload()
    own.page.wait_for_selector(".nv-tile")
    assert own.page.locator(".nv-own-sought").count() == 0
