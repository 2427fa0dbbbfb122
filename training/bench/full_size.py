"""What a base takes from its films to the page, step by step: time, and the most memory.

    python -m training full-size --base DIR --collection DIR

Every step is the command that README names for it, run in a process of its own, one after another.  What
was found is written after each, so that the same command goes on where it was stopped.  Without `--base` it
is the compact base, on the same films.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, TypeVar, get_args

import httpx2
import numpy as np
from torch import nn

from negviz.common.files import write_json
from negviz.common.shipped import COMPACT
from negviz.evaluation.prompts import read_prompts
from negviz.explain.saliency import saliency
from negviz.films.split import FOLDS
from negviz.models.encoder import DualEncoder
from negviz.models.family import load_models, open_hub_model, save_base
from negviz.results.files import read_object
from negviz.retrieval.embeddings import film_embeddings
from training.bench.benchmark import machine
from training.bench.costs import Timings, clock
from training.bench.opened import Opened, readable
from training.bench.running import RunningError, call, run_app
from training.bench.sentences import sentences
from training.data.pairs import make_pairs
from training.measure.dose import CHESTS
from training.paths import EVALUATION, PROMPTS, RESULTS, Paths, told
from training.tune.captions import CON3, CON4
from training.tune.choose import SEEDS
from training.tune.con1_con2 import Method, TuneConfig, tune
from training.tune.devices import CPU, Compute, open_compute
from training.tune.directions import HEADS_FILE
from training.tune.precision import with_faster

RATE: Final = "1e-5"  # that `choose` has no choice of
_FEW_CHESTS: Final = 2  # of those of `dose`
_MAPS: Final = 5
_ANSWERS: Final = 10
Json = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True)
class Took:
    """What a step took."""

    seconds: float
    processor_s: float  # of its process and of those that it started
    peak_mb: float  # the most that one of these held

    @classmethod
    def of(cls, ready: Callable[[], Callable[[], object]]) -> Took:
        """Of what `ready` returns.  Raises `RunningError` where that returns a status other than 0."""
        do = ready()
        began, worked = time.perf_counter(), _processor_seconds()
        if isinstance(status := do(), int) and status:
            raise RunningError(f"A step ended with status {status}; what it printed says why.")
        taken, work = time.perf_counter() - began, _processor_seconds() - worked
        return cls(round(taken, 1), round(work, 1), _peak_mb())


def _processor_seconds() -> float:
    used = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


def _peak_mb() -> int:
    """The most that this process held, or one that it started."""
    used = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return round(max(each.ru_maxrss for each in used) * 1024 / 1e6)


def apart(do: Callable[[], T]) -> T:
    """What something returns in a process of its own, whose memory nothing else has touched."""
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(do).result()


@dataclass(frozen=True)
class Step:
    """Something to be timed, of so many units; `whole` is how many it would be."""

    name: str
    ready: Callable[[], Callable[[], object]]  # makes ready, and returns what is timed
    unit: str
    units: int
    whole: int

    def measure(self) -> Json:
        """In a process of its own."""
        took = apart(partial(Took.of, self.ready))
        return {"unit": self.unit, "units": self.units, "whole": self.whole, **asdict(took)}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--base", metavar="ID|DIR", help="a base in the Hub's format or OpenCLIP's (default: the compact one)"
    )
    films = "a folder with a manifest.csv and films to tune on"
    add("--collection", required=True, metavar="DIR", help=films)
    add("--family", type=Path, required=True, metavar="DIR", help="folder to make the family in")
    some = "some steps only, named as the results file does; they need those before them"
    add("--steps", nargs="+", metavar="STEP", help=some)
    add("--json", type=Path, default=RESULTS / "full-size.json", metavar="OUT", help="results file to add to")


def run(args: argparse.Namespace) -> int:
    """Time what was not timed yet.  Raises a `NegvizError`."""
    paths = Paths(args.family, args.collection)
    steps: dict[str, Callable[[], Any]] = {step.name: step.measure for step in steps_of(paths, args.base)}
    parts: dict[str, Callable[[], Any]] = {
        "unit": partial(apart, partial(measure_units, paths, args.base)),
        "saliency": partial(apart, partial(measure_maps, paths, args.base)),
        "page": partial(measure_page, paths),
    }
    every = steps | parts
    wanted = args.steps or [*every]
    if unknown := [step for step in wanted if step not in every]:
        raise RunningError(f"There is no step {unknown[0]}; there are {', '.join(every)}.")
    name = "compact" if args.base is None else told(args.base)
    known = read_object(args.json) or {"bases": {}}
    found: Json = known["bases"].get(name) or _about(paths, args.base)
    for step, measure in every.items():
        kept: Json = found["steps"] if step in steps else found
        if step in wanted and step not in kept:
            print(f"{name}: {step}", flush=True)
            kept[step] = measure()
            _write(args.json, name, found)
    return 0


def _about(paths: Paths, base: str | None) -> Json:
    model = open_base(base)
    towers = {"text": model.text, "image": model.image}
    return {
        "kind": model.family,
        "parameters": {name: _parameters(tower) for name, tower in towers.items()},
        "films": len(paths.open_collection()),
        "machine": machine(),
        "versions": {name: version(name) for name in ("torch", "transformers", "numpy")},
        "steps": {},
    }


def open_base(base: str | None) -> DualEncoder:
    return load_models(COMPACT)["base"] if base is None else open_hub_model(base)


def _parameters(tower: Any) -> int:
    return sum(each.numel() for each in tower.parameters())


def _write(path: Path, name: str, found: Json) -> None:
    bases = (read_object(path) or {"bases": {}})["bases"]
    value = {
        "what": "what a base takes from its films to the page, step by step",
        "bases": {**bases, name: found},
        "command": "python -m training full-size --base DIR --collection DIR --family DIR",
    }
    write_json(path, value)


# Steps ----------------------------------------------------------------------------------------


def steps_of(paths: Paths, base: str | None) -> Iterator[Step]:
    """In the order in which one needs the other."""
    films = len(paths.open_collection())
    family, collection = ["--family", str(paths.family)], ["--collection", paths.collection]
    yield Step("embed", partial(embedding, paths, base), "film", films, films)
    choose = partial(command, "choose", *family, *collection, "--rates", RATE, "--folds", "1")
    runs = len(get_args(Method)) * len(SEEDS) + 1  # a fold: one rate of both, and CON1 with other targets
    yield Step("choose", choose, "run", runs, FOLDS * runs)
    for name in get_args(Method):
        tuning = partial(command, name, *family, *collection)
        yield Step(name, tuning, "epoch", TuneConfig.epochs, TuneConfig.epochs)
    for config in (CON3, CON4):
        tuning = partial(command, config.method, *family, *collection)
        yield Step(config.method, tuning, "step", config.steps, config.steps)
    maps = partial(command, "maps", *family, "--collections", paths.collection)
    yield Step("maps", maps, "prompt", 99, 99)
    for name in ("attribution", "diagnosis"):
        yield Step(name, partial(command, name, *family, *collection), "prompt", 99, 99)
    dose = partial(command, "dose", *family, "--chests", str(_FEW_CHESTS))
    yield Step("dose", dose, "chest", _FEW_CHESTS, CHESTS)
    out = ("--json", str(paths.results / "evaluation.json"))
    evaluate = partial(command, "evaluate", *family, *collection, "--prompts", str(EVALUATION), *out)
    yield Step("evaluate", evaluate, "prompt", 99, 99)


def command(*argv: str) -> Callable[[], int]:
    """A command as it is given by hand."""
    return partial(subprocess.call, [sys.executable, "-m", "training", *argv])


def embedding(paths: Paths, base: str | None) -> Callable[[], object]:
    """A family is started, of the compact base and nothing else unless there is another."""
    if base is not None:
        own = ("--family", str(paths.family), "--collection", paths.collection)
        return command("base", "--base", base, *own)
    model = open_base(None)
    save_base(paths.family, model, licence="as shipped", data={}, training={})
    shutil.copyfile(COMPACT / "base" / HEADS_FILE, paths.family / "base" / HEADS_FILE)
    return partial(film_embeddings, model, paths.open_collection())


def tuned_in(paths: Paths, base: str | None) -> Compute:
    """The precision that `choose` and its like would find for a base; the compact one has its own."""
    return CPU if base is None else with_faster(open_base(base), open_compute("cpu"), paths.work)


def measure_units(paths: Paths, base: str | None) -> Json:
    """What a film takes to be embedded, and one step of CON2."""
    model, compute, films = open_base(base), tuned_in(paths, base), paths.open_collection()
    pictures = [films.image(film) for film in films.films[: _MAPS + 1]]
    whole = make_pairs(films, read_prompts(PROMPTS / "training.csv"))
    batch, half = TuneConfig(method="con2", epochs=1, lr=float(RATE)), TuneConfig.batch // 2
    pairs = replace(whole, films=(*whole.films[:half], *whole.films[-half:]), has=np.arange(2 * half) < half)
    vectors = np.eye(len(pairs), model.dim, dtype=np.float32)
    encoding = [_worked(partial(model.encode_images, [picture])) for picture in pictures]
    tuning = [_worked(partial(tune, model, vectors, pairs, batch, compute=compute)) for _ in range(3)]
    return {
        "film_s": round(float(np.median(encoding[1:])), 2),
        "con2_step_s": round(min(tuning[1:]), 2),
        "precision": compute.precision,
        "peak_mb": _peak_mb(),
    }


def _worked(do: Callable[[], object]) -> float:
    """Seconds of processors."""
    began = _processor_seconds()
    do()
    return _processor_seconds() - began


# What is shown --------------------------------------------------------------------------------


def measure_maps(paths: Paths, base: str | None) -> Json:
    """Maps of where on a film a base finds a sentence: how long one takes, how often the film is encoded."""
    model, films = open_base(base), paths.open_collection()
    tower: Any = model.image
    first = next(part for part in tower.modules() if isinstance(part, nn.Conv2d))
    encoded: list[None] = []
    hook = first.register_forward_hook(lambda *_: encoded.append(None))
    pictures = [films.image(film) for film in films.films[: _MAPS + 1]]
    began = _processor_seconds()
    _, *taken = (  # the first warms up
        clock(lambda text, picture=picture: saliency(model, picture, text), text, None)  # type: ignore[misc]
        for picture, text in zip(pictures, sentences(), strict=False)
    )
    hook.remove()
    return {
        "maps": len(taken),
        "median_s": round(Timings.of(taken).median_ms / 1000, 2),
        "processor_s": round((_processor_seconds() - began) / len(pictures), 2),
        "film_forwards": len(encoded) / len(pictures),
        "method": saliency(model, pictures[0], sentences()[0]).method,
        "peak_mb": _peak_mb(),
    }


def measure_page(paths: Paths) -> Json:
    """The app on the family: until it is ready, how long each kind of answer takes, and the most memory."""
    options = ("--family", str(paths.family), "--collection", paths.collection)
    film = paths.open_collection().films[0].id
    with run_app(*options) as running, httpx2.Client() as client:
        texts = sentences()
        opened, later = Opened.of(running, client, texts[: 1 + _ANSWERS]), iter(texts[1 + _ANSWERS :])
        asked = {"attribute": (), "map": ("tsne",), "saliency": (film,)}
        taken = {
            f"{name}_s": _answered(partial(_call, client, running.address, name, more), next(later))
            for name, more in asked.items()
        }
        peak = readable(running.peak_bytes())
    return {**opened.record(), **taken, "peak_mb": round(peak / 1e6)}


def _answered(ask: Callable[[str], object], text: str) -> float | None:
    """Seconds; None where the page says why there is no such answer, such as a map that was not made."""
    try:
        return round(clock(ask, text, None), 2)
    except RunningError:
        return None


def _call(client: httpx2.Client, address: str, name: str, more: tuple[str, ...], text: str) -> None:
    call(client, address, name, text, *more)
