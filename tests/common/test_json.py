"""How JSON is laid out: lists of plain values on one line, so that results files stay short."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from negviz.common.files import write_json


def test_a_list_of_plain_values_takes_one_line(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    value = {"ci": [0.1, 0.25], "rows": [{"text": "no [big] {one}\n", "spans": [[0, 2], [3, 8]]}], "none": []}
    write_json(path, value)
    assert json.loads(path.read_text()) == value
    assert ' "ci": [0.1, 0.25],\n' in path.read_text()


@pytest.mark.parametrize("words", [["a  b", "[", "]\n["], ["{}", "\\n", '"'], [None, True, "é"]])
def test_no_value_is_changed_by_it(words: list[object], tmp_path: Path) -> None:
    write_json(tmp_path / "words.json", {"words": words})
    assert json.loads((tmp_path / "words.json").read_text()) == {"words": words}


def test_what_is_no_number_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "results.json", {"value": float("nan")})
    assert not any(tmp_path.iterdir())
