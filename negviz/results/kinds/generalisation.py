"""The results of `python -m training generalisation` as tables: a row a condition, a column a model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from negviz.results.kinds.evaluation import IGNORED
from negviz.results.kinds.kind import Kind, holds
from negviz.results.types import Dot, Figure, Group, Json, Plot, Table, TableCell, figure, ignored

_GROUPS: Final = {"phenomena": "by way of wording", "findings": "by finding, spoken of alone"}
_POLARITIES: Final = ("absent", "present")
_CHANCE: Final = 0.5  # of AUROC, whatever share of the films is right


def _rest(value: Json) -> tuple[tuple[Plot, ...], tuple[Table, ...]]:
    """A plot over all prompts, then tables by condition, of differences, hedges and what is left out."""
    tables = [
        _conditions(films, models, group)
        for films, models in value["conditions"].items()
        for group in _GROUPS
    ]
    return (_plot(value["conditions"]),), (
        *(table for table in tables if table.rows),
        _differences(value),
        _films(value["collections"]),
        _hedges(value["uncertain"]),
        _reader(value["reader"]),
        _not_measured(value["not_measured"]),
    )


def _plot(conditions: Json) -> Plot:
    groups = tuple(
        Group(
            f"{films} · {polarity}",
            tuple(Dot(model, figure(kinds["kinds"][name], "auroc")) for model, kinds in models.items()),
            _CHANCE,
            next(iter(models.values()))["kinds"][name].get("ceiling_auroc"),
        )
        for films, models in conditions.items()
        for polarity in _POLARITIES
        if (name := f"all/{polarity}") in next(iter(models.values()))["kinds"]
    )
    return Plot("AUROC over all prompts", groups)


def _conditions(films: str, models: Json, group: str) -> Table:
    rows = tuple(_rows([groups[group] for groups in models.values()]))
    head = ("", "", "prompts", *models, "ceiling")
    return Table(f"AUROC on {films}, {_GROUPS[group]}", head, rows, words=3, folded=True)


def _rows(models: Sequence[Json]) -> Iterator[tuple[TableCell, ...]]:
    for name, record in models[0].items():
        what, _, polarity = name.rpartition("/")
        prompts, ceiling = str(record["n"]), figure(record, "ceiling_auroc")
        yield what, polarity, prompts, *(figure(of[name], "auroc") for of in models), ceiling
        affirming = [of.get(f"{what}/present", {}) for of in models]
        if polarity == "absent" and all(affirming):
            turned = (ignored(figure(of, "auroc")) for of in affirming)
            yield what, f"absent, {IGNORED}", "", *turned, Figure(None)


def _differences(value: Json) -> Table:
    k = value["precision_at"]
    rows = tuple(
        (
            films,
            polarity,
            model,
            figure(record, "auroc"),
            ignored(figure(groups["kinds"].get("all/present", {}), "auroc"))
            if polarity == "absent"
            else Figure(None),
            figure(record, "auroc_minus_base", signed=True),
            figure(record, "auroc_minus_con2", signed=True),
            figure(record, "p_at_k"),
            figure(record, "chance"),
        )
        for films, models in value["conditions"].items()
        for polarity in _POLARITIES
        for model, groups in models.items()
        if (record := groups["kinds"].get(f"all/{polarity}"))
    )
    head = ("films", "asks for", "model", "AUROC", IGNORED, "over base", "over con2", f"P@{k}", "chance")
    return Table("All prompts, and the difference on the same prompts and films", head, rows, words=3)


def _films(collections: Json) -> Table:
    rows: tuple[tuple[TableCell, ...], ...] = tuple(
        (name, str(each["films"]), str(each["models"])) for name, each in collections.items()
    )
    return Table("Films, and the models asked about them", ("", "films", "models"), rows, words=3)


def _hedges(uncertain: Json) -> Table:
    sides = ("affirming", "hedging", "denying", "between")
    rows = tuple(
        (films, model, str(record["n"]), *(figure(record, side) for side in sides))
        for films, models in uncertain.items()
        for model, record in models.items()
    )
    head = ("films", "model", "hedges", "affirmed", "hedged", "denied", "share between")
    title = "How far prompts lean towards a finding: AUROC of films with it over films without"
    return Table(title, head, rows, words=3, folded=True)


def _reader(reader: Json) -> Table:
    rows: tuple[tuple[TableCell, ...], ...] = tuple(
        (name.replace("/", " · "), str(record["n"]), figure(record, "read_right"))
        for name, record in reader.items()
    )
    return Table(
        "What the page's reader reads right; it decides nothing above", ("", "prompts", ""), rows, 2, True
    )


def _not_measured(left_out: Json) -> Table:
    rows = tuple(_left_out(left_out))
    head = ("films", "", "fewer than five films of either kind")
    return Table("Not measured", head, rows, words=3, folded=True)


def _left_out(left_out: Json) -> Iterator[tuple[str, str, str]]:
    for films, groups in left_out.items():
        for group, names in groups.items():
            if names and group in _GROUPS:
                yield films, _GROUPS[group], ", ".join(name.replace("/", " ") for name in names)


GENERALISATION: Final = Kind("generalisation", holds("conditions", "precision_at"), rest=_rest)
