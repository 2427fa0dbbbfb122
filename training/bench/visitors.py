"""Visitors of the page without a browser, as one process: they open it, ask, and read what comes.

    python -m training.bench.visitors ADDRESS distinct|same|flood < sentences

Started by `training.bench.crowd`, which gives each a process of its own and a list of sentences as JSON;
prints what they saw as JSON.  A visitor does what a browser does: takes the page, what it links to and the
films of the first paint over six connections, asks through the queue the page uses, takes the films found,
and then asks for every panel.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urljoin
from uuid import uuid4

import httpx2

from negviz.common.errors import NegvizError

VISITORS: Final = 80
_WITHIN: Final = 2.0  # seconds in which all of them ask
_QUESTIONS: Final = 8  # of the one visitor beside a flood
_EVERY: Final = 1.0  # seconds between them
_FLOODING: Final = 32  # connections of the flood
_PATIENCE: Final = 180.0
_CONFIG: Final = re.compile(r"window\.gradio_config = (\{.*?\});\s*</script>", re.DOTALL)
_LINKED: Final = re.compile(r'<(?:link|script)[^>]+(?:href|src)="(\./[^"]+)"')
_FILM: Final = re.compile(r"film/tile\?id=[\w.%+-]+")
_ADDRESSES: Final = {"class": "192.0.2.1", "flood": "192.0.2.2"}  # as a proxy would tell them


class VisitError(NegvizError):
    """The page was not what a browser expects."""


@dataclass(frozen=True)
class PageEvents:
    """What a browser knows of the page once it is there."""

    ask: int  # number of the event behind the search button
    panels: tuple[int, ...]  # those that follow an answer
    inputs: Mapping[int, tuple[int, ...]]  # by event, component ids
    values: Mapping[int, Any]  # by component
    box: int
    asked: int
    due: int  # the question that the first panel answers
    shown: tuple[int, ...]  # components that an answer changes

    @classmethod
    def read(cls, html: str) -> PageEvents:
        found = _CONFIG.search(html)
        if found is None:
            raise VisitError("no configuration in the page")
        config = json.loads(found[1])
        components = {each["id"]: each for each in config["components"]}
        search = next(
            each["id"]
            for each in components.values()
            if each["type"] == "button" and each["props"].get("value") == "Search"
        )
        events = {each["id"]: each for each in config["dependencies"] if each["backend_fn"]}
        ask = next(event for event in events.values() if [search, "click"] in event["targets"])
        box, asked = ask["inputs"][0], ask["inputs"][-1]
        due = next(  # the browser passes a question on to the panel that is unfolded
            each["outputs"][0]
            for each in config["dependencies"]
            if [asked, "change"] in each["targets"] and not each["backend_fn"] and len(each["inputs"]) == 4
        )
        called = ([asked, "change"], [due, "change"])
        panels = [id_ for id_, event in events.items() if any(when in event["targets"] for when in called)]
        inputs = {id_: tuple(events[id_]["inputs"]) for id_ in (ask["id"], *panels)}
        values = {
            id_: components[id_]["props"].get("value")
            for id_ in itertools.chain.from_iterable(inputs.values())
        }
        return cls(ask["id"], tuple(panels), inputs, values, box, asked, due, tuple(ask["outputs"]))

    def data(self, event: int, **now: Any) -> list[Any]:
        asked = now.get("asked")
        changed = {self.box: now.get("text"), self.asked: asked, self.due: asked}
        return [
            changed[id_] if changed.get(id_) is not None else self.values[id_] for id_ in self.inputs[event]
        ]


@dataclass(frozen=True)
class TimedAnswer:
    """An answer, and how many seconds it took."""

    columns: int
    asked: str  # the question as the panels are told it
    wait: float  # until the gallery was there
    films: float  # until its films were


@dataclass
class SimulatedVisitor:
    """One of them: a session and six connections."""

    client: httpx2.AsyncClient
    address: str
    session: str = field(default_factory=lambda: uuid4().hex[:11])
    page: PageEvents = field(init=False)

    async def open(self) -> None:
        html = (await self._get("")).text
        self.page = PageEvents.read(html)
        linked = dict.fromkeys([*_LINKED.findall(html), *_films(html)])
        await asyncio.gather(*map(self._get, linked))

    async def search(self, text: str) -> TimedAnswer:
        """Ask, and take the films found."""
        began = time.perf_counter()
        (said,) = await self._events({self.page.ask: self.page.data(self.page.ask, text=text)})
        arrived = time.perf_counter()
        by_component = dict(zip(self.page.shown, said["data"], strict=True))
        shown = json.dumps(said["data"])
        await asyncio.gather(*map(self._get, _films(shown)))
        asked = str(by_component[self.page.asked])
        return TimedAnswer(shown.count("nv-column\\"), asked, arrived - began, time.perf_counter() - began)

    async def panels(self, asked: str) -> None:
        """What follows an answer: what is always on the page, and one panel, unfolded."""
        await self._events({event: self.page.data(event, asked=asked) for event in self.page.panels})

    async def _events(self, asked: Mapping[int, Sequence[Any]]) -> list[Any]:
        """What events of the page end with, in the order they ended."""
        ids = set()
        for event, data in asked.items():
            body = {"data": data, "fn_index": event, "session_hash": self.session, "trigger_id": event}
            joined = await self.client.post("gradio_api/queue/join", json=body)
            joined.raise_for_status()
            ids.add(joined.json()["event_id"])
        ended = []
        async for message in self._messages():
            if message.get("msg") == "process_completed" and message["event_id"] in ids:
                if not message["success"]:
                    raise VisitError(str(message["output"]))
                ended.append(message["output"])
        return ended

    async def _messages(self) -> AsyncIterator[dict[str, Any]]:
        given = {"session_hash": self.session}
        async with self.client.stream("GET", "gradio_api/queue/data", params=given) as stream:
            async for line in stream.aiter_lines():
                if line.startswith("data: "):
                    yield json.loads(line.removeprefix("data: "))

    async def _get(self, path: str) -> httpx2.Response:
        answer = await self.client.get(urljoin(self.address, path))
        answer.raise_for_status()
        return answer


def _films(html: str) -> list[str]:
    return [*dict.fromkeys(_FILM.findall(html))]


def _visitor(address: str, who: str = "class", connections: int = 6) -> SimulatedVisitor:
    # Shorter than the app keeps one, or it would be closed under a question.
    limits = httpx2.Limits(max_connections=connections, keepalive_expiry=2.0)
    headers = {"X-Forwarded-For": _ADDRESSES[who]}
    client = httpx2.AsyncClient(base_url=address, headers=headers, limits=limits, timeout=_PATIENCE)
    return SimulatedVisitor(client, address)


def texts(sentences: Sequence[str]) -> Iterator[str]:
    """Sentences without end, in no process the same."""
    of = uuid4().hex[:6]
    return (f"{text}, film {number} of {of}" for number in itertools.count(1) for text in sentences)


# What they do ---------------------------------------------------------------------------------


async def crowd(address: str, asked: Sequence[str]) -> dict[str, Any]:
    """All open the page at once; when all have it, each asks within the same two seconds."""
    visitors = [_visitor(address) for _ in asked]
    began = time.perf_counter()
    await asyncio.gather(*(visitor.open() for visitor in visitors))
    opened = time.perf_counter()
    answers: list[TimedAnswer] = []
    arrived: list[float] = []
    filled: list[float] = []

    async def visit(place: int, visitor: SimulatedVisitor, text: str) -> float:
        await asyncio.sleep(_WITHIN * place / len(asked))
        sent = time.perf_counter()
        found = await visitor.search(text)
        answers.append(found)
        arrived.append(sent + found.wait)
        filled.append(sent + found.films)
        await visitor.panels(found.asked)
        return time.perf_counter()

    ended = await asyncio.gather(*map(visit, itertools.count(), visitors, asked))
    await asyncio.gather(*(visitor.client.aclose() for visitor in visitors))
    if (columns := {found.columns for found in answers}) != {3}:
        raise VisitError(f"not three columns but {sorted(columns)}")
    waits = sorted(found.wait for found in answers)
    return {
        "last_opened_s": opened - began,
        "median_wait_s": waits[len(waits) // 2],
        "longest_wait_s": waits[-1],
        "last_gallery_s": max(arrived) - opened,
        "last_film_s": max(filled) - opened,
        "last_panel_s": max(ended) - opened,
    }


async def beside_a_flood(address: str, fresh: Iterator[str]) -> dict[str, Any]:
    """How long one visitor waits for galleries, alone and while another asks as fast as it can."""
    visitor = _visitor(address)
    await visitor.open()
    await visitor.search(next(fresh))
    alone = [await visitor.search(next(fresh)) for _ in range(_QUESTIONS)]
    async with asyncio.TaskGroup() as tasks:
        sent = [0]
        flood = [tasks.create_task(_flood(address, fresh, sent)) for _ in range(_FLOODING)]
        await asyncio.sleep(3 * _EVERY)
        flooded = []
        for _ in range(_QUESTIONS):
            flooded.append(await visitor.search(next(fresh)))
            await asyncio.sleep(_EVERY)
        for each in flood:
            each.cancel()
    await visitor.client.aclose()
    quiet, waits = sorted(each.wait for each in alone), sorted(each.wait for each in flooded)
    usual = quiet[len(quiet) // 2]
    return {
        "alone_s": usual,
        "median_delay_s": waits[len(waits) // 2] - usual,
        "longest_delay_s": waits[-1] - usual,
        "longest_until_films_s": max(each.films for each in flooded),
        "flood": sent[0],
    }


async def _flood(address: str, fresh: Iterator[str], sent: list[int]) -> None:
    """Questions one after another, and no answer is waited for."""
    client = _visitor(address, "flood", 1).client
    async with client:
        while True:
            await client.post("gradio_api/call/search", json={"data": [next(fresh), "", 10]})
            sent[0] += 1


def main(address: str, what: str) -> None:
    began, fresh = time.process_time(), texts(json.load(sys.stdin))
    if what == "flood":
        seen = asyncio.run(beside_a_flood(address, fresh))
    else:
        asked = [next(fresh)] * VISITORS if what == "same" else [*itertools.islice(fresh, VISITORS)]
        seen = asyncio.run(crowd(address, asked))
    print(json.dumps(seen | {"client_cpu_s": time.process_time() - began}))


if __name__ == "__main__":
    main(*sys.argv[1:])
