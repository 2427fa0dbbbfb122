"""`python -m training choose`: the settings that cross-validation tried."""

from __future__ import annotations

from typing import Final

from negviz.results.kinds.kind import Kind, holds
from negviz.results.types import Figure, Json, Table, figure


def _summary(value: Json) -> Table:
    folds, shared = value["base"]["auroc_by_fold"], value["con1_multi_positive"]
    untuned = ("base, not tuned", "", "", "", Figure(sum(folds) / len(folds), places=3), "")
    others = ("con1, multi-positive targets", *_knobs(shared), figure(shared, "auroc", places=3), "")
    rows = tuple(
        (
            method,
            *_knobs(trial),
            figure(trial, "auroc", places=3),
            "chosen" if tried["chosen"] == {key: trial[key] for key in tried["chosen"]} else "",
        )
        for method, tried in value["methods"].items()
        for trial in (*tried["settings"], *(t for t in tried["seeds"] if t not in tried["settings"]))
    )
    head = ("method", "learning rate", "batch", "seed", "AUROC", "")
    return Table("", head, (untuned, *rows, others))


def _knobs(trial: Json) -> tuple[str, str, str]:
    return f"{trial['lr']:g}", str(trial.get("batch", "")), str(trial.get("seed", ""))


TUNING: Final = Kind("choose", holds("methods"), _summary, lambda value: ((), ()))
