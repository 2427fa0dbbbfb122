"""The results of `python -m training experiments`: settings by evaluation and cell, beside a reference."""

from __future__ import annotations

from collections.abc import Iterator

from negviz.results.plain import plain
from negviz.results.types import Cell, Dot, Group, Json, Plot, Table, figure

_SHOWN = ("films", "experiment", "reference", "settings", "map", "polarities", "kinds", "seeds")
_HEAD = ("prompts", "setting", "AUROC", "over base", "over reference", "SD of seeds", "ceiling", "AP", "P@10")


def is_experiment(value: Json) -> bool:
    return "experiment" in value


def experiment(value: Json, rest: Json) -> tuple[tuple[Plot, ...], tuple[Table, ...]]:
    """A plot and a table for each set of films; `rest`, what is measured besides, by its shape."""
    plots, tables = plain({key: part for key, part in rest.items() if key not in _SHOWN})
    films = {name: of for name, of in value.get("films", {}).items() if of}
    return (*[_plot(name, of) for name, of in films.items()], *plots), (
        *[_table(name, of, value["reference"]) for name, of in films.items()],
        *tables,
    )


def _plot(films: str, settings: Json) -> Plot:
    groups = []
    for cell, first in next(iter(settings.values())).items():
        dots = tuple(Dot(name, figure(cells[cell], "auroc")) for name, cells in settings.items())
        groups.append(Group(cell.replace("/", " · "), dots, 0.5, first["auroc_ceiling"]))
    return Plot(f"AUROC · {films}", tuple(groups))


def _table(films: str, settings: Json, reference: str) -> Table:
    rows = tuple(_rows(settings))
    return Table(f"{films} (reference: {reference})", _HEAD, rows, words=2, folded=True)


def _rows(settings: Json) -> Iterator[tuple[Cell, ...]]:
    for cell in next(iter(settings.values()), {}):
        for name, cells in settings.items():
            record = cells[cell]
            yield (
                f"{cell} ({record['prompts']})",
                name,
                figure(record, "auroc"),
                figure(record, "auroc_minus_base", signed=True),
                figure(record, "auroc_minus_reference", signed=True),
                figure(record, "auroc_sd", places=3),
                figure(record, "auroc_ceiling"),
                figure(record, "ap"),
                figure(record, "p_at_k"),
            )
