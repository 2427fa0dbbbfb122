"""One Markdown table a kind of results file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

Json = Mapping[str, Any]
_CELLS: Final = ("prompts", "model", "P@{k}", "AP", "AUROC", "P@{k} over base", "ceiling P@{k}", "chance")


def render(results: Json, name: str) -> str:
    """The table of one results file, and a line on what was measured.  Raises as indexing does."""
    kinds: tuple[tuple[str, Callable[[Json], str]], ...] = (
        ("agreement", _labels),
        ("methods", _tuning),
        ("against_tuned", _training_free),
        ("enough", _heads),
        ("calibrations", _calibration),
        ("by_fold", _parts),
        ("reference", _seeds),
        ("rivals", _reader),
        ("sets", _base),
        ("judged", _simulator),
        ("visitors", _crowd),
        ("visitors_at_once", _benchmark),
        ("models", _evaluation),
    )
    table = next((make for key, make in kinds if key in results), None)
    if table is None:
        raise KeyError("models")
    return f"{table(results)} From `{name}`.\n"


# python -m training evaluate ------------------------------------------------------------------


def _evaluation(results: Json) -> str:
    header = [cell.format(k=results["k"]) for cell in _CELLS]
    body = [_cell(*row) for row in _cells(results["models"])]
    data, bootstrap = results["data"], results["bootstrap"]
    return _table(
        header,
        body,
        2,
        f"{data['films']} films of {data['collection']} ({results['split']}), {data['prompts']} prompts, "
        f"their number in brackets; 95 % intervals from {bootstrap['resamples']} resamples of prompts and "
        "films; ceiling: a supervised probe on the same embeddings.",
    )


def _cells(models: Json) -> Iterator[tuple[str, str, Json]]:
    """Cell by cell, the models of each in column order, so that what is compared stands together."""
    for cell in dict.fromkeys(cell for model in models.values() for cell in model["cells"]):
        yield from ((cell, name, model["cells"][cell]) for name, model in models.items())


def _cell(cell: str, model: str, figures: Json) -> list[str]:
    return [
        f"{cell} ({figures['n']})",
        model,
        _measured(figures["p_at_k"], figures["p_at_k_ci"]),
        _measured(figures["ap"], figures["ap_ci"]),
        _measured(figures["auroc"], figures["auroc_ci"]),
        _measured(figures["minus_base"], figures["minus_base_ci"], sign="+"),
        _measured(figures["ceiling"]),
        _measured(figures["chance"]),
    ]


def render_cells(results: Json, name: str) -> str:
    """The four cells of an evaluation, small enough for a phone.  Raises as indexing does."""
    models, k = results["models"], results["k"]
    names = next(iter(models.values()))["cells"]
    cells = {
        name: [model["cells"][name] for model in models.values()]
        for name in names
        if not name.startswith("all/")
    }
    body = [
        [f"{cell.replace('/', ', ')} ({of[0]['n']})", *(_right(f["p_at_k"], f["p_at_k_ci"], k) for f in of)]
        for cell, of in cells.items()
    ]
    chances = sorted({f"{k * figures['chance']:.1f}" for of in cells.values() for figures in of})
    chance, data = " to ".join(dict.fromkeys((chances[0], chances[-1]))), results["data"]
    note = (
        f"How many of a model's first {k} films are right, mean over sentences and its 95 % interval; random "
        f"picks: {chance}. {data['films']} films of {data['collection']} ({results['split']}); the number of "
        "sentences in brackets."
    )
    return f"{_table(['asked for', *models], body, 1, note)} From `{name}`.\n"


def _right(precision: float, bounds: Sequence[float], k: int) -> str:
    """A precision as a number of films, its interval on a line of its own."""
    return f"{k * precision:.1f}<br>{k * bounds[0]:.1f}–{k * bounds[1]:.1f}"


FORMS: Final[Mapping[str, Callable[[Json, str], str]]] = {"": render, "cells": render_cells}


# The other steps ------------------------------------------------------------------------------


def _base(results: Json) -> str:
    body = [
        [where, finding, str(row["positives"]), str(row["negatives"]), *_two(row, ("classifier", "probe"))]
        for where, measured in results["sets"].items()
        for finding, row in measured["findings"].items()
    ]
    header = ["films", "finding", "with", "without", "AUROC, own classifier", "AUROC, probe"]
    return _table(header, body, 2, f"{results['what']}; 95 % intervals over films.")


def _two(row: Json, names: Sequence[str]) -> list[str]:
    return [_measured(row.get(f"{name}_auroc"), row.get(f"{name}_auroc_ci")) for name in names]


def _simulator(results: Json) -> str:
    body = [
        [
            f"{where} ({measured['films']})",
            _FROM[kind],
            finding,
            str(row["positives"]),
            str(row["negatives"]),
            _measured(row["classifier_auroc"], row["classifier_auroc_ci"]),
            _measured(results["targets"][kind].get(finding)),
        ]
        for kind, sets in results["judged"].items()
        for where, measured in sets.items()
        for finding, row in measured["findings"].items()
    ]
    header = ["films", "tower trained on", "finding", "with", "without", "AUROC", "wanted"]
    towers = results["towers"]
    note = (
        f"{results['what']}: {towers['real']['films']} real ones, {towers['simulated']['films']} simulated "
        "ones of other seeds than the shipped; 95 % intervals over films."
    )
    return _table(header, body, 3, note)


_FROM: Final = {"simulated": "real films only", "real": "simulated films only"}


def _reader(results: Json) -> str:
    readers = ("negviz", *results["rivals"])
    body = [
        [
            f"{where} ({measured['sentences']})",
            reader,
            *(_measured(figures[name], figures[f"{name}_ci"], digits=3) for name in _READER),
        ]
        for where, measured in results["sets"].items()
        for reader in readers
        if (figures := measured.get(reader)) is not None
    ]
    note = "Shares of mentions with the right finding and polarity; 95 % intervals over sentences."
    return _table(["sentences", "reader", *_READER.values()], body, 2, note)


_READER: Final = {
    "recall": "of what was labelled",
    "precision": "of what was read",
    "accuracy": "of both together",
}


def _tuning(results: Json) -> str:
    body = [
        [
            method,
            f"{trial['lr']:g}",
            str(trial["batch"]),
            str(trial["seed"]),
            _measured(trial["auroc"], digits=3),
        ]
        for method, tried in results["methods"].items()
        for trial in (*tried["settings"], *(t for t in tried["seeds"] if t not in tried["settings"]))
    ]
    scores, shared = results["base"]["auroc_by_fold"], results["con1_multi_positive"]["auroc"]
    note = (
        f"{results['what'][0].upper()}{results['what'][1:]}; base: {sum(scores) / len(scores):.3f}; "
        f"con1 with multi-positive targets instead of identity ones: {shared:.3f}."
    )
    return _table(["method", "learning rate", "batch", "seed", "AUROC"], body, 1, note)


def _training_free(results: Json) -> str:
    models = list(next(iter(results["evaluations"].values()))["models"])
    body = [
        [name, polarity, *(_auroc(found["models"][model].get(f"all/{polarity}")) for model in models)]
        for polarity in ("absent", "present")
        for name, found in results["evaluations"].items()
    ]
    note = (
        "AUROC over prompts of both kinds; 95 % intervals over prompts and films.  Columns that need no "
        "training answer as base does where a prompt rules nothing out."
    )
    return _table(["films and prompts", "asked for", *models], body, 2, note)


def _seeds(results: Json) -> str:
    """An experiment: settings over several seeds, where its cells hold prompts of both kinds."""
    body = [
        [name, cell.removeprefix("all/"), setting, *_compared(cells[cell])]
        for name, settings in results["films"].items()
        for cell in ("all/absent", "all/present")
        for setting, cells in settings.items()
        if cell in cells
    ]
    head = [
        "films and prompts",
        "asked for",
        "model",
        "AUROC",
        "over base",
        "over CON2",
        "SD of seeds",
        "ceiling",
    ]
    note = (
        f"Means of {len(results['seeds'])} seeds; 95 % intervals over prompts and films, differences paired; "
        "ceiling: a supervised probe on the same embeddings."
    )
    return _table(head, body, 3, note)


def _compared(cell: Json) -> list[str]:
    sd, ceiling = cell["auroc_sd"], cell["auroc_ceiling"]
    return [
        _measured(cell["auroc"], cell["auroc_ci"]),
        *(
            "—" if cell[key] is None else _measured(cell[key], cell[f"{key}_ci"], sign="+")
            for key in ("auroc_minus_base", "auroc_minus_reference")
        ),
        "—" if sd is None else f"{sd:.3f}",
        "—" if ceiling is None else f"{ceiling:.2f}",
    ]


def _heads(results: Json) -> str:
    """How negated prompts' margins fall when a layer or its dearest head is put out of action."""
    models = results["models"]
    first = next(iter(models.values()))
    note = (
        "How far the margin of negated prompts falls (+: it falls), 95 % intervals over prompts; the dearest "
        f"head is chosen on half of the prompts and measured on the other {first['dearest']['prompts']}; the "
        f"last column is how few of {first['layers'] * first['heads']} heads, ordered on the one half, keep "
        f"{results['enough']:.0%} of it on the other."
    )
    layers = [f"without layer {n + 1}" for n in range(first["layers"])]
    head = ["model", "margin", "dearest head", *layers, "heads that suffice"]
    return _table(head, [_headed(*model) for model in models.items()], 1, note)


def _headed(name: str, model: Json) -> list[str]:
    absent, dearest = model["absent"], model["dearest"]
    falls = zip(absent["layer_drops"], absent["layer_drops_ci"], strict=True)
    return [
        name,
        _measured(absent["margin"], absent["margin_ci"]),
        f"{dearest['layer'] + 1}.{dearest['head'] + 1}: "
        f"{_measured(dearest['drop'], dearest['drop_ci'], sign='+', digits=3)}",
        *(_measured(fall, ends, sign="+") for fall, ends in falls),
        "—" if model["suffice"] is None else str(model["suffice"]),
    ]


def _calibration(results: Json) -> str:
    models = list(results["calibrations"])
    body = [
        [
            films,
            *(
                _measured(of[model]["reliability"]["ece"], of[model]["reliability"]["ece_ci"])
                for model in models
            ),
        ]
        for films, of in results["measured"].items()
    ]
    note = (
        f"Expected calibration error by films searched; 95 % intervals from "
        f"{results['bootstrap']['resamples']} resamples of prompts and films."
    )
    return _table(["films", *models], body, 1, note)


def _crowd(results: Json) -> str:
    measured = results["medians"]
    told = (
        ("until all have the page", "last_opened_s"),
        ("from the first question to the last gallery", "last_gallery_s"),
        ("median wait for a gallery", "median_wait_s"),
        ("alone, median wait for a gallery", "alone_s"),
        ("beside the flood, longest delay", "longest_delay_s"),
        ("processor time of the app", "app_cpu_s"),
        ("processor time of the visitors", "client_cpu_s"),
    )
    body = [
        [results["what"][what], name, f"{seen[key]:.1f}"]
        for what, seen in measured.items()
        for name, key in told
        if key in seen
    ]
    facts = results["machine"]
    note = (
        f"Medians of {len(results['runs'])} runs, visitors on the same machine of {facts['cores']} cores "
        f"(load before: {facts['load_before'][0]:.1f}), all behind one address but the flood."
    )
    return _table(["visitors", "measured", "seconds"], body, 2, note)


def _benchmark(results: Json) -> str:
    body = [
        [
            name.replace("_", " "),
            "—" if target["measured"] is None else f"{target['measured']:g} {target['unit']}",
            f"{target['most']:g} {target['unit']}",
        ]
        for name, target in results["targets"].items()
    ]
    body += [
        [f"{number} {'visitor' if number == '1' else 'visitors at once'}, median wait", _seconds(times), "—"]
        for number, times in results["visitors_at_once"].items()
    ]
    facts, films = results["machine"], results["films"]
    note = (
        f"On {facts['cores']} cores (load before: {facts['load_before'][0]:.1f}), over {films['number']} "
        f"films of {films['set']}; medians, but for start, first paint and memory, which are of one run."
    )
    return _table(["what", "measured", "wanted at most"], body, 1, note)


def _seconds(times: Json) -> str:
    return f"{times['median_ms'] / 1000:.1f} s"


def _parts(results: Json) -> str:
    cells = [name for name in next(iter(results["figures"].values())) if name != "mean"]
    body = [
        [name, *(f"{figures[cell]:.3f}" for cell in (*cells, "mean"))]
        for name, figures in results["figures"].items()
    ]
    folds, unseen = results["folds"], results["unseen_by_base"]
    head = ["setting", *cells, "mean"]
    if unseen:
        head.append("fold that base never saw")
        for row, marks in zip(body, results["by_fold"].values(), strict=True):
            row.append(f"{marks[int(unseen)]:.3f}")
    films = sum(fold["films"] for fold in folds)
    note = (
        f"Mean AUROC of held-out wordings over held-out films, {len(folds)} folds by study and by wording, "
        f"{films} films in all; one seed."
    )
    return _table(head, body, 1, note)


def _auroc(figures: Json | None) -> str:
    return _measured(figures["auroc"], figures["auroc_ci"]) if figures else "—"


def _labels(results: Json) -> str:
    body = [
        [
            finding,
            *(str(counts[f"mesh_{mesh}/read_{read}"]) for mesh in ("yes", "no") for read in _READ),
            _measured(counts["kappa"]),
        ]
        for finding, counts in results["agreement"].items()
    ]
    header = ["finding", *(f"{mesh} MeSH, {read}" for mesh in ("in", "not in") for read in _READ), "κ"]
    note = f"{results['what']}: {results['studies']} studies, by what the report says."
    return _table(header, body, 1, note)


_READ: Final = ("present", "uncertain", "absent", "unmentioned")


# Markdown -------------------------------------------------------------------------------------


def _table(header: Sequence[str], body: Sequence[Sequence[str]], words: int, note: str) -> str:
    """`words` columns of words, then columns of figures."""
    rule = [*["---"] * words, *["---:"] * (len(header) - words)]
    return "\n".join((*(f"| {' | '.join(row)} |" for row in (header, rule, *body)), "", note))


def _measured(
    value: float | None, bounds: Sequence[float] | None = None, *, sign: str = "", digits: int = 2
) -> str:
    """A figure and its interval, `0.71 [0.62, 0.80]`, or a dash where there is none."""
    if value is None:
        return "—"
    shown = [f"{number:{sign}.{digits}f}" for number in (value, *(bounds or ()))]
    return f"{shown[0]} [{shown[1]}, {shown[2]}]" if bounds else shown[0]
