"""What is kept of visits, and how much: gradio keeps something of every one, and lets go of little by itself.

Of a visit that is over there is nothing to keep: what the page needs between two questions the browser holds.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Final

from gradio.queueing import Queue

SESSIONS: Final = 500  # visits whose settings of panels are kept, some 0.2 MB each; gradio keeps 10,000
UNREAD: Final = 120.0  # seconds for which an answer waits to be fetched
_SWEPT_EVERY: Final = 10.0  # seconds; at the next event, since only events add to what is kept

# Gradio notes the last 10,000 events, with the sessions they came from, and makes statistics of all of them
# after each, for a dashboard that is not served.  These are its own settings, read when a queue is made.
os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "1")
os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", str(2**31))


class Visits:
    """Drops what the queue of a page keeps of visits that wait for nothing.

    On the server's loop only, where nothing of the queue changes meanwhile.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._answered: dict[str, float] = {}  # when a session was answered last
        self._swept = clock()

    def answered(self, session: str | None) -> None:
        """An event of a session has run, whether it is fetched or not."""
        if session is not None:
            self._answered[session] = self._clock()

    def sweep(self, queue: Queue) -> None:
        """Let go of sessions that have nothing under way and were answered some time ago."""
        now = self._clock()
        if now - self._swept < _SWEPT_EVERY:
            return
        self._swept = now
        under_way = queue.event_ids_to_events
        busy = {event.session_hash for event in under_way.values()}
        kept = {*queue.pending_event_ids_session, *queue.pending_messages_per_session}
        self._answered = {session: self._answered.get(session, now) for session in kept}
        for session in kept - busy:
            if now - self._answered[session] >= UNREAD:
                queue.pending_event_ids_session.pop(session, None)
                queue.pending_messages_per_session.pop(session, None)
        if queue.server_app is not None:  # events that were broken off
            queue.server_app.iterators_to_reset.intersection_update(under_way)
