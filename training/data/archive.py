"""Rows of an archive's table, and what makes films quick to be found in it: for whatever writes one."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from negviz.films.archive import HELD_BELOW, column, engine, indexed

PART: Final = 1_000  # films of an index that are looked at together, about
_SEEN: Final = 64  # films a part that its middle is found from
_ROUNDS: Final = 10
_QUICK: Final = {"id": "BTree", "draw": "BTree", "split": "Bitmap"}


def with_vectors(known: Any, vectors: NDArray[np.float32], tower: str, layout: Any) -> Any:
    """Rows without vectors, and these, float32 [rows, dim], as an Arrow table that `layout` describes."""
    pa = engine("pyarrow")
    flat = pa.array(vectors.ravel(), pa.float32())
    lists = pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])
    return known.append_column(layout.field(column(tower)), lists).select(layout.names)


def without_vectors(layout: Any, tower: str) -> Any:
    """What `layout` says of everything else."""
    return engine("pyarrow").schema([field for field in layout if field.name != column(tower)])


def finish(table: Any, tower: str) -> None:
    """Make films quick to be found: by what is known of them and, where they are many, by nearness.

    Films that came since the last time join the parts that there are.
    """
    make_quick(table)
    if table.count_rows() >= HELD_BELOW and column(tower) not in indexed(table):
        index_vectors(table, tower)


def make_quick(table: Any) -> None:
    """Make films quick to be found by id, by split and for a sample."""
    index = engine("lancedb.index")
    for name, kind in _QUICK.items():
        table.create_index(name, config=getattr(index, kind)())
    table.optimize()


def index_vectors(table: Any, tower: str) -> None:
    """Put films into parts of about `PART` that lie near to each other, with their vectors as they are."""
    config = engine("lancedb.index").IvfFlat(
        distance_type="dot",
        num_partitions=parts_of(table.count_rows()),
        sample_rate=_SEEN,
        max_iterations=_ROUNDS,
    )
    table.create_index(column(tower), config=config)


def parts_of(films: int) -> int:
    """How many parts so many films are put into."""
    return max(1, films // PART)
