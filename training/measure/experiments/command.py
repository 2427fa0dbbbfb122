"""`python -m training experiments`: measured findings that anyone can rebuild, one command each."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Final

from negviz.common.files import write_atomically, write_json
from negviz.evaluation.cells import Json
from training.measure.evaluate import family_hashes
from training.measure.experiments import con3, con4, con4_seeds, knobs, overlap, polarity, scaling, unfrozen
from training.measure.experiments.material import Material, open_material
from training.measure.experiments.store import Store, progress
from training.options import count
from training.paths import Paths, add_path_options, again
from training.report.dots import draw_experiment

SEEDS: Final = 5
RESAMPLES: Final = 500


@dataclass(frozen=True)
class Experiment:
    """One of the experiments: how many runs it takes, and how its figures are made."""

    runs: Callable[[int], int]  # seeds → runs
    measure: Callable[[Material], Json]
    tunes: bool = True


EXPERIMENTS: Final = {
    "overlap": Experiment(overlap.runs, overlap.measure, tunes=False),
    "scaling": Experiment(scaling.runs, scaling.measure),
    "polarity": Experiment(polarity.runs, polarity.measure),
    "knobs": Experiment(knobs.runs, knobs.measure),
    "con3-settings": Experiment(con3.runs_of_settings, con3.measure_settings),
    "con3": Experiment(con3.runs_of_con3, con3.measure_con3),
    "con4-settings": Experiment(con4.runs_of_trials, con4.measure_trials),
    "con4": Experiment(con4_seeds.runs_of_seeds, con4_seeds.measure_seeds),
    "unfrozen": Experiment(unfrozen.runs, unfrozen.measure),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m training experiments`."""
    add = parser.add_argument
    add("experiment", choices=(*EXPERIMENTS, "all"), help="which experiment")
    add("--seeds", type=count, default=SEEDS, help="seeds of every setting (default: %(default)s)")
    add("--resamples", type=count, default=RESAMPLES, help="for the intervals (default: %(default)s)")
    add_path_options(
        parser,
        collection="films to tune on (default: openi)",
        films="where its images and reports lie; needed to unfreeze the image tower, and for con3 and con4",
        nih="where the NIH images lie; needed to unfreeze the image tower",
    )


def run(args: argparse.Namespace) -> int:
    """Make the experiments as `add_arguments` says; finished runs are kept.

    Raises a `NegvizError` on bad input.
    """
    names = list(EXPERIMENTS) if args.experiment == "all" else [args.experiment]
    paths = Paths.of(args)
    total = sum(EXPERIMENTS[name].runs(args.seeds) for name in names)
    opened = open_material(paths, args.seeds, args.resamples)
    with progress(total, args.experiment) as bar:
        material = replace(opened, store=Store(paths.work / "experiments", bar))
        for name in names:
            bar.set_description(name)
            path = write(name, material, paths, command_of(name, args))
            bar.write(f"{path.name}: written")
    return 0


def write(name: str, material: Material, paths: Paths, command: str) -> Path:
    """Make one experiment and write its results and picture."""
    experiment = EXPERIMENTS[name]
    measured = experiment.measure(material)
    asked, questions = measured.get("films", {}), measured.pop("questions", None)
    results = {
        "experiment": name,
        **measured,
        **({"seeds": list(material.seeds)} if experiment.tunes else {"family": family_hashes(paths.family)}),
        "data": material.data(list(asked), questions),
        "bootstrap": {"resamples": material.resamples, "seed": 0},
        "versions": {package: version(package) for package in ("torch", "transformers", "scikit-learn")},
        "command": command,
    }
    path = paths.results / f"experiment-{name}.json"
    write_json(path, results)
    if results.keys() & {"films", "map", "finals"}:
        write_atomically(path.with_suffix(".svg"), draw_experiment(results).encode())
    return path


def command_of(name: str, args: argparse.Namespace) -> str:
    """The command that makes the file again; where images lie is one machine's affair."""
    films = {"unfrozen": ["--films", "DIR", "--nih", "DIR"]}.get(name, [])
    films = ["--films", "DIR"] if name.startswith(("con3", "con4")) else films
    return again("experiments", args, name, *films, seeds=SEEDS, resamples=RESAMPLES)
