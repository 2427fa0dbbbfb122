"""`python -m training`: build what the app loads, and measure it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Final, NoReturn, Protocol

from negviz.common.errors import NegvizError
from negviz.common.files import running_alone
from negviz.common.shipped import COMPACT, need_shipped
from training.bench import benchmark, crowd, screenshots, visits
from training.build import command as build
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
    simulator,
    study,
    typed,
)
from training.measure.calibration import command as calibration
from training.measure.training_free import command as training_free
from training.report import command as report
from training.tune.recipes import RECIPES


class Command(Protocol):
    """What a command is: a module, or a step of the build."""

    def add_arguments(self, parser: argparse.ArgumentParser, /) -> None: ...

    def run(self, args: argparse.Namespace, /) -> int: ...


Commands = dict[str, tuple[Command, str]]  # by name, and what `--help` says of each

FOR_USERS: Final[Commands] = {
    "fetch": (fetch, "fetch Open-i films from NLM into a folder; goes on where it was stopped"),
    "evaluate": (evaluate, "put a file of prompts to a family and write how well it ranks"),
    "study": (study, "make a blinded reader study, or export and analyse one"),
    "all": (build.ALL, "base, choose, con1, con2, con3 and results, in order"),
    "base": (build.BASE, "train the compact base, or take one from the Hub; goes on where it was stopped"),
    "choose": (build.CHOOSE, "choose the settings of con1 and con2 by cross-validation"),
    **{name: (build.TUNED, recipe.does) for name, recipe in RECIPES.items()},
    "results": (build.RESULTS, "the pre-listed evaluations; for the shipped family also cards and tables"),
    "training-free": (training_free, "set up rivals that need no training and measure them beside ours"),
    "calibration": (calibration, "fit and measure the probability that a film matches; when to abstain"),
    "maps": (maps, "the maps that the page shows: prompts of every model, and films"),
    "attribution": (attribution, "what each word and each attention head did, over the 99 prompts"),
    "diagnosis": (diagnosis, "the three failure signatures of every model over the 99 prompts"),
    "dose": (dose, "turn findings up in simulated chests and see what each model makes of it"),
    "generalisation": (generalisation, "wordings, findings and films that no tuning saw, by model"),
    "leave-out": (leave_out, "con3 without a finding or a kind of wording, asked about just that"),
    "experiments": (experiments, "what hard negatives, an unfrozen image tower and the other knobs do"),
}
FOR_MAINTAINERS: Final[Commands] = {
    "films": (build.FILMS, "read, label and split the films; writes assets/*/manifest.csv"),
    "simulate": (phantom_films, "simulate the films to learn from; goes on where it was stopped"),
    "phantoms": (phantoms, "simulate the shipped collection; goes on where it was stopped"),
    "judge": (simulator, "ask real films and simulated ones whether the simulator is any good"),
    "reader": (reader, "measure the prompt reader on its written, seen and blind sentences"),
    "typed": (
        typed,
        "measure how prompts that people type are read, and how often it is asked what is meant",
    ),
    "benchmark": (benchmark, "how long the page takes, beside the least it could take"),
    "crowd": (crowd, "whether one visitor can stop the others: a class at once, and a flood"),
    "visits": (visits, "whether the page's memory stays level, visit after visit"),
    "screenshots": (screenshots, "take the pictures of the page that the READMEs show"),
    "report": (report, "write the tables of the READMEs and model cards, or check them"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.  Bad input costs one line on stderr and exit status 2; a bug keeps its traceback."""
    try:
        args = _parser().parse_args(argv)
    except UsageError as error:
        print(error, file=sys.stderr)
        return 2
    command: Callable[[argparse.Namespace], int] = args.run
    try:
        if args.command in FOR_MAINTAINERS:
            need_shipped()
        with ExitStack() as alone:
            for work in build.works(args):
                alone.enter_context(running_alone(getattr(args, "family", COMPACT), work))
            return command(args)
    except NegvizError as error:
        print(f"{args.command}:", " ".join(str(error).split()), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"{args.command}: stopped; run the same command again to go on.", file=sys.stderr)
        return 130


class UsageError(NegvizError):
    """Options that no command takes so; the message is one line that begins with the command."""


class _OneLine(argparse.ArgumentParser):
    """Says what is wrong in one line, as every command does."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog.rpartition(' ')[2]}: {message}; --help lists the options.")


def _parser() -> argparse.ArgumentParser:
    parser = _OneLine(
        prog="python -m training",
        description=__doc__,
        epilog=f"{_listed('commands', FOR_USERS)}\n\n{_listed('for maintainers', FOR_MAINTAINERS)}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND", help="one of those below"
    )
    for name, (command, what) in (FOR_USERS | FOR_MAINTAINERS).items():
        sub = commands.add_parser(name, description=what, allow_abbrev=False)
        command.add_arguments(sub)
        sub.set_defaults(run=command.run)
    return parser


def _listed(title: str, commands: Commands) -> str:
    lines = (f"  {name:<16}{what}" for name, (_, what) in commands.items())
    return "\n".join([f"{title}:", *lines])


if __name__ == "__main__":
    sys.exit(main())
