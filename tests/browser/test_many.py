"""Many sentences in a browser: pasted or of a file, sorted, filtered, saved, and opened in Explore."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, expect

from negviz.page import words as page_words
from negviz.page.many import words
from tests.browser.conftest import Visit

FILE = 'kind,prompt\nplain,no effusion\n"in a list","cardiomegaly, no effusion"\nplain,"=1+1 ""effusion"""\n'


@pytest.fixture
def many(stay: Visit) -> Visit:
    stay.open_tab("Many sentences")
    return stay


def ask(many: Visit, rows: int) -> None:
    many.page.get_by_role("button", name=words.ASK).click()
    expect(many.page.locator(".nv-many-stop")).to_be_hidden()
    expect(many.page.locator(".nv-many-table tbody tr")).to_have_count(rows)


def test_pasted_lines_become_a_table_that_opens_in_explore(many: Visit) -> None:
    many.page.get_by_label(words.PASTE).fill("no effusion\n\n  cardiomegaly \nedema\n")
    ask(many, rows=3)
    head = many.page.get_by_role("button", name=words.SENTENCE, exact=False).first
    head.click()
    first = many.page.locator(".nv-many-open")
    assert first.all_inner_texts() == ["cardiomegaly", "edema", "no effusion"]
    head.click()
    assert first.all_inner_texts() == ["no effusion", "edema", "cardiomegaly"]
    averages = many.page.locator(".nv-many-averages")
    expect(averages).to_contain_text("1 that denies a finding: ")
    expect(averages).to_contain_text("2 that ask for a finding: ")
    assert many.barriers() == []
    first.first.click()
    expect(many.page.locator(".nv-sentence q")).to_have_text("no effusion")
    assert many.box.input_value() == "no effusion"


def test_a_file_is_read_here_filtered_and_saved(many: Visit) -> None:
    chosen = FilePayload(name="mine.csv", mimeType="text/csv", buffer=FILE.encode())
    many.page.locator(".nv-many input[type=file]").set_input_files(chosen)
    expect(many.page.get_by_label(words.PASTE)).to_have_value(
        'no effusion\ncardiomegaly, no effusion\n=1+1 "effusion"'
    )
    ask(many, rows=3)
    many.page.locator(".nv-many-kind").select_option("plain")
    expect(many.page.locator(".nv-many-table tbody tr")).to_have_count(2)
    with many.page.expect_download() as saved:
        many.page.get_by_role("button", name=words.SAVE).click()
    rows = list(csv.DictReader(io.StringIO(Path(saved.value.path()).read_text("utf-8"))))
    assert sorted(row["sentence"] for row in rows) == ['\'=1+1 "effusion"', "no effusion"]
    assert all(row["base right"].isdigit() for row in rows if row["sentence"] == "no effusion")
    many.page.locator(".nv-many-kind").select_option("")


def test_it_can_be_stopped_and_keeps_what_was_answered(many: Visit) -> None:
    many.page.get_by_label(words.PASTE).fill(
        "\n".join(f"no effusion of kind {number}" for number in range(400))
    )
    many.page.get_by_role("button", name=words.ASK).click()
    many.page.locator(".nv-many-table tbody tr").first.wait_for()
    many.page.get_by_role("button", name=words.STOP).click()
    expect(many.page.locator(".nv-many-said")).to_contain_text("Stopped after")
    assert 0 < many.page.locator(".nv-many-table tbody tr").count() < 400


def test_it_goes_with_the_visit(many: Visit) -> None:
    many.page.get_by_label(words.PASTE).fill("no effusion in ouagadougou")
    ask(many, rows=1)
    many.open_tab(page_words.EXPLORE)
    many.page.get_by_role("button", name=page_words.CLEAR).click()
    many.page.get_by_role("button", name=page_words.BRING_BACK).wait_for()
    assert "ouagadougou" not in many.page.content()
    many.open_tab("Many sentences")
    expect(many.page.get_by_label(words.PASTE)).to_have_value("")
