"""The report on a film, wherever it is to be had: the collection's own, NLM's archive, or nowhere."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from starlette.concurrency import run_in_threadpool

from negviz.common.download import DownloadError
from negviz.common.errors import NegvizError
from negviz.films.collection import Collection, Film
from negviz.films.on_demand import Openi
from negviz.films.openi import REPORTS, OpeniError, Report, split_sentences
from negviz.page.pictures import Pictures
from negviz.page.viewer import words

_WAIT: Final = 8.0  # seconds for NLM's archive, which is 1.1 MB and comes once


class MissingReportError(NegvizError):
    """A report that cannot be shown; the message is one sentence that says why."""


async def report_sentences(pictures: Pictures, collection: Collection, film: Film) -> tuple[str, ...]:
    """The sentences of a film's report, without holding up a thread while it is fetched.

    Raises `MissingReportError`.
    """
    if film.report:
        return split_sentences(film.report)
    report = (await _reports(pictures, collection)).get(film.uid)
    if report is None or not report.sentences:
        raise MissingReportError(words.NOT_IN_ARCHIVE)
    return report.sentences


async def _reports(pictures: Pictures, collection: Collection) -> Mapping[str, Report]:
    if collection.name == "openi" and pictures.openi is not None:
        return await _from_nlm(pictures.openi)
    archive = collection.folder / REPORTS if collection.folder is not None else None
    if archive is None or not archive.is_file():
        raise MissingReportError(words.NO_REPORTS if collection.name != "openi" else words.NOT_AT_HAND)
    try:
        return await run_in_threadpool(pictures.reports, archive)
    except OpeniError as error:
        raise MissingReportError(words.report_missing(str(error))) from error


async def _from_nlm(openi: Openi) -> Mapping[str, Report]:
    try:
        future = asyncio.shield(asyncio.wrap_future(openi.reports.ask()))  # others may wait for it too
        return await asyncio.wait_for(future, _WAIT)
    except TimeoutError as error:
        raise MissingReportError(words.ON_ITS_WAY) from error
    except DownloadError as error:
        raise MissingReportError(words.report_missing(str(error))) from error
