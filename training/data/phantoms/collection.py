"""`python -m training phantoms`: the shipped collection of simulated films, pixels, labels, masks and hashes.

`films.json` holds the SHA-256 of every film: what is on disk and matches it is not made again, and a test
makes a few anew and compares bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFont
from tqdm import tqdm

from negviz.common.files import file_sha256, running_alone, write_atomically, write_json
from negviz.films.collection import ASSETS, PHANTOMS, Film, write_manifest
from negviz.films.masks import MASKS
from negviz.phantoms import simulate
from negviz.phantoms.anatomy import draw_chest
from negviz.phantoms.findings import denied, read_signs, side_names, stated
from training.data.phantoms.draw import simulator_hash
from training.data.phantoms.jobs import in_processes
from training.data.phantoms.lists import lists_of, named
from training.data.phantoms.masks import build_masks
from training.data.phantoms.plan import Order, shipped_plan
from training.data.phantoms.training_films import PhantomFilmsError

SIZE: Final = 512  # pixels a side
QUALITY: Final = 88  # of the JPEGs: below 24 MB in all, masks and embeddings with them
HASHES: Final = "films.json"
_LABEL: Final = "SIMULATED"
_LETTERS: Final = 13  # pixels
_EDGE: Final = 6  # pixels from label to border
_SAVE_EVERY: Final = 10  # films


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m training phantoms`."""
    add = parser.add_argument
    add("--to", type=Path, metavar="DIR", help="write there instead of assets/phantoms")
    add("--jobs", type=int, default=2, help="processes (default: %(default)s)")
    add("--only", type=int, metavar="N", help="only so many of the films; needs --to")


def run(args: argparse.Namespace) -> int:
    """Make what is missing.  Raises `PhantomFilmsError` on bad input."""
    if args.jobs < 1 or (args.only is not None and (args.only < 1 or args.to is None)):
        raise PhantomFilmsError("Jobs and --only start at 1, and --only needs --to a folder of its own.")
    folder = args.to if args.to is not None else ASSETS / PHANTOMS
    with running_alone(folder, "phantoms"):
        build_phantoms(folder, shipped_plan()[: args.only], jobs=args.jobs)
    return 0


def build_phantoms(folder: Path, plan: Sequence[Order], *, jobs: int) -> None:
    """Make the films of `plan` that `folder` lacks, remove those it should not have, write what is known."""
    (folder / "films").mkdir(parents=True, exist_ok=True)
    wanted = {_path(folder, order): order for order in plan}
    for other in set((folder / "films").glob("s*.jpg")) - set(wanted):
        other.unlink()
    hashes = _hashes_of(folder, wanted)
    missing = [_Task(order, folder) for order in plan if order.id not in hashes]
    if missing:
        for old in (folder / "embeddings").glob("*.safetensors"):  # of films that were other ones
            old.unlink()
    with tqdm(total=len(plan), initial=len(hashes), desc="simulating films", unit="film") as bar:
        for id_, sha256 in in_processes(_write_film, missing, jobs=jobs):
            hashes[id_] = sha256
            bar.update()
            if len(hashes) % _SAVE_EVERY == 0:
                _write_hashes(folder, plan, hashes)
    _write_hashes(folder, plan, hashes)
    write_manifest(folder, [film_of(order) for order in plan], more=facts_of(plan))
    build_masks(folder / MASKS, plan, jobs=jobs)


# One film -------------------------------------------------------------------------------------


def make_film(order: Order) -> bytes:
    """The film as a JPEG, the same bytes every time."""
    image = _labelled(simulate(order.seed, order.wish, SIZE).image)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=QUALITY, optimize=True)
    return out.getvalue()


def _labelled(film: Image.Image) -> Image.Image:
    """`SIMULATED` in the lower left corner: no lung and no side marker reaches it."""
    font = ImageFont.load_default(_LETTERS)
    place = (_EDGE, film.height - _EDGE)
    ImageDraw.Draw(film).text(place, _LABEL, 235, font, anchor="lb", stroke_width=1, stroke_fill=20)
    return film


def film_of(order: Order) -> Film:
    """What is known of a film, without making it."""
    signs = read_signs(order.seed, order.wish)
    return Film(
        id=order.id,
        image=f"films/{order.id}.jpg",
        uid=f"s{order.seed}",  # one chest is one study
        view="PA" if draw_chest(order.seed).posterior else "AP",
        findings=stated(signs),
        denied=denied(signs),
        split=order.split,
        sides=frozenset(side_names(signs).items()),
    )


def facts_of(plan: Sequence[Order]) -> list[dict[str, str]]:
    """The columns that only simulated films have, a row a film."""
    lists = lists_of([film_of(order) for order in plan], {order.id: order.pair for order in plan})
    return [{**_told(order), "lists": named(lists, order.id)} for order in plan]


def _told(order: Order) -> dict[str, str]:
    """What the simulator was told."""
    signs = read_signs(order.seed, order.wish)
    return {
        "seed": str(order.seed),
        "severities": "|".join(f"{name}:{sign.severity:g}" for name, sign in signs.items()),
        "sides": "|".join(f"{name}:{side}" for name, side in side_names(signs).items()),
        "pair": order.pair,
    }


# Files ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Task:
    order: Order
    folder: Path


def _write_film(task: _Task) -> tuple[str, str]:
    content = make_film(task.order)
    write_atomically(_path(task.folder, task.order), content)
    return task.order.id, hashlib.sha256(content).hexdigest()


def _path(folder: Path, order: Order) -> Path:
    return folder / "films" / f"{order.id}.jpg"


def _hashes_of(folder: Path, wanted: Mapping[Path, Order]) -> dict[str, str]:
    """By id, the SHA-256 of the films that are there already, as this simulator and this plan make them."""
    try:
        record = json.loads((folder / HASHES).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if record.get("made_by") != _made_by(list(wanted.values())):
        return {}
    return {
        order.id: sha256
        for path, order in wanted.items()
        if path.is_file() and file_sha256(path) == (sha256 := record["films"].get(order.id))
    }


def _write_hashes(folder: Path, plan: Sequence[Order], hashes: Mapping[str, str]) -> None:
    films = {order.id: hashes[order.id] for order in plan if order.id in hashes}
    command = "python -m training phantoms"
    write_json(folder / HASHES, {"command": command, "made_by": _made_by(plan), "films": films})


def _made_by(plan: Sequence[Order]) -> dict[str, str]:
    """What decides every pixel: the simulator's code, and what is asked of it."""
    films = [(order.id, order.seed, sorted(order.wish.items())) for order in plan]
    asked = repr((films, SIZE, QUALITY, _LABEL, _LETTERS, _EDGE))
    return {"simulator": simulator_hash(), "plan": hashlib.sha256(asked.encode()).hexdigest()}
