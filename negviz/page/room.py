"""What was opened at start, and a question put to it: what every panel of the page is given."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, cast, get_args

from negviz.answer import Answer, AnswerError, SearchSet, answer
from negviz.findings import FINDINGS, Polarity
from negviz.model import DualEncoder
from negviz.page.pictures import Pictures

_REMEMBERED: Final = 256  # answers kept in memory, for the panels of one visit and for a whole room at once


@dataclass(frozen=True)
class Asked:
    """A question as the galleries answered it; it has been to the browser and back, so it is not trusted."""

    text: str
    films: str = ""  # the name of a search set; "" and unknown names mean the first
    meant: tuple[str, Polarity] | None = None  # what the visitor says the sentence says

    def json(self) -> str:
        return json.dumps({"text": self.text, "films": self.films, "meant": self.meant})

    @classmethod
    def read(cls, text: str | None) -> Asked:
        """What `json` wrote; an empty question where it is anything else."""
        try:
            given: Any = json.loads(text or "")
            meant = given["meant"]
            said = (meant[0], meant[1]) if meant else None
            if said is not None and (said[0] not in FINDINGS or said[1] not in get_args(Polarity)):
                said = None
            return cls(str(given["text"]), str(given["films"]), cast("tuple[str, Polarity] | None", said))
        except (ValueError, TypeError, LookupError):
            return cls("")


@dataclass(frozen=True, eq=False)
class Room:
    """Models, the sets that may be searched, and pictures of their films.  Only read, by any thread."""

    models: Mapping[str, DualEncoder]
    sets: tuple[SearchSet, ...]
    pictures: Pictures
    _answers: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_answers", lru_cache(maxsize=_REMEMBERED)(self._answer))

    def films(self, name: str) -> SearchSet:
        """The set of that name, else the first."""
        return next((films for films in self.sets if films.name == name), self.sets[0])

    def answer(self, asked: Asked) -> Answer:
        """The ten best films of every model; asked again, remembered.  Raises `AnswerError`."""
        return cast("Answer", self._answers(asked))

    def _answer(self, asked: Asked) -> Answer:
        return answer(self.models, self.films(asked.films), asked.text, meant=asked.meant)


__all__ = ["AnswerError", "Asked", "Room"]
