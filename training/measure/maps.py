"""The maps that the app shows: prompts of every model, and films, by t-SNE, UMAP and PCA.

    python -m training maps

Writes `<family>.json` and `.safetensors` (prompts) and `films-<collection>.*` to assets/maps, or for another
family to the folder maps/ in it, where the app looks for them.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from negviz.evaluation.prompts import PromptRow, read_prompts
from negviz.explain.projection.align import Points, align, standardise
from negviz.explain.projection.atlas import PROMPT_FILES, prompt_hashes, text_id
from negviz.explain.projection.films import film_map_path
from negviz.explain.projection.methods import METHODS
from negviz.explain.projection.pca import pca
from negviz.explain.projection.placement import choose_rule
from negviz.explain.projection.record import write_maps
from negviz.explain.projection.separation import (
    Separation,
    cosine_distances,
    plane_distances,
    separations,
)
from negviz.films.collection import ASSETS, OPENI, PHANTOMS, judge, open_collection
from negviz.language.prompt import Mention, Prompt
from negviz.models.encoder import DualEncoder
from negviz.models.family import load_models
from negviz.retrieval.answer import Tally
from negviz.retrieval.metrics import Floats
from negviz.retrieval.search import search
from negviz.retrieval.sets import SearchSet, search_sets
from training.paths import Paths, add_family_option

_HITS: Final = 10
_MOVERS: Final = 5
_NEIGHBOURS_KEPT: Final = 5  # of which trustworthiness is measured
_SEEDS: Final = (1, 2, 3)
_DIGITS: Final = 4
Layouts = Mapping[str, Points]  # by model, [n, 2]
Vectors = Mapping[str, NDArray[np.float32]]  # by model, [n, dim]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m training maps`."""
    add_family_option(parser)
    add = parser.add_argument
    what = "whose test films are mapped; the first one's also judge the prompts "
    what += "(default: openi phantoms of the compact family, phantoms of another)"
    add("--collections", nargs="+", metavar="NAME|DIR", help=what)
    add("--to", type=Path, metavar="DIR", help="assets/maps, or maps/ in the family, by default")


def run(args: argparse.Namespace) -> int:
    """Build as `add_arguments` says."""
    paths = Paths(args.family)
    folder = args.to or (ASSETS / "maps" if paths.shipped else args.family / "maps")
    collections = args.collections or ([OPENI, PHANTOMS] if paths.shipped else [PHANTOMS])
    build_maps(load_models(args.family), collections, folder)
    found = folder in (ASSETS / "maps", args.family / "maps")
    print(f"Show them with: {'' if found else f'NEGVIZ_MAPS={folder} '}python app.py")
    return 0


def build_maps(models: Mapping[str, DualEncoder], collections: Sequence[str | Path], folder: Path) -> None:
    """Lay out the prompts and the films of some collections, and write them to `folder`.

    Test films, where there are some; all, where films are listed for each finding.
    """
    sets = [search_sets(models, open_collection(name)) for name in collections]
    for first, *others in tqdm(sets, desc="films", unit="collection"):
        _build_films(others[0] if first.lists else first, folder)
    _build_prompts(models, sets[0][0], folder)


# Films ----------------------------------------------------------------------------------------


def _build_films(films: SearchSet, folder: Path) -> None:
    points = {
        f"{tower}/{method}": layout
        for tower, matrix in films.embeddings.items()
        for method, layout in _lay_out(matrix)
    }
    record = {"films": [film.id for film in films.collection], "collection": films.collection.name}
    write_maps(film_map_path(films, folder), points, {**record, "method": _settings()})


def _lay_out(vectors: NDArray[Any]) -> Iterator[tuple[str, Points]]:
    start = standardise(pca(vectors))
    for name, method in METHODS.items():
        yield name, standardise(method.lay_out(vectors, start))


# Prompts --------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Sheet:
    """Prompts to be laid out together."""

    name: str
    rows: Sequence[PromptRow]
    vectors: Vectors

    @property
    def groupings(self) -> dict[str, list[str]]:
        """What prompts are told apart by, as far as there is something to tell apart."""
        by: dict[str, list[str]] = {
            "polarity": [row.polarity for row in self.rows],
            "finding": [row.finding for row in self.rows],
        }
        return {name: groups for name, groups in by.items() if len(set(groups)) > 1}


def _build_prompts(models: Mapping[str, DualEncoder], films: SearchSet, folder: Path) -> None:
    first, others = (read_prompts(ASSETS / "prompts" / name) for name in PROMPT_FILES)
    rows = [*first, *others]
    vectors = {
        name: _stored(model.encode_text([row.prompt for row in rows])) for name, model in models.items()
    }
    only = {name: matrix[: len(first)] for name, matrix in vectors.items()}
    tensors: dict[str, NDArray[Any]] = {f"vectors/{name}": matrix for name, matrix in vectors.items()}
    sheets = {}
    for sheet in (_Sheet("effusion", first, only), _Sheet("findings", rows, vectors)):
        layouts = {method: dict(_comparable(method, sheet.vectors)) for method in METHODS}
        tensors |= {f"{sheet.name}/{m}/{name}": p for m, made in layouts.items() for name, p in made.items()}
        sheets[sheet.name] = _describe(sheet, layouts)
    record = {
        "family": next(iter(models.values())).family,
        "prompts_sha256": prompt_hashes(),
        "text": {name: text_id(model) for name, model in models.items()},
        "judged_on": films.name,
        "method": _settings(),
        "sheets": sheets,
        "prompts": [[row.prompt, row.finding, row.polarity, row.kind] for row in rows],
        "judged": _judge(models, films, rows),
    }
    write_maps(folder / f"{record['family']}.json", tensors, record)


def _stored(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """As the app will read them, so that its numbers are these."""
    halved = vectors.astype(np.float16).astype(np.float32)
    return np.asarray(halved / np.linalg.norm(halved, axis=1, keepdims=True))


def _comparable(method: str, vectors: Vectors, *, seed: int = 0) -> Iterator[tuple[str, Points]]:
    """Every model's layout from base's start, turned onto base's layout."""
    base = next(iter(vectors))
    start, onto = standardise(pca(vectors[base])), None
    for name, matrix in tqdm(vectors.items(), desc=f"prompts by {method}", unit="model", leave=False):
        points = standardise(METHODS[method].lay_out(matrix, start, seed=seed))
        onto = points if onto is None else onto
        yield name, align(points, onto)


def _describe(sheet: _Sheet, layouts: Mapping[str, Layouts]) -> dict[str, Any]:
    vectors = {name: cosine_distances(matrix) for name, matrix in sheet.vectors.items()}
    return {
        "prompts": len(sheet.rows),
        "vectors": _separate(sheet, vectors),
        "methods": {method: _describe_method(sheet, method, made) for method, made in layouts.items()},
    }


def _describe_method(sheet: _Sheet, method: str, layouts: Layouts) -> dict[str, Any]:
    flat = _separate(sheet, {name: plane_distances(points) for name, points in layouts.items()})
    choice = choose_rule([(sheet.vectors[name], points) for name, points in layouts.items()])
    models = {
        name: {
            "separation": flat[name],
            "trustworthiness": _trustworthiness(sheet.vectors[name], points),
            "moved": _movers(sheet.vectors, layouts, name),
        }
        for name, points in layouts.items()
    }
    described = {"placement": choice.plain(), "models": models}
    if not METHODS[method].by_chance:
        return described
    return {**described, "seeds": _over_seeds(sheet, method)}


def _separate(sheet: _Sheet, distances: Mapping[str, Floats]) -> dict[str, dict[str, Any]]:
    """By model and grouping."""
    found = {by: separations(distances, groups) for by, groups in sheet.groupings.items()}
    return {name: {by: _plain(models[name]) for by, models in found.items()} for name in distances}


def _plain(separation: Separation) -> dict[str, Any]:
    return {name: _rounded(value) for name, value in asdict(separation).items()}


def _rounded(value: Any) -> Any:
    if isinstance(value, tuple):
        return [round(end, _DIGITS) for end in value]
    return None if value is None else round(float(value), _DIGITS)


def _trustworthiness(vectors: NDArray[Any], points: Points) -> float:
    from sklearn.manifold import trustworthiness

    return round(
        float(trustworthiness(vectors, points, n_neighbors=_NEIGHBOURS_KEPT, metric="cosine")), _DIGITS
    )


def _movers(vectors: Vectors, layouts: Layouts, name: str) -> list[list[float | int]]:
    """The prompts that lie furthest from where base has them: row, distance, cosine of the two vectors."""
    base = next(iter(layouts))
    if name == base:
        return []
    far = np.linalg.norm(layouts[name] - layouts[base], axis=1)
    cosines = (vectors[name] * vectors[base]).sum(axis=1)
    order = np.argsort(-far, kind="stable")[:_MOVERS]
    return [[int(row), _rounded(far[row]), _rounded(cosines[row])] for row in order]


def _over_seeds(sheet: _Sheet, method: str) -> dict[str, Any]:
    """The range of each model's separation by polarity when the start is shaken."""
    found: dict[str, list[float]] = {name: [] for name in sheet.vectors}
    groups = sheet.groupings["polarity"]
    for seed in _SEEDS:
        flat = {
            name: plane_distances(points) for name, points in _comparable(method, sheet.vectors, seed=seed)
        }
        for name, separation in separations(flat, groups).items():
            found[name].append(separation.value)
    return {name: [_rounded(min(values)), _rounded(max(values))] for name, values in found.items()}


def _judge(
    models: Mapping[str, DualEncoder], films: SearchSet, rows: Sequence[PromptRow]
) -> dict[str, list[list[float | int | None]]]:
    """By model, for every prompt: matches, judged and matches by chance among the first ten films."""
    prompts = [Prompt(row.prompt, (Mention(row.finding, row.polarity, span=(0, 0)),), (), ()) for row in rows]
    overall = [Tally.of(judge(film, prompt) for film in films.collection) for prompt in prompts]
    return {
        name: [_counts(model, films, prompt, chance) for prompt, chance in zip(prompts, overall, strict=True)]
        for name, model in models.items()
    }


def _counts(model: DualEncoder, films: SearchSet, prompt: Prompt, overall: Tally) -> list[float | int | None]:
    hits = search(model, films.collection, prompt, _HITS, embeddings=films.embeddings[model.tower_id])
    found = Tally.of(hit.relevant for hit in hits)
    return [found.matches, found.judged, _rounded(overall.expected_in(found.judged))]


def _settings() -> dict[str, Any]:
    return {
        **{
            name: {**method.settings, "start": "base's PCA", "seeds": [0, *_SEEDS]}
            for name, method in METHODS.items()
            if method.by_chance
        },
        "alignment": "centred, root-mean-square radius 1, orthogonal Procrustes onto base",
        "versions": {name: version(name) for name in ("scikit-learn", "umap-learn", "numpy")},
    }
