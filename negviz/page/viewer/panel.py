"""The film viewer: one film large on black and, beside it, all that is known of it.

The dialog and its words are laid out here once; `viewer.js` opens it and fills it in with what
`POST page/film-record` answers.  Report sentences travel in that answer and are kept nowhere.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from negviz.films.collection import Collection, CollectionError, Film
from negviz.films.evidence import Evidence, Segment, deciding_sentence, film_states
from negviz.films.openi import IMAGE_HOST
from negviz.films.record import FindingState, Simulated, finding_states, simulated
from negviz.language.prompt import read_mentions
from negviz.page.board import Board, Panel, html
from negviz.page.room import Asked, Room
from negviz.page.server.http import NOT_KEPT, NotJsonError, TooLongError, read_body
from negviz.page.server.lanes import lanes
from negviz.page.templates import Template
from negviz.page.viewer import words
from negviz.page.viewer.reports import MissingReportError, report_sentences
from negviz.page.words import column_title

InTurn = Callable[..., Awaitable[Any]]
_VIEW: Final = Template("viewer", words=words)
_MAX_BODY: Final = 16_384  # bytes: a question, an id, and room to spare


@dataclass(frozen=True)
class FindingSaid:
    """What a report says of one finding that was asked about; no pieces where no sentence does."""

    finding: str
    pieces: tuple[Segment, ...]
    note: str


@dataclass(frozen=True)
class FilmRecord:
    """All that the viewer shows beside a film."""

    id: str
    collection: str
    view: str
    in_tuning: bool
    asked: tuple[str, ...]  # findings that the question speaks of
    findings: tuple[FindingState, ...]
    said: tuple[FindingSaid, ...]
    unsaid: str  # why nothing is said, in a sentence; "" where something is
    simulated: Simulated | None
    link: str | None  # to the record at Open-i
    satisfies_probability: dict[str, float]  # by model: of films with such a score, the share that match
    holds_for: str  # what that share holds for, in a sentence; "" where none is known


def lay_out(board: Board) -> None:
    """The closed dialog; the galleries tell its script what was asked."""
    html(dialog(board.room.models))


def dialog(models: Iterable[str]) -> Markup:
    """The dialog over some models."""
    titles = {model: column_title(model)[0] for model in models}
    return _VIEW("dialog", script_words={**words.SCRIPT, "models": titles})


def routes(room: Room) -> list[Route]:
    """`POST page/film-record` with {asked, id}: a `FilmRecord` as JSON, or a sentence with a 4xx."""

    async def respond(request: Request) -> Response:
        try:
            asked, film_id = _read(await read_body(request, _MAX_BODY))
        except TooLongError:
            return PlainTextResponse(words.TOO_LONG, status_code=400, headers=NOT_KEPT)
        except NotJsonError as error:
            return PlainTextResponse(str(error), status_code=400, headers=NOT_KEPT)
        try:
            record = await film_record(room, asked, film_id, partial(lanes().search.run_in_thread, request))
        except CollectionError:
            return PlainTextResponse(words.NO_FILM, status_code=404, headers=NOT_KEPT)
        return JSONResponse(asdict(record), headers=NOT_KEPT)

    return [Route("/page/film-record", respond, methods=["POST"])]


def _read(body: bytes) -> tuple[Asked, str]:
    try:
        given: Any = json.loads(body)
        asked, film_id = given["asked"], given["id"]
    except (ValueError, TypeError, LookupError, RecursionError):
        raise NotJsonError(words.BAD_REQUEST) from None
    if not isinstance(film_id, str):
        raise NotJsonError(words.BAD_REQUEST)
    return Asked.read(asked if isinstance(asked, str) else json.dumps(asked)), film_id


async def film_record(room: Room, asked: Asked, film_id: str, in_turn: InTurn) -> FilmRecord:
    """What is known of a film of an open collection, with the report sentences that decided what was asked
    about.  `in_turn` calls a function when its turn has come.  Raises `CollectionError`."""
    collection, film = _find(room.pictures.collections.values(), film_id)
    findings = await in_turn(_asked_about, asked)
    set_up = await in_turn(simulated, collection, film)
    chances, holds_for = await in_turn(_chances, room, asked, film.id)
    said: tuple[FindingSaid, ...] = ()
    unsaid = words.SIMULATED_SAYS if set_up else "" if findings else words.NOTHING_ASKED
    if not unsaid:
        try:
            sentences = await report_sentences(room.pictures, collection, film)
            said = await in_turn(_said, sentences, film, findings)
        except MissingReportError as error:
            unsaid = str(error)
    return FilmRecord(
        id=film.id,
        collection=collection.name,
        view=film.view,
        in_tuning=film.split == "train",
        asked=findings,
        findings=finding_states(film),
        said=said,
        unsaid=unsaid,
        simulated=set_up,
        link=_link(collection, film),
        satisfies_probability=chances,
        holds_for=holds_for,
    )


def _chances(room: Room, asked: Asked, film_id: str) -> tuple[dict[str, float], str]:
    """By model, and what they hold for."""
    chances = room.probabilities(asked, film_id)
    if not chances:
        return {}, ""
    tally = room.answer(asked).tally  # remembered
    return chances, words.holds_for(tally.matches, tally.judged)


def _find(collections: Iterable[Collection], film_id: str) -> tuple[Collection, Film]:
    for collection in collections:
        with suppress(CollectionError):
            return collection, collection.by_id(film_id)
    raise CollectionError(words.NO_FILM)


def _asked_about(asked: Asked) -> tuple[str, ...]:
    if asked.meant is not None:
        return (asked.meant[0],)
    return tuple(dict.fromkeys(mention.finding for mention in read_mentions(asked.text)))


def _said(sentences: tuple[str, ...], film: Film, findings: tuple[str, ...]) -> tuple[FindingSaid, ...]:
    found = {finding: deciding_sentence(sentences, film, finding) for finding in findings}
    return tuple(_say(film, finding, evidence, len(sentences)) for finding, evidence in found.items())


def _say(film: Film, finding: str, evidence: Evidence | None, total: int) -> FindingSaid:
    state = film_states(film, finding)
    if evidence is None:
        heading = finding if finding in film.indexed else "normal" if "normal" in film.findings else ""
        note = words.filed_under(heading) if heading and state else words.silent(finding)
        return FindingSaid(finding, (), note)
    note = words.sentence_note(evidence.number + 1, total, evidence.finding, evidence.polarity)
    if evidence.polarity != state == "uncertain" and finding in film.indexed:
        note = f"{note} {words.disagrees(finding)}"
    if state is None:
        note = f"{note} {words.NOT_COUNTED}"
    if "XXXX" in evidence.text:
        note = f"{note} {words.REMOVED}"
    return FindingSaid(finding, evidence.pieces, note)


def _link(collection: Collection, film: Film) -> str | None:
    if collection.name != "openi":
        return None
    return f"{IMAGE_HOST}/detailedresult?{urlencode({'img': film.id, 'req': 4})}"


VIEWER: Final = Panel("viewer", lay_out, routes)
