"""Can a classifier tell simulated films from real ones, and by which part of a film?

    python -m training likeness --films DIR

What says nothing of a chest is taken away first: of both kinds the margin is cut off, which holds borders
and the word SIMULATED; both have one size, every grey level equally often, and one JPEG quality.
Then a small convolutional network looks at the whole film at three sizes, and at three parts, and a logistic
regression at the same pixels, which sees no shapes but where it is bright; a logistic regression looks at the
embeddings of the base.  Each is asked about studies, and simulated chests, that it did not learn from (five
folds).  AUROC 0.5: it cannot tell; 1: it always can.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from torch import nn
from torch.nn import functional as F
from tqdm import tqdm

from negviz.common.files import write_json
from negviz.common.shipped import COMPACT
from negviz.films.collection import PHANTOMS, Collection, open_collection
from negviz.models.family import load_models
from training.measure.probe import figures
from training.paths import RESULTS, Paths
from training.tune.optim import adamw

_MARGIN: Final = 0.05  # of each side that is cut off
_SIZE: Final = 224  # pixels of both kinds: what is left of a real film of 256
_QUALITY: Final = 90
_SEED: Final = 0
_FOLDS: Final = 5
_EPOCHS: Final = 12
_BATCH: Final = 32
Box = tuple[float, float, float, float]  # left, top, right, bottom, as shares of a film
Vectors = NDArray[np.float32]
Learn = Callable[[Vectors, NDArray[np.float64], Vectors], Vectors]  # seen, whether simulated, asked → said

VIEWS: Final[Mapping[str, tuple[Box, int]]] = {  # what is looked at, and at how many pixels a side
    "whole film, 32 px": ((0, 0, 1, 1), 32),
    "whole film, 64 px": ((0, 0, 1, 1), 64),
    "whole film, 128 px": ((0, 0, 1, 1), 128),
    "ribs of the right lung": ((0.08, 0.2, 0.42, 0.54), 64),
    "mediastinum": ((0.32, 0.15, 0.68, 0.51), 64),
    "shoulders": ((0, 0, 1, 0.25), 64),
}
EMBEDDINGS: Final = "embeddings of the base"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m training likeness`."""
    add = parser.add_argument
    add("--films", type=Path, required=True, metavar="DIR", help="Open-i films, as for `base`")
    earlier = "an earlier collection of simulated films (may be repeated), for comparison"
    add("--earlier", nargs=2, action="append", default=[], metavar=("NAME", "DIR"), help=earlier)


def run(args: argparse.Namespace) -> int:
    """Measure as `add_arguments` says and write `likeness.json`.  Raises a `NegvizError` on bad input."""
    real = Paths(films=args.films).open_collection()
    shipped = open_collection(PHANTOMS)
    collections = {"films that ship": shipped}
    collections |= {name: open_collection(folder) for name, folder in args.earlier}
    results = {
        "what": "AUROC of telling simulated films from real ones",
        "told_apart": {name: measure(films, real) for name, films in collections.items()},
        "data": {films.name: films.hash for films in (shipped, real)},
        "command": "python -m training likeness --films DIR"
        + "".join(f' --earlier "{name}" DIR' for name, _ in args.earlier),
    }
    write_json(RESULTS / "likeness.json", results)
    return 0


def measure(simulated: Collection, real: Collection) -> dict[str, Any]:
    """AUROC by view over all simulated films and as many real ones, drawn one a study."""
    studies = {film.uid: film for film in real}
    random = np.random.default_rng(_SEED)
    some = random.choice(sorted(studies), min(len(simulated), len(studies)), replace=False)
    films = [(simulated, film) for film in simulated] + [(real, studies[uid]) for uid in some]
    labels = np.array([of is simulated for of, _ in films], np.float64)
    chests = np.array([film.uid for _, film in films])
    shown = [likened(of.image(film)) for of, film in tqdm(films, desc=simulated.name, unit="film")]
    found: dict[str, dict[str, Vectors]] = {}
    for name, (box, side) in tqdm(VIEWS.items(), desc="telling apart", unit="view"):
        looked_at = np.stack([_looked_at(image, box, side) for image in shown])
        found[name] = {
            "network": _held_out(looked_at, labels, chests, _network),
            "regression": _held_out(looked_at.reshape(len(films), -1), labels, chests, _regression),
        }
    embedded = load_models(COMPACT)["base"].encode_images(shown)
    found[EMBEDDINGS] = {"regression": _held_out(embedded, labels, chests, _regression)}
    return {
        "simulated": len(simulated),
        "real": len(some),
        "views": {
            view: {
                name: value
                for who, scores in of.items()
                for name, value in figures(who, labels, scores).items()
            }
            for view, of in found.items()
        },
    }


def likened(image: Image.Image) -> Image.Image:
    """A film without its margin, of the common size, grey levels and JPEG quality."""
    width, height = image.size
    inner = (_MARGIN * width, _MARGIN * height, (1 - _MARGIN) * width, (1 - _MARGIN) * height)
    small = image.convert("L").resize((_SIZE, _SIZE), Image.Resampling.LANCZOS, box=inner)
    levels = np.asarray(small)
    ranks = levels.ravel().argsort(kind="stable").argsort(kind="stable").reshape(levels.shape)
    file = BytesIO()
    Image.fromarray((ranks * 256 // ranks.size).astype(np.uint8)).save(file, "JPEG", quality=_QUALITY)
    return Image.open(file)


def _looked_at(image: Image.Image, box: Box, side: int) -> Vectors:
    """The part of a film that is looked at: [side, side], about 0, standard deviation about 1."""
    left, top, right, bottom = (_SIZE * edge for edge in box)
    part = image.resize((side, side), Image.Resampling.LANCZOS, box=(left, top, right, bottom))
    looked_at: Vectors = (np.asarray(part, np.float32) - np.float32(127.5)) / np.float32(74)
    return looked_at


def _held_out(seen: Vectors, labels: NDArray[np.float64], chests: NDArray[np.str_], learn: Learn) -> Vectors:
    """What a classifier says of every film when it learned from the chests of other folds."""
    folds = StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=_SEED)
    said = np.empty(len(labels), np.float32)
    for known, asked in folds.split(seen, labels, chests):
        said[asked] = learn(seen[known], labels[known], seen[asked])
    return said


def _regression(seen: Vectors, labels: NDArray[np.float64], asked: Vectors) -> Vectors:
    fitted = LogisticRegression(C=0.01 if seen.shape[1] > len(seen) else 1.0, max_iter=2000).fit(seen, labels)
    return np.asarray(fitted.decision_function(asked), np.float32)


def _network(seen: Vectors, labels: NDArray[np.float64], asked: Vectors) -> Vectors:
    """Four convolutions, halved between them; films are mirrored at random while it learns."""
    torch.manual_seed(_SEED)
    network = nn.Sequential(
        *_layers((1, 8, 16, 32, 64)), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 1)
    )
    optimiser = adamw((network.parameters(), 2e-3), weight_decay=1e-2)
    steps = _EPOCHS * -(-len(seen) // _BATCH)
    slower = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=steps)
    films, targets = torch.from_numpy(seen)[:, None], torch.from_numpy(labels).float()
    for _ in range(_EPOCHS):
        for batch in torch.randperm(len(films)).split(_BATCH):
            mirrored = films[batch].flip(-1) if torch.rand(()) < 0.5 else films[batch]
            loss = F.binary_cross_entropy_with_logits(network(mirrored)[:, 0], targets[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            slower.step()
    network.eval()
    with torch.inference_mode():
        said = [network(part)[:, 0] for part in torch.from_numpy(asked)[:, None].split(_BATCH)]
    scores: Vectors = torch.cat(said).numpy()
    return scores


def _layers(widths: tuple[int, ...]) -> Iterator[nn.Module]:
    for inner, outer in pairwise(widths):
        yield from (
            nn.Conv2d(inner, outer, 3, padding=1, bias=False),
            nn.BatchNorm2d(outer),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
