"""The committed results, `assets/results/*.json`, as typed tables and plots.

    for result in read_results(RESULTS):
        result.plots, result.tables, result.command

The files that `python -m training` is known to write are laid out as a reader wants them; any other is read
by its shape (`negviz.results.plain`), so that nothing measured is left out.  No figure is made here: values
are taken as they stand in the files, and only picked and put in order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from negviz.common.errors import NegvizError
from negviz.common.files import file_sha256
from negviz.common.read_files import read_json
from negviz.films.collection import ASSETS
from negviz.results import training_free as results_training_free
from negviz.results.experiments import experiment, is_experiment
from negviz.results.generalisation import generalisation, is_generalisation
from negviz.results.leave_out import is_leave_out, leave_out
from negviz.results.plain import plain
from negviz.results.types import Dot, Figure, Group, Json, Plot, Result, Table, figure

RESULTS: Final = ASSETS / "results"
_FIRST: Final = ("openi", "nih", "phantoms", "simulated", "openi-findings")  # then the others, by name
_MADE_WITH: Final = ("data", "family", "training", "bootstrap", "versions")
_BEYOND: Final = 1e18  # nothing is measured that large, and no axis could hold it
_OF_ANOTHER_SHAPE: Final = (  # what picking figures raises where a file lacks what its kind has
    ArithmeticError,
    AttributeError,
    LookupError,
    StopIteration,
    TypeError,
    ValueError,
)
_SIDE: Final = ("command", "what", *_MADE_WITH)  # said of a file, not measured


class ResultsError(NegvizError):
    """A results file that cannot be shown; the message is one sentence that says why."""


def read_results(folder: Path = RESULTS) -> tuple[Result, ...]:
    """Every results file of a folder; one that cannot be read says so in its `problem`."""
    return tuple(read_result(path) for path in _files(folder))


def read_evaluations(folder: Path = RESULTS) -> dict[str, Json]:
    """The files of `python -m training evaluate`, by name, as they stand."""
    found = {path.stem: read_object(path) for path in _files(folder)}
    return {name: value for name, value in found.items() if value and is_evaluation(value)}


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.json"), key=lambda path: (_place(path.stem), path.stem))


def read_result(path: Path) -> Result:
    """One results file.  Whatever it holds, it is shown, or says in its `problem` why not."""
    try:
        value = read_json(path, ResultsError)
    except ResultsError as error:
        said = str(error).replace(str(path), path.name)  # where it lies is nobody's business but its owner's
        return Result(path.stem, problem=f"It is left out: {said}")
    if _largest(value) > _BEYOND:
        return Result(path.stem, problem=f"It is left out: {path.name} holds a number beyond {_BEYOND:g}.")
    try:
        what, (plots, tables) = _what(value), _laid_out(_layout(value))
    except _OF_ANOTHER_SHAPE:  # than its keys promise
        what, (plots, tables) = str(value.get("what") or ""), plain(_measured(value))
    return Result(
        name=path.stem,
        what=what,
        plots=plots,
        tables=tables,
        command=str(value.get("command") or ""),
        data=tuple(_facts({key: value[key] for key in _MADE_WITH if key in value})),
        sha256=file_sha256(path),
    )


def _largest(value: object) -> float:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        return max(map(_largest, value), default=0)
    return abs(value) if isinstance(value, int | float) else 0


def _laid_out(made: tuple[Iterable[Plot], Iterable[Table]]) -> tuple[tuple[Plot, ...], tuple[Table, ...]]:
    plots, tables = made
    return tuple(plots), tuple(tables)


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


def _place(name: str) -> int:
    return _FIRST.index(name) if name in _FIRST else len(_FIRST)


def read_object(path: Path) -> dict[str, Any] | None:
    """What a results file holds; None where there is none, or none that can be read."""
    try:
        return read_json(path, ResultsError)
    except ResultsError:
        return None


def _measured(value: Json) -> Json:
    return {key: part for key, part in value.items() if key not in _SIDE}


def _what(value: Json) -> str:
    """What was measured, in the file's own words; for an evaluation, its films and prompts."""
    if not is_evaluation(value):
        return str(value.get("what") or "")
    data, draws = value["data"], value.get("bootstrap", {}).get("resamples")
    drawn = f"; intervals of 95 % from {draws:,} resamples of prompts and films" if draws else ""
    films = f"{data['films']:,} films of {data['collection']} ({value['split']})"
    return f"{films}, {data['prompts']} prompts{drawn}"


def _facts(data: Any, before: str = "") -> Iterator[tuple[str, str]]:
    """What it was measured on and with, hashes above all: name and value."""
    if isinstance(data, Mapping):
        for key, value in data.items():
            yield from _facts(value, f"{before}{key} ".replace("_", " "))
    elif data is not None:
        yield before.strip(), str(data)


def _layout(value: Json) -> tuple[Iterable[Plot], Iterable[Table]]:
    if is_evaluation(value):
        return _evaluation(value)
    if is_experiment(value):
        return experiment(value, _measured(value))
    if "agreement" in value:
        return (), (_labels(value),)
    if "methods" in value:
        return (), (_tuning(value),)
    if "against_tuned" in value:
        return results_training_free.layout(value)
    if "rivals" in value and "sets" in value:
        return (_reader_plot(value),), (_reader(value),)
    if is_generalisation(value):
        return generalisation(value)
    if is_leave_out(value):
        return leave_out(value)
    return plain(_measured(value))


# python -m training evaluate ------------------------------------------------------------------


def _evaluation(value: Json) -> tuple[Iterable[Plot], Iterable[Table]]:
    models, k = value["models"], value["k"]
    cells = list(dict.fromkeys(cell for model in models.values() for cell in model["cells"]))
    rows = tuple(
        _cell(cell, name, model["cells"][cell])
        for cell in cells
        for name, model in models.items()
        if cell in model["cells"]
    )
    head = ("prompts", "model", f"P@{k}", "AP", "AUROC", f"P@{k} over base", f"ceiling P@{k}", "chance")
    groups = tuple(_group(cell, models) for cell in cells if not cell.startswith("all/")) or tuple(
        _group(cell, models) for cell in cells
    )
    plot = Plot(f"Share of the first {k} films that are right", groups)
    return (plot,), (Table("", head, rows, words=2), _prompts(models, k))


def _cell(cell: str, model: str, figures: Json) -> tuple[str | Figure, ...]:
    return (
        f"{cell} ({figures['n']})",
        model,
        *(figure(figures, name) for name in ("p_at_k", "ap", "auroc")),
        figure(figures, "minus_base", signed=True),
        *(figure(figures, name) for name in ("ceiling", "chance")),
    )


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


# The other steps ------------------------------------------------------------------------------

_READER: Final = {
    "recall": "of what was labelled",
    "precision": "of what was read",
    "accuracy": "of both together",
}


def _readers(value: Json) -> Iterator[tuple[str, str, Json]]:
    for where, measured in value["sets"].items():
        for reader in ("negviz", *value["rivals"]):
            if reader in measured:
                yield f"{where} ({measured['sentences']})", reader, measured[reader]


def _reader(value: Json) -> Table:
    rows: tuple[tuple[str | Figure, ...], ...] = tuple(
        (where, reader, *(figure(figures, name, places=3) for name in _READER))
        for where, reader, figures in _readers(value)
    )
    return Table("", ("sentences", "reader", *_READER.values()), rows, words=2)


def _reader_plot(value: Json) -> Plot:
    dots: dict[str, list[Dot]] = {}
    for where, reader, figures in _readers(value):
        dots.setdefault(where, []).append(Dot(reader, figure(figures, "recall", places=3)))
    return Plot(
        "Labelled mentions read right", tuple(Group(name, tuple(each)) for name, each in dots.items())
    )


def _tuning(value: Json) -> Table:
    folds, shared = value["base"]["auroc_by_fold"], value["con1_multi_positive"]
    untuned = ("base, not tuned", "", "", "", Figure(sum(folds) / len(folds), places=3), "")
    others = ("con1, multi-positive targets", *_knobs(shared), figure(shared, "auroc", places=3), "")
    rows = tuple(
        (
            method,
            *_knobs(trial),
            figure(trial, "auroc", places=3),
            "chosen" if tried["chosen"] == {key: trial[key] for key in tried["chosen"]} else "",
        )
        for method, tried in value["methods"].items()
        for trial in (*tried["settings"], *(t for t in tried["seeds"] if t not in tried["settings"]))
    )
    head = ("method", "learning rate", "batch", "seed", "AUROC", "")
    return Table("", head, (untuned, *rows, others), words=1)


def _knobs(trial: Json) -> tuple[str, str, str]:
    return f"{trial['lr']:g}", str(trial.get("batch", "")), str(trial.get("seed", ""))


_READ: Final = ("present", "uncertain", "absent", "unmentioned")


def _labels(value: Json) -> Table:
    rows = tuple(
        (
            finding,
            *(str(counts[f"mesh_{mesh}/read_{read}"]) for mesh in ("yes", "no") for read in _READ),
            figure(counts, "kappa"),
        )
        for finding, counts in value["agreement"].items()
    )
    head = ("finding", *(f"{mesh} MeSH, {read}" for mesh in ("in", "not in") for read in _READ), "κ")
    return Table("", head, rows, words=1)
