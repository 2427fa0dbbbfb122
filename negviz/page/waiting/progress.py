"""How far the embedding of films is, in a sentence."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from negviz.page.waiting import words


class EmbeddingProgress:
    """Is told of films done and to do, by one thread, and says so to any."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self.said = ""
        self._clock = clock
        self._began = 0.0

    def __call__(self, done: int, films: int) -> None:
        """Of one collection after another; each begins with none done."""
        if done == 0:
            self._began = self._clock()
        left = (self._clock() - self._began) / done * (films - done) if done else None
        self.said = words.embedded(done, films, left)
