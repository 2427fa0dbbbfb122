"""Films read, decoded and embedded by workers of Ray Data, on this machine or on a cluster.

A worker that dies is started anew by Ray, and does again what it had not handed over.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from negviz.films.archive import engine
from negviz.films.collection import Collection, CollectionError, open_image
from negviz.models.encoder import DualEncoder
from negviz.models.family import load_models
from training.tune.devices import open_compute

_BATCH: Final = 32  # films that a worker reads and embeds together
_BLOCK: Final = 256  # films that are handed to a worker at most, and done again if it dies
_BLOCKS: Final = 10_000  # at most, where films are so many that blocks have to be larger
_TURNS: Final = 4  # blocks at least for every worker
_READERS: Final = 4  # films a worker reads side by side
_STORE: Final = 200_000_000  # bytes that workers hand over through
_SETTINGS: Final = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is sent to anybody
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "RAY_worker_niceness": "0",  # as this command was started, and no lower
}

Batch = dict[str, NDArray[Any]]  # row <int64>[n], vector <float32>[n, dim], and why <str>[n], "" if embedded


@dataclass(frozen=True)
class Cluster:
    """Where films are embedded: `address` of a Ray cluster, or None for this machine, by so many workers."""

    address: str | None
    workers: int

    def embed(self, family: Path, folder: Path, images: Sequence[str]) -> Iterator[Batch]:
        """What a family's image tower makes of images of a folder, in whatever order they are done.

        On a cluster, family and folder lie at the same place on every machine.
        """
        os.environ |= {name: os.environ.get(name, value) for name, value in _SETTINGS.items()}
        # processes that Ray starts run programs of their own, and take nothing of the table's engine along
        warnings.filterwarnings("ignore", "lancedb fork support", RuntimeWarning)
        ray = engine("ray")
        local = {"num_cpus": self.workers, "include_dashboard": False, "object_store_memory": _STORE}
        where = {"address": self.address} if self.address else {"address": "local", **local}
        ray.init(**where, log_to_driver=False, logging_level="ERROR")
        try:
            gpus = min(1, ray.cluster_resources().get("GPU", 0))
            yield from _batches((family, folder), images, self.workers, gpus)
        finally:
            ray.shutdown()


def _batches(worker: tuple[Path, Path], images: Sequence[str], workers: int, gpus: float) -> Iterator[Batch]:
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    data, pa = engine("ray.data"), engine("pyarrow")
    data.DataContext.get_current().enable_progress_bars = False
    listed = pa.table({"row": np.arange(len(images)), "image": list(images)})
    size = max(min(_BLOCK, -(-len(images) // (workers * _TURNS))), len(images) // _BLOCKS)
    blocks = [listed.slice(start, size) for start in range(0, len(images), size)]
    embedded = data.from_arrow(blocks).map_batches(
        Embed,
        fn_constructor_args=worker,
        batch_size=_BATCH,
        compute=data.ActorPoolStrategy(size=min(workers, len(blocks))),
        num_cpus=1,
        num_gpus=gpus,
    )
    yield from embedded.iter_batches(batch_size=None, batch_format="numpy", prefetch_batches=0)


class Embed:
    """A worker: films in, vectors out.  On a GPU where Ray gave it one."""

    def __init__(self, family: Path, folder: Path) -> None:
        torch.set_num_threads(1)  # a worker a core
        model = base_of(family)
        self.encode, self.dim = open_compute().encode_images(model), model.dim
        self.films = Collection("", (), folder)
        self.readers = ThreadPoolExecutor(_READERS)

    def __call__(self, batch: Batch) -> Batch:
        """`row` and `image` [n] → `Batch`; a film that cannot be read has zeros."""
        read = list(self.readers.map(self._read, batch["image"].tolist()))
        vectors = np.zeros((len(read), self.dim), np.float32)
        good = {place: film for place, film in enumerate(read) if not isinstance(film, str)}
        if good:
            vectors[list(good)] = _as_kept(self.encode(list(good.values())))
        why = np.array([film if isinstance(film, str) else "" for film in read], object)
        return {"row": batch["row"], "vector": vectors, "why": why}

    def _read(self, image: str) -> Image.Image | str:
        """The film, or why there is none."""
        path = self.films.lies_at(image)
        if path is None:
            return f"{image} is no file of that folder."
        try:
            return open_image(path)
        except CollectionError as error:
            return str(error)


def base_of(family: Path) -> DualEncoder:
    """The model whose image tower all of a family share."""
    return next(iter(load_models(family, read_twice=False).values()))


def _as_kept(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """As embeddings are wherever films are searched: unit vectors of numbers in half precision."""
    rounded = vectors.astype(np.float16).astype(np.float32)
    unit: NDArray[np.float32] = rounded / np.linalg.norm(rounded, axis=1, keepdims=True)
    return unit
