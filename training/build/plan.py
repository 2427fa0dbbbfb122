"""`python -m training all --plan`: hours, memory and disk of each step here, from a measured unit.

A unit is the smallest piece of a step that it is made of many times: a training step, a film, a run.  A few
are timed on made-up films and sentences of the real kind and number, and multiplied.  Models are as they are
before training, so nothing but the collection, and the base of the Hub if there is one, needs to be there.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final, get_args

import numpy as np
import psutil
import torch
from PIL import Image

from negviz.evaluation.cells import make_task
from negviz.evaluation.prompts import PromptRow, read_prompts
from negviz.films.collection import Collection
from negviz.films.split import FOLDS
from negviz.findings import FINDINGS
from negviz.models.encoder import DualEncoder, make_model
from negviz.models.family import open_hub_model
from negviz.models.image_tower import ImageTower, prepare
from negviz.models.text_tower import open_text_tower
from negviz.phantoms import simulate
from negviz.retrieval.estimate import RESAMPLES
from negviz.retrieval.metrics import Ranked
from training.build.measured import MEASUREMENTS
from training.data.bank import open_bank
from training.data.base import SIDE, BaseData, sides
from training.data.captions import Bank
from training.data.films import nih_films
from training.data.pairs import make_pairs
from training.data.phantoms.draw import TRAINING, training_wish
from training.data.phantoms.training_films import SHARD
from training.measure.evaluations import evaluations
from training.measure.experiments.command import EXPERIMENTS, SEEDS
from training.paths import PROMPTS, Paths
from training.tune import choose
from training.tune.base import KEPT_EVERY, BaseConfig, train_branch
from training.tune.captions import CAPTION_CONFIGS, SAVED, Lessons, tune_captions
from training.tune.con1_con2 import Method, TuneConfig, tune
from training.tune.devices import Compute
from training.tune.recipes import RECIPES

_FILM: Final = 2 * SIDE * SIDE  # bytes of a prepared film
LONGEST: Final = 20 * 60  # seconds that may be lost when a run is stopped
_TERMS: Final = 60  # MeSH terms, about, that base learns beside the findings
_FEW: Final = 3  # units that are timed
_CAPTIONS: Final = 600  # of which batches are drawn that are timed


@dataclass(frozen=True)
class Planned:
    """A step of the plan."""

    step: str
    unit: str
    units: int
    seconds: float  # a unit
    cpu: float  # seconds of it that this process was working: a machine that is shared takes longer
    kept_every: int  # units, after which a run that is stopped goes on
    memory: int  # bytes
    disk: int  # bytes

    @property
    def hours(self) -> float:
        return self.units * self.seconds / 3600

    @property
    def cpu_hours(self) -> float:
        return self.units * self.cpu / 3600

    @property
    def lost(self) -> float:
        """Seconds that a run which is stopped may lose."""
        return min(self.kept_every, self.units) * self.seconds


@dataclass(frozen=True)
class Measured:
    """What a few units took."""

    seconds: float  # a unit
    cpu: float
    memory: int
    disk: int = 0


def timed(units: int, do: Callable[[Path], object]) -> Measured:
    """Do so many units in a folder that is thrown away, once to warm up and once against the clock."""
    with tempfile.TemporaryDirectory() as folder:
        do(Path(folder) / "warm")
        started, worked = time.perf_counter(), time.process_time()
        do(Path(folder) / "timed")
        seconds, cpu = time.perf_counter() - started, time.process_time() - worked
        files = [path for path in (Path(folder) / "timed").rglob("*") if path.is_file()]
        disk = sum(path.stat().st_size for path in files)
    return Measured(
        seconds / units, cpu / units / torch.get_num_threads(), psutil.Process().memory_info().rss, disk
    )


@dataclass(frozen=True)
class Plan:
    """What is to be built, with models as they are before training."""

    paths: Paths
    compute: Compute
    config: BaseConfig
    hold_out: str
    rates: Sequence[float]
    folds: int = FOLDS  # that are chosen on
    hub: str | None = None  # the base, if it is of the Hub
    licence: str | None = None  # and whose

    @cached_property
    def films(self) -> Collection:
        return self.paths.open_collection()

    @cached_property
    def base(self) -> DualEncoder:
        if self.hub is not None:
            return open_hub_model(self.hub)
        tower = ImageTower(self.config.tower()).eval()
        return make_model(open_text_tower(self.config.dim), tower, logit_scale=1.0)

    @cached_property
    def vectors(self) -> np.ndarray[Any, np.dtype[np.float32]]:
        made = np.random.default_rng(0).standard_normal((len(self.films), self.base.dim), dtype=np.float32)
        made /= np.linalg.norm(made, axis=1, keepdims=True)
        return made

    @cached_property
    def prompts(self) -> list[PromptRow]:
        return read_prompts(PROMPTS / "training.csv")

    def rows(self) -> Iterator[Planned]:
        """Every step, in order, as it is measured."""
        if self.hub is None:
            yield from self._of_base()
        yield self._embedding()
        tuned = {method: self._epoch(method) for method in get_args(Method)}
        yield self._choosing(tuned)
        models = [
            self._pairs(name, tuned[name]) if name in tuned else self._captions(name) for name in RECIPES
        ]
        yield from models
        yield self._seeds(models)
        yield self._evaluating()

    def unmeasured(self) -> list[str]:
        """Steps of `all` that have no row here: they take minutes, and begin anew where they are stopped."""
        shown = [*MEASUREMENTS, "report"] if self.paths.shipped else []
        return shown + (["others"] if self.hub is not None and self.licence else [])

    def _of_base(self) -> Iterator[Planned]:
        count, config = self.config.simulated, self.config
        if count:
            seeds = iter(TRAINING)

            def make(_: Path) -> None:
                prepare(simulate(seed := next(seeds), training_wish(seed), SIDE).image, SIDE)

            took = timed(1, make)
            yield Planned(
                "simulate", "film", count, took.seconds, took.cpu, SHARD, took.memory, count * _FILM
            )
        trained, _ = sides(self.films, self.hold_out)
        nih = self.paths.nih
        mined = len(nih_films(nih, keep=lambda name: name.startswith("p_"))[0]) if nih is not None else 0
        films = len(trained) + mined + count
        few, steps = self._few_films(config.batch * _FEW), films // config.batch
        one = replace(config, epochs=1)
        took = timed(_FEW, lambda folder: train_branch(few, one, 0, work=folder, compute=self.compute))
        units, held = config.branches * config.epochs * steps, films * _FILM
        kept, disk = min(steps, 1 + int(KEPT_EVERY / took.seconds)), config.branches * took.disk
        yield Planned("base", "step", units, took.seconds, took.cpu, kept, took.memory + held, disk)

    def _few_films(self, count: int) -> BaseData:
        random = np.random.default_rng(0)
        labels = len(FINDINGS) + _TERMS
        pixels = torch.from_numpy(random.integers(0, 255, (count, 2, SIDE, SIDE), dtype=np.uint8))
        return BaseData(
            collection=Collection("few", self.films.films[:1] * count),
            films=pixels,
            labels=tuple(map(str, range(labels))),
            targets=torch.from_numpy(random.integers(0, 2, (count, labels)).astype(np.float32)),
            weights=torch.ones(count, labels),
            sentences=tuple((row,) for row in range(count)),
            texts=torch.from_numpy(random.standard_normal((count, 384), dtype=np.float32)),
        )

    def _embedding(self) -> Planned:
        encode = self.compute.encode_images(self.base)
        image = Image.fromarray(np.full((512, 512), 128, np.uint8))
        took = timed(_FEW, lambda _: [encode([image]) for _ in range(_FEW)])
        opened = filter(None, (self.films, self.paths.open_nih(), self.paths.open_phantoms()))
        films = sum(map(len, opened))
        disk = films * self.base.dim * 4
        return Planned("embed", "film", films, took.seconds, took.cpu, 60, took.memory, disk)

    def _epoch(self, method: Method) -> Measured:
        pairs = make_pairs(self.films, self.prompts)
        vectors = self.vectors[self.films.rows(pairs.films)]
        config = TuneConfig(method=method, epochs=1, lr=1e-5)

        def run(folder: Path) -> None:
            tune(self.base, vectors, pairs, config, compute=self.compute, state=folder / "run.safetensors")

        return timed(1, run)

    def _choosing(self, tuned: dict[Method, Measured]) -> Planned:
        """A run is a method's epochs on four folds of five; CON1 is run with other targets, too."""
        grid = len(self.rates or choose.RATES) * len(choose.BATCHES) + len(choose.SEEDS) - 1
        each = self.folds * grid
        runs = len(tuned) * each + self.folds
        tuned_times = [(took.seconds, took.cpu) for took in tuned.values()]  # CON1's first
        share = TuneConfig.epochs * (FOLDS - 1) / FOLDS
        seconds, cpu = (
            share * (each * sum(took[of] for took in tuned_times) + self.folds * tuned_times[0][of]) / runs
            for of in (0, 1)
        )
        memory = max(took.memory for took in tuned.values())
        return Planned("choose", "run", runs, seconds, cpu, 1, memory, 0)

    def _pairs(self, name: str, took: Measured) -> Planned:
        return Planned(name, "epoch", TuneConfig.epochs, took.seconds, took.cpu, 1, took.memory, took.disk)

    def _bank(self, typed: bool) -> Bank:
        """A few of the captions that need no report; every kind is among them."""
        captions = open_bank(replace(self.paths, collection=""), self.films.films, typed=typed).captions
        return Bank(captions[:: max(1, len(captions) // _CAPTIONS)])

    def _captions(self, name: str) -> Planned:
        config = CAPTION_CONFIGS[name]
        few = replace(config, steps=_FEW)
        bank = self._bank(bool(config.typed))
        near = {caption.text: torch.ones(self.base.dim) for caption in bank.in_both_senses}
        lessons = Lessons.of(self.vectors, self.films.films, bank, near)

        def run(folder: Path) -> None:
            tune_captions(self.base, lessons, few, compute=self.compute, state=folder / "run.safetensors")

        took = timed(few.steps, run)
        return Planned(name, "step", config.steps, took.seconds, took.cpu, SAVED, took.memory, took.disk)

    def _seeds(self, tuned: Sequence[Planned]) -> Planned:
        """Seeds beside those that ship, by which `results` tells what is chance; kept in half precision."""
        tried = {name: RECIPES[name].seeds for name in RECIPES} | dict.fromkeys(
            get_args(Method), len(choose.SEEDS)
        )
        others = [(tried[row.step] - 1, row) for row in tuned]
        runs = sum(number for number, _ in others)
        seconds = sum(number * row.units * row.seconds for number, row in others) / runs
        cpu = sum(number * row.units * row.cpu for number, row in others) / runs
        disk = 2 * runs * sum(each.numel() for each in self.base.text.tunable().values())
        return Planned("seeds", "run", runs, seconds, cpu, 1, max(row.memory for row in tuned), disk)

    def _evaluating(self) -> Planned:
        test = self.films.select("test")
        task = make_task(
            read_prompts(PROMPTS / "evaluation.csv"),
            test if len(test) else self.films,
            split="all",
            k=10,
            unmentioned="unknown",
            bootstrap=RESAMPLES // 10,
            seed=0,
        )
        scores = np.random.default_rng(0).standard_normal(task.relevance.shape)
        ranked = Ranked.of(task.relevance, scores, task.places)
        took = timed(1, lambda _: ranked.measure(task.k, task.draws))
        models = 1 + len(RECIPES)
        asked = models * len(evaluations(self.paths, self.base.tower_id))
        seconds, cpu = 10 * took.seconds, 10 * took.cpu
        return Planned("results", "model", asked, seconds, cpu, models, took.memory, 0)


def experiments(rows: Sequence[Planned]) -> Iterator[Planned]:
    """The experiments, each in runs of the kind that it tunes, from what these were found to take."""
    known = {row.step: row for row in rows}
    for name, experiment in EXPERIMENTS.items():
        like = known.get(name.partition("-")[0], known["choose"])
        steps = like.units if like.step in CAPTION_CONFIGS else 1
        if like.step == "con2":
            like = known["choose"]
        runs = experiment.runs(SEEDS)
        yield Planned(
            f"experiments {name}", "run", runs, steps * like.seconds, steps * like.cpu, 1, like.memory, 0
        )


def show(rows: Sequence[Planned]) -> str:
    """A short table with a total."""
    head = ("step", "units", "a unit", "hours", "CPU hours", "goes on after", "memory", "disk")
    cells = [
        (
            row.step,
            f"{row.units:,} {row.unit}s",
            _seconds(row.seconds),
            f"{row.hours:.2f}",
            f"{row.cpu_hours:.2f}",
            _seconds(row.lost),
            _bytes(row.memory),
            _bytes(row.disk),
        )
        for row in rows
    ]
    total = summed(rows)
    hours, cpu = (f"{total[of]:.2f}" for of in ("hours", "cpu_hours"))
    cells.append(("all", "", "", hours, cpu, "", _bytes(total["memory"]), _bytes(total["disk"])))
    widths = [max(len(row[i]) for row in (head, *cells)) for i in range(len(head))]
    padded = ([cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in (head, *cells))
    long = [row for row in rows if row.lost > LONGEST]
    warned = (f"{row.step}: a run that is stopped loses up to {_seconds(row.lost)}." for row in long)
    return "\n".join([*("  ".join(row).rstrip() for row in padded), *warned])


def summed(rows: Sequence[Planned]) -> dict[str, Any]:
    """Of the whole: its hours and disk, and the most memory that a step needs."""
    return {
        "hours": sum(row.hours for row in rows),
        "cpu_hours": sum(row.cpu_hours for row in rows),
        "memory": max(row.memory for row in rows),
        "disk": sum(row.disk for row in rows),
    }


def as_json(rows: Sequence[Planned]) -> str:
    steps = [
        {**asdict(row), "hours": row.hours, "cpu_hours": row.cpu_hours, "lost_seconds": row.lost}
        for row in rows
    ]
    machine = {"cores": psutil.cpu_count(), "threads": torch.get_num_threads()}
    return json.dumps({"machine": machine, "steps": steps, "total": summed(rows)}, indent=1)


def _seconds(value: float) -> str:
    return f"{value / 60:.1f} min" if value >= 90 else f"{value:.2g} s"


def _bytes(value: float) -> str:
    return f"{value / 1e9:.1f} GB" if value >= 1e9 else f"{value / 1e6:.0f} MB"
