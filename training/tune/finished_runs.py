"""Scores of runs that have come to their end, so that a search that was stopped goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from negviz.common.files import rewriting, write_json


class FinishedRuns:
    """Scores by what was run, on disk after each; without a path nothing is kept."""

    def __init__(self, path: Path | None = None, *, writes: bool = True) -> None:
        """`writes`: whether this process is the one that does; all read."""
        self._path = path
        self._writes = writes
        self._known = _read(path)

    def score(self, key: str, run: Callable[[], float]) -> float:
        """What is written under `key`, else what `run` returns, which is then written."""
        if key not in self._known:
            self._known[key] = run()
            if self._path is not None and self._writes:
                with rewriting(self._path):
                    self._known = _read(self._path) | self._known  # another search may go by the same file
                    write_json(self._path, self._known)
        return self._known[key]

    def close(self) -> None:
        """What came of the search has been written elsewhere."""
        if self._path is not None and self._writes:
            self._path.unlink(missing_ok=True)


def _read(path: Path | None) -> dict[str, float]:
    try:
        read = json.loads(path.read_text(encoding="utf-8")) if path is not None else {}
        return {str(key): float(score) for key, score in read.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}  # none yet, or not ours: everything is run anew
