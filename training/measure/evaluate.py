"""Ask every model of a family every prompt of a file, and write how well it ranked the films.

What is right comes from the prompt file's stated finding and polarity, never from reading the prompt.
`negviz.evaluation.cells` makes the figures; here input is opened, checked and hashed, and the file written.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import get_args

from negviz.common.files import file_sha256, write_json
from negviz.evaluation.cells import EvaluationError, Json, make_task, measure_models, seed_spread
from negviz.evaluation.prompts import read_prompts
from negviz.films.collection import Split, Unmentioned, open_collection
from negviz.models.checkpoint import read_training
from negviz.models.encoder import DualEncoder
from negviz.models.family import load_models
from negviz.retrieval.estimate import RESAMPLES
from training.options import add_bootstrap_option, count, natural
from training.paths import add_labels_option, told


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m training evaluate`."""
    add = parser.add_argument
    add("--family", required=True, type=Path, metavar="DIR", help="folder of the models")
    add("--collection", required=True, metavar="NAME|DIR", help="a shipped collection or a collection folder")
    add("--films", type=Path, metavar="DIR", help="where the collection's images lie, if not in its folder")
    add_labels_option(parser)
    which = (
        "which films to rank; lists: for each prompt those that are chosen for its finding (default: test)"
    )
    add("--split", choices=("test", "all", "lists"), default="test", help=which)
    add("--prompts", required=True, type=Path, metavar="FILE", help="CSV: prompt,finding,polarity,kind")
    add("--k", type=count, default=10, help="how many films precision looks at (default: 10)")
    add("--json", required=True, type=Path, metavar="OUT", help="results file to write")
    silence = "what a finding that a report does not mention counts as (default: unknown)"
    add("--unmentioned", choices=get_args(Unmentioned), default="unknown", help=silence)
    add_bootstrap_option(parser, RESAMPLES)
    add("--seed", type=natural, default=0, help="of the resamples and the probe's folds (default: 0)")


def run(args: argparse.Namespace) -> int:
    """Evaluate as `add_arguments` says.  Raises a `NegvizError` on bad input."""
    if args.json.is_dir():
        raise EvaluationError(f"{args.json} is a folder; give --json a file to write.")
    results = evaluate(
        family=args.family,
        collection=args.collection,
        films=args.films,
        labels=args.labels,
        split=args.split,
        prompts=args.prompts,
        k=args.k,
        unmentioned=args.unmentioned,
        bootstrap=args.bootstrap,
        seed=args.seed,
    )
    write_json(args.json, {**results, "command": _command(args)})
    print(f"{args.json}: {', '.join(results['models'])} on {results['data']['films']} films")
    return 0


def evaluate(
    *,
    family: Path,
    collection: str,
    prompts: Path,
    films: Path | None = None,
    labels: Path | None = None,
    split: Split = "test",
    k: int = 10,
    unmentioned: Unmentioned = "unknown",
    bootstrap: int = 1000,
    seed: int = 0,
    others: Mapping[str, Sequence[DualEncoder]] = {},
) -> Json:
    """The results as written, `command` aside.  Raises a `NegvizError` on bad input.

    `others` are models of other seeds, by the name of the one that ships: cells say how far seeds lie apart.
    """
    rows = read_prompts(prompts)
    opened = open_collection(collection, films=films, labels=labels)
    task = make_task(rows, opened, split=split, k=k, unmentioned=unmentioned, bootstrap=bootstrap, seed=seed)
    models = load_models(family)
    measured = measure_models(task, models)
    for name, alike in others.items():
        for cell, spread in seed_spread(task, [models[name], *alike]).items():
            measured[name]["cells"][cell] |= spread
    return {
        "models": measured,
        "data": {
            "collection": opened.name,
            "collection_hash": opened.hash,
            "films": len(task.evaluated),
            "prompts": len(rows),
            "prompts_hash": file_sha256(prompts),
            "family": family_hashes(family),
            "seen_by_base": read_training(family, "base").get("films_of", {}),
        },
        "k": k,
        "split": split,
        "unmentioned": unmentioned,
        "bootstrap": {"resamples": bootstrap, "seed": seed},
        "versions": {name: version(name) for name in ("torch", "transformers", "numpy", "scikit-learn")},
    }


def _command(args: argparse.Namespace) -> str:
    """The command that makes this file again, without `--films`: where images lie is one machine's affair."""
    options = ("family", "collection", "split", "prompts", "k", "json", "unmentioned", "bootstrap", "seed")
    words = (word for name in options for word in (f"--{name}", told(getattr(args, name))))
    return shlex.join(("python", "-m", "training", "evaluate", *words))


def family_hashes(family: Path) -> dict[str, str]:
    files = sorted((*family.glob("family.json"), *family.glob("*/*.safetensors")))
    return {file.relative_to(family).as_posix(): file_sha256(file) for file in files}
