"""What is kept of visits, and how much: gradio keeps something of every one, and lets go of little by itself.

Of a visit that is over there is nothing to keep: what the page needs between two questions the browser holds.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Final

from gradio.blocks import BlocksConfig
from gradio.queueing import Queue

SESSIONS: Final = 500  # visits whose settings of panels are kept; gradio keeps 10,000
UNREAD: Final = 120.0  # seconds for which an answer waits to be fetched
MOST_UNREAD: Final = 8_192  # sessions with which the queue is not done; more than wait in the lanes
_SWEPT_EVERY: Final = 10.0  # seconds; at the next event, since only events add to what is kept

# Gradio notes the last 10,000 events, with the sessions they came from, and makes statistics of all of them
# after each, for a dashboard that is not served.  These are its own settings, read when a queue is made.
os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "1")
os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", str(2**31))


class PageConfig(BlocksConfig):
    """A page's components and events, of which gradio gives every session a copy.

    It would describe every component to each anew, for links to a session's state that nothing here makes:
    that kept the server's loop busy for longer than all else that is done to take a question.
    """

    def __copy__(self) -> BlocksConfig:
        of_session: BlocksConfig = super().__copy__()  # type: ignore[no-untyped-call]
        of_session.config_for_block = lambda *_: {}  # type: ignore[method-assign]
        return of_session


class Visits:
    """Drops what the queue of a page keeps of visits that wait for nothing, and of no other.

    Of 2,000 sessions gradio would throw out the oldest, which may well be one that somebody is looking at.
    On the server's loop only, where nothing of the queue changes meanwhile.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._answered: dict[str, float] = {}  # when a session was answered last; the oldest first
        self._swept = clock()

    def answered(self, session: str | None) -> None:
        """An event of a session has run, whether it is fetched or not."""
        if session is not None:
            self._answered.pop(session, None)
            self._answered[session] = self._clock()

    def sweep(self, queue: Queue) -> None:
        """Let go of sessions that have nothing under way and were answered some time ago.

        Where there are too many it is half of them, those first that were answered first.
        """
        now, number = self._clock(), len(queue.pending_messages_per_session)
        if now - self._swept < _SWEPT_EVERY and number <= MOST_UNREAD:
            return
        self._swept = now
        under_way = queue.event_ids_to_events
        busy = {event.session_hash for event in under_way.values()}
        kept = {*queue.pending_event_ids_session, *queue.pending_messages_per_session}
        known = {session: when for session, when in self._answered.items() if session in kept}
        self._answered = known | dict.fromkeys(kept - known.keys(), now)
        surplus = number - MOST_UNREAD // 2 if number > MOST_UNREAD else 0
        idle = [session for session in self._answered if session not in busy]
        for place, session in enumerate(idle):
            if place < surplus or now - self._answered[session] >= UNREAD:
                queue.pending_event_ids_session.pop(session, None)
                queue.pending_messages_per_session.pop(session, None)
        if queue.server_app is not None:  # events that were broken off
            queue.server_app.iterators_to_reset.intersection_update(under_way)
