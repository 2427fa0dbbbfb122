"""Where the pictures of the films come from: this machine, NLM, or nowhere."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from negviz.collection import Collection, CollectionError, Film
from negviz.download import DownloadError
from negviz.on_demand import Openi
from negviz.openi import IMAGE_HOST
from negviz.page import words


@dataclass(frozen=True, eq=False)
class Pictures:
    """The images of a collection's films: its own, then those that can be fetched."""

    collection: Collection
    openi: Openi | None = None  # None: nothing is fetched

    def hoped_for(self, film: Film) -> bool:
        """Whether it is worth asking for a film's picture; at once, so on demand it may still fail."""
        return self.openi is not None or self.collection.image_path(film) is not None

    async def find(self, film_id: str, *, wait: float) -> Path | None:
        """The image of a film; None where it is still on its way after `wait` seconds.

        Raises `CollectionError` where there is no such film, `DownloadError` where it cannot be fetched.
        """
        path = self.collection.image_path(self.collection.by_id(film_id))
        if path is not None:
            return path
        if self.openi is None:
            raise CollectionError(f"The image of film {film_id!r} is not at hand.")
        try:
            return await self.openi.films.take(film_id, wait=wait)
        except DownloadError as error:
            if error.reason == "slow" and self.openi.films.missing(film_id) is None:
                return None
            raise

    def origin(self) -> tuple[str, bool]:
        """Where films come from, in words, and whether that is settled.  Never waits."""
        if self.openi is None or self._at_hand == len(self.collection):
            return words.origin(self._at_hand, len(self.collection)), True
        reached = self.openi.films.reachable()
        host = self.openi.downloader.host
        name = "NLM" if host == IMAGE_HOST else urlsplit(host).netloc
        return words.origin(self._at_hand, len(self.collection), name, reached=reached), reached is not None

    @cached_property
    def _at_hand(self) -> int:
        return sum(self.collection.image_path(film) is not None for film in self.collection)
