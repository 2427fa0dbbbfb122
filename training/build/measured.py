"""What `all` measures of the shipped family beside its evaluations: most of what the page shows beside films.

Each is a command too, and is run as that would be by hand.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from negviz.common.files import file_sha256
from negviz.common.shipped import ROOT
from negviz.explain.dose import sweep_path
from negviz.films.collection import ASSETS
from negviz.models.family import load_models
from training.build.steps import Facts, Step
from training.measure import attribution, diagnosis, dose, maps
from training.measure.calibration import command as calibration
from training.measure.saliency import command as saliency
from training.paths import Paths
from training.report.command import refresh
from training.tune.devices import Compute


class Command(Protocol):
    """A command of `python -m training`."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...
    def run(self, args: argparse.Namespace) -> int: ...


@dataclass(frozen=True)
class Measurement:
    """A command, and the files that it writes."""

    command: Command
    writes: Callable[[Paths], Iterable[Path]]
    films: bool = False  # whether it takes --films and --nih, to tune again from reports


def _results(*names: str) -> Callable[[Paths], Iterable[Path]]:
    return lambda paths: [paths.results / name for name in names]


def _maps(_: Paths) -> Iterable[Path]:
    return sorted((ASSETS / "maps").iterdir())


def _dose(paths: Paths) -> Iterable[Path]:
    tower_id = load_models(paths.family)["base"].tower_id
    return [sweep_path(tower_id, shipped=paths.shipped), paths.results / "dose.json"]


MEASUREMENTS: Final = {
    "calibration": Measurement(calibration, _results("calibration.json"), films=True),
    "maps": Measurement(maps, _maps),
    "dose": Measurement(dose, _dose),
    "attribution": Measurement(attribution, _results("attribution.json", "heads.json")),
    "saliency": Measurement(saliency, _results("saliency.json")),
    "diagnosis": Measurement(diagnosis, _results("diagnosis.json")),
}


def measured_steps(paths: Paths, compute: Compute, inputs: Callable[[], Facts]) -> Iterator[Step]:
    """A step a measurement; `inputs` are what goes into each: models, films, prompts, the simulator."""
    for name, each in MEASUREMENTS.items():
        yield Step(
            name,
            lambda each=each: compute.alone(lambda: _run(each, paths)),  # type: ignore[misc]
            inputs,
            lambda each=each: each.writes(paths),  # type: ignore[misc]
        )


def report_step(paths: Paths, compute: Compute) -> Step:
    """The tables of the READMEs, once anything was measured anew."""

    def written() -> Facts:
        return {path.name: file_sha256(path) for path in sorted(paths.results.glob("*.json"))}

    return Step("report", lambda: compute.alone(lambda: refresh(ROOT)), written)


def _run(each: Measurement, paths: Paths) -> None:
    parser = argparse.ArgumentParser()
    each.command.add_arguments(parser)
    given: dict[str, Path | None] = {"--family": paths.family}
    given |= {"--films": paths.films, "--nih": paths.nih} if each.films else {}
    options = [str(word) for pair in given.items() if pair[1] is not None for word in pair]
    each.command.run(parser.parse_args(options))
