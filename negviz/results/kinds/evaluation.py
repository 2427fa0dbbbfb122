"""`python -m training evaluate`: models by cell of prompts, and prompt by prompt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Final

from negviz.results.kinds.kind import Kind
from negviz.results.types import Dot, Figure, Group, Json, Plot, Table, TableCell, figure, ignored

IGNORED: Final = "“no” ignored"  # heads what a model that ignores it would reach

_SPREAD: Final = "SD of seeds"
_FEW: Final = 4  # columns of a small table


def is_evaluation(value: Json) -> bool:
    models = value.get("models")
    return isinstance(models, Mapping) and all(map(_is_evaluated, models.values()))


def _is_evaluated(model: object) -> bool:
    """Whether a model of an evaluation has cells of figures and rows of prompts."""
    if not isinstance(model, Mapping):
        return False
    cells, prompts = model.get("cells"), model.get("prompts")
    return (
        isinstance(cells, Mapping)
        and all(isinstance(figures, Mapping) for figures in cells.values())
        and isinstance(prompts, list)
        and all(isinstance(row, Mapping) and isinstance(row.get("finding"), str) for row in prompts)
    )


def _cells(models: Json) -> list[str]:
    return list(dict.fromkeys(cell for model in models.values() for cell in model["cells"]))


def _summary(value: Json) -> Table:
    """Cell by cell, the models of each in column order, so that what is compared stands together."""
    models, k = value["models"], value["k"]
    counts_normal = any(
        "normal_at_k" in cell for model in models.values() for cell in model["cells"].values()
    )
    spread = [
        name for name, model in models.items() if any("seeds" in cell for cell in model["cells"].values())
    ]
    rows = tuple(
        _row(cell, name, model["cells"], k if counts_normal else None, of_seeds=bool(spread))
        for cell in _cells(models)
        for name, model in models.items()
        if cell in model["cells"]
    )
    head: tuple[str, ...] = (
        "prompts",
        "model",
        f"P@{k}",
        *((_SPREAD,) if spread else ()),
        "AP",
        "AUROC",
        IGNORED,
        f"P@{k} over base",
        f"ceiling P@{k}",
        "chance",
    )
    draws = value.get("bootstrap", {}).get("resamples")
    drawn = f"95 % intervals from {draws:,} resamples of prompts and films; " if draws else ""
    note = (
        f"{_films(value)}, {value['data']['prompts']} prompts, their number in brackets; {drawn}"
        f"{IGNORED}: the AUROC of a model that ignores it, one less that on the affirming prompts; "
        "ceiling: a supervised probe on the same embeddings"
    )
    if counts_normal:
        head = (*head, f"normal of {k}", "by chance")
        note += f"; by chance: normal films among {k} picked from those that are right"
    if spread:
        note += f"; {_SPREAD}: of P@{k} over seeds, of which the median in cross-validation is shown"
        note += ", of CON4 the first" if "con4" in spread else ""
    return Table("", head, rows, words=2, note=f"{note}.{_seen_by_base(value['data'])}")


def _seen_by_base(data: Json) -> str:
    """What is to be known of films whose source base's image tower saw others of; "" where it saw none."""
    seen = data.get("seen_by_base", {}).get(data["collection"])
    if not seen or data["collection"] != "nih":
        return ""
    return (
        f" Base's image tower was trained on {seen:,} other films of NIH's (`p_*`), patients may be the "
        "same, and NIH's labels deny a finding only by calling a film normal: “no effusion” means “normal”."
    )


def _films(value: Json) -> str:
    return f"{value['data']['films']:,} films of {value['data']['collection']} ({value['split']})"


def _row(cell: str, model: str, cells: Json, first: int | None, *, of_seeds: bool) -> tuple[TableCell, ...]:
    """`first`: of how many films the normal ones are counted, if they are."""
    figures, counted = cells[cell], ("normal_at_k", "normal_chance")
    kind, _, polarity = cell.partition("/")
    affirming = cells.get(f"{kind}/present", {}) if polarity == "absent" else {}
    return (
        f"{cell} ({figures['n']})",
        model,
        figure(figures, "p_at_k"),
        *((figure(figures, "p_at_k_sd"),) if of_seeds else ()),
        *(figure(figures, name) for name in ("ap", "auroc")),
        ignored(figure(affirming, "auroc")),
        figure(figures, "minus_base", signed=True),
        *(figure(figures, name) for name in ("ceiling", "chance")),
        *([_of_first(figures, name, first) for name in counted] if first else ()),
    )


def four_cells(value: Json) -> Table:
    """The four cells of an evaluation, a column a model; the first few, small enough for a phone."""
    models, k = dict(islice(value["models"].items(), _FEW)), value["k"]
    cells = {
        name: [model["cells"][name] for model in models.values()]
        for name in _cells(models)
        if not name.startswith("all/")
    }
    rows: tuple[tuple[TableCell, ...], ...] = tuple(
        (f"{cell.replace('/', ', ')} ({of[0]['n']})", *(_of_first(figures, "p_at_k", k) for figures in of))
        for cell, of in cells.items()
    )
    chances = sorted({f"{k * figures['chance']:.1f}" for of in cells.values() for figures in of})
    note = (
        f"How many of a model's first {k} films are right, mean over sentences and its 95 % interval; random "
        f"picks: {' to '.join(dict.fromkeys((chances[0], chances[-1])))}. {_films(value)}; the number of "
        "sentences in brackets."
    )
    return Table("", ("asked for", *models), rows, note=note)


def _of_first(figures: Json, name: str, k: int) -> Figure:
    """A share of the first k as a number of films."""
    share = figure(figures, name)
    value, low, high = (None if end is None else k * end for end in (share.value, share.low, share.high))
    return Figure(value, low, high, places=1)


def _rest(value: Json) -> tuple[Iterable[Plot], Iterable[Table]]:
    models, k = value["models"], value["k"]
    cells = _cells(models)
    groups = tuple(_group(cell, models) for cell in cells if not cell.startswith("all/")) or tuple(
        _group(cell, models) for cell in cells
    )
    return (Plot(f"Share of the first {k} films that are right", groups),), (_prompts(models, k),)


def _group(cell: str, models: Json) -> Group:
    here = {name: model["cells"][cell] for name, model in models.items() if cell in model["cells"]}
    first = next(iter(here.values()))
    dots = tuple(Dot(name, figure(figures, "p_at_k")) for name, figures in here.items())
    return Group(cell.replace("/", " · "), dots, first.get("chance"), first.get("ceiling"))


def _prompts(models: Json, k: int) -> Table:
    """Prompt by prompt, a column a model."""
    rows = [
        (asked["prompt"], f"{asked['kind']} · {asked['polarity']}", *(figure(row, "p_at_k") for row in each))
        for each in zip(*(model["prompts"] for model in models.values()), strict=True)
        if (asked := each[0])
    ]
    return Table(f"Prompt by prompt: P@{k}", ("prompt", "kind", *models), tuple(rows), words=2, folded=True)


EVALUATION: Final = Kind("evaluate", is_evaluation, _summary, _rest)
