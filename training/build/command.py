"""The commands that build a family: which options they share, and what each of them runs."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

from negviz.common.files import running_alone
from negviz.common.shipped import COMPACT
from negviz.films.split import FOLDS
from negviz.models.family import load_models
from training.build.all import steps_of_all
from training.build.base import build_base, build_branch, start_hub_family
from training.build.films import build_films, write_next_labels
from training.build.plan import Plan, as_json, experiments, show
from training.build.results import build_results
from training.build.steps import run_steps
from training.build.tuned import build_choice, build_tuned
from training.data.enough import check_enough
from training.options import count, natural, rate
from training.paths import FilmsError, Paths, add_family_option, add_labels_option
from training.tune.base import BaseConfig
from training.tune.devices import Compute, add_device_options, open_compute
from training.tune.precision import with_faster
from training.tune.recipes import RECIPES

TUNING: Final = ("choose", *RECIPES)
BUILDING: Final = ("films", "base", *TUNING, "results")


@dataclass(frozen=True)
class BuildStep:
    """A command with the options that it shares with others, and `more` of its own."""

    do: Callable[[argparse.Namespace], int]
    family: bool = True
    films: bool = False
    base: bool = False
    tunes: bool = False
    more: Callable[[argparse.ArgumentParser], None] | None = None

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        add = parser.add_argument
        if self.family:
            add_family_option(parser)
            films_tuned = "films to tune and measure on (default: %(default)s)"
            add("--collection", default="openi", metavar="NAME|DIR", help=films_tuned)
            add_labels_option(parser)
        films = "Open-i films: NLM's archives, or a folder with manifest.csv and images"
        films += "" if self.films else "; not needed with a --collection of your own, or where embedded"
        add("--films", type=Path, required=self.films, metavar="DIR", help=films)
        if not self.tunes or self.base:  # tuning alone sees the collection and nothing else
            add("--nih", type=Path, metavar="DIR", help="NIH films: p_* help train, e_* test")
        if self.base:
            _add_base_options(parser)
        if self.base or self.tunes:
            add_device_options(parser)
        if self.more is not None:
            self.more(parser)

    def run(self, args: argparse.Namespace) -> int:
        with ExitStack() as alone:
            for work in _works(args):
                alone.enter_context(running_alone(getattr(args, "family", COMPACT), work))
            if self.family:
                _check(args)
            return self.do(args)


def _check(args: argparse.Namespace) -> None:
    """What would be wrong later is said now."""
    paths = _paths(args)
    if args.command in ("all", "base"):
        _refuse_idle(args)
        if args.command == "all" and not args.plan and (args.experiments or args.json):
            raise FilmsError("--experiments and --json show a plan: give --plan too, or leave them out.")
        if args.base is not None and paths.shipped:
            raise FilmsError("Give --family a folder of its own: checkpoints/compact holds the compact base.")
        if not paths.own:
            paths.need_films()
    films = paths.open_collection()
    for note in films.notes if int(os.environ.get("RANK", "0")) == 0 else ():
        print(f"{films.name}: {note}", file=sys.stderr)
    if args.command != "base":
        check_enough(films)


def _add_folder(parser: argparse.ArgumentParser) -> None:
    what = "write collection folders with images there instead"
    parser.add_argument("--to", type=Path, metavar="DIR", help=what)
    differing = "write only which labels would change (assets/openi/labels-next.csv); nothing uses them yet"
    parser.add_argument("--next", action="store_true", help=differing)


def _add_branch(parser: argparse.ArgumentParser) -> None:
    one = "train this network of the base only, to train the other beside it; then run without"
    parser.add_argument("--branch", type=natural, metavar="N", help=one)


def _add_choice(parser: argparse.ArgumentParser) -> None:
    what = "peak learning rates to choose from; 1e-6 and up for a base that is tuned whole"
    parser.add_argument("--rates", type=rate, nargs="+", default=(), metavar="R", help=what)
    few = "choose on the first so many of five folds: sooner done, and less sure (default: all)"
    parser.add_argument(
        "--folds", type=int, choices=range(1, FOLDS + 1), default=FOLDS, metavar="N", help=few
    )


def _add_plan(parser: argparse.ArgumentParser) -> None:
    _add_choice(parser)
    plan = "build nothing: measure a unit of every step here, and say hours, memory and disk"
    parser.add_argument("--plan", action="store_true", help=plan)
    parser.add_argument("--json", action="store_true", help="the plan as JSON")
    apart = "the experiments, which are no part of it: with --plan, what they would take"
    parser.add_argument("--experiments", action="store_true", help=apart)


def _add_base_options(parser: argparse.ArgumentParser) -> None:
    defaults = BaseConfig()
    hub = "tune a Hub dual encoder (id or folder) instead of training the compact base"
    parser.add_argument("--base", metavar="ID|DIR", help=hub)
    licence = "the licence of the model of --base, for the cards and the page"
    parser.add_argument("--licence", metavar="TEXT", help=licence)
    parser.add_argument("--epochs", type=count, help=f"default: {defaults.epochs}")
    parser.add_argument("--seed", type=natural, help=f"default: {defaults.seed}")
    simulated = f"simulated films beside the real ones; 0: none (default: {defaults.simulated})"
    parser.add_argument("--simulated", type=natural, metavar="N", help=simulated)
    held = "fold kept out of the base's training, to choose on (default: 0)"
    parser.add_argument("--hold-out", choices=("0", "1", "2", "3", "4", "none"), help=held)


def _works(args: argparse.Namespace) -> Sequence[str]:
    """What a command is that runs once at a time on a family; two would share the state they go on from.

    Base replaces the whole family, so nothing is tuned meanwhile.
    """
    first = int(os.environ.get("RANK", "0")) == 0  # of the processes of `accelerate launch`
    if not first:
        return ()
    if args.command not in ("all", "base", "films") and not args.family.is_dir():
        return ()  # a mistyped folder is not made
    if getattr(args, "branch", None) is not None:
        return (_branch(args.branch),)
    branches = [_branch(number) for number in range(BaseConfig().branches)]
    whole = {"base": ("base", *branches, *TUNING), "all": (*BUILDING, *branches)}
    command: str = args.command
    return whole.get(command, (command,))


def _branch(number: int) -> str:
    return f"base --branch {number}"


def _paths(args: argparse.Namespace) -> Paths:
    names = ("family", "collection", "films", "nih", "labels")  # a command has those that reach something
    return Paths(**{name: getattr(args, name) for name in names if hasattr(args, name)})


def _compute(args: argparse.Namespace) -> Compute:
    """Where it runs; the shipped family was tuned on the CPU, and is again unless told otherwise."""
    device = "cpu" if args.device is None and _paths(args).shipped else args.device
    return open_compute(device, args.precision)


def _tuning(args: argparse.Namespace) -> Compute:
    """Where text towers are tuned: in the precision that was asked for, the recipe's, or the faster one."""
    paths, compute = _paths(args), _compute(args)
    if args.precision is not None or os.environ.get("ACCELERATE_MIXED_PRECISION", "no") != "no":
        return compute
    if paths.shipped:
        recipe = RECIPES.get(args.command, RECIPES["con1"])
        return replace(compute, precision=recipe.precision)
    return with_faster(load_models(paths.family)["base"], compute, paths.work)


def _films(args: argparse.Namespace) -> int:
    if getattr(args, "next", False):
        write_next_labels(_paths(args))
    else:
        build_films(_paths(args), to=getattr(args, "to", None))
    return 0


def _base(args: argparse.Namespace) -> int:
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
    if args.base is not None and args.nih is not None and _paths(args).own:
        raise FilmsError("With a --collection of your own nothing is asked of NIH's films: leave out --nih.")
    if args.base is None and args.licence is not None:
        raise FilmsError("--licence is that of the model of --base; leave it out, or name one.")


def _start(args: argparse.Namespace, compute: Compute) -> None:
    if args.base is not None:
        start_hub_family(_paths(args), args.base, compute, args.licence)
        return
    config = _base_config(args)
    hold_out = args.hold_out or "0"
    if getattr(args, "branch", None) is not None:
        build_branch(_paths(args), config, args.branch, hold_out=hold_out, compute=compute)
    else:
        build_base(_paths(args), config, hold_out=hold_out, compute=compute)


def _base_config(args: argparse.Namespace) -> BaseConfig:
    knobs = {name: getattr(args, name) for name in ("epochs", "seed", "simulated")}
    return BaseConfig(**{name: value for name, value in knobs.items() if value is not None})


def _choose(args: argparse.Namespace) -> int:
    build_choice(_paths(args), _tuning(args), args.rates, args.folds)
    return 0


def _tuned(args: argparse.Namespace) -> int:
    build_tuned(_paths(args), args.command, _tuning(args))
    return 0


def _results(args: argparse.Namespace) -> int:
    build_results(_paths(args))
    return 0


def _all(args: argparse.Namespace) -> int:
    paths, compute = _paths(args), _compute(args)
    if args.plan:
        return compute.alone(lambda: _plan(args, paths, compute)) or 0
    steps = steps_of_all(
        paths,
        compute,
        args.rates,
        args.folds,
        films=lambda: compute.alone(lambda: _films(args)),
        base=lambda: _base(args),
        base_facts=_base_facts(args),
        tuning=cache(lambda: _tuning(args)),
    )
    run_steps(steps, paths, compute)
    return 0


def _plan(args: argparse.Namespace, paths: Paths, compute: Compute) -> int:
    choice, hub = (args.rates, args.folds), (args.base, args.licence)
    plan = Plan(paths, compute, _base_config(args), args.hold_out or "0", *choice, *hub)
    if args.base is not None and args.precision is None:
        plan = replace(plan, compute=with_faster(plan.base, compute, paths.work))  # as it would be tuned
    rows = [*plan.rows()]
    shown = [*experiments(rows)] if args.experiments else rows
    print(as_json(shown) if args.json else show(shown))
    if (further := plan.unmeasured()) and not (args.json or args.experiments):
        print(f"Not measured here: {', '.join(further)}.")
    return 0


def _base_facts(args: argparse.Namespace) -> dict[str, Any]:
    """What the options say of the base."""
    if args.base is not None:
        return {"base": args.base, "licence": args.licence}
    return {"config": _base_config(args).describe(), "hold_out": args.hold_out or "0"}


FILMS: Final = BuildStep(_films, films=True, family=False, more=_add_folder)
BASE: Final = BuildStep(_base, base=True, more=_add_branch)
CHOOSE: Final = BuildStep(_choose, tunes=True, more=_add_choice)
TUNED: Final = BuildStep(_tuned, tunes=True)
RESULTS: Final = BuildStep(_results)
ALL: Final = BuildStep(_all, base=True, tunes=True, more=_add_plan)
