"""An app that was just started: until it was ready, and how soon it answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, TypeVar

import httpx2

from training.bench.costs import Timings, clock
from training.bench.running import RunningApp, RunningError, search

T = TypeVar("T")


@dataclass(frozen=True)
class Opened:
    """What its start and its first answers took; in seconds."""

    start: float
    start_processor: float
    first: float  # answer
    others: Timings

    @classmethod
    def of(cls, running: RunningApp, client: httpx2.Client, texts: Sequence[str]) -> Self:
        """Asked these sentences, one after another.  Raises `RunningError`."""
        started = readable(running.busy_seconds())
        first, *others = (
            clock(lambda text: search(client, running.address, text), text, None) for text in texts
        )
        return cls(running.seconds, started, first, Timings.of(others))

    def record(self) -> dict[str, float]:
        return {
            "start_s": round(self.start, 1),
            "start_processor_s": round(self.start_processor, 1),
            "first_answer_s": round(self.first, 2),
            "answer_median_s": round(self.others.median_ms / 1000, 2),
        }


def readable(value: T | None) -> T:
    """What an app takes.  Raises `RunningError` where that cannot be read."""
    if value is None:
        raise RunningError("What another process takes cannot be read here; Linux tells it under /proc.")
    return value
