"""`python -m training training-free`: rivals that need no training, beside tuned models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from negviz.results.kinds.evaluation import IGNORED
from negviz.results.kinds.kind import Kind, holds
from negviz.results.types import Dot, Figure, Group, Json, Plot, Table, TableCell, figure, ignored

_POLARITIES = ("present", "absent")
_BEST = "Beside the tuned model that does best, found by these same figures, which flatters it"


def _summary(value: Json) -> Table:
    models = list(next(iter(value["evaluations"].values()))["models"])
    note = (
        "AUROC over prompts of both kinds; 95 % intervals over prompts and films; “no” ignored: one less "
        "that on affirming prompts, what a model that ignores the “no” would have. SpaceVLM, Steering "
        "and Arithmetic answer as base does where a prompt rules nothing out."
    )
    rows = tuple(_rows(value["evaluations"], models))
    return Table("", ("films and prompts", "asked for", *models), rows, words=2, note=note)


def _rows(evaluations: Json, models: Sequence[str]) -> Iterator[tuple[TableCell, ...]]:
    for polarity in reversed(_POLARITIES):
        for name, found in evaluations.items():
            cells = [found["models"][model] for model in models]
            yield name, polarity, *(_auroc(of, polarity) for of in cells)
            if polarity == "absent":
                yield name, f"absent, {IGNORED}", *(ignored(_auroc(of, "present")) for of in cells)


def _auroc(cells: Json, polarity: str) -> Figure:
    return figure(cells.get(f"all/{polarity}", {}), "auroc")


def _rest(value: Json) -> tuple[Iterable[Plot], Iterable[Table]]:
    """Every figure of the file.  Raises as indexing does where it is of another shape."""
    groups = tuple(
        Group(f"{name} · {polarity}", _dots(found, f"all/{polarity}"), chance=0.5)
        for polarity in reversed(_POLARITIES)
        for name, found in value["evaluations"].items()
    )
    rows = value["against_tuned"]
    overall = [row for row in rows if row["prompts"].startswith("all/") and row["best_tuned"]]
    plot = Plot("How often a film that is right outranks one that is wrong (AUROC)", groups)
    return (plot,), (
        _tallies(value),
        _against(value, _BEST, overall),
        _alike(value),
        _gate(value),
    )


def _tallies(value: Json) -> Table:
    counts = ("tuned_beats_rival", "rival_beats_tuned", "cannot_be_told")
    rows = tuple(
        (
            tally["tuned"],
            tally["rival"],
            *(f"{tally[name]} of {tally['cells']}" for name in counts),
            tally["rival_beats_tuned_in"] or "nowhere",
        )
        for tally in value["tallies"]
    )
    title = "Who beats whom: cells in which the interval of the difference of AUROCs leaves out zero"
    head = ("tuned", "rival", "tuned better", "rival better", "cannot be told", "rival better in")
    return Table(title, head, rows, words=6)


def _dots(found: Json, cell: str) -> tuple[Dot, ...]:
    return tuple(
        Dot(name, figure(cells[cell], "auroc")) for name, cells in found["models"].items() if cell in cells
    )


def _against(value: Json, title: str, rows: Iterable[Json]) -> Table:
    head = (
        "films and prompts",
        "asked for",
        "rival",
        "tuned",
        "AUROC",
        f"P@{value['precision_at']}",
        "better",
    )
    signed = ("rival_minus_tuned_auroc", "rival_minus_tuned_p_at_k")
    made = tuple(
        (
            row["evaluation"],
            row["prompts"].removeprefix("all/"),
            row["rival"],
            row["tuned"],
            *(figure(row, name, signed=True) for name in signed),
            row["beats"] if row["beats"] != "neither" else "cannot be told",
        )
        for row in rows
    )
    return Table(f"{title}: rival less tuned", head, made, words=4, folded=True)


def _alike(value: Json) -> Table:
    evaluations = value["evaluations"]
    models = list(next(iter(evaluations.values()))["models"])
    rows = tuple(
        (name, *(figure(found["alike"], model) for model in models)) for name, found in evaluations.items()
    )
    title = "How alike two sentences that rule something out are to a model (cosine; 1: all the same)"
    return Table(title, ("films and prompts", *models), rows)


def _gate(value: Json) -> Table:
    rows = tuple(
        (file, polarity, f"{counts['changed']} of {counts['prompts']}")
        for file, said in value["gate"].items()
        for polarity, counts in said.items()
    )
    title = "Prompts whose vectors are changed: those in which the reader finds something ruled out"
    return Table(title, ("prompts", "asked for", "changed"), rows, words=3)


TRAINING_FREE: Final = Kind("training-free", holds("against_tuned"), _summary, _rest)
