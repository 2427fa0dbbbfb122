"""Eighty visitors at once, and some of them in browsers: each is answered what was asked, and nobody else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import httpx2
import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import App, Visit, look_at
from training.bench.running import search

VISITORS = 80
TOWNS = ("timbuktu", "samarkand", "valparaiso")
_SAID = ("no effusion", "there is fluid", "no left effusion", "small effusion", "lungs without fluid")


@pytest.fixture(scope="module")
def client() -> Iterator[httpx2.Client]:
    with httpx2.Client(limits=httpx2.Limits(max_connections=None)) as client:
        yield client


def test_eighty_at_once_are_answered_as_one_by_one(client: httpx2.Client, running: App) -> None:
    texts = [f"{_SAID[number % len(_SAID)]} in bed {number:03}" for number in range(VISITORS)]
    with ThreadPoolExecutor(VISITORS) as crowd:
        together = [*crowd.map(lambda text: search(client, running.address, text), texts)]
    assert [answer["prompt"] for answer in together] == texts
    for text, answer in zip(texts, together, strict=True):
        assert answer == search(client, running.address, text)
        said = json.dumps(answer)
        assert not [other for other in texts if other != text and other in said]
    assert len({json.dumps(answer["models"]) for answer in together}) > len(_SAID)


def test_browsers_side_by_side_see_their_own_sentence_only(chromium: Browser, running: App) -> None:
    with ExitStack() as stack:
        visits = [stack.enter_context(contextmanager(look_at)(chromium, running, {})) for _ in TOWNS]
        for visit, town in zip(visits, TOWNS, strict=True):
            visit.box.fill(f"no fluid in {town}")
        for visit in visits:
            visit.box.press("Enter")
        for visit, town in zip(visits, TOWNS, strict=True):
            _settle(visit, town)
            shown = visit.page.content().lower()
            assert town in shown
            assert not [other for other in TOWNS if other != town and other in shown]


def _settle(visit: Visit, town: str) -> None:
    """Galleries and words are those of the sentence."""
    page = visit.page
    expect(page.locator(".nv-sentence q")).to_have_text(f"no fluid in {town}")
    visit.unfold("attribution")
    expect(page.locator(".nv-heat tbody th").last).to_contain_text(town)
