"""Every promise of `negviz/README.md` names a test that is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
ROW: Final = re.compile(r"^\| (?P<promise>[^|]+) \| (?P<tests>[^|]+) \| (?P<tried>[^|]+) \|$", re.MULTILINE)
TEST: Final = re.compile(r"`(?P<file>tests/[\w/]+\.py)::(?P<name>\w+)`")
README: Final = (ROOT / "negviz" / "README.md").read_text(encoding="utf-8")
ROWS: Final = [
    row
    for row in ROW.finditer(README.partition("\n## What negviz promises\n")[2])
    if row["promise"].strip() not in {"promise", "---"}
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["promise"][:40])
def test_a_promise_names_tests_that_are_there(row: re.Match[str]) -> None:
    named = list(TEST.finditer(row["tests"]))
    assert named
    for test in named:
        source = ast.parse((ROOT / test["file"]).read_text(encoding="utf-8"))
        assert test["name"] in {node.name for node in ast.walk(source) if isinstance(node, ast.FunctionDef)}


def test_promises_are_listed() -> None:
    assert ROWS
