"""One list of kinds of results: what page and READMEs show comes from it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from negviz.films.collection import open_collection
from negviz.results.files import describe, read_result
from negviz.results.kinds import KINDS, kind_of
from training.paths import RESULTS
from training.report.tables import render


def _committed() -> dict[str, dict[str, Any]]:
    return {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(RESULTS.glob("*.json"))}


def test_page_and_readme_show_the_same_table_of_a_file() -> None:
    shown = 0
    for name, value in _committed().items():
        if kind_of(value).summary is None:
            continue
        table = read_result(RESULTS / f"{name}.json").tables[0]
        rows = render(value, name).splitlines()
        assert rows[0] == f"| {' | '.join(table.head)} |"
        assert rows[2 : 2 + len(table.rows)] == [f"| {' | '.join(map(str, row))} |" for row in table.rows]
        shown += 1
    assert shown >= 10


def test_a_file_is_of_the_kind_of_the_command_that_made_it() -> None:
    for name, value in _committed().items():
        kind = kind_of(value)
        assert kind not in KINDS or value["command"].startswith(f"python -m training {kind.command}"), name


@pytest.mark.parametrize(
    "data",
    [
        '{"phantoms": "HASH"}',
        '{"collections": {"openi": "other", "phantoms": "HASH"}}',
        '{"collection": "phantoms", "collection_hash": "HASH"}',
        '{"evaluations": {"phantoms, unseen wordings": {"collection_hash": "HASH"}}}',
    ],
)
def test_what_was_measured_over_earlier_simulated_films_says_so(data: str) -> None:
    shipped = open_collection("phantoms").hash
    for hash_, said in (("0" * 64, True), (shipped, False)):
        told = describe({"data": json.loads(data.replace("HASH", hash_))}, "A note.")
        assert ("shipped before the present ones" in told) is said
    assert describe({"data": {"collection": "openi", "collection_hash": "0"}}, "A note.") == "A note."
