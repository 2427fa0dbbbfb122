"""`python -m training saliency`: whether maps of what moved a score lie where findings do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from negviz.results.kinds.kind import Kind, holds
from negviz.results.types import Dot, Group, Json, Plot, Table, TableCell, figure

_SAID: Final = {"present": "the sentence that affirms it", "absent": "its denial"}
_CHANCES: Final = ("other", "blind")
_CHECKS: Final = {
    "as_it_is": "as it is",
    "shuffled_weights": "weights shuffled",
    "fitted_direction": "direction fitted to labels",
    "shuffled_labels": "fitted to shuffled labels",
    "occlusion": "occlusion",
}


def _summary(value: Json) -> Table:
    models = value["models"]
    rows = tuple(
        (finding, str(chests[1]), *(_cell(each["findings"][finding]) for each in models.values()))
        for finding, chests in value["chests"].items()
    )
    note = (
        "Share of chests whose strongest place touches the finding and, after the arrow, pixel AUC for the "
        "sentence that affirms it and for its denial. ✓: clear of chance by both, so that a map is offered."
    )
    return Table("", ("finding", "chests", *models), rows, words=2 + len(models), note=note)


def _cell(record: Json) -> str:
    present, absent = record["present"], record["absent"]
    said = f"{present['hit']:.2f} → {present['auc']:.2f}, {absent['auc']:.2f}"
    return f"✓ {said}" if record["offered"] else said


def _rest(value: Json) -> tuple[Iterable[Plot], Iterable[Table]]:
    """Every figure of the file.  Raises as indexing does where it is of another shape."""
    plots = (Plot(f"Pixel AUC, {words}", tuple(_groups(value, said, "auc"))) for said, words in _SAID.items())
    hit = Plot("Strongest place touches the finding", tuple(_groups(value, "present", "hit")))
    return (hit, *plots), (_scores(value), _stages(value), _checks(value), _all(value))


def _groups(value: Json, said: str, score: str) -> Iterable[Group]:
    for finding in value["chests"]:
        records = {name: each["findings"][finding][said] for name, each in value["models"].items()}
        chances = [record[f"{score}_{chance}"] for record in records.values() for chance in _CHANCES]
        dots = tuple(Dot(name, figure(record, score)) for name, record in records.items())
        yield Group(finding, dots, chance=sum(chances) / len(chances))


def _scores(value: Json) -> Table:
    over = ("over other chests", "over the mean map")
    scores = ("hit", *over, "AUC", *over, "IoU", "AUC, denied", "affirmed − denied")
    rows = tuple(
        (finding, name, "yes" if record["offered"] else "no", *_figures(record))
        for finding in value["chests"]
        for name, each in value["models"].items()
        if (record := each["findings"][finding])
    )
    return Table("Maps against masks", ("finding", "model", "offered", *scores), rows, words=3, folded=True)


def _figures(record: Json) -> Iterable[TableCell]:
    present = record["present"]
    for score in ("hit", "auc"):
        yield figure(present, score)
        for chance in _CHANCES:
            yield figure(present, f"{score}_over_{chance}", signed=True)
    yield figure(present, "iou")
    yield figure(record["absent"], "auc")
    yield figure(record["turned"], "auc", signed=True)


def _stages(value: Json) -> Table:
    names = ("auc_over_chance_choosing", "unexplained", "unexplained_most")
    head = ("stage, from the last", "AUC over other chests", "left over, mean", "left over, most")
    rows = tuple(
        (
            f"{stage} (drawn)" if int(stage) == value["stage"] else stage,
            *(figure(of, name, places=3) for name in names),
        )
        for stage, of in value["stages"].items()
    )
    return Table("Which stage, on the half that chooses", head, rows)


def _checks(value: Json) -> Table:
    alike = {"weights shuffled": "shuffled_weights", "occlusion": "occlusion_and_last_stage"}
    head = ("finding", *(f"AUC, {words}" for words in _CHECKS.values()))
    head += tuple(f"rank correlation, {words}" for words in alike)
    rows = tuple(
        (
            finding,
            *(figure(of[check], "auc") for check in _CHECKS),
            *(figure(of["rank_correlation"], key, signed=True) for key in alike.values()),
        )
        for finding, of in value["checks"].items()
    )
    note = "Means over all models; of occlusion the correlation is with maps of the last stage."
    return Table("Does it come from what was learned?", head, rows, note=note)


def _all(value: Json) -> Table:
    names = [f"{said}_{score}" for said in ("present", "absent", "contrast") for score in ("hit", "auc")]
    rows = tuple(
        (row["finding"], row["model"], str(row["stage"]), *(figure(row, name) for name in names))
        for row in value["rows"]
    )
    return Table("Every stage", ("finding", "model", "stage", *names), rows, words=3, folded=True)


SALIENCY: Final = Kind("saliency", holds("stages", "checks", "chests"), _summary, _rest)
