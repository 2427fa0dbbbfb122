"""Whether the page's memory stays level, visit after visit: the app from outside, as its visitors use it.

    python -m training visits

Visitors open the page, keep its heartbeat, ask a sentence through the queue (every other one a sentence that
nobody asked before), look at a few films and go.  One in ten lets every panel answer, one in ten never
fetches the answer, one in ten breaks off while it waits, and some leave their heartbeat open until the end.
The memory of the app's process is read along the way and written, with a picture beside it.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypedDict, get_args

import httpx2
import numpy as np

from negviz.common.files import write_atomically, write_json
from training.bench.benchmark import machine
from training.bench.running import RunningApp, RunningError, add_app_options, arguments, run_app
from training.bench.sentences import sentences
from training.options import count
from training.paths import Paths
from training.report.curves import draw_visits


class Sample(TypedDict):
    """What the app's process held after so many visits."""

    visits: int
    mb: float


VisitorKind = Literal["ordinary", "all panels", "never fetches", "breaks off", "stays"]
KINDS: Final[tuple[VisitorKind, ...]] = get_args(VisitorKind)
_AT_ONCE: Final = 4
_FILMS: Final = 4  # looked at in a visit
_KNOWN: Final = 12  # sentences that are asked again and again
_OF_TWENTY: Final[dict[VisitorKind, tuple[int, int]]] = {  # visits; one of each two asks what is new
    "all panels": (3, 4),
    "never fetches": (7, 8),
    "breaks off": (13, 14),
}
_WHEN: Final = (
    "",
    "today",
    "since yesterday",
    "after treatment",
    "before discharge",
    "on the second film",
    "at the base",
    "in the upper zone",
    "as was seen last year",
    "in this patient",
    "when compared with the earlier film",
    "on admission",
)
_PATIENCE: Final = 120.0  # seconds
_TILE: Final = re.compile(r'src="(film/tile\?[^"]+)"')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_app_options(parser, "visits.json", "phantoms")
    add = parser.add_argument
    add("--visits", type=count, default=5_000, metavar="N", help="how many (default: %(default)s)")
    every = "read the memory after so many (default: %(default)s)"
    add("--every", type=count, default=100, metavar="N", help=every)


def run(args: argparse.Namespace) -> int:
    """Play the visits and write the memory; whether it is level is for the reader to judge.

    Raises `RunningError`.
    """
    if args.visits < 2 * args.every:
        raise RunningError("Give --visits at least twice --every, so that there is something to compare.")
    began, facts = time.perf_counter(), machine()
    with run_app(*arguments(args.family, args.collection)) as running:
        samples = play(running, visits=args.visits, every=args.every)
    default = args.visits == 5_000 and args.every == 100
    found = {
        "command": "python -m training visits"
        + ("" if default else f" --visits {args.visits} --every {args.every}"),
        "machine": facts,
        "visits": args.visits,
        "kinds": {kind: sum(kind_of(n) == kind for n in range(args.visits)) for kind in KINDS},
        "memory": samples,
        "growth_mb_per_1000_visits": growth(samples),
        "seconds": round(time.perf_counter() - began, 1),
    }
    to = args.json or Paths(args.family).results / "visits.json"
    write_json(to, found)
    write_atomically(to.with_suffix(".svg"), draw_visits(found).encode())
    print(f"{found['growth_mb_per_1000_visits']} MB for 1,000 visits over the second half; wrote {to}")
    return 0


def growth(samples: Sequence[Sample]) -> float:
    """MB for 1,000 visits: the slope over the second half, where what is kept has filled."""
    visits, memory = ([sample[name] for sample in samples[len(samples) // 2 :]] for name in ("visits", "mb"))
    return round(1_000 * float(np.polyfit(visits, memory, 1)[0]), 2)


def play(running: RunningApp, *, visits: int, every: int) -> list[Sample]:
    """The memory before, after every so many and at the end.  Raises `RunningError`."""
    with ExitStack() as stays, ThreadPoolExecutor(_AT_ONCE) as crowd:
        # Connections are let go before the app lets them go: a request may not meet a closing one.
        limits = httpx2.Limits(max_connections=None, keepalive_expiry=2.0)
        client = stays.enter_context(
            httpx2.Client(base_url=running.address, timeout=_PATIENCE, limits=limits)
        )
        page = PageFunctions.read(client)

        def visit(number: int) -> None:
            Visit(client, page, number, stays).play()

        samples = [_sample(running, 0)]
        for start in range(0, visits, every):
            end = min(start + every, visits)
            list(crowd.map(visit, range(start, end)))
            samples.append(_sample(running, end))
            print(f"{end} visits, {samples[-1]['mb']} MB", flush=True)
    return samples


def _sample(running: RunningApp, visits: int) -> Sample:
    held = running.held_bytes()
    if held is None:
        raise RunningError("The memory of another process cannot be read here; Linux tells it under /proc.")
    return {"visits": visits, "mb": round(held / 1e6, 1)}


# One visit ------------------------------------------------------------------------------------


def kind_of(number: int) -> VisitorKind:
    if number % 100 == 0:
        return "stays"
    for kind, numbers in _OF_TWENTY.items():
        if number % 20 in numbers:
            return kind
    return "ordinary"


def sentence(number: int) -> str:
    """Every other visit asks what nobody asked before."""
    known = sentences()
    if number % 2 or number // 2 >= len(known) * len(_WHEN):
        return known[number // 2 % _KNOWN]
    text, when = known[number // 2 % len(known)], _WHEN[number // 2 // len(known)]
    return f"{text} {when}".strip()


@dataclass(frozen=True)
class PageFunctions:
    """What of the page's configuration a visitor's browser goes by."""

    functions: dict[str, int]  # by name
    panels: tuple[int, ...]  # functions that are called when there is an answer
    inputs: dict[int, tuple[int, ...]]  # components, by function
    outputs: dict[int, tuple[int, ...]]
    values: dict[int, Any]  # of components, as the page begins

    @classmethod
    def read(cls, client: httpx2.Client) -> PageFunctions:
        config = client.get("config").json()
        functions = config["dependencies"]
        named = {each["api_name"]: each["id"] for each in functions}
        answered = [[output, "change"] for output in functions[named["ask"]]["outputs"]]
        panels = tuple(
            each["id"]
            for each in functions
            if each["backend_fn"] and any(target in answered for target in each["targets"])
        )
        if not panels:  # a visitor would wait for ever for what they say
            raise RunningError("No panel of the page follows an answer; look at how its events are wired.")
        return cls(
            named,
            panels,
            {each["id"]: tuple(each["inputs"]) for each in functions},
            {each["id"]: tuple(each["outputs"]) for each in functions},
            {each["id"]: each["props"].get("value") for each in config["components"]},
        )


@dataclass
class Visit:
    """What one visitor does."""

    client: httpx2.Client
    page: PageFunctions
    number: int
    stays: ExitStack  # closes what is left open
    values: dict[int, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.values = dict(self.page.values)
        self.session = f"visit{self.number}"

    def play(self) -> None:
        kind = kind_of(self.number)
        self.client.get("")
        with ExitStack() as leaves:
            heartbeat = self.client.stream("GET", f"gradio_api/heartbeat/{self.session}")
            (self.stays if kind == "stays" else leaves).enter_context(heartbeat)
            ask = self.page.functions["ask"]
            self.values[self.page.inputs[ask][0]] = sentence(self.number)
            self._call(ask)
            if kind == "never fetches":
                return
            if kind == "breaks off":
                with self.client.stream("GET", self._data) as coming:
                    next(coming.iter_lines())
                return
            self._fetch()
            shown = str(self.values)
            for address in list(dict.fromkeys(_TILE.findall(shown)))[:_FILMS]:
                self.client.get(address.replace("&amp;", "&"))
            if kind == "all panels":
                for panel in self.page.panels:
                    self._call(panel)
                self._fetch()

    @property
    def _data(self) -> str:
        return f"gradio_api/queue/data?session_hash={self.session}"

    def _call(self, function: int) -> None:
        data = [self.values.get(component) for component in self.page.inputs[function]]
        body = {"data": data, "fn_index": function, "session_hash": self.session}
        joined = self.client.post("gradio_api/queue/join", json=body)
        if joined.is_error:
            raise RunningError(f"The app took no question (HTTP {joined.status_code}): {joined.text[:200]}")
        self._waiting = {**getattr(self, "_waiting", {}), joined.json()["event_id"]: function}

    def _take(self, components: Sequence[int], values: Sequence[Any]) -> None:
        for component, value in zip(components, values, strict=True):
            update = (
                value if isinstance(value, dict) and value.get("__type__") == "update" else {"value": value}
            )
            self.values |= {component: update["value"]} if "value" in update else {}

    def _fetch(self) -> None:
        with self.client.stream("GET", self._data) as coming:
            for line in coming.iter_lines():
                if not line.startswith("data:"):
                    continue
                message = json.loads(line.removeprefix("data:"))
                if message["msg"] == "process_completed":
                    if not message["success"]:
                        raise RunningError(f"The app gave no answer: {str(message['output'])[:200]}")
                    function = self._waiting[message["event_id"]]
                    self._take(self.page.outputs[function], message["output"]["data"])
                if message["msg"] == "close_stream":
                    return
        raise RunningError("The app broke off an answer; look at what it prints.")
