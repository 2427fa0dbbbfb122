"""Figures with their intervals, a row each, as pictures: evaluations, experiments, rivals."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from negviz.results.kinds.protocols import FIELD, record_of
from training.report.figure import (
    CELLS,
    COLOURS,
    FILMS,
    GROUND,
    LINE,
    MUTED,
    Json,
    dots,
    look,
    new,
    panels,
    picture,
    rows,
    shares,
)

_ROW, _CLOSE = 19, 10  # points, of the height of a row of one dot, and of a dot among others in a row
_GREY, _ORANGE, _BLUE, *_ = COLOURS
_KINDS: Final = {
    "base": {"color": _GREY, "marker": "s"},
    "tuned": {"color": _BLUE, "marker": "o"},
    "no training": {"color": "#d55e00", "marker": "D"},
}
_LEFT_OUT: Final = {
    "base": {"color": _GREY, "marker": "o", "markerfacecolor": GROUND, "markeredgewidth": 2, "markersize": 6},
    "CON3 without these lessons": {"color": _ORANGE, "marker": "D", "markersize": 6},
    "CON3": {"color": _BLUE, "marker": "o", "markersize": 6},
}
_PROMPTS: Final = {
    "affirm": {"color": _BLUE, "marker": "o", "alpha": 0.8, "markersize": 6},
    "deny": {"color": _ORANGE, "marker": "x", "markeredgewidth": 2, "markersize": 6},
}


@picture
def draw(results: Json, name: str) -> Figure:
    """Precision by cell and model of `python -m training evaluate`, under a name to be read aloud."""
    models = results["models"]
    cells = [cell for cell in CELLS if all(cell in model["cells"] for model in models.values())]
    figure = new(
        f"Share of the first {results['k']} films that are right",
        "mark and 95 % interval · dashed: chance · thick: ceiling",
        len(cells) * (len(models) * _ROW + 30) + 20,
        name=name,
    )
    every = panels(figure, (cell.replace("/", ", ") for cell in cells), 1)
    for axes, cell in zip(every, cells, strict=True):
        rows(axes, list(models))
        axes.set_xlim(0, 1)
        shares(axes.xaxis)
        axes.tick_params(labelbottom=axes is every[-1])
        figures = [model["cells"][cell] for model in models.values()]
        for share, looks in (("chance", {"linestyle": "--", "linewidth": 1}), ("ceiling", {"linewidth": 3})):
            if figures[0][share] is not None:
                axes.axvline(figures[0][share], color=LINE, zorder=0.9, clip_on=False, **looks)
        for row, found in enumerate(figures):
            if found["p_at_k"] is not None:
                dots(axes, [(found["p_at_k"], row, found["p_at_k_ci"])], look(row))
    return figure


def draw_experiment(results: Json) -> str:
    """A results file of `python -m training experiments`."""
    if "finals" in results:
        return draw_trials(results)
    return draw_prompts(results) if "map" in results else draw_settings(results)


@picture
def draw_settings(results: Json) -> Figure:
    """Differences to the reference setting: a row a setting, in it a mark a set of films, a panel a cell."""
    films, reference = results["films"], results["reference"]
    cells = [cell for cell in CELLS if all(cell in each["base"] for each in films.values())]
    names = [name for name in results["settings"] if name != reference and _is_beside(name, films.values())]
    reach = _reach([each[name][cell] for each in films.values() for name in names for cell in cells])
    figure = new(
        f"AUROC over {reference}, of each setting",
        "mean of the seeds and 95 % interval over prompts and films",
        math.ceil(len(cells) / 2) * (len(names) * (len(films) * _CLOSE + 8) + 44),
        marks={name: look(line) for line, name in enumerate(films)},
    )
    for axes, cell in zip(panels(figure, (cell.replace("/", ", ") for cell in cells)), cells, strict=True):
        rows(axes, names)
        axes.set_xlim(-reach, reach)
        axes.set_xticks([-reach, 0, reach], [f"−{reach:.1f}", "0", f"+{reach:.1f}"])
        axes.axvline(0, color=LINE, linewidth=1.5, zorder=0.9)
        for line, each in enumerate(films.values()):
            aside = 0.8 * ((line + 0.5) / len(films) - 0.5)
            found = [(row + aside, each[name][cell]) for row, name in enumerate(names)]
            known = [(y, record) for y, record in found if record["auroc_minus_reference_ci"]]
            points = [(r["auroc_minus_reference"], y, r["auroc_minus_reference_ci"]) for y, r in known]
            dots(axes, points, {**look(line), "markersize": 6})
    return figure


def _is_beside(name: str, films: Iterable[Json]) -> bool:
    """Whether a setting is compared with a reference, and none itself."""
    return any(
        record["auroc_minus_reference_ci"] for of in films for record in of[name].values() if name in of
    )


def _reach(records: Sequence[Json]) -> float:
    """The largest difference to be shown, in tenths, one half at most."""
    ends = [abs(end) for record in records for end in record["auroc_minus_reference_ci"] or ()]
    return min(0.5, math.ceil(10 * max(ends, default=0.1)) / 10 or 0.1)


@picture
def draw_trials(results: Json) -> Figure:
    """Every setting on the fold that all of them sat: what affirms and what denies, and all columns."""
    marks = results["figures"]
    asked = {"affirm": "/present", "deny": "/absent"}
    figure = new(
        "CON4 by its settings: wordings and films held out",
        "mean AUROC over sources of sentences · upright stroke: mean of all columns · dashed: chance",
        len(marks) * _ROW + 44,
        marks=_PROMPTS,
    )
    (axes,) = panels(figure, ("",), 1)
    _auroc(axes, list(marks))
    for row, of in enumerate(marks.values()):
        axes.vlines(of["mean"], row - 0.35, row + 0.35, color=LINE, zorder=0.9)
        for kind, ending in asked.items():
            found = [value for cell, value in of.items() if cell.endswith(ending)]
            dots(axes, [(sum(found) / len(found), row, None)], _PROMPTS[kind])
    return figure


@picture
def draw_prompts(results: Json) -> Figure:
    """Where prompts that affirm and prompts that deny lie, a panel a model."""
    models = results["map"]
    reach = 1.06 * max(abs(place) for each in models.values() for place in (*each["x"], *each["y"]))
    figure = new(
        "Prompts that affirm an effusion and prompts that deny one",
        "principal components of each model’s vectors",
        math.ceil(len(models) / 2) * 276,
        marks=_PROMPTS,
    )
    for axes, (name, each) in zip(panels(figure, models), models.items(), strict=True):
        axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", xticks=[], yticks=[])
        axes.spines[:].set(visible=True, color=LINE, alpha=0.5)
        places = list(zip(each["x"], each["y"], results["polarities"], strict=True))
        for polarity, looks in zip(("present", "absent"), _PROMPTS.values(), strict=True):
            dots(axes, [(x, y, None) for x, y, of in places if of == polarity], looks)
        record = results["prompts"]["all"][name]
        said = f"silhouette {record['silhouette']:.2f} · overlap {record['overlap']:.2f}"
        axes.set_xlabel(said.replace("-", "−"))
    return figure


@picture
def draw_leave_out(results: Json) -> Figure:
    """What CON3 knows untaught, over the films that `python -m training leave-out` lists first."""
    parts = [results["findings"], results["kinds"]]
    films = next(iter(next(of for part in parts for of in part.values() if of)))
    shown = {name: of[films] for part in parts for name, of in part.items() if films in of}
    split = sum(films in of for of in results["findings"].values())
    figure = new(
        "What CON3 was not taught: AUROC by what its lessons left out",
        f"{films}: mean over prompts and 95 % interval · dashed: chance",
        len(shown) * 3 * _CLOSE + 44,
        marks=_LEFT_OUT,
    )
    asked = {"absent": "asked for films without", "present": "asked for films with"}
    for axes, polarity in zip(panels(figure, asked.values()), asked, strict=True):
        _auroc(axes, list(shown))
        if 0 < split < len(shown):
            axes.axhline(split - 0.5, color=LINE, linewidth=1, alpha=0.5)
        known = [(row, of[polarity]) for row, of in enumerate(shown.values()) if polarity in of]
        for line, (model, looks) in enumerate(
            zip(("base", "without", "full"), _LEFT_OUT.values(), strict=True)
        ):
            key, aside = f"auroc_{model}", 0.25 * (line - 1)
            dots(axes, [(record[key], row + aside, record[f"{key}_ci"]) for row, record in known], looks)
    return figure


@picture
def draw_saliency(results: Json) -> Figure:
    """How well maps lie in the masks, for the sentence that affirms a finding and for its denial."""
    models, findings = results["models"], results["chests"]
    figure = new(
        "Where on the film: do maps lie where the finding does?",
        "pixel AUC over simulated chests, 95 % interval · dashed: chance · star: clear of it in some model",
        len(findings) * (len(models) * _CLOSE + 8) + 44,
        marks={model: look(line) for line, model in enumerate(models)},
    )
    named = [_starred(results, finding) for finding in findings]
    asked = {"present": "the sentence affirms it", "absent": "the sentence denies it"}
    for axes, said in zip(panels(figure, asked.values()), asked, strict=True):
        _auroc(axes, named)
        for line, each in enumerate(models.values()):
            aside = 0.8 * ((line + 0.5) / len(models) - 0.5)
            records = [each["findings"][finding][said] for finding in findings]
            points = [(r["auc"], row + aside, r["auc_ci"]) for row, r in enumerate(records)]
            dots(axes, points, {**look(line), "markersize": 5})
    return figure


def _starred(results: Json, finding: str) -> str:
    offered = any(each["findings"][finding]["offered"] for each in results["models"].values())
    return f"{finding} *" if offered else finding


@picture
def draw_training_free(results: Json) -> Figure:
    """AUROC of the models and rivals of `python -m training training-free`, by films and polarity."""
    evaluations = results["evaluations"]
    figure = new(
        "How often a film that is right outranks one that is wrong",
        "AUROC and 95 % interval for prompts that want a finding (present) or its absence · dashed: chance",
        sum(len(found["models"]) * _ROW + 30 for found in evaluations.values()) + 20,
        marks=_KINDS,
        name="Rivals that need no training beside tuned models: AUROC by films and polarity",
    )
    titles = (title for name in evaluations for title in (_title(name), ""))
    asked = [(found, polarity) for found in evaluations.values() for polarity in ("present", "absent")]
    for number, (axes, (found, polarity)) in enumerate(zip(panels(figure, titles), asked, strict=True), 1):
        axes.set_title(polarity, loc="right", color=MUTED)
        _auroc(axes, list(found["models"]))
        axes.tick_params(labelbottom=number > len(asked) - 2)
        for row, (model, cells) in enumerate(found["models"].items()):
            figures = cells.get(f"all/{polarity}", {})
            if figures.get("auroc") is not None:
                kind = "tuned" if model in found["tuned"] else "base" if model == "base" else "no training"
                dots(axes, [(figures["auroc"], row, figures.get("auroc_ci"))], _KINDS[kind])
    return figure


@picture
def draw_protocols(results: Json) -> Figure:
    """The headline of each protocol, on the two sets of films that most were put to, a mark a model."""
    asked = {films: _headlines(results, films) for films in results["films"]}
    fullest = sorted(asked, key=lambda films: (len(asked[films]), results["films"][films]["films"]))[-2:]
    shown = {films: asked[films] for films in asked if films in fullest}
    names = list(dict.fromkeys(head for records in shown.values() for head in records))
    models = list(dict.fromkeys(m for each in shown.values() for r in each.values() for m in r["models"]))
    figure = new(
        "Published tests of negation",
        "share right, AUC or recall, and 95 % interval over studies · upright line: chance",
        len(names) * (len(models) * _CLOSE + 8) + 44,
        marks={model: look(line) for line, model in enumerate(models)},
    )
    titles = (FILMS.get(films, films) for films in shown)
    for axes, records in zip(panels(figure, titles), shown.values(), strict=True):
        rows(axes, names)
        axes.set_xlim(0, 1)
        shares(axes.xaxis)
        places = {head: row for row, head in enumerate(names)}
        for head, record in records.items():
            axes.vlines(record["chance"], places[head] - 0.45, places[head] + 0.45, color=LINE, zorder=0.9)
        for line, model in enumerate(models):
            aside = 0.8 * ((line + 0.5) / len(models) - 0.5)
            known = [(places[head] + aside, r["models"].get(model)) for head, r in records.items()]
            if points := [(found["value"], y, found["value_ci"]) for y, found in known if found]:
                dots(axes, points, {**look(line), "markersize": 5})
    return figure


def _headlines(results: Json, films: str) -> dict[str, Json]:
    """By the column of the table that shows it, each protocol's figure over some films."""
    found = {head: record_of(results, films, *where) for head, *where in FIELD}
    return {head: record for head, record in found.items() if record}


def _title(evaluation: str) -> str:
    """The films, and the prompts where they are not those about effusion."""
    films, *prompts = evaluation.split("-")
    return ", ".join([FILMS.get(films, films), *(f"other {each}" for each in prompts)])


def _auroc(axes: Axes, names: Sequence[str]) -> None:
    """Named rows on an axis from 0 to 1 with chance."""
    rows(axes, names)
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", ".25", ".5", ".75", "1"])
    axes.axvline(0.5, color=LINE, linewidth=1, linestyle="--", zorder=0.9)
