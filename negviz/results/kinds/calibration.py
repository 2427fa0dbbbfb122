"""`python -m training calibration`: how far a probability can be trusted."""

from __future__ import annotations

from typing import Final

from negviz.results.kinds.kind import Kind, holds
from negviz.results.types import Json, Table, figure


def _summary(value: Json) -> Table:
    models = list(value["calibrations"])
    rows = tuple(
        (films, *(figure(of[model]["reliability"], "ece") for model in models))
        for films, of in value["measured"].items()
    )
    note = (
        f"Expected calibration error by films searched; 95 % intervals from "
        f"{value['bootstrap']['resamples']:,} resamples of prompts and films."
    )
    return Table("", ("films", *models), rows, note=note)


CALIBRATION: Final = Kind("calibration", holds("calibrations"), _summary)
