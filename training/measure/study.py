"""`python -m training study FILE`: a reader study as CSV and analysed, or a new one made.

The analysis says which model is which: run it when the readers are done, not while they decide.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from negviz.common.files import write_atomically, write_json
from negviz.common.read_files import read_text
from negviz.common.shipped import COMPACT
from negviz.films.collection import open_collection
from negviz.models.encoder import DualEncoder
from negviz.models.family import load_models
from negviz.retrieval.sets import search_sets
from negviz.study.analysis import analyse
from negviz.study.design import PROMPTS, Design, StudyError, make_design, read_sentences
from negviz.study.export import to_csv
from negviz.study.store import StudyFile
from training.options import count, natural


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m training study`."""
    add = parser.add_argument
    add("study", type=Path, metavar="FILE", help="the study, as `app.py --study FILE` shows it")
    add("--csv", type=Path, metavar="OUT", help="write a row for each decision")
    add("--json", type=Path, metavar="OUT", help="write the analysis")
    add("--seed", type=natural, default=0, help="of the intervals, or of a new study (default: %(default)s)")
    new = parser.add_argument_group("a new study")
    add = new.add_argument
    add("--new", action="store_true", help="make FILE")
    add("--models", nargs="+", metavar="NAME", help="to be compared, every two of them (default: all)")
    add("--prompts", type=Path, metavar="CSV", help="default: the 99 of the evaluation")
    add("--number", type=count, metavar="N", help="sentences drawn from it (default: for 60 decisions)")
    add("--consent", type=Path, metavar="TXT", help="text to be agreed to, an empty line between paragraphs")
    add("--family", type=Path, metavar="DIR", help="default: checkpoints/compact")
    add("--collection", metavar="NAME|DIR", help="default: openi")
    add("--films", type=Path, metavar="DIR", help="its images, where they are still to be embedded")


def run(args: argparse.Namespace) -> int:
    """Make a study, or write what one has found."""
    _refuse_idle(args)
    if args.new:
        study = make(args)
        print(
            f"{args.study}: {len(study.design.items)} comparisons; show it with app.py --study {args.study}"
        )
        study.close()
        return 0
    if args.csv is None and args.json is None:
        raise StudyError(
            "Say what is to be written, with --csv OUT or --json OUT, or make a study with --new."
        )
    study = StudyFile(args.study)
    try:
        if args.csv is not None:
            write_atomically(args.csv, to_csv(study.design, study.records()).encode())
        if args.json is not None:
            write_json(args.json, results(study, seed=args.seed))
    finally:
        study.close()
    return 0


def _refuse_idle(args: argparse.Namespace) -> None:
    """Options of a new study beside results of one that is there, and the other way about."""
    made = ("models", "prompts", "number", "consent", "family", "collection", "films")
    idle = ("csv", "json") if args.new else made
    if given := [f"--{name}" for name in idle if getattr(args, name) is not None]:
        instead = "give them without --new, later" if args.new else "they are of a study made with --new"
        raise StudyError(f"Leave out {', '.join(given)}: {instead}.")


def make(args: argparse.Namespace) -> StudyFile:
    """A new study over the films that the page would open on.  Raises `StudyError` and its like."""
    every, prompts = load_models(args.family or COMPACT), args.prompts or PROMPTS
    collection = open_collection(args.collection or "openi", films=args.films)
    films = search_sets(every, collection, progress=_progress)[0]
    consent = "" if args.consent is None else read_text(args.consent, StudyError)
    design = make_design(
        _chosen(every, args.models),
        films,
        read_sentences(prompts),
        seed=args.seed,
        number=args.number,
        prompts=prompts,
        consent=consent,
    )
    return StudyFile.make(args.study, design)


def _chosen(every: dict[str, DualEncoder], names: list[str] | None) -> dict[str, DualEncoder]:
    unknown = [name for name in names or () if name not in every]
    if unknown:
        raise StudyError(f"The family has no model {unknown[0]!r}; it has {', '.join(every)}.")
    return {name: model for name, model in every.items() if names is None or name in names}


def results(study: StudyFile, *, seed: int = 0) -> dict[str, Any]:
    """The results file."""
    records, readers = study.records(), study.readers()
    return {
        "what": "blinded comparisons of two models' ten films by readers",
        "decisions": len(records),
        "readers who agreed": len(readers),
        "readers who took back all": study.withdrawn(),
        "data": _data(study.design),
        "study": {"seed": study.design.seed, "sentences": len(study.design.sentences)},
        **analyse(study.design, records, readers, seed=seed),
        "seed": seed,
        "command": f"python -m training study FILE --json OUT --seed {seed}",
    }


def _data(design: Design) -> dict[str, Any]:
    name, digest = design.collection
    models = {model: dict(marks) for model, marks in design.models.items()}
    return {"films": design.films, name: digest, "prompts": design.prompts, "models": models}


def _progress(done: int, films: int) -> None:
    print(f"{done} of {films} films embedded", flush=True)
