"""What one image tower makes of one collection: a matrix of unit vectors, one row a film.

Shipped rows are found by film id, cached ones by the bytes of the image, so neither can go stale.  Only
what is in neither is computed, and only that needs the images to be at hand.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from time import monotonic
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from negviz.collection import ASSETS, Collection, CollectionError, Film
from negviz.errors import NegvizError
from negviz.files import file_sha256, rewriting, write_atomically
from negviz.model import DualEncoder

Progress = Callable[[int, int], None]  # films done, films to do
EncodeImages = Callable[[Sequence[Image.Image]], NDArray[np.float32]]  # unit vectors [n, dim]
Rows = dict[str, NDArray[np.float16]]  # [dim] as stored, by film id or by SHA-256 of the image file
_AT_ONCE: Final = 32
_READERS: Final = min(8, os.cpu_count() or 1)  # films decoded side by side
_KEPT_EVERY: Final = 60.0  # seconds of work that may be lost when it is stopped
_NAMED: Final = 5  # films an error message names


class EmbeddingsError(NegvizError):
    """Embeddings that cannot be had; the message names the pair and the films it needs."""


def film_embeddings(
    model: DualEncoder,
    collection: Collection,
    *,
    cache: Path | None = None,
    progress: Progress | None = None,
    encode: EncodeImages | None = None,
) -> NDArray[np.float32]:
    """Unit vectors float32 [films, dim] in the collection's order: shipped, cached or computed.

    `cache` is a folder (default `NEGVIZ_CACHE`, or the platform's cache folder).  `encode` computes what the
    model's own `encode_images` would, somewhere else.  What is computed is cached as it comes, so one that
    was stopped goes on.  Raises `EmbeddingsError` where a film is in neither file and its image is not at
    hand.
    """
    shipped = _read_shipped(shipped_path(model.tower_id, collection.name), model.dim)
    if all(film.id in shipped for film in collection):
        return _unit((shipped[film.id] for film in collection), model.dim)
    paths = _image_paths(model, collection)
    keys = {id_: _image_key(path) for id_, path in paths.items()}
    store = (cache if cache is not None else default_cache()) / "embeddings" / f"{model.tower_id}.safetensors"
    known = _read_cache(store, model.dim)
    todo = [film for film in collection if keys[film.id] not in known]
    if todo:
        kept = monotonic()
        for film, row in _compute(encode or model.encode_images, collection, todo, progress):
            known[keys[film.id]] = row
            if monotonic() - kept > _KEPT_EVERY:
                known = _keep(store, known, model.dim)
                kept = monotonic()
        known = _keep(store, known, model.dim)
    return _unit((known[keys[film.id]] for film in collection), model.dim)


def shipped_path(tower_id: str, collection: str) -> Path:
    """Where the embeddings of a shipped collection lie, whether or not there are any."""
    return ASSETS / collection / "embeddings" / f"{tower_id}.safetensors"


def write_embeddings(path: Path, collection: Collection, embeddings: NDArray[np.float32]) -> None:
    """Write the shipped form, float16 [films, dim] and the ids, in one step."""
    if len(embeddings) != len(collection):
        raise EmbeddingsError(f"{collection.name!r} has {len(collection)} films, not {len(embeddings)}.")
    path.parent.mkdir(parents=True, exist_ok=True)
    halved = embeddings.astype(np.float16)
    rows = {film.id: row for film, row in zip(collection, halved, strict=True)}
    _write(path, rows, {"collection": collection.name, "collection_sha256": collection.hash})


def default_cache() -> Path:
    """`NEGVIZ_CACHE`, or a folder of ours where the platform keeps caches."""
    asked = os.environ.get("NEGVIZ_CACHE")
    if asked:
        return Path(asked)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "negviz" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "negviz"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "negviz"


# Computing ------------------------------------------------------------------------------------


def _image_paths(model: DualEncoder, collection: Collection) -> dict[str, Path]:
    found = {film.id: collection.image_path(film) for film in collection}
    missing = [id_ for id_, path in found.items() if path is None]
    if missing:
        named = ", ".join(missing[:_NAMED]) + (", …" if len(missing) > _NAMED else "")
        raise EmbeddingsError(
            f"There are no embeddings of collection {collection.name!r} by image tower {model.tower_id}, and "
            f"the images of {len(missing)} of its {len(collection)} films are not at hand ({named}); "
            "give their folder with --films."
        )
    return {id_: path for id_, path in found.items() if path is not None}


def _image_key(path: Path) -> str:
    status = path.stat()
    return _digest(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=200_000)
def _digest(path: Path, size: int, modified: int) -> str:
    """The SHA-256 of a file, read anew once its size or time of change is another."""
    return file_sha256(path)


def _compute(
    encode: EncodeImages, collection: Collection, films: Sequence[Film], progress: Progress | None
) -> Iterator[tuple[Film, NDArray[np.float16]]]:
    with ThreadPoolExecutor(_READERS) as readers:
        for start in range(0, len(films), _AT_ONCE):
            part = films[start : start + _AT_ONCE]
            try:
                images = list(readers.map(collection.image, part))
            except CollectionError as error:
                raise EmbeddingsError(
                    f"Collection {collection.name!r} cannot be embedded: {error}"
                ) from error
            yield from zip(part, encode(images).astype(np.float16), strict=True)
            if progress is not None:
                progress(start + len(part), len(films))


# Files ----------------------------------------------------------------------------------------


def _read_shipped(path: Path, dim: int) -> Rows:
    if not path.is_file():
        return {}
    try:
        return _read(path, dim)
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise EmbeddingsError(
            f"The embeddings in {path} cannot be used ({error}); fetch the file anew."
        ) from error


def _read_cache(path: Path, dim: int) -> Rows:
    try:
        return _read(path, dim)
    except (OSError, SafetensorError, KeyError, ValueError):
        return {}  # none yet, or damaged: it is computed and written anew


def _read(path: Path, dim: int) -> Rows:
    with safe_open(path, framework="numpy") as file:
        matrix = file.get_tensor("embeddings")  # float16 [rows, dim]
        keys = json.loads(file.metadata()["ids"])
    if matrix.dtype != np.float16 or matrix.shape != (len(keys), dim):
        raise ValueError(f"it is {matrix.dtype} {list(matrix.shape)}, not float16 [{len(keys)}, {dim}]")
    if not np.allclose(np.linalg.norm(matrix.astype(np.float32), axis=1), 1, atol=0.01):
        raise ValueError("its rows are not unit vectors")
    return dict(zip(keys, matrix, strict=True))


def _keep(path: Path, rows: Rows, dim: int) -> Rows:
    """Write the cache, and what other processes have put there meanwhile; all of it."""
    with rewriting(path):
        rows = _read_cache(path, dim) | rows
        _write(path, rows, {})
    return rows


def _write(path: Path, rows: Rows, metadata: dict[str, str]) -> None:
    content = {"embeddings": np.stack(list(rows.values()))}
    write_atomically(path, save(content, metadata | {"ids": json.dumps(list(rows))}))


def _unit(rows: Iterable[NDArray[np.float16]], dim: int) -> NDArray[np.float32]:
    """Stack rows to unit vectors: float16 has moved their norms off 1, computed or read alike."""
    matrix = np.array(list(rows), np.float32).reshape(-1, dim)
    unit: NDArray[np.float32] = matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
    return unit
