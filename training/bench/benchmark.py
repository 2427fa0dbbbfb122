"""How long the page takes, beside the least it could take: everything in one run, so that ratios hold.

    python -m training benchmark

First the parts of an answer in this process (`training.bench.costs`); then the app is started as a visitor
finds it: answer times over HTTP, first paint, memory.
"""

from __future__ import annotations

import argparse
import itertools
import os
import platform
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx2
import torch

from negviz.common.files import write_json
from negviz.models.family import load_models
from negviz.page.launch import share_cores
from negviz.page.opened import find_pictures, in_order, open_collections, open_sets
from negviz.page.room import Room
from training.bench.costs import Timings, clock, measure_costs, ratios
from training.bench.running import RunningApp, add_app_options, arguments, chromium, run_app, search
from training.bench.sentences import sentences
from training.paths import Paths

if TYPE_CHECKING:
    from playwright.sync_api import Browser

VISITORS: Final = {1: 10, 10: 3, 80: 1}  # how many at once: how often
_TABS: Final = ("Lesson", "Many sentences", "Evidence", "About")
_PAINTED: Final = "document.querySelectorAll('.nv-tile').length > 0 && document.fonts.status === 'loaded'"
_PATIENCE: Final = 120_000  # milliseconds


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_app_options(parser, "benchmark.json")


def run(args: argparse.Namespace) -> int:
    """Measure and write; whether a target was met is for the reader to judge.  Raises `RunningError`."""
    began = time.perf_counter()
    room = open_room(args.family, args.collection)
    share_cores()  # as where it is served
    facts = machine()
    costs = measure_costs(room, sentences())
    with chromium() as browser, run_app(*arguments(args.family, args.collection)) as running:
        page: dict[str, float | None] = {**look(browser, running)}
        visitors = {
            str(number): answer_times(running.address, number, often) for number, often in VISITORS.items()
        }
        page |= {"peak_memory_mb": _mb(running.peak_bytes())}
    aims = targets(costs, page)
    found = {
        "command": "python -m training benchmark",
        "machine": facts,
        "family": {"name": next(iter(room.models.values())).family, "models": [*room.models]},
        "films": {"set": room.sets[0].name, "number": len(room.sets[0])},
        "costs": _plain(costs),
        "ratios": ratios(costs),
        "visitors_at_once": _plain(visitors),
        "page": page,
        "targets": aims,
        "seconds": round(time.perf_counter() - began, 1),
    }
    write_json(args.json or Paths(args.family).results / "benchmark.json", found)
    for name, target in aims.items():
        print(f"{name}: {target['measured']} {target['unit']}, wanted at most {target['most']}")
    return 0


def open_room(family: Path, collection: str | None) -> Room:
    """What the app opens, without the films it would fetch."""
    collections = open_collections(collection, None)
    pictures = find_pictures(collections, None)
    models = load_models(family)
    return Room(models, in_order(open_sets(models, collections), pictures), pictures)


# The app, from outside ------------------------------------------------------------------------


def answer_times(address: str, visitors: int, rounds: int) -> Timings:
    """From a question to its answer over HTTP, for so many visitors at once, each with a sentence."""
    texts = sentences()[:visitors]
    limits = httpx2.Limits(max_connections=None)
    with httpx2.Client(limits=limits) as client, ThreadPoolExecutor(visitors) as crowd:
        search(client, address, texts[0])

        def ask(text: str) -> float:
            return clock(lambda text: search(client, address, text), text, None)

        return Timings.of(itertools.chain.from_iterable(list(crowd.map(ask, texts)) for _ in range(rounds)))


def look(browser: Browser, running: RunningApp) -> dict[str, float]:
    """Open the page, wait until the films' columns are painted, count what came; then open every tab."""
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    page, came = context.new_page(), [0.0]
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    network.on("Network.loadingFinished", lambda done: came.append(done["encodedDataLength"]))
    began = time.perf_counter()
    page.goto(running.address, wait_until="commit")
    page.wait_for_function(_PAINTED, timeout=_PATIENCE)
    painted = time.perf_counter() - began
    page.wait_for_timeout(3_000)  # what loads later, but by itself, counts too
    size = sum(came)
    for tab in _TABS:
        page.get_by_role("tab", name=tab).click()
        page.wait_for_selector(f".nv-{tab.partition(' ')[0].lower()}", timeout=_PATIENCE)
    context.close()
    return {
        "start_to_ready_s": round(running.seconds, 2),
        "ready_to_first_paint_s": round(painted, 2),
        "start_to_first_paint_s": round(running.seconds + painted, 2),
        "first_paint_mb": round(size / 1e6, 3),
    }


# What is written ------------------------------------------------------------------------------


def machine() -> dict[str, Any]:
    """What the times depend on; nothing that tells whose machine it is."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "cores": cores,
        "architecture": platform.machine(),
        "load_before": [round(load, 1) for load in os.getloadavg()],
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "torch_threads": torch.get_num_threads(),
    }


def targets(costs: Mapping[str, Timings], page: Mapping[str, float | None]) -> dict[str, dict[str, Any]]:
    """What was wanted on two idle cores, and what was measured here."""
    wanted = [
        ("galleries", costs["galleries"].median_ms, 150, "ms"),
        ("galleries_to_text_passes", ratios(costs)["galleries_to_text_passes"], 1.3, "times"),
        ("words", costs["words"].median_ms, 600, "ms"),
        ("map", costs["map"].median_ms if "map" in costs else None, 300, "ms"),
        ("start_to_first_paint", page["start_to_first_paint_s"], 8, "s"),
        ("first_paint", page["first_paint_mb"], 2, "MB"),
        ("peak_memory", page["peak_memory_mb"], 2_000, "MB"),
    ]
    return {
        name: {
            "measured": measured,
            "most": most,
            "unit": unit,
            "met": None if measured is None else measured <= most,
        }
        for name, measured, most, unit in wanted
    }


def _plain(times: Mapping[str, Timings]) -> dict[str, Any]:
    return {name: asdict(one) for name, one in times.items()}


def _mb(size: int | None) -> float | None:
    return None if size is None else round(size / 1e6, 1)
