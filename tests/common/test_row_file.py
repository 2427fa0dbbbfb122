"""Rows that are appended to a file."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from negviz.common.files import FileError
from negviz.common.row_file import RowFile

ONE, OTHER, THIRD = (sha256(text).hexdigest() for text in (b"1", b"2", b"3"))


def test_rows_are_found_by_key_and_the_later_counts(tmp_path: Path) -> None:
    file = RowFile(tmp_path / "cache" / "rows", 3)
    assert file.read() == {}
    file.append({})
    assert not file.path.exists()
    file.append({ONE: b"one", OTHER: b"two"})
    file.append({ONE: b"new"})
    assert file.read() == {ONE: b"new", OTHER: b"two"}
    assert [path.name for path in file.path.parent.iterdir()] == ["rows"]


@pytest.mark.parametrize("lost", [1, 3, 34])
def test_a_row_that_was_half_written_is_left_out_and_costs_no_other(tmp_path: Path, lost: int) -> None:
    file = RowFile(tmp_path / "rows", 3)
    file.append({ONE: b"one", OTHER: b"two"})
    file.path.write_bytes(file.path.read_bytes()[:-lost])
    assert file.read() == {ONE: b"one"}
    file.append({THIRD: b"tri"})
    assert file.read() == {ONE: b"one", THIRD: b"tri"}


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "rows").mkdir()
    with pytest.raises(FileError, match="rows cannot be written"):
        RowFile(tmp_path / "rows", 3).append({ONE: b"one"})
