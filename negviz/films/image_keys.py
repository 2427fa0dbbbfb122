"""What images are known by, kept so that a start reads only the files that are new or changed.

A file is the one that was read before where its path, length and times are the same.  One of them, when its
entry on the disk last changed, cannot be set back: a file that was given another's length and time of change
is noticed too.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import lru_cache
from os import cpu_count
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from negviz.common.files import FileError, InUseError, file_sha256
from negviz.common.row_file import RowFile
from negviz.films.fingerprint import BYTES, fingerprint

READERS: Final = min(8, cpu_count() or 1)  # files read side by side
_SHA256: Final = 32  # bytes
_SETTLED: Final = 2.0  # seconds: a file that changed just now may change again at the same tick of the clock


def image_keys(paths: Mapping[str, Path], cache: Path) -> dict[str, str]:
    """The SHA-256 of image files, by id, as kept in the folder `cache` or read now."""
    store, now = RowFile(cache / "images.sha256", _SHA256), time.time_ns()
    states = {id_: _state(path) for id_, path in paths.items()}
    kept = store.read() if states else {}
    known = {id_: kept[key].hex() for id_, (key, _) in states.items() if key in kept}
    todo = {id_: path for id_, path in paths.items() if id_ not in known}
    with ThreadPoolExecutor(READERS) as readers:
        known |= zip(todo, readers.map(lambda id_: _digest(todo[id_], states[id_][0]), todo), strict=True)
    settled = [id_ for id_ in todo if now - states[id_][1] > _SETTLED * 1e9]
    _keep(store, {states[id_][0]: bytes.fromhex(known[id_]) for id_ in settled})
    return known


def fingerprints(
    images: Mapping[str, Callable[[], Image.Image]], cache: Path
) -> dict[str, NDArray[np.uint8]]:
    """Fingerprints <uint8>[32] by the image's SHA-256, as kept in the folder `cache` or taken now."""
    store = RowFile(cache / "images.fingerprint", BYTES)
    kept = store.read() if images else {}
    known = {key: np.frombuffer(kept[key], np.uint8) for key in images if key in kept}
    todo = [key for key in images if key not in known]
    with ThreadPoolExecutor(READERS) as readers:
        taken = dict(zip(todo, readers.map(lambda key: fingerprint(images[key]()), todo), strict=True))
    _keep(store, {key: mark.tobytes() for key, mark in taken.items()})
    return known | taken


def _state(path: Path) -> tuple[str, int]:
    """What changes when a file does, as a key; and when that was, in nanoseconds."""
    status = path.stat()
    said = (str(path.absolute()), status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    return hashlib.sha256(repr(said).encode()).hexdigest(), max(said[2:])


@lru_cache(maxsize=200_000)
def _digest(path: Path, _: str) -> str:
    """The SHA-256 of a file, read anew once its state is another."""
    return file_sha256(path)


def _keep(store: RowFile, rows: Mapping[str, bytes]) -> None:
    with suppress(FileError, InUseError):  # a cache that cannot be written costs time alone
        store.append(rows)
