"""`python -m training typed`: how prompts that people type are read, and what is asked about."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from negviz.results.kinds.kind import Kind, holds
from negviz.results.types import Dot, Figure, Group, Json, Plot, Table, TableCell, figure

SHARES: Final = {
    "right": "right and sure",
    "right_or_suggested": "right or rightly suggested",
    "marked_wrongly": "marked wrongly",
    "asked": "asked",
}
_SHARES: Final = {**SHARES, "asked_needlessly": "asked needlessly"}
_READERS: Final = {"negviz": "negviz, rules alone", "both": "negviz, both readers"}


def _summary(value: Json) -> Table:
    rows: list[tuple[TableCell, ...]] = []
    for name, measured in value["typed"].items():
        for reader in (*_READERS, *value["rivals"]):
            figures = measured.get(reader)
            if figures is not None:
                said = _READERS.get(reader, reader)
                shares = (_share(figures, what) for what in _SHARES)
                rows.append((f"{name} ({measured['prompts']})", said, *shares))
    return Table("", ("prompts", "reader", *_SHARES.values()), tuple(rows), words=2, note=_note(value))


def _share(figures: Json, what: str) -> Figure:
    return figure(figures[what], "value", places=3) if what in figures else Figure(None)


def _note(value: Json) -> str:
    asking = "; ".join(
        f"{m['to_be_asked']} of {name} should be asked about" for name, m in value["typed"].items()
    )
    own, twice = value["evaluation"], value["evaluation, both readers"]
    said = [
        f"Shares of prompts, 95 % intervals over prompts; {asking}, so nobody can be right and sure of all.",
        f"Of the {own['prompts']} prompts of the evaluation {own['right']} are read rightly; {own['asked']} "
        f"are asked about by the rules, {twice['asked']} by both readers.",
    ]
    for who, reports in (
        ("the rules", value.get("reports")),
        ("both readers", value.get("reports, both readers")),
    ):
        if reports is not None:
            asked, whole = (reports[what]["value"] for what in ("asked", "asked whether normal"))
            said.append(
                f"Of {reports['sentences']:,} sentences of reports, typed as prompts, {who} ask of "
                f"{whole:.1%} only whether a normal chest is meant (“no acute process”), and of "
                f"{asked - whole:.1%} anything else."
            )
    return " ".join(said)


def _rest(value: Json) -> tuple[Iterable[Plot], Iterable[Table]]:
    groups = tuple(
        Group(
            f"{name} ({measured['prompts']})",
            tuple(Dot(said, _share(measured["negviz"], what)) for what, said in _SHARES.items()),
        )
        for name, measured in value["typed"].items()
    )
    tables = tuple(
        Table(
            f"{name}, by kind of user",
            ("user", "prompts", *_SHARES.values())[:-1],
            tuple(
                (user, *(str(counts[what]) for what in ("prompts", *_SHARES) if what in counts))
                for user, counts in measured["by_user"].items()
            ),
        )
        for name, measured in value["typed"].items()
    )
    return (Plot("Prompts that people type", groups),), tables


TYPED: Final = Kind("typed", holds("typed"), _summary, _rest)
