"""Films of Open-i that are not on this machine, as they come from a server in NLM's layout, or do not."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from negviz.films.collection import open_collection
from negviz.models.encoder import DualEncoder
from negviz.page import words
from negviz.retrieval.embeddings import film_embeddings, write_embeddings
from tests.browser.conftest import App, Visit, look_at, start
from tests.nlm_server import NlmServer, status

# The app over collections that are shipped in a folder of our own.
LAUNCH = (
    "import pathlib, sys, app, negviz.page.launch, negviz.films.collection, negviz.retrieval.embeddings; "
    "negviz.films.collection.ASSETS = negviz.retrieval.embeddings.ASSETS = pathlib.Path(sys.argv[1]); "
    "app.main(sys.argv[2:])"
)
ALL_HERE = "() => [...document.querySelectorAll('.nv-tile img')].every(i => i.complete && i.naturalWidth > 0)"
FAILED = "Failed to load resource"  # what Chromium says of each answer that is an error


@pytest.fixture(scope="module")
def films(collection_folder: Path) -> dict[str, bytes | Path]:
    """The drawn films under ids of Open-i."""
    images = sorted((collection_folder / "images").iterdir())
    return {f"CXR{number}_IM-{number:04}-4001": path for number, path in enumerate(images, 1)}


@pytest.fixture(scope="module")
def assets(
    collection_folder: Path,
    films: dict[str, bytes | Path],
    models: dict[str, DualEncoder],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """The drawn collection as one that is shipped as openi: facts and embeddings, no images."""
    folder = tmp_path_factory.mktemp("assets")
    with (collection_folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    (folder / "openi").mkdir()
    with (folder / "openi" / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        for row, id_ in zip(rows, films, strict=True):
            writer.writerow(row | {"id": id_, "image": f"images/{id_}.png"})
    pixels = tmp_path_factory.mktemp("pixels")
    for id_, source in films.items():
        assert isinstance(source, Path)
        shutil.copy(source, pixels / f"{id_}{source.suffix}")
    collection = open_collection(folder / "openi", films=pixels)
    rows_of = film_embeddings(models["base"], open_collection(collection_folder), cache=folder / "cache")
    place = folder / "openi" / "embeddings" / f"{models['base'].tower_id}.safetensors"
    write_embeddings(place, collection, rows_of)
    return folder


@pytest.fixture(scope="module")
def nlm(films: dict[str, bytes | Path]) -> Iterator[NlmServer]:
    """It has the films of the test split; of the others it has lost some and fails to send some."""
    with NlmServer(films, delay=0.1) as server:
        for number, id_ in enumerate([*films][8:]):
            server.always(id_, status(404 if number % 2 else 500))
        yield server


@pytest.fixture(scope="module")
def running(
    family_folder: Path, assets: Path, nlm: NlmServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[App]:
    arguments = ["--family", str(family_folder), "--nlm", nlm.url]
    folder = tmp_path_factory.mktemp("on_demand")
    with start([str(assets), *arguments], folder, code=LAUNCH) as app:
        yield app


@pytest.fixture
def visit(chromium: Browser, running: App) -> Iterator[Visit]:
    yield from look_at(chromium, running, {})


def test_films_come_by_themselves_and_the_page_says_where_from(visit: Visit, nlm: NlmServer) -> None:
    assert len(visit.films("base")) == 8
    visit.page.wait_for_function(ALL_HERE)
    said = visit.page.get_by_text(f"Films come from {nlm.url[7:]} as they are shown.")
    said.wait_for()


def test_a_film_that_cannot_be_had_says_so_and_keeps_its_mark(visit: Visit, films: dict[str, object]) -> None:
    visit.page.get_by_role("radio", name="all films").check()
    visit.page.get_by_text("Searched all 24 films").wait_for()
    visit.search("no effusion")
    visit.page.wait_for_function(ALL_HERE)
    lost = set(visit.films("base")) & {*[*films][8:]}
    tile = visit.page.locator(f"[data-model=base] [data-film={min(map(str, lost))}]")
    assert tile.locator(".nv-mark").is_visible()
    address = f"{visit.page.url}{tile.locator('img').get_attribute('src')}"
    reply = visit.page.request.get(address)
    assert not reply.ok
    assert words.CANNOT_BE_HAD in reply.text()
    drawn = "image => [image.naturalWidth, getComputedStyle(image.closest('.nv-well')).backgroundColor]"
    assert tile.locator("img").evaluate(drawn) == [105, "rgb(0, 0, 0)"]  # the words' own width
    assert all(FAILED in said for said in visit.complaints)
    visit.complaints.clear()
