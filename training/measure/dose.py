"""Turn every finding up in the same simulated chests, and see what each model makes of it.

    python -m training dose

Films are simulated once, by several processes, and kept in the cache under the version of the simulator,
so the command goes on where it was stopped and a new image tower costs only the embedding.  It writes
`assets/dose/<tower_id>.safetensors`, `dose.json` and `dose.svg`.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image
from tqdm import tqdm

from negviz.common.files import default_cache, write_atomically, write_json
from negviz.explain.dose import (
    SEVERITIES,
    SIZE,
    DoseCurve,
    DoseError,
    DoseSweep,
    dose_curves,
    read_sweep,
    sides_of,
    sweep_path,
    wish,
    write_sweep,
)
from negviz.findings import ABNORMAL
from negviz.language.opposite import canonical
from negviz.models.encoder import DualEncoder
from negviz.models.family import load_models
from negviz.phantoms import Side, simulate
from negviz.retrieval.estimate import Estimate
from training.data.phantoms.draw import simulator_hash
from training.data.phantoms.jobs import in_processes
from training.measure.evaluate import family_hashes
from training.options import count
from training.paths import Paths, add_family_option, again, drop_replaced
from training.report.curves import draw_doses

FIRST_SEED: Final = 9_000_000  # no seed from here on makes a shipped film or one that is trained on
CHESTS: Final = 12
_AT_ONCE: Final = 32
_JOBS: Final = 2
Json = dict[str, Any]


@dataclass(frozen=True)
class Shot:
    """One film of the sweep."""

    seed: int
    finding: str
    severity: float
    side: Side | None
    size: int

    @property
    def name(self) -> str:
        """Without a finding it is one film for all findings."""
        if self.severity == 0:
            return f"{self.seed}-{self.size}.png"
        return f"{self.seed}-{self.size}-{self.finding}-{self.side or 'both'}-{self.severity:.2f}.png"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m training dose`."""
    add_family_option(parser)
    add = parser.add_argument
    add("--chests", type=count, default=CHESTS, help="simulated chests (default: %(default)s)")
    add("--size", type=count, default=SIZE, help="pixels a side (default: %(default)s)")
    add("--jobs", type=count, default=_JOBS, help="processes that simulate (default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    """Simulate, embed and measure as `add_arguments` says.  Raises a `NegvizError` on bad input."""
    if args.chests < 2:
        raise DoseError("Give --chests 2 or more, so that there is an interval.")
    models, paths = load_models(args.family), Paths(args.family)
    shots = list_shots(args.chests, args.size)
    folder = default_cache() / "dose" / simulator_hash()[:16]
    sweeps = {}
    for model in models.values():
        if model.tower_id not in sweeps:
            known = _known(model.tower_id, folder.name, shots) if args.size == SIZE else None
            if known is None:
                simulate_all(shots, folder, jobs=args.jobs)
                known = embed(model, shots, folder)
                write_sweep(sweep_path(model.tower_id, shipped=paths.shipped), known)
            sweeps[model.tower_id] = known
    if paths.shipped:
        drop_replaced(sweep_path(next(iter(sweeps))))
    command = again("dose", args, chests=CHESTS, size=SIZE)
    results = {**measure(models, sweeps), "family": family_hashes(args.family), "command": command}
    write_json(paths.results / "dose.json", results)
    write_atomically(paths.results / "dose.svg", draw_doses(results).encode())
    print(f"{paths.results / 'dose.json'}: {len(models)} models, {len(ABNORMAL)} findings")
    return 0


def _known(tower_id: str, simulator: str, shots: Sequence[Shot]) -> DoseSweep | None:
    """The sweep that is there already, if it is of these very films; all models share the image tower."""
    try:
        sweep = read_sweep(tower_id)
    except DoseError:  # damaged: made anew
        return None
    seeds = tuple(dict.fromkeys(shot.seed for shot in shots))
    same = sweep is not None and (sweep.simulator, sweep.seeds, sweep.severities) == (
        simulator,
        seeds,
        SEVERITIES,
    )
    return sweep if same else None


def list_shots(chests: int = CHESTS, size: int = SIZE) -> list[Shot]:
    """Every film of the sweep, in the order of its embeddings: finding, severity, chest.

    A finding that has a side lies on the right in every other chest and on the left in the rest.
    """
    return [
        Shot(FIRST_SEED + chest, finding, severity, _side(finding, chest), size)
        for finding in ABNORMAL
        for severity in SEVERITIES
        for chest in range(chests)
    ]


def _side(finding: str, chest: int) -> Side | None:
    sides = sides_of(finding)
    return sides[chest % 2] if sides else None


# Films ----------------------------------------------------------------------------------------


def simulate_all(shots: Sequence[Shot], folder: Path, *, jobs: int = _JOBS) -> None:
    """Simulate what the folder lacks, a PNG a film, several processes at a time."""
    folder.mkdir(parents=True, exist_ok=True)
    todo = {shot.name: shot for shot in shots if not (folder / shot.name).is_file()}
    films = [(shot, folder) for shot in todo.values()]
    done = in_processes(_simulate, films, jobs=jobs) if films else ()
    for _ in tqdm(done, desc="simulate", unit="film", total=len(films), disable=None):
        pass


def _simulate(film: tuple[Shot, Path]) -> None:
    shot, folder = film
    findings = wish(shot.finding, shot.severity, shot.side) if shot.severity else {}
    out = io.BytesIO()
    simulate(shot.seed, findings, shot.size).image.save(out, "PNG")
    write_atomically(folder / shot.name, out.getvalue())


def embed(model: DualEncoder, shots: Sequence[Shot], folder: Path) -> DoseSweep:
    """The sweep as an image tower sees it; a film that stands for several shots is embedded once."""
    names = list(dict.fromkeys(shot.name for shot in shots))
    parts = [names[start : start + _AT_ONCE] for start in range(0, len(names), _AT_ONCE)]
    rows = np.concatenate(
        [model.encode_images(list(_open(folder, part))) for part in tqdm(parts, desc="embed", disable=None)]
    )
    place = {name: row for row, name in enumerate(names)}
    seeds = tuple(dict.fromkeys(shot.seed for shot in shots))
    matrix = rows[[place[shot.name] for shot in shots]]
    return DoseSweep(
        tower_id=model.tower_id,
        simulator=folder.name,
        findings=ABNORMAL,
        severities=SEVERITIES,
        seeds=seeds,
        embeddings=matrix.reshape(len(ABNORMAL), len(SEVERITIES), len(seeds), -1),
    )


def _open(folder: Path, names: Sequence[str]) -> Iterator[Image.Image]:
    for name in names:
        with Image.open(folder / name, formats=("PNG",)) as image:
            image.load()
            yield image


# Figures --------------------------------------------------------------------------------------


def measure(models: Mapping[str, DualEncoder], sweeps: Mapping[str, DoseSweep]) -> Json:
    """What `dose.json` holds: every model's curve for every finding, asked for and ruled out in plain words.

    The margin is the similarity to "There is …" minus that to "There is no …": it should rise.
    """
    sweep = next(iter(sweeps.values()))
    curves: Json = {name: {} for name in models}
    prompts = {
        name: [canonical(name, polarity) for polarity in ("present", "absent")] for name in sweep.findings
    }
    for finding in sweep.findings:
        dosed = {tower: of.of(finding) for tower, of in sweeps.items()}
        for name, curve in dose_curves(models, dosed, prompts[finding]).items():
            curves[name][finding] = _plain(curve)
    return {
        "what": "similarity of simulated films to a finding stated and ruled out, as its severity rises",
        "curves": curves,
        "prompts": prompts,
        "severities": list(sweep.severities),
        "seeds": list(sweep.seeds),
        "simulator": sweep.simulator,
        "towers": list(sweeps),
    }


def _plain(curve: DoseCurve) -> Json:
    figures = {
        "margin_change": curve.margin_change,
        "spearman": curve.trend,
        "present_change": curve.own_change,
        "absent_change": curve.opposite_change,
    }
    points = {"present": curve.own, "absent": curve.opposite, "margin": curve.margin}
    record: Json = {}
    for name, estimate in figures.items():
        record |= {name: None} if estimate is None else estimate.record(name)
    return {
        **record,
        "crosses_zero_at": None if curve.crossing is None else round(curve.crossing, 3),
        "chests_that_cross": curve.crossing_chests,
        "chests_that_rise": curve.rising_chests,
        "chests": curve.chests,
        "points": {name: [_point(point) for point in line or ()] for name, line in points.items()},
    }


def _point(estimate: Estimate) -> list[float | None]:
    """Mean, low, high."""
    numbers = (estimate.value, estimate.low, estimate.high)
    return [None if number is None else round(number, 5) for number in numbers]
