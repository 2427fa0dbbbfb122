"""Films on disk: only what has been verified to be an image enters, in one step, and the oldest leave.

The file's time of change is its time of last use, so that the order survives a restart and several
processes may share one folder.
"""

from __future__ import annotations

import io
import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from PIL import Image, UnidentifiedImageError

from negviz.common.errors import NegvizError
from negviz.common.files import sweep, write_atomically
from negviz.common.read_files import open_regular
from negviz.films.size import TOO_MANY, FilmSizeError, check_size

SMALLEST_SIDE: Final = 64  # pixels: below that it is a placeholder
IMAGE_STARTS: Final = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")
_ENDINGS: Final = {"PNG": ".png", "JPEG": ".jpg"}
_FILL: Final = 0.9  # of the limit, after making room: it need not be made again at once


class NotAFilm(NegvizError):
    """Bytes that are no film; `cut_short` if they may be the beginning of one."""

    def __init__(self, sentence: str, *, cut_short: bool = False) -> None:
        super().__init__(sentence)
        self.cut_short = cut_short


def check_film(content: bytes) -> str:
    """The ending, ".png" or ".jpg", of bytes that decode to a film.  Raises `NotAFilm`."""
    try:
        with Image.open(io.BytesIO(content), formats=tuple(_ENDINGS)) as image:
            _check_size(image.width, image.height)
            image.load()
            return _ENDINGS[str(image.format)]
    except FilmSizeError as error:
        raise NotAFilm(f"It {error}") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise NotAFilm(f"It {TOO_MANY}") from error
    except UnidentifiedImageError as error:
        begins_well = not content or content.startswith(IMAGE_STARTS)
        raise NotAFilm("It is neither a PNG nor a JPEG image.", cut_short=begins_well) from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise NotAFilm("It is a damaged image.", cut_short=True) from error


def _check_size(width: int, height: int) -> None:
    check_size(width, height)
    if min(width, height) < SMALLEST_SIDE:
        raise NotAFilm(f"It measures {width}×{height} pixels, which is no film.")


def _state(path: Path) -> tuple[int, int]:
    """Size and time of change: what differs once somebody has written to a file."""
    status = path.stat()
    return status.st_size, status.st_mtime_ns


class FilmCache:
    """A folder of films, `<id>.png` or `<id>.jpg`, that holds at most `limit` bytes (None: any number)."""

    def __init__(self, folder: Path, *, limit: int | None = None) -> None:
        self.folder = folder
        self._limit = limit
        self._verified: dict[Path, tuple[int, int]] = {}  # as it was then
        self._lock = threading.Lock()
        sweep(folder)

    def find(self, film_id: str) -> Path | None:
        """Where a film lies, if it is there and whole."""
        for ending in _ENDINGS.values():
            path = self.folder / f"{film_id}{ending}"
            if self._is_whole(path):
                return path
        return None

    def keep(self, film_id: str, content: bytes) -> Path:
        """Store a film, and make room for it.  Raises `NotAFilm`, or `OSError` where the disk is full."""
        path = self.folder / f"{film_id}{check_film(content)}"
        write_atomically(path, content)
        if self._limit is not None:
            with self._lock:
                self._make_room(self._limit, spare=path)
        return path

    def _is_whole(self, path: Path) -> bool:
        """Each file is decoded once a process, again where it has changed, and marked as used every time."""
        try:
            size, changed = _state(path)
            if self._verified.get(path) != (size, changed):
                with open_regular(path) as file:
                    check_film(file.read())
            with suppress(OSError):  # the disk may take no change
                now = time.time_ns()
                os.utime(path, ns=(now, now))
                changed = now
            self._verified[path] = (size, changed)
        except (OSError, NotAFilm):
            self._verified.pop(path, None)
            return False
        return True

    def _make_room(self, limit: int, *, spare: Path) -> None:
        files = sorted(self._files())
        total = sum(size for _, size, _ in files)  # counted anew, as other processes write too
        if total <= limit:
            return
        for _, size, path in files:
            if total <= limit * _FILL:
                break
            if path != spare:
                with suppress(OSError):  # another process uses it
                    path.unlink(missing_ok=True)
                    total -= size

    def _files(self) -> list[tuple[int, int, Path]]:
        """Time of last use, size and path of each film."""
        found = []
        for path in self.folder.glob("CXR*"):
            if path.suffix in _ENDINGS.values():
                with suppress(OSError):  # another process made room
                    size, used = _state(path)
                    found.append((used, size, path))
        return found
