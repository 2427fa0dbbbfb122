"""`python -m training films`: which labels of films it changed, and by which words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from negviz.results.kinds.kind import Kind, holds
from negviz.results.types import Json, Plot, Table, TableCell, figure

_SIDES: Final = ("before", "after")
_STATED: Final = "not stated"


def _summary(value: Json) -> Table:
    rows: tuple[tuple[TableCell, ...], ...] = tuple(
        (
            f"“{change['kind']}”",
            change["finding"],
            change["old"] or _STATED,
            change["new"] or _STATED,
            str(change["labels"]),
            f"{change['right']} of {change['judged']}" if change["judged"] else "—",
        )
        for change in value["changes"]
    )
    head = ("words", "finding", "was", "is", "labels", "judged right")
    return Table("", head, rows, words=4, note=_note(value))


def _note(value: Json) -> str:
    test, drawn = value["test_films"], value["judged_by_hand"]
    first, second = (
        f"in {draw['new']} the new label was right, in {draw['old']} the old, in {draw['neither']} neither"
        for draw in (drawn["first"], drawn["second"])
    )
    return (
        f"{value['labels']} labels of {value['films']} films; of the {test['films']} test films "
        f"{test['confirmed'] or 'none'} of the labels confirmed by hand, and {test['other_findings']} of "
        "other findings. Of changes drawn from all kinds and judged by reading the reports, though by no "
        f"radiologist, {second}; of those drawn before, which the rules were then mended with, {first}."
    )


def _rest(value: Json) -> tuple[Iterable[Plot], Iterable[Table]]:
    rows: tuple[tuple[TableCell, ...], ...] = tuple(
        (
            finding,
            *(figure(sides[side], "kappa") for side in _SIDES),
            *(
                str(sum(sides[side][f"mesh_{mesh}/read_uncertain"] for mesh in ("yes", "no")))
                for side in _SIDES
            ),
        )
        for finding, sides in value["agreement_with_mesh"].items()
    )
    head = ("finding", *(f"{what}, {side}" for what in ("κ", "uncertain") for side in _SIDES))
    return (), (Table("Agreement with MeSH headings, by study", head, rows),)


LABELS_CHANGED: Final = Kind("films", holds("changes", "agreement_with_mesh"), _summary, _rest)
