"""`python -m training judge`: towers of real and of simulated films, asked about the other kind."""

from __future__ import annotations

from typing import Final

from negviz.results.kinds.kind import Kind, holds
from negviz.results.types import Json, Table, figure

_TRAINED_ON: Final = {"simulated": "real films only", "real": "simulated films only"}


def _summary(value: Json) -> Table:
    rows = tuple(
        (
            f"{where} ({measured['films']})",
            _TRAINED_ON[kind],
            finding,
            str(row["positives"]),
            str(row["negatives"]),
            figure(row, "classifier_auroc"),
            figure(value["targets"][kind], finding),
        )
        for kind, sets in value["judged"].items()
        for where, measured in sets.items()
        for finding, row in measured["findings"].items()
    )
    head = ("films", "tower trained on", "finding", "with", "without", "AUROC", "wanted")
    towers = value["towers"]
    note = (
        f"{towers['real']['films']} real ones, {towers['simulated']['films']} simulated ones of other seeds "
        "than the shipped; 95 % intervals over films."
    )
    return Table("", head, rows, words=3, note=note)


SIMULATOR: Final = Kind("judge", holds("judged"), _summary)
