"""What is kept of visits that are over is bounded; and the command that measures it."""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn

from negviz.films.collection import Collection
from negviz.models.encoder import DualEncoder
from negviz.page.build import build_page
from negviz.page.pictures import Pictures
from negviz.page.room import Room
from negviz.page.serve import mount_page
from negviz.page.server.visits import SESSIONS, UNREAD, Visits
from negviz.retrieval.answer import search_sets
from training.__main__ import main
from training.bench import visits as played
from training.bench.running import RunningApp, free_port
from training.report.curves import draw_visits

FEW = 5
VISITS = 60


@dataclass
class Served:
    """The page as it is served, on a loop in a thread of its own."""

    running: RunningApp
    page: Any = None
    now: float = 0.0


@pytest.fixture
def served(models: dict[str, DualEncoder], collection: Collection) -> Iterator[Served]:
    """With room for few sessions, at a time of its own."""
    room = Room(models, search_sets(models, collection), Pictures(collection))
    port, ready = free_port(), Future[uvicorn.Server]()
    found = Served(RunningApp(f"http://127.0.0.1:{port}/", os.getpid(), 0.0))

    async def serve() -> None:
        found.page = build_page(room)
        assert found.page.state_session_capacity == SESSIONS
        found.page.state_session_capacity, found.page.visits = FEW, Visits(lambda: found.now)
        app = mount_page(found.page, room, "")
        server = uvicorn.Server(
            uvicorn.Config(app, port=port, log_level="error", timeout_graceful_shutdown=1)
        )
        ready.set_result(server)
        await server.serve()

    thread = threading.Thread(target=asyncio.run, args=[serve()])
    thread.start()
    server = ready.result(60)
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.05)
    yield found
    server.should_exit = True
    thread.join(60)


@pytest.mark.timing
def test_what_gradio_keeps_of_visits_does_not_grow_with_them(served: Served) -> None:
    played.play(served.running, visits=VISITS, every=VISITS)
    served.now = 2 * UNREAD
    played.play(served.running, visits=1, every=1)  # whoever comes next
    page, app, queue = served.page, served.page.app, served.page._queue
    kept = {
        "sessions": app.state_holder.session_data,
        "last used": app.state_holder.time_last_used,
        "messages": queue.pending_messages_per_session,
        "unread events": queue.pending_event_ids_session,
        "statistics": queue.event_analytics,
        "iterators": app.iterators,
        "iterators broken off": app.iterators_to_reset,
        "streams": page.pending_streams,
        "differences": page.pending_diff_streams,
    }
    assert {name: len(each) for name, each in kept.items() if len(each) > FEW + 1} == {}
    assert queue.events_recorded > VISITS


def test_an_answer_waits_to_be_fetched_while_its_session_has_nothing_else_under_way() -> None:
    now = [0.0]
    queue: Any = SimpleNamespace(
        event_ids_to_events={"running": SimpleNamespace(session_hash="busy")},
        pending_event_ids_session={"busy": {"running"}, "unread": {"done"}, "read": set()},
        pending_messages_per_session={"busy": 1, "unread": 1, "read": 1},
        server_app=SimpleNamespace(iterators_to_reset={"running", "done"}),
    )
    kept = Visits(lambda: now[0])
    kept.answered("read")
    now[0] = UNREAD / 2
    kept.answered("unread")
    now[0] = UNREAD
    kept.sweep(queue)
    assert queue.pending_messages_per_session.keys() == {"busy", "unread"}
    assert queue.server_app.iterators_to_reset == {"running"}
    now[0] = 2 * UNREAD
    kept.sweep(queue)
    assert queue.pending_messages_per_session.keys() == queue.pending_event_ids_session.keys() == {"busy"}


# The command ----------------------------------------------------------------------------------


def test_visits_are_of_every_kind_and_ask_what_nobody_asked_before() -> None:
    kinds = [played.kind_of(number) for number in range(1_000)]
    assert set(kinds) == set(played.KINDS)
    assert kinds.count("stays") == 10
    asked = [played.sentence(number) for number in range(5_000)]
    assert len(set(asked)) > 2_000


def test_growth_is_that_of_the_second_half() -> None:
    samples: list[played.Sample] = [
        {"visits": n, "mb": 100.0 + min(n, 500) / 10} for n in range(0, 1_001, 100)
    ]
    assert played.growth(samples) == 0.0
    rising: list[played.Sample] = [{"visits": n, "mb": n / 100} for n in range(0, 1_001, 100)]
    assert played.growth(rising) == 10.0


@pytest.mark.timing
def test_the_command_plays_visits_and_draws_the_memory(
    family_folder: Path, collection_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    to = tmp_path / "visits.json"
    family = ["--family", str(family_folder), "--collection", str(collection_folder)]
    assert main(["visits", *family, "--visits", "20", "--every", "5", "--json", str(to)]) == 0
    found = json.loads(to.read_text("utf-8"))
    assert [sample["visits"] for sample in found["memory"]] == [0, 5, 10, 15, 20]
    assert all(sample["mb"] > 50 for sample in found["memory"])
    assert sum(found["kinds"].values()) == 20
    assert to.with_suffix(".svg").read_text("utf-8") == draw_visits(found)


def test_too_few_visits_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["visits", "--visits", "10"]) == 2
    assert "twice --every" in capsys.readouterr().err
