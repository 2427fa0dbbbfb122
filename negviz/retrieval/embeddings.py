"""What one image tower makes of one collection: a matrix of unit vectors, one row a film.

A row is found by the bytes of the image, whether it was shipped or cached, and never by what is said of the
film: relabelling costs nothing.  Films that are not shipped, Open-i's and NIH's, come as PNG or JPEG and in
any size, so theirs are found by id, for that collection alone; a film of theirs that is at hand must have
the fingerprint of the one that was embedded, else it is embedded itself.  Film by film, what is found
nowhere is computed, and only that needs its image.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from negviz.common.errors import NegvizError
from negviz.common.files import default_cache, file_sha256, write_atomically
from negviz.common.row_file import RowFile
from negviz.films.collection import ASSETS, Collection, CollectionError, Film
from negviz.films.fingerprint import ALIKE, BYTES, distance, fingerprint
from negviz.films.image_keys import READERS, fingerprints, image_keys
from negviz.models.encoder import DualEncoder

Progress = Callable[[int, int], None]  # films done, films to do
EncodeImages = Callable[[Sequence[Image.Image]], NDArray[np.float32]]  # unit vectors [n, dim]
Rows = dict[str, NDArray[np.float16]]  # [dim] as stored, by film id, or by SHA-256 of the image file
_AT_ONCE: Final = 32
_KEPT_EVERY: Final = 5.0  # seconds of work that may be lost when it is stopped
_BYTES: Final = 2  # of a float16
_NAMED: Final = 5  # films an error message names
_BY_IMAGE: Final = "sha256"  # what the keys of a file are
_BY_ID: Final = "id"


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
    try:
        own = collection.kept_vectors(model.tower_id)
    except CollectionError as error:
        raise EmbeddingsError(str(error)) from error
    if own is not None:
        return own
    folder = cache if cache is not None else default_cache()
    paths = {film.id: path for film in collection if (path := collection.image_path(film)) is not None}
    keys = image_keys(paths, folder)
    known = _shipped_by_id(model, collection, keys, folder)
    if len(known) < len(collection):
        store = RowFile(folder / "embeddings" / f"{model.tower_id}.rows", _BYTES * model.dim)
        by_image = _cached(store) | _shipped_by_image(model)
        known |= {id_: by_image[key] for id_, key in keys.items() if id_ not in known and key in by_image}
        todo = [film for film in collection if film.id not in known]
        _refuse_missing(model, collection, [film.id for film in todo if film.id not in paths])
        rows = _compute(encode or model.encode_images, collection, todo, progress)
        known |= _kept_as_they_come(rows, keys, store)
    return _unit((known[film.id] for film in collection), model.dim)


def shipped_path(tower_id: str, collection: str) -> Path:
    """Where the embeddings of a shipped collection lie, whether or not there are any."""
    return ASSETS / collection / "embeddings" / f"{tower_id}.safetensors"


def write_embeddings(path: Path, collection: Collection, embeddings: NDArray[np.float32]) -> None:
    """Write the shipped form, float16 [films, dim] and its keys, in one step.

    The keys are the images' where these are shipped beside it, else ids, with the images' fingerprints.
    Either needs the images.  Raises `EmbeddingsError`.
    """
    if len(embeddings) != len(collection):
        raise EmbeddingsError(f"{collection.name!r} has {len(collection)} films, not {len(embeddings)}.")
    paths = [collection.image_path(film) for film in collection]
    if None in paths:
        raise EmbeddingsError(
            f"Embeddings of {collection.name!r} are shipped only with all its images at hand; "
            "give their folder with --films."
        )
    rows = embeddings.astype(np.float16)
    path.parent.mkdir(parents=True, exist_ok=True)
    if collection.folder is not None and collection.folder.resolve() == path.parents[1].resolve():
        _write(path, dict(zip(map(file_sha256, filter(None, paths)), rows, strict=True)), _BY_IMAGE)
    else:
        marks = np.stack([fingerprint(collection.image(film)) for film in collection])
        ids = [film.id for film in collection]
        _write(path, dict(zip(ids, rows, strict=True)), _BY_ID, fingerprints=marks)


# Computing ------------------------------------------------------------------------------------


def _refuse_missing(model: DualEncoder, collection: Collection, missing: Sequence[str]) -> None:
    if missing:
        named = ", ".join(missing[:_NAMED]) + (", …" if len(missing) > _NAMED else "")
        raise EmbeddingsError(
            f"There are no embeddings of collection {collection.name!r} by image tower {model.tower_id}, and "
            f"the images of {len(missing)} of its {len(collection)} films are not at hand ({named}); "
            "give their folder with --films."
        )


def _kept_as_they_come(
    rows: Iterable[tuple[Film, NDArray[np.float16]]], keys: Mapping[str, str], store: RowFile
) -> Rows:
    """Rows by film id, each in the cache soon after it was made."""
    made: Rows = {}
    unkept: dict[str, bytes] = {}
    kept = monotonic()
    for film, row in rows:
        made[film.id] = row
        unkept[keys[film.id]] = row.tobytes()
        if monotonic() - kept > _KEPT_EVERY:
            store.append(unkept)
            unkept, kept = {}, monotonic()
    store.append(unkept)
    return made


def _compute(
    encode: EncodeImages, collection: Collection, films: Sequence[Film], progress: Progress | None
) -> Iterator[tuple[Film, NDArray[np.float16]]]:
    if films and progress is not None:
        progress(0, len(films))
    with ThreadPoolExecutor(READERS) as readers:
        for start in range(0, len(films), _AT_ONCE):
            part = films[start : start + _AT_ONCE]
            images = list(readers.map(lambda film: _image(collection, film), part))
            yield from zip(part, encode(images).astype(np.float16), strict=True)
            if progress is not None:
                progress(start + len(part), len(films))


def _image(collection: Collection, film: Film) -> Image.Image:
    try:
        return collection.image(film)
    except CollectionError as error:
        raise EmbeddingsError(f"Collection {collection.name!r} cannot be embedded: {error}") from error


# Shipped rows ---------------------------------------------------------------------------------


def _shipped_by_id(model: DualEncoder, collection: Collection, keys: Mapping[str, str], cache: Path) -> Rows:
    """Rows by film id of a collection whose images are not shipped; `keys` of the images at hand, by id."""
    path = shipped_path(model.tower_id, collection.name)
    if not path.is_file():
        return {}
    shipped = _read_shipped(path, model.dim)
    if shipped.keyed_by != _BY_ID:
        return {}
    rows = {film.id: shipped.rows[film.id] for film in collection if film.id in shipped.rows}
    at_hand = [film for film in collection if film.id in rows and film.id in keys]
    seen = fingerprints({keys[film.id]: partial(_image, collection, film) for film in at_hand}, cache)
    for film in at_hand:
        if distance(seen[keys[film.id]], shipped.fingerprints[film.id]) > ALIKE:
            del rows[film.id]  # another film under its id
    return rows


def _shipped_by_image(model: DualEncoder) -> Rows:
    """Rows by SHA-256 of the image, of all collections that are shipped with their images."""
    rows: Rows = {}
    for path in sorted(ASSETS.glob(f"*/embeddings/{model.tower_id}.safetensors")):
        shipped = _read_shipped(path, model.dim)
        rows |= shipped.rows if shipped.keyed_by == _BY_IMAGE else {}
    return rows


# Files ----------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _File:
    """What a file of embeddings holds."""

    keyed_by: str
    rows: Rows
    fingerprints: Mapping[str, NDArray[np.uint8]]  # by id, <uint8>[32]; none in a file keyed by image


def _read_shipped(path: Path, dim: int) -> _File:
    try:
        return _read(path, dim)
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise EmbeddingsError(
            f"The embeddings in {path} cannot be used ({error}); fetch the file anew."
        ) from error


def _cached(store: RowFile) -> Rows:
    """Rows by SHA-256 of the image; a damaged one is left aside, and computed anew."""
    rows = store.read()
    matrix = np.frombuffer(b"".join(rows.values()), np.float16).reshape(len(rows), store.length // _BYTES)
    return {key: row for key, row, sound in zip(rows, matrix, _are_unit(matrix), strict=True) if sound}


def _read(path: Path, dim: int) -> _File:
    with safe_open(path, framework="numpy") as file:
        matrix = file.get_tensor("embeddings")  # float16 [rows, dim]
        metadata = file.metadata()
        keys, keyed_by = json.loads(metadata["keys"]), metadata["keyed_by"]
        by_id = keyed_by == _BY_ID
        marks = file.get_tensor("fingerprints").reshape(len(keys), BYTES) if by_id else ()
    if matrix.dtype != np.float16 or matrix.shape != (len(keys), dim):
        raise ValueError(f"it is {matrix.dtype} {list(matrix.shape)}, not float16 [{len(keys)}, {dim}]")
    if not _are_unit(matrix).all():
        raise ValueError("its rows are not unit vectors")
    return _File(
        keyed_by, dict(zip(keys, matrix, strict=True)), dict(zip(keys if by_id else (), marks, strict=True))
    )


def _are_unit(matrix: NDArray[np.float16]) -> NDArray[np.bool_]:
    """[rows] of [rows, dim], as float16 allows."""
    unit: NDArray[np.bool_] = np.abs(np.linalg.norm(matrix.astype(np.float32), axis=1) - 1) < 0.01
    return unit


def _write(path: Path, rows: Rows, keyed_by: str, **more: NDArray[np.uint8]) -> None:
    content: dict[str, NDArray[Any]] = {"embeddings": np.stack(list(rows.values())), **more}
    write_atomically(path, save(content, {"keyed_by": keyed_by, "keys": json.dumps(list(rows))}))


def _unit(rows: Iterable[NDArray[np.float16]], dim: int) -> NDArray[np.float32]:
    """Stack rows to unit vectors: float16 has moved their norms off 1, computed or read alike."""
    matrix = np.array(list(rows), np.float32).reshape(-1, dim)
    unit: NDArray[np.float32] = matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
    return unit
