"""Archives of up to a million films: how soon films are found in them, and how many, beside comparing all.

    python -m training archives

Films are drawn around the shipped embeddings (`training.bench.drawn`); the 99 prompts of the evaluation, as
every model puts them, are what is searched for: text lies off the distribution of films, which an index of
films does not expect.  Then the app opens the largest archive as a visitor finds it, and films are embedded
into an archive of their own, beside bare passes of the image tower.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import httpx2
import torch

from negviz.common.files import default_cache, file_sha256, write_atomically, write_json
from negviz.common.shipped import ROOT
from negviz.evaluation.prompts import read_prompts
from negviz.films.archive import engine
from negviz.films.collection import PHANTOMS, Collection, open_collection
from negviz.models.encoder import DualEncoder
from negviz.models.family import load_models
from training.bench.benchmark import machine
from training.bench.drawn import COLLECTIONS, Drawn, Shipped, likeness
from training.bench.nearness import K, Questions, measure_curve, measure_growth, measure_ranks
from training.bench.opened import Opened, readable
from training.bench.running import RunningError, run_app
from training.bench.sentences import sentences
from training.data.archive import parts_of
from training.measure.evaluate import family_hashes
from training.options import count
from training.paths import EVALUATION, Paths, add_family_option, again
from training.report.curves import draw_archives

SIZES: Final = [10_000, 100_000, 1_000_000]  # films
_ASKED: Final = 20  # sentences put to the page
_COPIES: Final = 3  # of the simulated films, to be embedded


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_family_option(parser)
    add = parser.add_argument
    add("--sizes", type=count, nargs="+", default=SIZES, metavar="N", help="films (default: up to a million)")
    work = "folder of the drawn archives, which are kept: a million films take 6 GB (default: in the cache)"
    add("--work", type=Path, default=default_cache() / "archives", metavar="DIR", help=work)
    out = "results file (default: archives.json among the results of the family)"
    add("--json", type=Path, metavar="OUT", help=out)


def run(args: argparse.Namespace) -> int:
    """Measure and write; what to make of it is for the reader.  Raises a `NegvizError`."""
    for needed in ("lancedb", "ray"):
        engine(needed)
    began, facts = time.perf_counter(), machine()
    models = load_models(args.family, read_twice=False)
    base = next(iter(models.values()))
    shipped, questions = Shipped.of(base), asked(models)
    archives = [Drawn.of(args.work / str(size), shipped, size) for size in sorted(args.sizes)]
    found: dict[str, Any] = {
        "command": again("archives", args, sizes=SIZES),
        "machine": facts,
        "data": {
            "collections": {name: open_collection(name).hash for name in COLLECTIONS},
            "prompts_hash": file_sha256(EVALUATION),
            "family": family_hashes(args.family),
        },
        "recipe": likeness(shipped, archives[-1].vectors),
        "k": K,
        "parts": parts_of(archives[-1].archive.total),
        **measure_curve(archives[-1], questions),
        "growth": [measure_growth(archive, questions) for archive in archives],
        "ranks": measure_ranks(archives[-1], questions),
        "page": measure_page(args.family, archives[-1].place),
        "embedding": measure_embedding(args.family, base),
    }
    found["seconds"] = round(time.perf_counter() - began, 1)
    to = args.json or Paths(args.family).results / "archives.json"
    write_json(to, found)
    write_atomically(to.with_suffix(".svg"), draw_archives(found).encode())
    print(f"wrote {to}")
    return 0


def asked(models: Mapping[str, DualEncoder]) -> Questions:
    """The prompts of the evaluation, as every model puts them."""
    texts = [row.prompt for row in read_prompts(EVALUATION)]
    return Questions({name: model.encode_text(texts) for name, model in models.items()})


# The page -------------------------------------------------------------------------------------


def measure_page(family: Path, place: Path) -> dict[str, float]:
    """The app over an archive: until it answers, how long an answer takes, and the memory it came to hold.

    Raises `RunningError` where that cannot be read.
    """
    with (
        run_app("--family", str(family), "--collection", str(place)) as running,
        httpx2.Client() as client,
    ):
        opened = Opened.of(running, client, sentences()[: 1 + _ASKED])
        answered, peak = readable(running.busy_seconds()), readable(running.peak_bytes())
    return {
        **opened.record(),
        "answer_p95_s": round(opened.others.p95_ms / 1000, 2),
        "answer_processor_s": round((answered - opened.start_processor) / (1 + _ASKED), 2),
        "peak_memory_gb": round(peak / 1e9, 2),
    }


# Embedding ------------------------------------------------------------------------------------


def measure_embedding(family: Path, model: DualEncoder) -> dict[str, float]:
    """Films a second: of the image tower alone, given decoded films, and of the command with one worker.

    The command is given the simulated films once and `_COPIES` times, and what it takes longer goes by the
    films more: what starting takes falls out.  The tower is timed before and after.
    """
    films = open_collection(PHANTOMS)
    with tempfile.TemporaryDirectory() as folder:
        bare = [_bare(model, films)]
        once, often = (_archived(family, films, Path(folder), copies) for copies in (1, _COPIES))
        bare.append(_bare(model, films))
    alone, archived = sum(bare) / 2, (_COPIES - 1) * len(films) / (often - once)
    return {
        "films": _COPIES * len(films),
        "tower_per_s": round(alone, 1),
        "archive_per_s": round(archived, 1),
        "ratio": round(archived / alone, 2),
        "start_s": round(once - len(films) / archived, 1),
    }


def _bare(model: DualEncoder, films: Collection) -> float:
    decoded, threads = [films.image(film) for film in films], torch.get_num_threads()
    torch.set_num_threads(1)  # as a worker does
    began = time.perf_counter()
    model.encode_images(decoded)
    torch.set_num_threads(threads)
    return len(decoded) / (time.perf_counter() - began)


def _archived(family: Path, films: Collection, folder: Path, copies: int) -> float:
    """Seconds that the command takes over so many copies of films."""
    listed = folder / f"{copies}"
    for copy in range(copies):
        for path in filter(None, map(films.image_path, films)):
            to = listed / str(copy) / path.name
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, to)
    options = ("--films", listed, "--to", folder / f"{copies}-archive", "--family", family, "--workers", "1")
    command = [sys.executable, "-m", "training", "archive", *map(str, options)]
    began = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RunningError(f"No archive was made: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
    return time.perf_counter() - began
