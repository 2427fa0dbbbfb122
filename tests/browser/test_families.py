"""Choosing among families of models, in the browser."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from negviz.page.families import words
from tests.browser.conftest import App, Visit, look_at, start


@pytest.fixture(scope="module")
def shelf(
    family_folder: Path, collection_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[App]:
    """An app of three families: the tiny one, one of base and con2 only, and a damaged one."""
    folder = tmp_path_factory.mktemp("shelf")
    for name in ("smaller", "damaged"):
        shutil.copytree(family_folder, folder / name)
    record = json.loads((folder / "smaller" / "family.json").read_text("utf-8"))
    del record["models"]["con1"]
    (folder / "smaller" / "family.json").write_text(json.dumps(record), encoding="utf-8")
    (folder / "smaller" / "results").mkdir()
    own = {"what": "how the smaller family did", "models": {"con2": {"share": [0.5, 0.4, 0.6]}}}
    (folder / "smaller" / "results" / "own.json").write_text(json.dumps(own), encoding="utf-8")
    (folder / "damaged" / "con1" / "model.safetensors").write_bytes(b"")
    families = [family_folder, folder / "smaller", folder / "damaged"]
    arguments = ["--collection", str(collection_folder)]
    arguments += [part for family in families for part in ("--family", str(family))]
    with start(arguments, tmp_path_factory.mktemp("app")) as app:
        yield app


@pytest.fixture
def visit(chromium: Browser, shelf: App) -> Iterator[Visit]:
    yield from look_at(chromium, shelf, {})


def _left(said: str) -> bool:
    """Whether gradio only complains that a page was left while it was still asking."""
    return "AbortError" in said or "errored out" in said


def test_another_family_takes_the_sentence_along_and_back(visit: Visit, shelf: App) -> None:
    page = visit.page
    choice = page.get_by_label(words.MODELS_OF)
    expect(choice.locator("option")).to_have_text(["tiny", "smaller", "damaged"])
    assert page.locator(".nv-column").count() == 3
    visit.search("Pleural effusion")
    page.wait_for_function("document.querySelector('.nv-share')?.dataset.fragment.includes('Pleural')")
    choice.select_option("smaller")
    page.wait_for_url("**/family/smaller/#q=*")
    page.wait_for_selector(".nv-tile")
    expect(page.locator(".nv-sentence q")).to_have_text("Pleural effusion")
    expect(page.locator(".nv-column")).to_have_count(2)
    assert page.locator("[data-model=con1].nv-column").count() == 0
    expect(page.locator(".nv-tile img").first).to_have_js_property("complete", True)
    assert page.locator(".nv-tile img").first.evaluate("image => image.naturalWidth") > 0
    visit.open_tab("Evidence")
    expect(page.get_by_text("how the smaller family did")).to_be_visible()
    page.get_by_role("tab", name="Explore").click()
    choice.select_option("tiny")
    page.wait_for_url(f"{shelf.address}#q=*")
    expect(page.locator(".nv-column")).to_have_count(3)
    assert all(map(_left, visit.complaints))
    visit.complaints.clear()


def test_a_damaged_family_is_one_sentence_and_a_way_back(visit: Visit, shelf: App) -> None:
    page = visit.page
    page.get_by_label(words.MODELS_OF).select_option("damaged")
    expect(page.get_by_role("heading")).to_have_text(words.FAILED.format(title="damaged"))
    expect(page.get_by_role("status")).to_contain_text("truncated")
    assert all("503" in said or _left(said) for said in visit.complaints)
    visit.complaints.clear()
    page.get_by_role("link", name=words.BACK).click()
    page.wait_for_selector(".nv-tile")
    assert page.url == shelf.address
