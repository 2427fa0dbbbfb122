"""`python -m training`: build what the app loads, and measure it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pkgutil import resolve_name
from typing import Final, NoReturn, Protocol

from negviz.common.errors import NegvizError
from negviz.common.shipped import need_shipped
from training.tune.recipes import RECIPES


class Command(Protocol):
    """What a command is: a module, or a step of the build."""

    def add_arguments(self, parser: argparse.ArgumentParser, /) -> None: ...

    def run(self, args: argparse.Namespace, /) -> int: ...


Commands = dict[str, tuple[str, str]]  # by name: where it lies, and what `--help` says of it

FOR_USERS: Final[Commands] = {
    "fetch": ("data.fetch", "fetch Open-i films from NLM into a folder; goes on where it was stopped"),
    "archive": (
        "build.archive.command",
        "embed any number of films on one machine or many, into a table on disk",
    ),
    "evaluate": ("measure.evaluate", "put a file of prompts to a family and write how well it ranks"),
    "study": ("measure.study", "make a blinded reader study, or export and analyse one"),
    "all": (
        "build.command:ALL",
        f"base, choose, {', '.join(RECIPES)}, what is shown of the shipped family, and results, in order",
    ),
    "base": (
        "build.command:BASE",
        "train the compact base, or take one from the Hub; goes on where it was stopped",
    ),
    "choose": ("build.command:CHOOSE", "choose the settings of con1 and con2 by cross-validation"),
    **{name: ("build.command:TUNED", recipe.does) for name, recipe in RECIPES.items()},
    "second-reader": ("build.second_reader", "tune the reader that checks how rules read a sentence"),
    "results": (
        "build.command:RESULTS",
        "the pre-listed evaluations; for the shipped family also cards and tables",
    ),
    "training-free": (
        "measure.training_free.command",
        "set up rivals that need no training and measure them beside ours",
    ),
    "calibration": (
        "measure.calibration.command",
        "of films with such a score, the share that match: fit and measure it; when to abstain",
    ),
    "maps": ("measure.maps", "the maps that the page shows: prompts of every model, and films"),
    "attribution": ("measure.attribution", "what each word and each attention head did, over the 99 prompts"),
    "saliency": (
        "measure.saliency.command",
        "whether maps of where a sentence finds what it says lie where simulated findings do",
    ),
    "diagnosis": ("measure.diagnosis", "the three failure signatures of every model over the 99 prompts"),
    "dose": ("measure.dose", "turn findings up in simulated chests and see what each model makes of it"),
    "generalisation": ("measure.generalisation", "wordings, findings and films that no tuning saw, by model"),
    "protocols": (
        "measure.protocols",
        "published tests of negation for every model and rival, or for another model of the Hub",
    ),
    "convert": ("data.convert", "make safetensors of a file of pickled weights, for --base"),
    "leave-out": ("measure.leave_out", "con3 without a finding or a kind of wording, asked about just that"),
    "experiments": (
        "measure.experiments",
        "what hard negatives, an unfrozen image tower and the other knobs do",
    ),
}
FOR_MAINTAINERS: Final[Commands] = {
    "films": ("build.command:FILMS", "read, label and split the films; writes assets/*/manifest.csv"),
    "simulate": (
        "data.phantoms.training_films",
        "simulate the films to learn from; goes on where it was stopped",
    ),
    "phantoms": ("data.phantoms.collection", "simulate the shipped collection; goes on where it was stopped"),
    "judge": ("measure.simulator", "ask real films and simulated ones whether the simulator is any good"),
    "likeness": ("measure.likeness", "whether a classifier can tell simulated films from real ones"),
    "reader": ("measure.reader", "measure the prompt reader on its written, seen and blind sentences"),
    "typed": ("measure.typed", "measure how prompts that people type are read, and what is asked about"),
    "benchmark": ("bench.benchmark", "how long the page takes, beside the least it could take"),
    "crowd": ("bench.crowd", "whether one visitor can stop the others: a class at once, and a flood"),
    "visits": ("bench.visits", "whether the page's memory stays level, visit after visit"),
    "archives": ("bench.archives", "how soon films are found among a million, beside comparing all"),
    "full-size": ("bench.full_size", "time and memory of every step from a base's films to its page"),
    "screenshots": ("bench.screenshots", "take the pictures of the page that the READMEs show"),
    "report": ("report.command", "write the tables of the READMEs and model cards, or check them"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.  Bad input costs one line on stderr and exit status 2; a bug keeps its traceback."""
    try:
        args = _parse(argv)
    except UsageError as error:
        print(error, file=sys.stderr)
        return 2
    command: Callable[[argparse.Namespace], int] = args.run
    try:
        if args.command in FOR_MAINTAINERS:
            need_shipped()
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


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Which command, then its options: no other command is imported, since most bring torch and its like."""
    commands = FOR_USERS | FOR_MAINTAINERS
    parser = _OneLine(
        prog="python -m training",
        description=__doc__,
        epilog=f"{_listed('commands', FOR_USERS)}\n\n{_listed('for maintainers', FOR_MAINTAINERS)}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "words", nargs=argparse.PARSER, choices=commands, metavar="COMMAND", help="one of those below"
    )
    name, *options = parser.parse_args(argv).words
    where, what = commands[name]
    command: Command = resolve_name(f"training.{where}")
    own = _OneLine(prog=f"{parser.prog} {name}", description=what, allow_abbrev=False)
    command.add_arguments(own)
    return own.parse_args(options, argparse.Namespace(command=name, run=command.run))


def _listed(title: str, commands: Commands) -> str:
    lines = (f"  {name:<16}{what}" for name, (_, what) in commands.items())
    return "\n".join([f"{title}:", *lines])


if __name__ == "__main__":
    sys.exit(main())
