"""What a kind of results file is: how it is known, and what of it is shown where."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from negviz.results.plain import plain
from negviz.results.types import Json, Plot, Table


@dataclass(frozen=True)
class Kind:
    """Its functions raise as indexing does where a file lacks what `recognise` took for granted."""

    command: str  # of `python -m training`
    recognise: Callable[[Json], bool]
    summary: Callable[[Json], Table] | None = None  # its one table in a README, and the page's first
    rest: Callable[[Json], tuple[Iterable[Plot], Iterable[Table]]] = plain  # what the page shows besides
    others: Callable[[Sequence[Json]], Iterable[Table]] | None = None  # of files of its kind in `others/`


def holds(*keys: str) -> Callable[[Json], bool]:
    """Recognises a file by what stands at its top."""
    return lambda value: all(key in value for key in keys)
