"""What the queue has to say to each session until it is read, so that nobody's is thrown out by a flood.

Gradio keeps 2,000 and throws out the oldest, which may well be the one that somebody is looking at.
"""

from __future__ import annotations

from asyncio import Queue
from collections import OrderedDict
from typing import Final

from gradio.server_messages import EventMessage, ProcessCompletedMessage

MOST: Final = 8_192  # more than may wait in the lanes together


class Mailboxes(OrderedDict[str, "Queue[EventMessage]"]):
    """By session, the oldest first; where there are too many the oldest answer that nobody fetched goes."""

    def __setitem__(self, session: str, messages: Queue[EventMessage]) -> None:
        if session not in self and len(self) >= MOST:
            unread = next((known for known, box in self.items() if _answered(box)), None)
            if unread is not None:
                del self[unread]
        super().__setitem__(session, messages)


def _answered(box: Queue[EventMessage]) -> bool:
    """Whether the last that lies in it is the end of an event."""
    waiting = box._queue  # type: ignore[attr-defined]  # asyncio tells the number of messages, and not the last
    return bool(waiting) and isinstance(waiting[-1], ProcessCompletedMessage)
