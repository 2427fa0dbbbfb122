"""Where the pictures of the films come from: this machine, NLM, or nowhere."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from negviz.common.download import DownloadError
from negviz.films.collection import OPENI, PHANTOMS, Collection, CollectionError, Film
from negviz.films.on_demand import Openi
from negviz.films.openi import IMAGE_HOST, read_reports
from negviz.page import words
from negviz.page.server.once import EachOnce


class Pictures:
    """The images of the films of the open collections: their own, then those that can be fetched."""

    def __init__(self, *collections: Collection, openi: Openi | None = None) -> None:
        """`openi` fetches films of the collection of that name; without it nothing is fetched.

        Raises `CollectionError` where two collections have a film of the same id.
        """
        self.collections = {collection.name: collection for collection in collections}
        self.openi = openi
        home: dict[str, Collection] = {}
        for collection in collections:
            for film in collection:
                if film.id in home:
                    raise CollectionError(
                        f"The collections {home[film.id].name!r} and {collection.name!r} both have a film "
                        f"{film.id!r}; open one of them alone, with --collection."
                    )
                home[film.id] = collection
        self._at_hand: dict[str, int] = {}
        self.reports = EachOnce(read_reports, most=len(collections))  # of an archive that lies beside films

    def film(self, film_id: str) -> Film:
        """The film of that id in whichever collection.  Raises `CollectionError`."""
        return self._of(film_id).by_id(film_id)

    def hoped_for(self, film: Film) -> bool:
        """Whether it is worth asking for a film's picture; at once, so on demand it may still fail."""
        collection = self._of(film.id)
        return self._fetched(collection) is not None or collection.image_path(film) is not None

    async def find(self, film_id: str, *, wait: float) -> Path | None:
        """The image of a film; None where it is still on its way after `wait` seconds.

        Raises `CollectionError` where there is no such film, `DownloadError` where it cannot be fetched.
        """
        collection = self._of(film_id)
        path = collection.image_path(collection.by_id(film_id))
        if path is not None:
            return path
        openi = self._fetched(collection)
        if openi is None:
            raise CollectionError(f"The image of film {film_id!r} is not at hand.")
        try:
            return await openi.films.take(film_id, wait=wait)
        except DownloadError as error:
            if error.reason == "slow" and openi.films.missing(film_id) is None:
                return None
            raise

    def can_be_had(self, name: str) -> bool | None:
        """Whether the films of a collection can be shown; None: not known yet.  Never waits."""
        collection = self.collections[name]
        if self.at_hand(name) == len(collection):
            return True
        openi = self._fetched(collection)
        return False if openi is None else openi.films.reachable()

    def lost(self, name: str) -> bool:
        """Whether not one film of a collection is here, and none is to be had.  Never waits."""
        return self.at_hand(name) == 0 and self.can_be_had(name) is False

    def origin(self, name: str | None = None) -> tuple[str, bool]:
        """Where films of a collection (the first) come from, in words, and whether that is settled."""
        name = next(iter(self.collections)) if name is None else name
        if name == PHANTOMS and OPENI in self.collections:
            had = self.can_be_had(OPENI)
            return words.simulated(had, asked=self.openi is not None), had is not None
        openi, films = self._fetched(self.collections[name]), len(self.collections[name])
        if openi is None or self.at_hand(name) == films:
            return words.origin(self.at_hand(name), films), True
        reached = openi.films.reachable()
        host = openi.downloader.host
        called = "NLM" if host == IMAGE_HOST else urlsplit(host).netloc
        return words.origin(self.at_hand(name), films, called, reached=reached), reached is not None

    def at_hand(self, name: str) -> int:
        """How many films of a collection lie on this machine; counted once."""
        if name not in self._at_hand:
            collection = self.collections[name]
            self._at_hand[name] = sum(collection.image_path(film) is not None for film in collection)
        return self._at_hand[name]

    def _fetched(self, collection: Collection) -> Openi | None:
        return self.openi if collection.name == OPENI else None

    def _of(self, film_id: str) -> Collection:
        for collection in self.collections.values():
            with suppress(CollectionError):
                collection.by_id(film_id)
                return collection
        raise CollectionError(f"There is no film {film_id!r} here.")
