"""`python -m training`: build what the app loads, and measure it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Final, NoReturn

from negviz.common.errors import NegvizError
from negviz.common.files import running_alone
from training.bench import benchmark, crowd, screenshots, visits
from training.build import base as build_base
from training.build import films as build_films
from training.build import results as build_results
from training.build import tuned as build_tuned
from training.data import fetch
from training.data.phantoms import collection as phantoms
from training.data.phantoms import training_films as phantom_films
from training.measure import (
    attribution,
    diagnosis,
    dose,
    evaluate,
    experiments,
    generalisation,
    leave_out,
    maps,
    reader,
    study,
)
from training.measure import simulator as judge
from training.measure.calibration import command as calibration
from training.measure.training_free import command as training_free
from training.options import count, natural, rate
from training.paths import COMPACT, FilmsError, Paths
from training.report import command as report
from training.tune.base import BaseConfig
from training.tune.devices import Compute, add_device_options, open_compute
from training.tune.recipes import RECIPES

_TUNING: Final = ("choose", *RECIPES)
_BUILDING: Final = ("films", "base", *_TUNING, "results")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.  Bad input costs one line on stderr and exit status 2; a bug keeps its traceback."""
    try:
        args = _parser().parse_args(argv)
    except UsageError as error:
        print(error, file=sys.stderr)
        return 2
    command: Callable[[argparse.Namespace], int] = args.run
    try:
        with ExitStack() as alone:
            for work in _works(args):
                alone.enter_context(running_alone(getattr(args, "family", COMPACT), work))
            return command(args)
    except NegvizError as error:
        print(f"{args.command}:", " ".join(str(error).split()), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"{args.command}: stopped; run the same command again to go on.", file=sys.stderr)
        return 130


def _works(args: argparse.Namespace) -> Sequence[str]:
    """What a command is that runs once at a time on a family; two would share the state they go on from.

    Base replaces the whole family, so nothing is tuned meanwhile.
    """
    first = int(os.environ.get("RANK", "0")) == 0  # of the processes of `accelerate launch`
    if not first or args.command not in ("all", *_BUILDING):
        return ()
    if args.command not in ("all", "base", "films") and not args.family.is_dir():
        return ()  # a mistyped folder is not made
    if getattr(args, "branch", None) is not None:
        return (_branch(args.branch),)
    branches = [_branch(number) for number in range(BaseConfig().branches)]
    whole = {"base": ("base", *branches, *_TUNING), "all": (*_BUILDING, *branches)}
    command: str = args.command
    return whole.get(command, (command,))


def _branch(number: int) -> str:
    return f"base --branch {number}"


class UsageError(NegvizError):
    """Options that no command takes so; the message is one line that begins with the command."""


class _OneLine(argparse.ArgumentParser):
    """Says what is wrong in one line, as every command does."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog.rpartition(' ')[2]}: {message}; --help lists the options.")


def _parser() -> argparse.ArgumentParser:
    parser = _OneLine(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    add = _Commands(commands)
    what = "read, label and split the films; writes assets/*/manifest.csv"
    films = add("films", _films, what, films=True, family=False)
    films.add_argument(
        "--to", type=Path, metavar="DIR", help="write collection folders with images there instead"
    )
    base = add("base", _base, "train the compact base; goes on where it was stopped", films=True, base=True)
    one = "train this network of the base only, to train the other beside it; then run without"
    base.add_argument("--branch", type=natural, metavar="N", help=one)
    choose = add("choose", _choose, "choose the settings of con1 and con2 by cross-validation", tunes=True)
    _add_rates(choose)
    for recipe in RECIPES.values():
        add(recipe.name, _tuned, recipe.does, tunes=True)
    add("results", _results, "the pre-listed evaluations; for the shipped family also model cards and tables")
    _add_rates(add("all", _all, "everything above, in order", films=True, base=True, tunes=True))
    for module, name, what in (
        (evaluate, "evaluate", "put a file of prompts to a family and write how well it ranks"),
        (phantom_films, "simulate", "simulate the films to learn from; goes on where it was stopped"),
        (phantoms, "phantoms", "simulate the shipped collection; goes on where it was stopped"),
        (judge, "judge", "ask real films and simulated ones whether the simulator is any good"),
        (dose, "dose", "turn findings up in simulated chests and see what each model makes of it"),
        (attribution, "attribution", "what each word and each attention head did, over the 99 prompts"),
        (diagnosis, "diagnosis", "the three failure signatures of every model over the 99 prompts"),
        (calibration, "calibration", "fit and measure the probability that a film matches; when to abstain"),
        (training_free, "training-free", "set up rivals that need no training and measure them beside ours"),
        (generalisation, "generalisation", "wordings, findings and films that no tuning saw, by model"),
        (leave_out, "leave-out", "con3 without a finding or a kind of wording, asked about just that"),
        (maps, "maps", "the maps that the page shows: prompts of every model, and films"),
        (benchmark, "benchmark", "how long the page takes, beside the least it could take"),
        (crowd, "crowd", "whether one visitor can stop the others: a class at once, and a flood"),
        (visits, "visits", "whether the page's memory stays level, visit after visit"),
        (screenshots, "screenshots", "take the pictures of the page that the READMEs show"),
        (fetch, "fetch", "fetch Open-i films from NLM into a folder; goes on where it was stopped"),
        (experiments, "experiments", "what hard negatives, an unfrozen image tower and the other knobs do"),
        (reader, "reader", "measure the prompt reader on its written, seen and blind sentences"),
        (study, "study", "make a blinded reader study, or export and analyse one"),
        (report, "report", "write the tables of the READMEs and model cards, or check them"),
    ):
        sub = commands.add_parser(name, help=what, description=what)
        module.add_arguments(sub)
        sub.set_defaults(run=module.run)
    return parser


class _Commands:
    """Adds the commands that share their options."""

    def __init__(self, commands: argparse._SubParsersAction[_OneLine]) -> None:
        self._commands = commands

    def __call__(
        self,
        name: str,
        run: Callable[[argparse.Namespace], int],
        what: str,
        *,
        family: bool = True,
        films: bool = False,
        base: bool = False,
        tunes: bool = False,
    ) -> argparse.ArgumentParser:
        sub = self._commands.add_parser(name, help=what, description=what)
        sub.set_defaults(run=run)
        if family:
            folder = "folder of the models (default: checkpoints/compact)"
            sub.add_argument("--family", type=Path, default=COMPACT, metavar="DIR", help=folder)
            films_tuned = "films to tune and measure on (default: %(default)s)"
            sub.add_argument("--collection", default="openi", metavar="NAME|DIR", help=films_tuned)
        what_films = "Open-i films: NLM's archives, or a folder with manifest.csv and images"
        needless = "" if films else "; not needed where their embeddings are shipped or cached"
        sub.add_argument("--films", type=Path, required=films, metavar="DIR", help=what_films + needless)
        if not tunes or base:  # tuning alone sees the collection and nothing else
            sub.add_argument("--nih", type=Path, metavar="DIR", help="NIH films: p_* help train, e_* test")
        if base:
            _add_base_options(sub)
        if base or tunes:
            add_device_options(sub)
        return sub


def _add_rates(parser: argparse.ArgumentParser) -> None:
    what = "peak learning rates to choose from; 1e-6 and up for a base that is tuned whole"
    parser.add_argument("--rates", type=rate, nargs="+", default=(), metavar="R", help=what)


def _add_base_options(parser: argparse.ArgumentParser) -> None:
    defaults = BaseConfig()
    hub = "tune a Hub dual encoder (id or folder) instead of training the compact base"
    parser.add_argument("--base", metavar="ID|DIR", help=hub)
    parser.add_argument("--epochs", type=count, help=f"default: {defaults.epochs}")
    parser.add_argument("--seed", type=natural, help=f"default: {defaults.seed}")
    simulated = f"simulated films beside the real ones; 0: none (default: {defaults.simulated})"
    parser.add_argument("--simulated", type=natural, metavar="N", help=simulated)
    held = "fold kept out of the base's training, to choose on (default: 0)"
    parser.add_argument("--hold-out", choices=("0", "1", "2", "3", "4", "none"), help=held)


def _paths(args: argparse.Namespace) -> Paths:
    names = ("family", "collection", "films", "nih")  # a command has those that reach something
    return Paths(**{name: getattr(args, name) for name in names if hasattr(args, name)})


def _compute(args: argparse.Namespace) -> Compute:
    """Where it runs; the shipped family was tuned on the CPU, and is again unless told otherwise."""
    device = "cpu" if args.device is None and _paths(args).shipped else args.device
    return open_compute(device, args.precision)


def _films(args: argparse.Namespace) -> int:
    build_films.build_films(_paths(args), to=getattr(args, "to", None))
    return 0


def _base(args: argparse.Namespace) -> int:
    _refuse_idle(args)
    compute = _compute(args)
    alone = replace(compute, process=0, processes=1)  # the others wait
    compute.alone(lambda: _start(args, alone))
    return 0


def _refuse_idle(args: argparse.Namespace) -> None:
    """Options that would reach nothing, since a base from the Hub is taken as it is."""
    idle = ["epochs", "seed", "simulated", "hold_out", "branch"]
    idle += ["precision"] if args.command == "base" else []  # `all` tunes with it
    given = [f"--{name.replace('_', '-')}" for name in idle if getattr(args, name, None) is not None]
    if args.base is not None and given:
        raise FilmsError(f"With --base nothing is trained: leave out {', '.join(given)}.")


def _start(args: argparse.Namespace, compute: Compute) -> None:
    if args.base is not None:
        build_base.start_hub_family(_paths(args), args.base, compute)
        return
    knobs = {name: getattr(args, name) for name in ("epochs", "seed", "simulated")}
    config = BaseConfig(**{name: value for name, value in knobs.items() if value is not None})
    hold_out = args.hold_out or "0"
    if getattr(args, "branch", None) is not None:
        build_base.build_branch(_paths(args), config, args.branch, hold_out=hold_out, compute=compute)
    else:
        build_base.build_base(_paths(args), config, hold_out=hold_out, compute=compute)


def _choose(args: argparse.Namespace) -> int:
    build_tuned.build_choice(_paths(args), _compute(args), args.rates)
    return 0


def _tuned(args: argparse.Namespace) -> int:
    build_tuned.build_tuned(_paths(args), args.command, _compute(args))
    return 0


def _results(args: argparse.Namespace) -> int:
    build_results.build_results(_paths(args))
    return 0


def _all(args: argparse.Namespace) -> int:
    _refuse_idle(args)
    compute = _compute(args)
    if _paths(args).shipped:  # anybody else's family takes the shipped labels and split as they are
        compute.alone(lambda: _films(args))
    for step in (_base, _choose):
        step(args)
    for name in RECIPES:
        build_tuned.build_tuned(_paths(args), name, compute)
    return compute.alone(lambda: _results(args)) or 0


if __name__ == "__main__":
    sys.exit(main())
