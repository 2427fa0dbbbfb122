"""`python -m training attribution`: how negated prompts' margins fall without a layer or a head."""

from __future__ import annotations

from typing import Final

from negviz.results.kinds.kind import Kind, holds
from negviz.results.types import Cell, Figure, Json, Table, figure


def _summary(value: Json) -> Table:
    models = value["models"]
    first = next(iter(models.values()))
    note = (
        "How far the margin of negated prompts falls (+: it falls), 95 % intervals over prompts; the last "
        f"column is how few of {first['layers'] * first['heads']} heads, chosen on half of the prompts, keep "
        f"{value['enough']:.0%} of it on the others."
    )
    layers = [f"without layer {n + 1}" for n in range(first["layers"])]
    head = ("model", "margin", "dearest head", *layers, "heads that suffice")
    return Table("", head, tuple(_row(*model) for model in models.items()), note=note)


def _row(name: str, model: Json) -> tuple[Cell, ...]:
    absent, (layer, head) = model["absent"], model["order"][0]
    dearest, low, high = (absent[key][layer][head] for key in ("drops", "drops_low", "drops_high"))
    falls = zip(absent["layer_drops"], absent["layer_drops_ci"], strict=True)
    return (
        name,
        figure(absent, "margin"),
        f"{layer + 1}.{head + 1}: {Figure(dearest, low, high, signed=True, places=3)}",
        *(Figure(fall, low, high, signed=True) for fall, (low, high) in falls),
        "—" if model["suffice"] is None else str(model["suffice"]),
    )


HEADS: Final = Kind("attribution", holds("enough"), _summary)
