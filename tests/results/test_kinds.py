"""One list of kinds of results: what page and READMEs show comes from it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from negviz.common.shipped import COMPACT
from negviz.films.collection import open_collection
from negviz.models.checkpoint import read_training
from negviz.results.files import describe, read_result
from negviz.results.kinds import KINDS, kind_of
from negviz.results.kinds.evaluation import IGNORED
from negviz.results.types import Figure, figure
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
        '{"collections": {"nih": "other", "phantoms": "HASH"}}',
        '{"collection": "phantoms", "collection_hash": "HASH"}',
        '{"evaluations": {"phantoms, unseen wordings": {"collection_hash": "HASH"}}}',
    ],
)
def test_what_was_measured_over_earlier_simulated_films_says_so(data: str) -> None:
    shipped = open_collection("phantoms").hash
    for hash_, said in (("0" * 64, True), (shipped, False)):
        told = describe({"data": json.loads(data.replace("HASH", hash_))}, "A note.")
        assert ("shipped before the present ones" in told) is said
    assert describe({"data": {"collection": "nih", "collection_hash": "0"}}, "A note.") == "A note."


OF_ALL = "Its simulated films, labels of Open-i and models are those"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"data": {"openi": "0" * 64}}, "Its labels of Open-i are those"),
        ({"data": {"tower_id": "0" * 16}}, "Its models are those"),
        ({"family": {"base/image_tower.safetensors": "0" * 64}}, "Its models are those"),
        ({"data": {"openi": "0", "tower_id": "0", "phantoms": "0"}}, OF_ALL),
    ],
)
def test_what_was_measured_with_earlier_labels_or_models_says_so(value: dict[str, Any], said: str) -> None:
    assert f"{said} shipped before the present ones." in describe(value, "A note.")


def test_of_the_models_of_somebody_else_nothing_is_said_to_be_earlier() -> None:
    command = "python -m training diagnosis --family checkpoints/mine"
    assert describe({"command": command, "data": {"tower_id": "0" * 16}}, "A note.") == "A note."


def test_beside_a_denial_stands_what_a_model_that_ignores_it_would_reach() -> None:
    """In every table that has a row a model, and as a row of its own where models are columns."""
    value = json.loads((RESULTS / "openi.json").read_text(encoding="utf-8"))
    table = read_result(RESULTS / "openi.json").tables[0]
    place = table.head.index(IGNORED)
    shown = {(str(row[0]).partition(" ")[0], row[1]): row[place] for row in table.rows}
    affirming = value["models"]["con1"]["cells"]["natural/present"]
    figure = shown["natural/absent", "con1"]
    assert isinstance(figure, Figure)
    assert (figure.value, figure.low) == (1 - affirming["auroc"], 1 - affirming["auroc_ci"][1])
    assert shown["natural/present", "con1"] == Figure(None)
    rows = read_result(RESULTS / "training-free.json").tables[0].rows
    (ignoring,) = (row for row in rows if row[:2] == ("openi", f"absent, {IGNORED}"))
    (present,) = (row for row in rows if row[:2] == ("openi", "present"))
    for mine, other in zip(ignoring[2:], present[2:], strict=True):
        assert isinstance(mine, Figure)
        assert isinstance(other, Figure)
        assert mine.value == 1 - (other.value or 0)


def test_an_interval_that_cannot_move_is_not_shown_and_a_narrow_one_is_told_apart() -> None:
    assert str(figure({"a": 1.0, "a_ci": [1.0, 1.0]}, "a")) == "1.00"
    assert str(figure({"a": 0.9996, "a_ci": [0.9979, 1.0]}, "a")) == "1.000 [0.998, 1.000]"
    assert str(figure({"a": 0.5, "a_ci": [0.4, 0.6]}, "a")) == "0.50 [0.40, 0.60]"
    unmoved = re.compile(r"(\d\.\d+) \[([+−]?\d\.\d+), \2\]")
    for document in (RESULTS / "README.md", *COMPACT.glob("*/README.md")):
        assert not unmoved.search(document.read_text(encoding="utf-8"))


def test_of_nih_films_it_is_said_what_base_saw_of_their_source() -> None:
    note = read_result(RESULTS / "nih.json").what
    seen = read_training(COMPACT, "base")["films_of"]["nih"]
    for said in (
        f"{seen:,} other films",
        "`p_*`",
        "patients may be the same",
        "“no effusion” means “normal”",
    ):
        assert said in note
    assert "p_*" not in read_result(RESULTS / "openi.json").what


def test_how_far_seeds_lie_apart_is_shown_where_a_file_knows_it(tmp_path: Path) -> None:
    value = json.loads((RESULTS / "openi.json").read_text(encoding="utf-8"))
    for cell in (cell for model in value["models"].values() for cell in model["cells"].values()):
        for key in [key for key in cell if key == "seeds" or key.endswith("_sd")]:
            del cell[key]
    (tmp_path / "openi.json").write_text(json.dumps(value), encoding="utf-8")
    assert "SD of seeds" not in read_result(tmp_path / "openi.json").tables[0].head
    value["models"]["con2"]["cells"]["all/absent"] |= {"seeds": 5, "p_at_k_sd": 0.0375}
    (tmp_path / "openi.json").write_text(json.dumps(value), encoding="utf-8")
    table = read_result(tmp_path / "openi.json").tables[0]
    place = table.head.index("SD of seeds")
    shown = {(str(row[0]).partition(" ")[0], row[1]): str(row[place]) for row in table.rows}
    assert (shown["all/absent", "con2"], shown["all/absent", "con1"]) == ("0.04", "—")
    assert "the median in cross-validation" in table.note
