"""The results of `python -m training experiments`: settings by evaluation and cell, beside a reference."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean
from typing import Final

from negviz.results.kinds.evaluation import IGNORED
from negviz.results.kinds.kind import Kind, holds
from negviz.results.plain import plain
from negviz.results.types import Dot, Figure, Group, Json, Plot, Table, TableCell, figure, ignored

_SHOWN = ("films", "experiment", "reference", "settings", "map", "polarities", "kinds", "seeds")
_OFTEN: Final = 10  # sentences without which a kind of wording is not told apart
_MEASURED = ("AUROC", IGNORED, "over base", "over reference", "SD of seeds", "ceiling", "AP", "P@10")
_HEAD = ("prompts", "setting", *_MEASURED)


def _settings(value: Json) -> Table:
    """Settings over several seeds, where cells hold prompts of both kinds."""
    rows = tuple(
        (
            name,
            cell.removeprefix("all/"),
            setting,
            *_aurocs(record, cells, cell),
        )
        for name, settings in value["films"].items()
        for cell in ("all/absent", "all/present")
        for setting, cells in settings.items()
        if (record := cells.get(cell))
    )
    beside = value["reference"].removesuffix(" as chosen")
    asked = ("films and prompts", "asked for", "model")
    head = (*asked, "AUROC", IGNORED, "over base", f"over {beside}", "SD of seeds", "ceiling")
    note = (
        f"Means of {len(value['seeds'])} seeds; 95 % intervals over prompts and films, differences paired; "
        "ceiling: a supervised probe on the same embeddings."
    )
    return Table("", head, rows, words=3, note=note)


def _folds(value: Json) -> Table:
    """Settings by cross-validation, cell by cell."""
    cells = [name for name in next(iter(value["figures"].values())) if name != "mean"]
    unseen, folds = value["unseen_by_base"], value["folds"]
    apart = [marks[int(unseen)] for marks in value["by_fold"].values()] if unseen else []
    rows = tuple(
        (
            name,
            *(Figure(figures[cell], places=3) for cell in (*cells, "mean")),
            *(Figure(mark, places=3) for mark in apart[row : row + 1]),
        )
        for row, (name, figures) in enumerate(value["figures"].items())
    )
    head = ("setting", *cells, "mean", *(["fold that base never saw"] if unseen else []))
    note = (
        f"Mean AUROC of held-out wordings over held-out films, {len(folds)} folds by study and by wording, "
        f"{sum(fold['films'] for fold in folds)} films in all; one seed."
    )
    return Table("", head, rows, note=note)


def _rest(value: Json) -> tuple[tuple[Plot, ...], tuple[Table, ...]]:
    """A plot and a table for each set of films; what is measured besides, by its shape."""
    plots, tables = plain({key: part for key, part in value.items() if key not in _SHOWN})
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


def _rows(settings: Json) -> Iterator[tuple[TableCell, ...]]:
    for cell in next(iter(settings.values()), {}):
        for name, cells in settings.items():
            record = cells[cell]
            yield (
                f"{cell} ({record['prompts']})",
                name,
                *_aurocs(record, cells, cell),
                figure(record, "ap"),
                figure(record, "p_at_k"),
            )


def _aurocs(record: Json, cells: Json, cell: str) -> tuple[Figure, ...]:
    """A setting's AUROC, what it is over base and the reference, how seeds spread, and the ceiling."""
    of, _, polarity = cell.rpartition("/")
    affirming = cells.get(f"{of}/present", {}) if polarity == "absent" else {}
    return (
        figure(record, "auroc"),
        ignored(figure(affirming, "auroc")),
        figure(record, "auroc_minus_base", signed=True),
        figure(record, "auroc_minus_reference", signed=True),
        figure(record, "auroc_sd", places=3),
        figure(record, "auroc_ceiling"),
    )


def _trials(value: Json) -> Table:
    """Settings on one fold, cell by cell, and on all folds those that went on to them."""
    cells = [name for name in next(iter(value["figures"].values())) if name != "mean"]
    films, finals = [fold["films"] for fold in value["folds"].values()], value["finals"]
    several = (f"{len(films)} folds",) if len(films) > 1 else ()
    rows = tuple(
        (
            name,
            *(Figure(figures[cell], places=3) for cell in (*cells, "mean")),
            *(Figure(fmean(finals[name]) if name in finals else None, places=3) for _ in several),
        )
        for name, figures in value["figures"].items()
    )
    note = (
        f"Mean AUROC of held-out wordings over {films[0]} held-out films, which the image tower has not seen "
        "either; one seed."
    )
    return Table("", ("setting", *cells, "mean", *several), rows, note=note)


def _trials_plot(value: Json) -> tuple[tuple[Plot, ...], tuple[Table, ...]]:
    groups = tuple(
        Group(cell.replace("/", " · "), tuple(Dot(name, Figure(of[cell])) for name, of in marks.items()), 0.5)
        for marks in (value["figures"],)
        for cell in ("mean", *(cell for cell in next(iter(marks.values())) if cell != "mean"))
    )
    by_kind = (_kinds_of_wording(value),) if "by_kind" in value else ()
    return (Plot("AUROC of held-out wordings over held-out films", groups),), by_kind


def _kinds_of_wording(value: Json) -> Table:
    """What the better setting reads worst first, beside what needs no training."""
    marks, best = value["by_kind"], value["best"]
    shown = [*(name for name in marks if name not in value["settings"]), best]
    often = [kind for kind, sentences in value["kinds"].items() if sentences >= _OFTEN]
    rows: tuple[tuple[TableCell, ...], ...] = tuple(
        (
            f"{kind.removesuffix('/')} ({value['kinds'][kind]})",
            *(Figure(marks[name][kind], places=3) for name in shown),
        )
        for kind in sorted(often, key=marks[best].__getitem__)
    )
    note = f"Held-out wordings of the first fold: kinds with {_OFTEN} sentences or more (how many)."
    return Table("kinds of wording", ("kind", *shown), rows, note=note, folded=True)


TRIALS: Final = Kind("experiments con4-settings", holds("experiment", "finals"), _trials, _trials_plot)
FOLDS: Final = Kind("experiments con3-settings", holds("experiment", "by_fold"), _folds, _rest)
MAP: Final = Kind("experiments overlap", holds("experiment", "map"), rest=_rest)
SETTINGS: Final = Kind("experiments", holds("experiment"), _settings, _rest)
