"""`python -m training protocols`: the field's own tests of negation, by films and model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from negviz.evaluation.protocols.sources import SOURCES
from negviz.results.kinds.kind import Kind, holds
from negviz.results.types import Dot, Figure, Group, Json, Plot, Table, TableCell, figure

_Column = tuple[str, str, str, str]  # its head; which protocol, quantity and group it shows
FIELD: Final[tuple[_Column, ...]] = (
    ("affirmation control", "affirmation-control", "accuracy", "all"),
    ("MCQ-Neg", "mcq-neg", "accuracy", "all"),
    ("AUC, positive prompt", "bi-mcq", "AUC, positive prompt", "mean of findings"),
    ("AUC, negative prompt", "bi-mcq", "AUC, negative prompt", "mean of findings"),
    ("AUC, PNC", "bi-mcq", "AUC, PNC", "mean of findings"),
    ("Retrieval-Neg, R@5", "retrieval-neg", "R@5", "A but not B"),
    ("presence audit", "presence-audit", "accuracy", "all"),
    ("absence audit", "absence-audit", "accuracy", "all"),
    ("report sentence", "reports-turned", "sentence against its opposite", "a finding affirmed"),
)
_NORMAL: Final[tuple[_Column, ...]] = (
    ("“no effusion”: right of 10", "normal", "right of 10", "effusion: all films"),
    ("normal of 10", "normal", "normal of 10", "effusion: all films"),
    ("among ill films: right of 10", "normal", "right of 10", "effusion: films with another finding"),
    ("“A without B”: right of 10", "normal", "right of 10", "one finding without another"),
    ("normal of 10", "normal", "normal of 10", "one finding without another"),
    (
        "less ill of two, differing in what is denied",
        "least-abnormal",
        "film with one finding less is nearer",
        "chests that differ in what is denied",
    ),
    (
        "differing in another",
        "least-abnormal",
        "film with one finding less is nearer",
        "chests that differ in another",
    ),
)
_TITLE: Final = "Other people's models"


def _summary(value: Json) -> Table:
    films = ", ".join(f"{name} {said['films']:,} ({said['models']})" for name, said in value["films"].items())
    note = (
        "Share of questions answered rightly, AUC, or recall; 95 % intervals over studies, chance on a row "
        f"of its own. Films and models: {films}."
    )
    return _of_columns(value, FIELD, "", note)


def _of_columns(value: Json, columns: Sequence[_Column], title: str, note: str = "") -> Table:
    """A row a model, and one of chance, for each set of films that has a figure for any column."""
    rows: list[tuple[TableCell, ...]] = []
    for films in value["films"]:
        found = [record_of(value, films, *column[1:]) for column in columns]
        if any(found):
            chances = (Figure(record["chance"] if record else None) for record in found)
            rows += [(films, "chance", *chances)]
            rows += [(films, m, *(_of(record, m) for record in found)) for m in _models(value)]
    return Table(title, ("films", "model", *(c[0] for c in columns)), tuple(rows), words=2, note=note)


def record_of(value: Json, films: str, protocol: str, quantity: str, group: str) -> Json | None:
    rows = value["protocols"].get(protocol, {}).get(films, ())
    return next((row for row in rows if (row["quantity"], row["group"]) == (quantity, group)), None)


def _models(value: Json) -> list[str]:
    """Every model that has a figure anywhere, in the order they were asked."""
    rows = (row for of in value["protocols"].values() for rows in of.values() for row in rows)
    return list(dict.fromkeys(model for row in rows for model in row["models"]))


def _of(record: Json | None, model: str) -> Figure:
    return figure(record["models"].get(model, {}), "value") if record else Figure(None)


def _rest(value: Json) -> tuple[Iterable[Plot], Iterable[Table]]:
    plots = (Plot(films, tuple(_groups(value, films))) for films in value["films"])
    normal = _of_columns(value, _NORMAL, SOURCES["normal"].title, SOURCES["normal"].ours)
    tables = [normal, *(_every(value, films) for films in value["films"]), _sources(), _left_out(value)]
    return [plot for plot in plots if plot.groups], [table for table in tables if table.rows]


def _groups(value: Json, films: str) -> Iterator[Group]:
    """Figures between 0 and 1; films of ten have a table."""
    for head, *where in FIELD:
        record = record_of(value, films, *where)
        if record:
            dots = tuple(Dot(model, figure(found, "value")) for model, found in record["models"].items())
            yield Group(head, dots, record["chance"])


def _every(value: Json, films: str) -> Table:
    models = _models(value)
    rows = tuple(
        (
            SOURCES[protocol].title,
            row["quantity"],
            row["group"],
            str(row["n"]),
            str(row["studies"]),
            Figure(row["chance"]),
            *(_of(row, model) for model in models),
        )
        for protocol, of in value["protocols"].items()
        for row in of.get(films, ())
    )
    head = ("protocol", "figure", "over", "n", "studies", "chance", *models)
    return Table(f"Every figure: {films}", head, rows, words=3, folded=True)


def _sources() -> Table:
    """What each protocol is, and what others published."""
    rows = tuple(
        (
            source.title,
            source.paper,
            source.ours,
            "; ".join(each.figures for each in source.published) or "not available to us",
            " ".join(f"“{each.quote}” ({each.where})" for each in source.published),
        )
        for source in SOURCES.values()
    )
    head = ("protocol", "published in", "what is computed here", "published figures", "in their words")
    return Table("Where the protocols come from", head, rows, words=5, folded=True)


def _left_out(value: Json) -> Table:
    rows = tuple(
        (films, SOURCES[protocol].title, why)
        for films, said in value["not_measured"].items()
        for protocol, why in said.items()
    )
    return Table("Not measured", ("films", "protocol", "why"), rows, words=3, folded=True)


def _others(values: Sequence[Json]) -> tuple[Table, ...]:
    """The models that others put to the protocols, a row each, as `assets/results/others/` has them."""
    tables = [_of_columns(value, FIELD, _TITLE) for value in values]
    if not tables:
        return ()
    names = "; ".join(f"{v['model']['id']}: {v['model']['licence']}" for v in values)
    rows = dict.fromkeys(row for table in tables for row in table.rows)
    return (Table(_TITLE, tables[0].head, tuple(rows), words=2, note=f"Licences: {names}."),)


PROTOCOLS: Final = Kind("protocols", holds("protocols", "films", "not_measured"), _summary, _rest, _others)
