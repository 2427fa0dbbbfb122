"""Rows of one length in a file that is only appended to, each known by a SHA-256: what caches are kept in.

A row that was half written when its process was killed is passed over by who reads and cut off by who writes
next, so at most the last rows are lost, and what is kept costs what is new.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from negviz.common.files import rewriting, told

_KEY: Final = 32  # bytes of a SHA-256


@dataclass(frozen=True)
class RowFile:
    """Rows of `length` bytes by key, in hexadecimal; of two rows of one key the later counts."""

    path: Path
    length: int

    def read(self) -> dict[str, bytes]:
        """All whole rows; none where there is no such file."""
        try:
            content = self.path.read_bytes()
        except OSError:
            return {}
        whole = len(content) - len(content) % self._each
        return {
            content[start : start + _KEY].hex(): content[start + _KEY : start + self._each]
            for start in range(0, whole, self._each)
        }

    def append(self, rows: Mapping[str, bytes]) -> None:
        """Put rows behind those that are there.  Raises `FileError`, and `InUseError` as `rewriting` does."""
        if not rows:
            return
        with rewriting(self.path), told(self.path), self.path.open("ab") as file:
            file.truncate(file.tell() - file.tell() % self._each)
            file.write(b"".join(bytes.fromhex(key) + row for key, row in rows.items()))
            file.flush()
            os.fsync(file.fileno())

    @property
    def _each(self) -> int:
        return _KEY + self.length
