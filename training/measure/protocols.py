"""The field's own tests of negation, put to every model of a family and to rivals without training.

    python -m training protocols --films DIR
    python -m training protocols --base ID --licence TEXT

What is asked stands in `negviz.evaluation.protocols`, each with its source; here films, models and reports
are opened, and one results file is written.  Films are those of `training.measure.eligible`, so held-out ones
are asked of models that were tuned again without them.  Protocols that need reports read Open-i's from
`--films` and write figures only; without it they are listed as not measured.

With `--base` a model of the Hub, or of a folder in its format, is asked instead: about simulated films, whose
images are shipped, and about Open-i's and NIH's where `--films` and `--nih` name them.  Beside the results
lie its vectors of the simulated films and of the shipped prompts, and no weights: such a pair of files in
`assets/results/others/` shows its figures to everybody.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
from safetensors.numpy import save
from tqdm import tqdm

from negviz.common.errors import NegvizError
from negviz.common.files import file_sha256, write_atomically, write_json
from negviz.common.shipped import COMPACT
from negviz.evaluation.prompts import read_prompts
from negviz.evaluation.protocols import (
    PROTOCOLS,
    Asked,
    Denial,
    ProtocolFigure,
    combinations,
    denials,
    least_abnormal,
    report_retrieval,
    reports_turned,
)
from negviz.films.collection import OPENI, Collection, open_collection
from negviz.models.encoder import DualEncoder
from negviz.models.family import open_hub_model
from negviz.models.training_free import load_rivals
from negviz.results.files import OTHERS
from negviz.retrieval.embeddings import film_embeddings
from negviz.retrieval.estimate import RESAMPLES
from training.data.bank import ALL_MEASURED_ON
from training.data.films import openi_reports
from training.measure.eligible import Bench, benches
from training.measure.evaluate import family_hashes
from training.measure.retuned import report_words
from training.options import add_bootstrap_option
from training.paths import PROMPTS, FilmsError, Paths, add_path_options, again
from training.report.dots import draw_protocols

_DENIALS: Final = ("evaluation.csv", "findings.csv")
_OF_REPORTS: Final = {"reports-turned": reports_turned, "report-retrieval": report_retrieval}
_NO_REPORTS: Final = "no reports at hand; give --films the folder of Open-i's films and reports"
_NONE_WRITTEN: Final = "these films have no reports"
_NO_FILMS: Final = "no films of this set that show what it asks for"
Json = dict[str, Any]


class ProtocolsError(NegvizError):
    """Protocols that cannot be run; the message is one sentence that says what to do."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m training protocols`."""
    add_path_options(
        parser,
        collection="what the models were tuned on (default: openi)",
        films="films and reports of Open-i: for what is asked of reports, and once to tune con3 again",
    )
    add = parser.add_argument
    add("--json", type=Path, metavar="OUT", help="results file to write (default: with the family's)")
    add("--base", metavar="ID", help="ask this model of the Hub, or folder, in place of a family")
    add("--licence", metavar="TEXT", help="the licence of the model of --base, which must be named")
    add_bootstrap_option(parser, RESAMPLES)


def run(args: argparse.Namespace) -> int:
    """Measure as `add_arguments` says.  Raises a `NegvizError` on bad input."""
    paths = Paths.of(args)
    if args.json is not None and args.json.is_dir():
        raise ProtocolsError(f"{args.json} is a folder; give --json a file to write.")
    if args.base is None and args.licence is not None:
        raise ProtocolsError("--licence is that of the model of --base; leave it out, or name one.")
    if args.base is not None:
        return _ask_a_stranger(args, paths)
    hashes, reports = family_hashes(args.family), _reports(paths)
    asked = list(benches(paths))
    rivals = load_rivals(asked[0].models, paths.family) if asked else {}
    found = [replace(bench, models={**bench.models, **rivals}) for bench in asked]
    results = measure_benches(found, reports, bootstrap=args.bootstrap)
    out = args.json or paths.results / "protocols.json"
    reports_too = [] if paths.films is not None else report_words(paths)
    command = _command(paths, args.bootstrap, *reports_too)
    results |= {"data": results["data"] | {"family": hashes}, "command": command}
    write_json(out, results)
    write_atomically(out.with_suffix(".svg"), draw_protocols(results).encode())
    print(f"{out}: {', '.join(results['films'])}")
    return 0


def _command(paths: Paths, bootstrap: int, *words: str) -> str:
    """The command that makes this file again, without folders of films: they are one machine's affair."""
    films = ["--films", "DIR"] if paths.films is not None else []
    nih = ["--nih", "DIR"] if paths.nih is not None else []
    given = argparse.Namespace(family=paths.family, collection=paths.collection)
    return again("protocols", given, "--bootstrap", str(bootstrap), *films, *nih, *words)


def _reports(paths: Paths) -> dict[str, tuple[str, ...]]:
    """Sentences by study; none where the films are not Open-i's or their reports are not at hand."""
    if paths.collection != OPENI or paths.films is None:
        return {}
    try:
        reports = openi_reports(paths.need_films())
    except FilmsError as error:
        print(f"Without what is asked of reports: {error}")
        return {}
    return {uid: report.sentences for uid, report in reports.items()}


# Measuring ------------------------------------------------------------------------------------


def measure_benches(
    found: list[Bench], reports: Mapping[str, tuple[str, ...]], *, bootstrap: int = RESAMPLES
) -> Json:
    """What the results file says of every set of films, every protocol and every model."""
    protocols: dict[str, dict[str, dict[tuple[str, str], Json]]] = {}
    not_measured: dict[str, dict[str, str]] = {bench.name: {} for bench in found}
    rounds = [(bench, name, ask) for bench in found for name, ask in _protocols(bench, reports).items()]
    bar = tqdm(total=sum(len(bench.models) for bench, _, _ in rounds), desc="protocols", disable=None)
    known: dict[int, dict[str, Any]] = {}  # by model, what it made of sentences
    asked = {bench.name: list(_put_to(bench, known, bootstrap)) for bench in found}
    for bench, name, ask in rounds:
        rows = protocols.setdefault(name, {}).setdefault(bench.name, {})
        for model, each in asked[bench.name]:
            bar.set_postfix_str(f"{bench.name}: {name}, {model}")
            for figure in ask(each) if ask is not None else ():
                _record(rows, figure)["models"][model] = figure.estimate.record("value")
            bar.update()
        if not rows:
            lacks = _NONE_WRITTEN if reports else _NO_REPORTS
            not_measured[bench.name][name] = _NO_FILMS if ask is not None else lacks
    bar.close()
    return {
        "what": "published tests of negation: every model and rival, by films and protocol",
        "films": {bench.name: _describe(bench) for bench in found},
        "protocols": {
            name: {films: list(rows.values()) for films, rows in each.items() if rows}
            for name, each in protocols.items()
        },
        "not_measured": not_measured,
        "data": {
            "collections": {bench.name: bench.collection.hash for bench in found},
            "prompts": {file: file_sha256(PROMPTS / file) for file in _DENIALS},
        },
        "bootstrap": {"resamples": bootstrap, "seed": 0},
        "versions": {name: version(name) for name in ("torch", "transformers", "numpy")},
    }


def _protocols(bench: Bench, reports: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """By name, what asks; None where that needs reports which are not at hand."""
    sentences = [
        Denial(row.prompt, row.finding)
        for file in _DENIALS
        for row in read_prompts(PROMPTS / file)
        if row.polarity == "absent" and row.finding != "normal"
    ]
    written = any(film.uid in reports for film in bench.films)
    return {
        **PROTOCOLS,
        "normal": lambda asked: [*denials(asked, sentences), *combinations(asked)],
        "least-abnormal": lambda asked: least_abnormal(asked, sentences),
        **{name: partial(ask, reports=reports) if written else None for name, ask in _OF_REPORTS.items()},
    }


def _put_to(bench: Bench, known: dict[int, dict[str, Any]], bootstrap: int) -> Iterator[tuple[str, Asked]]:
    towers: dict[str, Any] = {}  # models of one image tower share its vectors
    for name, model in bench.models.items():
        if model.tower_id not in towers:
            towers[model.tower_id] = film_embeddings(model, bench.films)
        asked = Asked.of(model, bench.films, towers[model.tower_id], resamples=bootstrap)
        yield name, replace(asked, known=known.setdefault(id(model), {}))


def _record(rows: dict[tuple[str, str], Json], figure: ProtocolFigure) -> Json:
    """The row of a figure, the same for every model."""
    own: Json = {
        "quantity": figure.quantity,
        "group": figure.group,
        "n": figure.n,
        "studies": figure.studies,
        "chance": round(figure.chance, 6),
        "models": {},
    }
    return rows.setdefault((figure.quantity, figure.group), own)


def _describe(bench: Bench) -> Json:
    return {
        "films": len(bench.films),
        "studies": len({film.uid for film in bench.films}),
        "models": "tuned again without these films" if bench.tuned_again else "as shipped",
    }


# Other people's models ------------------------------------------------------------------------


def _ask_a_stranger(args: argparse.Namespace, paths: Paths) -> int:
    idle = {"family": args.family != COMPACT, "collection": args.collection != OPENI, "labels": args.labels}
    if given := [f"--{name}" for name, value in idle.items() if value]:
        raise ProtocolsError(f"With --base no family is asked: leave out {', '.join(given)}.")
    if not args.licence:
        raise ProtocolsError("Name the licence of the model of --base with --licence.")
    out = args.json or stranger_path(paths.results, args.base)
    ask_stranger(paths, args.base, args.licence, out, bootstrap=args.bootstrap)
    return 0


def stranger_path(results: Path, base: str) -> Path:
    """Where a model's file belongs, among results."""
    slug = re.sub(r"[^\w.-]+", "__", _named(base)).strip("._-")
    return results / OTHERS / f"{slug}.json"


def ask_stranger(paths: Paths, base: str, licence: str, out: Path, *, bootstrap: int = RESAMPLES) -> None:
    """Write a file of results and, beside it, one of vectors.  Raises `ProtocolsError`, `CheckpointError`."""
    model, name = open_hub_model(base), _named(base)
    phantoms = paths.open_phantoms()
    if phantoms is None:
        raise ProtocolsError("The simulated films are not at hand; run this in a clone of the repository.")
    openi = None if paths.films is None else open_collection(OPENI, films=paths.films).select("test")
    found = [
        Bench(films.name, films, films, films.where(lambda _: False), {name: model})
        for films in (openi, paths.open_nih(), phantoms)
        if films is not None
    ]
    results = measure_benches(found, _reports(paths), bootstrap=bootstrap)
    vectors = out.with_suffix(".safetensors")
    facts = _write_vectors(vectors, model, phantoms)
    about = {"id": name, "revision": (model.source or {}).get("revision", ""), "licence": licence}
    command = _command(paths, bootstrap, "--base", name, "--licence", licence)
    write_json(out, results | {"model": about, "vectors": facts, "command": command})
    print(f"{out} and {vectors.name}: {name}, {', '.join(results['films'])}")


def _named(base: str) -> str:
    """A model of the Hub by its id, one in a folder by its name: where that lies is nobody's affair."""
    return Path(base).resolve().name if Path(base).is_dir() else base


def _write_vectors(path: Path, model: DualEncoder, phantoms: Collection) -> Json:
    """Half-precision vectors of the simulated films and of the prompts, each in their files' order."""
    texts = [row.prompt for file in ALL_MEASURED_ON for row in read_prompts(PROMPTS / file)]
    tensors = {
        "films": film_embeddings(model, phantoms).astype(np.float16),
        "sentences": model.encode_text(texts).astype(np.float16),
    }
    write_atomically(path, save(tensors))
    return {
        "file": path.name,
        "sha256": file_sha256(path),
        "films": {"collection": phantoms.name, "hash": phantoms.hash, "n": len(phantoms)},
        "sentences": {file: file_sha256(PROMPTS / file) for file in ALL_MEASURED_ON},
    }
