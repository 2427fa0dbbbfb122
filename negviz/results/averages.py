"""How often sentences that rule effusion out go wrong over the very films on show: one wording proves little.

The figures are those of `python -m training evaluate`.  A figure belongs to the films it was measured over,
so there is none for films that nobody measured it over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any, Final

from negviz.explain.diagnosis import RESULTS, Background
from negviz.results.files import read_object
from negviz.results.kinds.evaluation import is_evaluation
from negviz.retrieval.sets import SearchSet

FINDING: Final = "effusion"
_RULED_OUT: Final = (FINDING, "absent")


@dataclass(frozen=True)
class Usual:
    """Over several sentences that rule a finding out: films in ten that show it, by model, on the mean."""

    sentences: int
    films: int  # searched
    in_ten: Mapping[str, float]


def read_usual(
    films: SearchSet,
    collection_hash: str,
    backgrounds: Mapping[str, Background],
    folder: Path = RESULTS.parent,
) -> Usual | None:
    """What was measured over these films of the collection of that hash; None where nothing was.

    Figures are taken for the models of `backgrounds` only, and only from a file that was measured with the
    same weights as these.
    """
    value = read_object(folder / f"{Path(films.collection.name).name}.json")
    if not value or not is_evaluation(value):
        return None
    try:
        measured = value["data"]
        if (measured["collection_hash"], value["split"], measured["films"]) != (
            collection_hash,
            films.part,
            len(films),
        ):
            return None
        rows = {
            name: [row for row in model["prompts"] if (row["finding"], row["polarity"]) == _RULED_OUT]
            for name, model in value["models"].items()
            if name in backgrounds and backgrounds[name].family == measured["family"]
        }
        in_ten = {name: 10 * mean(_contrary(row) for row in of) for name, of in rows.items() if of}
    except (LookupError, TypeError, AttributeError, ValueError):
        return None  # it only adds to what is measured here
    return Usual(len(next(iter(rows.values()))), len(films), in_ten) if in_ten else None


def _contrary(row: Mapping[str, Any]) -> float:
    """Share of the judged films shown that have what was ruled out."""
    return 1 - float(row["p_at_k"])
