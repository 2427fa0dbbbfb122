"""Files that only add to the page: whatever they hold, they are left out or a sentence says why."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from negviz.common.errors import NegvizError
from negviz.common.tensor_files import CheckpointError
from negviz.explain.diagnosis import read_backgrounds
from negviz.explain.projection.record import MapError, read_record
from negviz.models.encoder import DualEncoder
from negviz.models.training_free.record import read_recipe
from negviz.retrieval.calibration import read_calibrations

BAD = {
    "empty": "",
    "cut": '{"a": ',
    "list": "[]",
    "number": "3",
    "deep": '{"a": ' + "[" * 90_000,
    "deep and whole": '{"signatures": ' + "[" * 300 + "]" * 300 + "}",
    "other types": '{"calibrations": 3, "signatures": {"base": 3}, "prompts": [], "settings": []}',
    "lists for objects": '{"calibrations": [1], "signatures": ["base"], "prompts": {"base": []}}',
    "nulls": '{"format": null, "calibrations": {"base": null}, "signatures": null, "file": null}',
    "NaN": '{"format": NaN}',
    "NUL": '{"format": "\0"}',
    "twice": '{"format": 1, "format": 1}',
    "pipe": None,
    "folder": None,
}


def made(kind: str, folder: Path) -> Path:
    path, content = folder / "file.json", BAD[kind]
    if content is not None:
        path.write_text(content)
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    return path


@pytest.mark.parametrize("kind", BAD)
def test_what_only_adds_is_left_out(kind: str, models: dict[str, DualEncoder], tmp_path: Path) -> None:
    path = made(kind, tmp_path)
    assert read_calibrations(models, path) == {}
    assert read_backgrounds(models, path) == {}


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize(("read", "error"), [(read_recipe, CheckpointError), (read_record, MapError)])
def test_what_is_asked_for_is_a_sentence(
    read: Callable[[Path], object], error: type[NegvizError], kind: str, tmp_path: Path
) -> None:
    path = made(kind, tmp_path)
    with pytest.raises(error, match=r"\.$"):
        read(path)
