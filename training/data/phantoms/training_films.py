"""Simulated films to learn from: made once, prepared for the network, kept in shards.

The film of a number is fixed by the simulator and its seed alone, so a longer set begins with a shorter
one, and a run that was stopped goes on with the shards that are missing.
"""

from __future__ import annotations

import argparse
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from safetensors.torch import load_file, save
from torch import Tensor
from tqdm import tqdm

from negviz.common.errors import NegvizError
from negviz.common.files import default_cache, write_atomically
from negviz.films.collection import Film
from negviz.findings import FINDINGS
from negviz.models.image_tower import prepare
from negviz.phantoms import simulate
from training.data.phantoms.draw import TRAINING, simulator_hash, training_wish
from training.data.phantoms.jobs import in_processes

SIDE: Final = 256  # pixels of a simulated and of a prepared film
SHARD: Final = 20  # films a file
COUNT: Final = 2000  # films that the tower trained on them alone takes


class PhantomFilmsError(NegvizError):
    """Training films that cannot be simulated; the message is one sentence that says what to do."""


@dataclass(frozen=True)
class SimulatedFilms:
    """Films that are known in full; row i of `pixels` is film i."""

    films: tuple[Film, ...]
    pixels: Tensor  # <uint8>[n, 2, 256, 256], as `negviz.models.image_tower.prepare` makes them

    def __len__(self) -> int:
        return len(self.films)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m training simulate`."""
    parser.add_argument("--count", type=int, default=COUNT, metavar="N", help="films (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    """Make what is missing and say what there is."""
    films = simulated_films(args.count, work=default_cache() / "training", jobs=args.jobs)
    normal = sum(film.findings == {"normal"} for film in films.films)
    print(f"{len(films)} films, {normal} of them normal")
    return 0


def simulated_films(count: int, *, work: Path, jobs: int = 2) -> SimulatedFilms:
    """The first `count` training films, read from `work` or made and kept there."""
    if not 1 <= count <= len(TRAINING) or jobs < 1:
        raise PhantomFilmsError(
            f"Films go from 1 to {len(TRAINING)} and jobs start at 1, not {count} and {jobs}."
        )
    folder = work / f"phantoms-{_key()}"
    folder.mkdir(parents=True, exist_ok=True)
    shards = [_Shard(folder, number) for number in range(-(-count // SHARD))]
    missing = [shard for shard in shards if not shard.path.is_file()]
    with tqdm(total=len(missing) * SHARD, desc="simulating films", unit="film") as bar:
        for made in in_processes(_make, missing, jobs=jobs):
            bar.update(made)
    parts = [load_file(shard.path) for shard in shards]
    known = torch.cat([part["known"] for part in parts])[:count].tolist()
    films = tuple(_film(seed, states) for seed, states in zip(TRAINING, known, strict=False))
    return SimulatedFilms(films, torch.cat([part["films"] for part in parts])[:count])


@dataclass(frozen=True)
class _Shard:
    folder: Path
    number: int

    @property
    def path(self) -> Path:
        return self.folder / f"{self.number:05}.safetensors"

    @property
    def seeds(self) -> range:
        return TRAINING[self.number * SHARD : (self.number + 1) * SHARD]


def _key() -> str:
    """Sixteen hex digits that tell these films from those of another simulator or another draw."""
    wishes = [
        sorted((name, wish.value) for name, wish in training_wish(seed).items()) for seed in TRAINING[:99]
    ]
    parts = (simulator_hash(), SIDE, SHARD, TRAINING, wishes, np.__version__)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def _make(shard: _Shard) -> int:
    torch.set_num_threads(1)
    made = [simulate(seed, training_wish(seed), SIDE) for seed in shard.seeds]
    known = [[_state(name, film.findings, film.denied) for name in FINDINGS] for film in made]
    tensors = {
        "films": torch.stack([prepare(film.image, SIDE) for film in made]),
        "known": torch.tensor(known, dtype=torch.int8),  # 1 has it, -1 does not, 0 could be read either way
    }
    write_atomically(shard.path, save(tensors))
    return len(made)


def _state(name: str, findings: frozenset[str], denied: frozenset[str]) -> int:
    return 1 if name in findings else -1 if name in denied else 0


def _film(seed: int, states: list[int]) -> Film:
    named = list(zip(FINDINGS, states, strict=True))
    findings = frozenset(name for name, state in named if state > 0)
    denied = frozenset(name for name, state in named if state < 0)
    return Film(f"s{seed}", "", f"s{seed}", findings=findings, denied=denied, split="train")
