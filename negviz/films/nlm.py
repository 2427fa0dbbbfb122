"""Films by id from NLM's Open-i, fetched when they are asked for and kept on disk.

films.request(hit.id for hit in hits)      # at once: they come in the background, in this order
films.get(film_id)                         # Path, or None: not here (yet)
films.missing(film_id)                     # None: on its way; else why it cannot be had
await films.take(film_id, wait=20)         # for a route: Path, or DownloadError
films.reachable()                          # True, False, or None: not known yet.  Never waits
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Container, Iterable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Final

from negviz.common.download import Downloader, DownloadError, Reason
from negviz.common.files import FileError
from negviz.common.workers import Workers
from negviz.films.cache import IMAGE_STARTS, FilmCache, NotAFilm
from negviz.films.openi import image_url

MAX_BYTES: Final = 5_000_000  # NLM's PNGs, 512 pixels wide, are far smaller
PROBE_FILM: Final = "CXR1_IM-0001-4001"
_PROBE_SECONDS: Final = 3.0
_WAITING: Final = 400  # at ten a second nobody waits for more
# Seconds for which a failure is believed.  Offline and busy hold for every film.
_BELIEVED: Final[dict[Reason, float]] = {"gone": 3600.0, "invalid": 600.0, "refused": 600.0}
_BELIEVED_ELSE: Final = 20.0
_ALL: Final = ""  # no film's id: what holds for all of them
_TRUSTED: Final = 300.0  # and this long a success


class FilmSource:
    """Films of one collection.  Safe under threads; no film is ever fetched twice at a time."""

    def __init__(
        self,
        downloader: Downloader,
        cache: FilmCache,
        ids: Container[str],
        *,
        workers: int = 4,
        believed: float = _BELIEVED_ELSE,
    ) -> None:
        self._downloader = downloader
        self._cache = cache
        self._ids = ids
        self._believed = believed
        self._films: Workers[str, Path] = Workers(self._fetch, threads=workers, waiting=_WAITING)
        self._probe: Workers[str, bool] = Workers(self._ask_host, threads=1, waiting=1)
        self._failures: dict[str, tuple[DownloadError, float]] = {}  # why, and until when to believe it
        self._reached: bool | None = None
        self._fresh_until = 0.0
        self._lock = threading.Lock()

    def request(self, ids: Iterable[str]) -> None:
        """Start fetching these films, in this order; those at hand or under way cost nothing."""
        for film_id in ids:
            with suppress(DownloadError):  # `missing` tells
                self.ask(film_id)

    def get(self, film_id: str, *, wait: float = 0.0) -> Path | None:
        """Where the film lies, after `wait` seconds at most; None where it is not here, and then it is on
        its way, or `missing` says why not."""
        with suppress(DownloadError, TimeoutError):
            return self.ask(film_id).result(wait)
        return None

    async def take(self, film_id: str, *, wait: float) -> Path:
        """Like `get`, without holding up a thread.  Raises `DownloadError` where the film does not come."""
        future = asyncio.shield(asyncio.wrap_future(self.ask(film_id)))  # others may wait for it too
        try:
            return await asyncio.wait_for(future, wait)
        except TimeoutError as error:
            sentence = f"The film {film_id} is still on its way; try again in a moment."
            raise DownloadError("slow", sentence, transient=True) from error

    def ask(self, film_id: str) -> Future[Path]:
        """The film, now or later.  Raises `DownloadError` where it is known that it cannot be had."""
        if film_id not in self._ids:
            raise DownloadError("gone", "The collection has no such film.")
        path = self._cache.find(film_id)
        if path is not None:
            future: Future[Path] = Future()
            future.set_result(path)
            return future
        failure = self.missing(film_id)
        if failure is not None:
            raise failure
        return self._films.ask(film_id)

    def missing(self, film_id: str) -> DownloadError | None:
        """Why a film could not be had when it was last tried, while there is no use in trying again."""
        return self._known_failure(film_id) or self._known_failure(_ALL)

    def reachable(self) -> bool | None:
        """Whether films can be had, as last heard, at once; where that is old it is asked anew behind."""
        with self._lock:
            reached, stale = self._reached, time.monotonic() > self._fresh_until
        if stale:
            with suppress(DownloadError):
                self._probe.ask(_ALL)
        return reached

    def close(self) -> None:
        """Drop what waits.  The downloader is closed by whoever made it."""
        self._films.close()
        self._probe.close()

    def _fetch(self, film_id: str) -> Path:
        """The work of one thread for one film."""
        try:
            path = self._cache.find(film_id)  # it may have come between question and turn
            return path if path is not None else self._download(film_id)
        except DownloadError as error:
            self._remember(film_id, error)
            raise

    def _download(self, film_id: str) -> Path:
        failure = self._known_failure(_ALL)
        if failure is not None:
            raise failure
        path = self._downloader.fetch(
            image_url(film_id, host=self._downloader.host),
            what=f"film {film_id}",
            limit=MAX_BYTES,
            use=lambda content: self._keep(film_id, content),
        )
        self._hear(reached=True)
        return path

    def _keep(self, film_id: str, content: bytes) -> Path:
        try:
            return self._cache.keep(film_id, content)
        except NotAFilm as error:
            sentence = f"What came as film {film_id} is none. {error}"
            raise DownloadError("invalid", sentence, transient=error.cut_short) from error
        except FileError as error:
            raise DownloadError("disk", f"The film {film_id} cannot be stored: {error.reason}.") from error

    def _ask_host(self, _: str) -> bool:
        url = image_url(PROBE_FILM, host=self._downloader.host)
        reached = self._downloader.answers(url, starts=IMAGE_STARTS, seconds=_PROBE_SECONDS)
        self._hear(reached=reached)
        return reached

    def _hear(self, *, reached: bool) -> None:
        with self._lock:
            self._reached = reached
            self._fresh_until = time.monotonic() + (_TRUSTED if reached else self._believed)
            known, _ = self._failures.get(_ALL, (None, 0.0))
            if reached and known is not None and known.reason == "offline":  # busy stays: it wants its rest
                del self._failures[_ALL]

    def _remember(self, film_id: str, error: DownloadError) -> None:
        """Believe a failure for a while; one that is not about this film holds for all."""
        seconds = max(_BELIEVED.get(error.reason, self._believed), error.retry_after)
        about = _ALL if error.reason in ("offline", "busy") else film_id
        with self._lock:
            known = self._failures.get(about)
            if known is None or known[0] is not error:  # being told again is no news
                self._failures[about] = (error, time.monotonic() + seconds)
        if error.reason == "offline":
            self._hear(reached=False)

    def _known_failure(self, about: str) -> DownloadError | None:
        with self._lock:
            error, until = self._failures.get(about, (None, 0.0))
            if error is not None and time.monotonic() > until:
                del self._failures[about]
                return None
            return error
