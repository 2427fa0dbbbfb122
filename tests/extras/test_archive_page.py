"""An archive is opened as the page: films are found among all of it, and what is of a sample is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import expect

from negviz.common.shipped import COMPACT
from negviz.films.archive import SAMPLE
from negviz.films.collection import PHANTOMS
from negviz.models.family import load_models
from negviz.page.words import BEYOND
from tests.browser.conftest import App, Visit, look_at, start
from training.bench.drawn import Drawn, Shipped
from training.bench.running import chromium

pytestmark = [pytest.mark.extra, pytest.mark.browser]
pytest.importorskip("lancedb", reason="an optional extra: pip install 'lancedb==0.40.0' 'ray[data]==2.60.0'")

FILMS = SAMPLE + 500


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of more films than are seen of it, drawn around simulated ones, whose pixels are shipped."""
    base = load_models(COMPACT, read_twice=False)["base"]
    folder = tmp_path_factory.mktemp("drawn") / "archive"
    return Drawn.of(folder, Shipped.of(base, (PHANTOMS,)), FILMS).place


@pytest.fixture(scope="module")
def running(place: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    options = ["--family", str(COMPACT), "--collection", str(place)]
    with start(options, tmp_path_factory.mktemp("app")) as app:
        yield app


@pytest.fixture
def visit(running: App) -> Iterator[Visit]:
    # of its own: that of tests/browser keeps an event loop running, which tests beside these begin themselves
    with chromium() as browser, contextmanager(look_at)(browser, running, {}) as visit:
        yield visit


def test_films_are_found_among_all_and_shown_and_what_is_of_a_sample_is_told(visit: Visit) -> None:
    expect(visit.page.locator(".nv-foot")).to_contain_text(
        f"a fixed random sample of {SAMPLE:,} of {FILMS:,} films"
    )
    visit.page.get_by_role("radio", name="all films").check()
    visit.page.get_by_text(f"Searched all {FILMS:,} films").wait_for()
    shown = visit.page.locator("[data-model=base] .nv-tile img")
    assert len(visit.films("base")) == 10
    for picture in shown.all():
        picture.evaluate("image => image.decode()")  # fails where it is no picture

    film = visit.films("base")[0]
    assert film not in visit.films("con2")
    visit.page.locator(f"[data-model=base] [data-film={film}] .nv-pick").press("Enter")
    expect(visit.page.locator(".nv-spare[data-model=con2]")).to_contain_text(BEYOND)
