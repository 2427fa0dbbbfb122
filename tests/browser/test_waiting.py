"""A page that is looked at while its films are still being embedded."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, expect

from negviz.page.waiting import words
from tests.browser.conftest import ANSWERS_WITHIN, start

# The app whose image tower takes four films at once, and stops after eight until there is a file.
LAUNCH = """
import pathlib, sys, time
import app, negviz.retrieval.embeddings
from negviz.models.encoder import DualEncoder
encode, seen = DualEncoder.encode_images, []
def slowly(model, images):
    while len(seen) == 2 and not pathlib.Path(sys.argv[1]).exists():
        time.sleep(0.05)
    seen.extend([1] * (len(images) == 4))  # opening a model encodes a picture too
    return encode(model, images)
DualEncoder.encode_images = slowly
negviz.retrieval.embeddings._AT_ONCE = 4
app.main(sys.argv[2:])
"""


def test_the_page_says_how_far_it_is_and_opens_by_itself(
    chromium: Browser, family_folder: Path, collection_folder: Path, tmp_path: Path
) -> None:
    go, arguments = tmp_path / "go", ["--family", str(family_folder), "--collection", str(collection_folder)]
    with start([str(go), *arguments], tmp_path, code=LAUNCH, until="being opened at port") as app:
        context = chromium.new_context()
        context.set_default_timeout(ANSWERS_WITHIN)
        page = context.new_page()
        page.goto(f"{app.address}#q=Effusion")
        expect(page.get_by_role("heading")).to_have_text(words.OPENING)
        expect(page.locator("#said")).to_contain_text("8 of 24 films embedded. Less than a minute is left.")
        assert page.request.get(f"{app.address}health").status == 503
        assert page.request.get(f"{app.address}film/film01").text() == words.NOT_YET
        assert "is ready at" not in app.log.read_text("utf-8")
        go.touch()
        page.wait_for_selector(".nv-tile")
        expect(page.locator(".nv-sentence q")).to_have_text("Effusion")
        assert page.request.get(f"{app.address}health").json()["status"] == "ok"
        context.close()
