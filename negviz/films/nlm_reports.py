"""Reports by study from NLM's archive (1.1 MB), fetched once, verified and kept on disk: "says who?"."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Final

from negviz.common.download import Downloader, DownloadError
from negviz.common.files import FileError, write_atomically
from negviz.common.workers import Workers
from negviz.films.openi import OpeniError, Report, read_reports, reports_url

MAX_BYTES: Final = 5_000_000
_BELIEVED: Final = 20.0  # seconds


class ReportSource:
    """The reports of the studies of one collection.  Safe under threads."""

    def __init__(
        self,
        downloader: Downloader,
        archive: Path,
        studies: Iterable[str],
        *,
        local: Path | None = None,
        believed: float = _BELIEVED,
    ) -> None:
        """`archive` is where NLM's archive is kept once fetched, `local` where it may lie already.

        Either counts only with a report on every study.
        """
        self._downloader = downloader
        self._archive = archive
        self._local = local
        self._studies = frozenset(studies)
        self._believed = believed
        self._work: Workers[Path, Mapping[str, Report]] = Workers(self._load, threads=1, waiting=1)
        self._reports: Mapping[str, Report] | None = None
        self._failure: tuple[DownloadError, float] | None = None

    def report(self, uid: str, *, wait: float = 0.0) -> Report | None:
        """The report on a study, after `wait` seconds at most; None where it is not here, and then the
        archive is on its way, or `missing` says why not."""
        with suppress(DownloadError, TimeoutError):
            return self.ask().result(wait).get(uid)
        return None

    def ask(self) -> Future[Mapping[str, Report]]:
        """All reports by study, now or later.  Raises `DownloadError` where they cannot be had."""
        if self._reports is not None:
            future: Future[Mapping[str, Report]] = Future()
            future.set_result(self._reports)
            return future
        failure = self.missing()
        if failure is not None:
            raise failure
        return self._work.ask(self._archive)

    def missing(self) -> DownloadError | None:
        """Why the archive could not be had when it was last tried, while there is no use in trying again."""
        error, until = self._failure or (None, 0.0)
        return error if time.monotonic() <= until else None

    def close(self) -> None:
        self._work.close()

    def _load(self, archive: Path) -> Mapping[str, Report]:
        try:
            self._reports = self._at_hand() or self._fetch(archive)
        except DownloadError as error:
            self._failure = error, time.monotonic() + max(self._believed, error.retry_after)
            raise
        return self._reports

    def _at_hand(self) -> Mapping[str, Report] | None:
        """The reports in the first file that holds all that are needed."""
        for archive in filter(None, (self._local, self._archive)):
            if archive.is_file():
                with suppress(DownloadError):
                    return self._read(archive)
        return None

    def _read(self, archive: Path | bytes) -> Mapping[str, Report]:
        try:
            reports = read_reports(archive)
        except OpeniError as error:
            sentence = "What came as archive of reports is none; try again."
            raise DownloadError("invalid", sentence, transient=True) from error
        lacking = len(self._studies - reports.keys())
        if lacking:
            raise DownloadError("invalid", f"The archive of reports that came lacks {lacking} studies.")
        return reports

    def _fetch(self, archive: Path) -> Mapping[str, Report]:
        return self._downloader.fetch(
            reports_url(host=self._downloader.host),
            what="archive of reports",
            limit=MAX_BYTES,
            slack=2.0,  # ten films' worth, for nobody who waits in a queue
            use=lambda content: self._store(archive, content),
        )

    def _store(self, archive: Path, content: bytes) -> Mapping[str, Report]:
        reports = self._read(content)
        try:
            write_atomically(archive, content)
        except FileError as error:
            raise DownloadError(
                "disk", f"The archive of reports cannot be stored: {error.reason}."
            ) from error
        return reports
