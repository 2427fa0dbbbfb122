"""Does what tuning taught carry over: to other findings, other films, and other ways of wording?

    python -m training generalisation

Every model of a family is put the prompts of `assets/prompts/generalisation.csv`, which were written before
any of them was measured on any, share no template with a training prompt, and choose nothing.  CON1 and CON2
know few of their kinds; CON3 was taught sentences of most of them, in other words, and what it makes of a
kind or a finding that it was not taught is for `training.measure.leave_out`.  `training.measure.eligible`
lists the films.

A prompt counts where five films satisfy it and five violate it; films that do not say are not judged.  The
probe behind the ceiling is fitted on training films that are not held out, or within NIH's and the simulated.
AUROC is read first: where nine films of ten deny a finding, nine of ten found by chance deny it as well.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
from tqdm import tqdm

from negviz.common.files import file_sha256, write_atomically, write_json
from negviz.common.shipped import ROOT
from negviz.findings import ABNORMAL
from negviz.models.encoder import DualEncoder
from negviz.retrieval.embeddings import film_embeddings
from negviz.retrieval.estimate import RESAMPLES
from negviz.retrieval.metrics import average, draw, interval, unanimous_interval
from training.measure.conditions import AskedOfFilms, Probed, QuestionFigures, ask, ceiling, measure, records
from training.measure.eligible import Bench, benches
from training.measure.evaluate import family_hashes
from training.measure.hedges import leaning
from training.measure.questions import Question, read_questions
from training.measure.retuned import report_words
from training.options import add_bootstrap_option
from training.paths import PROMPTS, Paths, add_path_options, family_words
from training.report.heatmap import draw_conditions

FILE: Final = PROMPTS / "generalisation.csv"
BLIND: Final = PROMPTS / "blind.csv"  # written after CON3's settings and captions were fixed
K: Final = 10
Json = dict[str, Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m training generalisation`."""
    add_path_options(
        parser,
        collection="what they were tuned on (default: openi)",
        films="films and reports of Open-i; needed only to tune con3 again, once",
    )
    add = parser.add_argument
    asked = "CSV with mentions (default: assets/prompts/generalisation.csv)"
    add("--prompts", type=Path, default=FILE, metavar="FILE", help=asked)
    add_bootstrap_option(parser, RESAMPLES)


def run(args: argparse.Namespace) -> int:
    """Measure as `add_arguments` says.  Raises a `NegvizError` on bad input."""
    paths = Paths.of(args)
    hashes, prompts_hash = family_hashes(args.family), file_sha256(args.prompts)  # not of later writing
    questions = read_questions(args.prompts)
    found = {bench.name: bench for bench in benches(paths)}
    results = {
        "what": "prompts worded unlike any in tuning, by kind and by finding: AUROC, 95 % intervals",
        **measure_benches(questions, found, bootstrap=args.bootstrap),
        "reader": reader(questions),
        "data": {
            "collections": {name: bench.collection.hash for name, bench in found.items()},
            "prompts": len(questions),
            "prompts_hash": prompts_hash,
            "family": hashes,
        },
        "bootstrap": {"resamples": args.bootstrap, "seed": 0},
        "versions": {name: version(name) for name in ("torch", "transformers", "numpy", "scikit-learn")},
        "command": _command(args),
    }
    own = args.prompts.resolve() == FILE
    out = paths.results / ("generalisation.json" if own else f"generalisation-{args.prompts.stem}.json")
    write_json(out, results)
    write_atomically(out.with_suffix(".svg"), draw_conditions(results).encode())
    print(f"{out}: {len(questions)} prompts, {', '.join(found)}")
    return 0


def _command(args: argparse.Namespace) -> str:
    """The command that makes this file again, without folders of films: they are one machine's affair."""
    words = ["python", "-m", "training", "generalisation", "--bootstrap", str(args.bootstrap)]
    if args.prompts.resolve() != FILE:
        shown = args.prompts.resolve()
        words += ["--prompts", str(shown.relative_to(ROOT) if shown.is_relative_to(ROOT) else args.prompts)]
    words += [*report_words(Paths.of(args)), *family_words(args)]
    return shlex.join(words)


# Measuring ------------------------------------------------------------------------------------


def measure_benches(
    questions: Sequence[Question], benches: Mapping[str, Bench], *, bootstrap: int = RESAMPLES
) -> Json:
    """What the results file says of every collection."""
    results: Json = {"precision_at": K, "collections": {}, "conditions": {}}
    others: Json = {"uncertain": {}, "not_measured": {}, "prompts": {}}
    reach: dict[str, Probed] = {}
    bar = tqdm(benches.items(), desc="generalisation", unit="collection", disable=None)
    for name, bench in bar:
        bar.set_postfix_str(name)
        asked = ask(questions, bench.films, k=K, bootstrap=bootstrap)
        base = next(iter(bench.models.values()))
        measured = {
            model: measure(asked, encoder, film_embeddings(encoder, bench.collection)[_rows(bench)])
            for model, encoder in bench.models.items()
        }
        if bench.collection.name not in reach:
            reach[bench.collection.name] = _probe(questions, bench, benches, base)
        results["collections"][name] = _describe(bench)
        results["conditions"][name] = records(asked, measured, ceiling(asked, reach[bench.collection.name]))
        leanings = {model: leaning(asked, figures) for model, figures in measured.items()}
        others["uncertain"][name] = {model: leans for model, leans in leanings.items() if leans}
        others["not_measured"][name] = asked.not_measured
        others["prompts"][name] = _prompts(asked, measured)
    return results | others


def _rows(bench: Bench) -> list[int]:
    return bench.collection.rows(bench.films)


def _probe(
    questions: Sequence[Question], bench: Bench, benches: Mapping[str, Bench], model: DualEncoder
) -> Probed:
    """Fitted once for all benches of a collection."""
    findings = list(dict.fromkeys(m.finding for question in questions for m in question.mentions))
    asked = {film.id for b in benches.values() if b.collection is bench.collection for film in b.films}
    return Probed.of(
        findings,
        bench.collection,
        film_embeddings(model, bench.collection),
        train=bench.fitted,
        test=bench.collection.where(lambda film: film.id in asked),
    )


def _describe(bench: Bench) -> Json:
    """How many films show and lack each finding, and which models were asked."""
    return {
        "films": len(bench.films),
        "models": "tuned again without these films" if bench.tuned_again else "as shipped",
        "findings": {
            finding: {
                "with": sum(film.states(finding, "present") is True for film in bench.films),
                "without": sum(film.states(finding, "present") is False for film in bench.films),
            }
            for finding in ABNORMAL
        },
    }


def _prompts(asked: AskedOfFilms, measured: Mapping[str, QuestionFigures]) -> list[Json]:
    return [
        {
            "prompt": question.row.prompt,
            "phenomenon": question.phenomenon,
            "finding": question.row.finding,
            "polarity": question.row.polarity,
            "right": int((asked.relevance[i] == 1).sum()),
            "wrong": int((asked.relevance[i] == 0).sum()),
            "auroc": {name: round(float(m.point["auroc"][i]), 4) for name, m in measured.items()},
        }
        for i, question in enumerate(asked.questions)
        if asked.measured[i] and not question.uncertain
    ]


def reader(questions: Sequence[Question]) -> Json:
    """How many of the prompts the page's reader reads right: it decides nothing here."""
    kinds = [f"{question.phenomenon}/{question.row.polarity}" for question in questions]
    right = np.array([question.read_right() for question in questions], np.float64)
    return {
        name: _share(right[[i for i, kind in enumerate(kinds) if name in (kind, "all")]])
        for name in ("all", *dict.fromkeys(kinds))
    }


def _share(right: Any) -> Json:
    bounds = unanimous_interval(right.mean(), len(right)) or interval(
        average(right[None], draw(len(right), times=RESAMPLES, seed=0))
    )
    ends = None if bounds is None else [round(bound, 6) for bound in bounds]
    return {"n": len(right), "read_right": round(float(right.mean()), 6), "read_right_ci": ends}
