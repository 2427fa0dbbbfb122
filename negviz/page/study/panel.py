"""The reader study's page and routes: a page of one tab, shown only where the app is started with --study.

Explore, Evidence and their endpoints name models and mark films, so a page that holds them cannot blind
anybody: with a study there is nothing but the study.  The browser is sent sentences and ids of films.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Any, Final, cast

import gradio as gr
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from negviz.page import words as common
from negviz.page.board import html
from negviz.page.explore import markup as explore
from negviz.page.pictures import Pictures
from negviz.page.server.faults import Page
from negviz.page.server.films import film_routes
from negviz.page.server.http import NOT_KEPT, NotJsonError, TooLongError, read_object
from negviz.page.server.lanes import lanes
from negviz.page.server.visitors import visitor_of
from negviz.page.study import markup, words
from negviz.page.theme.fonts import font_routes
from negviz.page.theme.scripts import script_routes
from negviz.study.design import Design, StudyError
from negviz.study.records import (
    CHOICES,
    LONGEST_MS,
    Choice,
    Decision,
    OutOfTurnError,
    Times,
    UnknownCodeError,
)
from negviz.study.store import StudyFile, spelt

_LONGEST: Final = 20_000  # bytes of a message: twenty long ids, escaped
MOST_FROM_ONE_ADDRESS: Final = 150  # readers an hour: a class and those who begin anew
_HOUR: Final = 3_600.0
Respond = Callable[[dict[str, Any], str], Markup]  # to a message, from an address


def build_study_page(study: StudyFile, pictures: Pictures) -> gr.Blocks:
    """The page; the script takes over from the text to be agreed to."""
    page: gr.Blocks
    with Page(title=common.TITLE, analytics_enabled=False, fill_width=True) as page:
        html(explore.header())
        with gr.Tabs(elem_classes="nv-tabs"), gr.Tab(words.TAB):
            html(markup.shell(consent(study.design)))
        if credit := [common.CREDITS[name] for name in pictures.collections if name in common.CREDITS]:
            html(explore.footer(credit))
    return page


def consent(design: Design) -> tuple[str, ...]:
    """The paragraphs to be agreed to: the study's own, or ours."""
    own = (" ".join(part.split()) for part in design.consent.split("\n\n"))
    return tuple(part for part in own if part) or words.CONSENT


def check_films(design: Design, pictures: Pictures) -> None:
    """Whether a study's films are those that are open.  Raises `StudyError`."""
    name = design.collection[0]
    films = pictures.collections.get(name)
    known = {film.id for film in films} if films is not None else set()
    shown = {film.id for item in design.items for side in item.films for film in side}
    if not shown <= known:
        raise StudyError(words.not_opened(name))


# Routes ---------------------------------------------------------------------------------------


def study_routes(study: StudyFile, pictures: Pictures) -> list[Route]:
    """All routes of the study's page.  POST study/begin, next, decide and withdraw take and answer:

    begin {agreed, background} a code · next {code} the comparison a reader is at · decide {code, place,
    choice, wrong, active_ms, paused_ms, pauses, loading_ms} the next one · withdraw {code} a farewell.
    """
    desk = Desk(study)
    answers: dict[str, Respond] = {
        "begin": desk.begin,
        "next": desk.next,
        "decide": desk.decide,
        "withdraw": desk.withdraw,
    }
    return [
        *(Route(f"/study/{name}", _answering(make), methods=["POST"]) for name, make in answers.items()),
        *film_routes(pictures),
        *script_routes(),
        *font_routes(),
        Route("/health", _health),
    ]


class Desk:
    """Answers messages of the page, each with a piece of HTML.  Raises `StudyError`."""

    def __init__(self, study: StudyFile) -> None:
        self._study = study
        self._begun = Begun()

    def begin(self, said: dict[str, Any], address: str) -> Markup:
        if said.get("agreed") is not True:
            raise StudyError(words.MUST_AGREE)
        if not self._begun.may(address):
            raise ManyError(words.MANY)
        text = "\n\n".join(consent(self._study.design))
        code = self._study.enrol(consent=text, background=str(said.get("background", "not said")))
        self._begun.add(address)
        return markup.code(code)

    def next(self, said: dict[str, Any], _: str) -> Markup:
        code = spelt(str(said.get("code", "")))
        if not code:
            raise StudyError(words.NO_CODE)
        design, showing = self._study.design, self._study.show(code)
        if showing is None:
            return markup.done()
        item = design.items[showing.trial.item]
        left, right = ([film.id for film in item.of(model)] for model in showing.trial.models(design))
        sentence = design.sentences[item.sentence].text
        return markup.trial(sentence, {"left": left, "right": right}, showing.place, showing.of)

    def decide(self, said: dict[str, Any], address: str) -> Markup:
        times = Times(*(_number(said, name) for name in ("active_ms", "paused_ms", "pauses", "loading_ms")))
        choice, wrong = said.get("choice"), said.get("wrong")
        if choice not in CHOICES or not isinstance(wrong, list) or not all(isinstance(i, str) for i in wrong):
            raise StudyError(words.NOT_JSON)
        decision = Decision(cast("Choice", choice), tuple(wrong), times)
        self._study.decide(str(said.get("code", "")), _number(said, "place"), decision)
        return self.next(said, address)

    def withdraw(self, said: dict[str, Any], _: str) -> Markup:
        self._study.withdraw(str(said.get("code", "")))
        return markup.deleted()


class ManyError(StudyError):
    """More readers have begun than one address may have."""


class Begun:
    """How many readers began from an address within the hour; kept in memory, and no longer.  For threads."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._times: dict[str, deque[float]] = {}
        self._lock = Lock()

    def may(self, address: str) -> bool:
        """Whether another reader may begin from there."""
        with self._lock:
            self._forget()
            return len(self._times.get(address, ())) < MOST_FROM_ONE_ADDRESS

    def add(self, address: str) -> None:
        with self._lock:
            self._times.setdefault(address, deque()).append(self._clock())

    def _forget(self) -> None:
        before = self._clock() - _HOUR
        for address, times in [*self._times.items()]:
            while times and times[0] < before:
                times.popleft()
            if not times:
                del self._times[address]


def _number(said: dict[str, Any], name: str) -> int:
    value = said.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LONGEST_MS:
        raise StudyError(words.NOT_JSON)
    return value


def _answering(make: Respond) -> Callable[[Request], Awaitable[Response]]:
    async def respond(request: Request) -> Response:
        try:
            said = await _message(request)
            address = visitor_of(request).address
            made = await lanes().search.run_in_thread(request, make, said, address)
            return HTMLResponse(made, headers=NOT_KEPT)
        except UnknownCodeError as error:
            return PlainTextResponse(str(error), status_code=404, headers=NOT_KEPT)
        except OutOfTurnError as error:
            return PlainTextResponse(str(error), status_code=409, headers=NOT_KEPT)
        except ManyError as error:
            return PlainTextResponse(str(error), status_code=429, headers=NOT_KEPT)
        except StudyError as error:
            return PlainTextResponse(str(error), status_code=400, headers=NOT_KEPT)

    return respond


async def _message(request: Request) -> dict[str, Any]:
    try:
        return await read_object(request, _LONGEST)
    except (TooLongError, NotJsonError) as error:
        raise StudyError(words.NOT_JSON) from error


async def _health(_: Request) -> Response:
    """As the usual page's, without the names of the models."""
    return JSONResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})


def said_at_start(path: Path, study: StudyFile, pictures: Pictures) -> list[str]:
    """Lines for whoever starts the app."""
    name = study.design.collection[0]
    at_hand, films = pictures.at_hand(name), len(pictures.collections[name])
    missing = [words.missing(at_hand, films)] if at_hand < films else []
    return [words.ready(str(path), len(study.readers())), *missing]
