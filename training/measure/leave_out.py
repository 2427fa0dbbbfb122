"""Is what CON3 knows of a finding, or of a way of wording, only what it was taught of it?

    python -m training leave-out --films DIR

CON3 is tuned again without any caption that speaks of one finding, or without the sentences composed to one
kind of wording, and asked about just that, beside CON3 in full and base.  None of them was tuned on the fold
of films that they are asked about (`training.measure.retuned`); each run is cached, so the command goes on
where it was stopped.  Captions that call a whole film normal deny every finding without naming it, and stay.

A finding is asked about in every prompt of the three test files that speaks of it alone, a kind of wording in
the prompts of its phenomenon in generalisation.csv.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tqdm import tqdm

from negviz.common.files import file_sha256, write_atomically, write_json
from negviz.evaluation.cells import EvaluationError
from negviz.evaluation.prompts import read_prompts
from negviz.language.prompt import Mention
from negviz.models.encoder import DualEncoder
from negviz.retrieval.embeddings import film_embeddings
from negviz.retrieval.estimate import RESAMPLES
from training.data.bank import MEASURED_ON
from training.measure.conditions import AskedOfFilms, QuestionFigures, ask, measure
from training.measure.eligible import Bench, benches, held_out_fold
from training.measure.evaluate import family_hashes
from training.measure.questions import Question, read_questions
from training.measure.retuned import Retuned
from training.options import add_bootstrap_option
from training.paths import PROMPTS, Paths, add_family_option, again
from training.report.dots import draw_leave_out

FINDINGS: Final = (
    "effusion",
    "cardiomegaly",
    "opacity",
    "atelectasis",
    "nodule",
    "pneumothorax",
    "emphysema",
    "fracture",
    "edema",
)
KINDS: Final[Mapping[str, tuple[str, ...]]] = {  # of composed sentences → the phenomena that try them
    "post-negation": ("post-negation",),
    "list": ("list", "several findings"),
    "contrast": ("contrast",),
    "double negation": ("double negation",),
    "pseudo-negation": ("pseudo-negation",),
    "equivalent": ("affirmative",),
    "lay words": ("lay words",),
    "slips in words": ("typo",),
}
_MODEL: Final = "con3"
_POLARITIES: Final = ("absent", "present")
Json = dict[str, Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m training leave-out`."""
    add_family_option(parser)
    add = parser.add_argument
    add("--collection", default="openi", metavar="NAME|DIR", help="what con3 was tuned on (default: openi)")
    add("--films", type=Path, metavar="DIR", help="films and reports of Open-i; not needed for cached runs")
    what = "findings or kinds of wording (default: nine findings and eight kinds)"
    add("--without", nargs="+", default=[*FINDINGS, *KINDS], choices=[*FINDINGS, *KINDS], help=what)
    add_bootstrap_option(parser, RESAMPLES)


def run(args: argparse.Namespace) -> int:
    """Measure as `add_arguments` says.  Raises a `NegvizError` on bad input."""
    paths = Paths(args.family, args.collection, args.films)
    hashes = family_hashes(args.family)  # now, not of what is written later
    prompts_hash = {name: file_sha256(PROMPTS / name) for name in MEASURED_ON}
    found = [bench for bench in benches(paths) if bench.tuned_again or not len(bench.fitted)]
    if not any(_MODEL in bench.models for bench in found):
        raise EvaluationError(f"{args.family} has no {_MODEL} to leave something out of; tune it first.")
    retuned = Retuned(paths, held_out_fold(args.family))
    parts: dict[str, Json] = {"findings": {}, "kinds": {}}
    for name in tqdm(args.without, desc="leave-out", unit="run", disable=None):
        three = {
            "base": retuned.base,
            "full": retuned.tuned(_MODEL),
            "without": retuned.tuned(_MODEL, without=name),
        }
        asked = questions_on(name)
        measured = {bench.name: compare(asked, bench, three, bootstrap=args.bootstrap) for bench in found}
        parts["findings" if name in FINDINGS else "kinds"][name] = {k: v for k, v in measured.items() if v}
    if not any(measured for part in parts.values() for measured in part.values()):
        raise EvaluationError("No prompt has films enough of either kind; leave something else out.")
    out = paths.results / "leave-out.json"
    results = {
        "what": "AUROC on what CON3 was not taught: captions on a finding or of a kind left out",
        **parts,
        "data": {
            "collections": {bench.name: bench.collection.hash for bench in found},
            "prompts_hash": prompts_hash,
            "family": hashes,
        },
        "bootstrap": {"resamples": args.bootstrap, "seed": 0},
        "command": _command(args),
    }
    write_json(out, results)
    write_atomically(out.with_suffix(".svg"), draw_leave_out(results).encode())
    print(f"{out}: {', '.join(args.without)}")
    return 0


def _command(args: argparse.Namespace) -> str:
    without = [] if args.without == [*FINDINGS, *KINDS] else ["--without", *args.without]
    return again("leave-out", args, "--films", "DIR", *without, bootstrap=None)


def questions_on(left_out: str) -> list[Question]:
    """The test prompts that speak of a finding alone, or that try a kind of wording, but no hedges."""
    stated = read_questions(PROMPTS / "generalisation.csv")
    if left_out in KINDS:
        return [q for q in stated if q.phenomenon in KINDS[left_out] and not q.uncertain]
    others = [
        Question(row, row.kind, (Mention(row.finding, row.polarity, (0, 0)),))
        for name in MEASURED_ON[:-1]
        for row in read_prompts(PROMPTS / name)
    ]
    return [q for q in (*stated, *others) if q.alone and q.row.finding == left_out and not q.uncertain]


def compare(
    questions: Sequence[Question],
    bench: Bench,
    models: Mapping[str, DualEncoder],
    *,
    bootstrap: int = RESAMPLES,
) -> Json:
    """By polarity, what each model reaches and how CON3 without stands to the two others.

    Empty where the films cannot tell.
    """
    try:
        asked = ask(questions, bench.films, bootstrap=bootstrap)
    except EvaluationError:
        return {}
    rows = bench.collection.rows(bench.films)
    measured = {
        name: measure(asked, model, film_embeddings(model, bench.collection)[rows])
        for name, model in models.items()
    }
    cells = asked.cells["kinds"]
    return {
        polarity: _record(asked, f"all/{polarity}", measured)
        for polarity in _POLARITIES
        if f"all/{polarity}" in cells
    }


def _record(asked: AskedOfFilms, name: str, measured: Mapping[str, QuestionFigures]) -> Json:
    cell, without = asked.cells["kinds"][name], measured["without"]
    figures = {
        **{f"auroc_{model}": values for model, values in measured.items()},
        **{f"without_minus_{rival}": without.minus(measured[rival]) for rival in ("base", "full")},
    }
    record: Json = {"n": len(cell.prompts)}
    for key, values in figures.items():
        record[key] = cell.mean(values.point["auroc"])
        record[f"{key}_ci"] = cell.interval(values.drawn["auroc"])
    return record
