"""`python -m training attribution`: how negated prompts' margins fall without a layer or a head."""

from __future__ import annotations

from typing import Final

from negviz.results.kinds.kind import Kind, holds
from negviz.results.types import Json, Table, TableCell, figure


def _summary(value: Json) -> Table:
    models = value["models"]
    first = next(iter(models.values()))
    note = (
        "How far the margin of negated prompts falls (+: it falls), 95 % intervals over prompts; the dearest "
        f"head is chosen on half of the prompts and measured on the other {first['dearest']['prompts']}; the "
        f"last column is how few of {first['layers'] * first['heads']} heads, ordered on the one half, keep "
        f"{value['enough']:.0%} of it on the other."
    )
    layers = [f"without layer {n + 1}" for n in range(first["layers"])]
    head = ("model", "margin", "dearest head", *layers, "heads that suffice")
    return Table("", head, tuple(_row(*model) for model in models.items()), note=note)


def _row(name: str, model: Json) -> tuple[TableCell, ...]:
    absent, dearest = model["absent"], model["dearest"]
    falls = zip(absent["layer_drops"], absent["layer_drops_ci"], strict=True)
    return (
        name,
        figure(absent, "margin"),
        f"{dearest['layer'] + 1}.{dearest['head'] + 1}: {figure(dearest, 'drop', signed=True, places=3)}",
        *(figure({"fall": fall, "fall_ci": ends}, "fall", signed=True) for fall, ends in falls),
        "—" if model["suffice"] is None else str(model["suffice"]),
    )


HEADS: Final = Kind("attribution", holds("enough"), _summary)
