"""One sentence put to every model: what each found, how much of it is right, and what chance would give.

    sets = search_sets(models, collection)          # once, at start: embeddings stay in memory
    answer(models, sets[0], "No pleural effusion")  # for every sentence

The page, its endpoint and anything else that shows an answer render an `Answer`; none of them counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np

from negviz.collection import Collection, judge
from negviz.embeddings import Progress, film_embeddings
from negviz.findings import Polarity
from negviz.model import DualEncoder
from negviz.prompt import MAX_CHARACTERS, Mention, Prompt, read_prompt
from negviz.retrieval import Hit, Vectors, search

MAX_HITS: Final = 100


class AnswerError(ValueError):
    """A question that cannot be put to the models; the message is one sentence that says what to do."""


# Films that are searched together -------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class SearchSet:
    """Some films of a collection and what each image tower makes of them."""

    name: str  # "test" or "all"
    collection: Collection
    embeddings: Mapping[str, Vectors]  # float32 [films, dim] by tower_id

    def __len__(self) -> int:
        return len(self.collection)


def search_sets(
    models: Mapping[str, DualEncoder], collection: Collection, *, progress: Progress | None = None
) -> tuple[SearchSet, ...]:
    """The sets a visitor may search, the default first.

    Films used in tuning flatter a model, so where a collection has test films they are the default; where
    it has none there is one set, of everything.  Raises `EmbeddingsError` as `film_embeddings` does.
    """
    towers = {model.tower_id: model for model in models.values()}
    embeddings = {id_: film_embeddings(model, collection, progress=progress) for id_, model in towers.items()}
    everything = SearchSet("all", collection, embeddings)
    chosen = np.array([film.split == "test" for film in collection])
    if not chosen.any():
        return (everything,)
    rows = {id_: matrix[chosen] for id_, matrix in embeddings.items()}
    return (SearchSet("test", collection.select("test"), rows), everything)


# Answers --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tally:
    """How many films satisfy a prompt, contradict it, or do not say."""

    matches: int
    contradicts: int
    not_stated: int

    @classmethod
    def of(cls, verdicts: Iterable[bool | None]) -> Tally:
        given = list(verdicts)
        return cls(given.count(True), given.count(False), given.count(None))

    @property
    def judged(self) -> int:
        return self.matches + self.contradicts

    def expected_in(self, films: int) -> float | None:
        """Matches among as many judged films picked at random; None where no film is judged."""
        return films * self.matches / self.judged if self.judged else None


@dataclass(frozen=True)
class Column:
    """What one model answers."""

    model: str
    hits: tuple[Hit, ...]
    tally: Tally  # of the hits
    random_picks: float | None  # matches to expect among the judged hits by chance
    showing: int | None  # hits whose film has the one finding asked about; None where that is not one


@dataclass(frozen=True)
class Answer:
    """What every model answers to one sentence, in column order."""

    prompt: Prompt
    mentions: tuple[Mention, ...]  # what the films are judged by: as read, or as the visitor meant it
    cut: bool  # the sentence went on beyond MAX_CHARACTERS
    marked: bool  # hits are judged: something was recognised, and no part of it is uncertain
    tally: Tally  # of all films searched
    columns: tuple[Column, ...]

    def plain(self) -> dict[str, Any]:
        """The answer as JSON."""
        return {
            "prompt": self.prompt.text,
            "finding": self.prompt.finding,
            "polarity": self.prompt.polarity,
            "mentions": [asdict(mention) for mention in self.mentions],
            "marked": self.marked,
            "films": asdict(self.tally),
            "models": {column.model: _plain(column) for column in self.columns},
        }


def answer(
    models: Mapping[str, DualEncoder],
    films: SearchSet,
    text: str,
    *,
    k: int = 10,
    meant: tuple[str, Polarity] | None = None,
) -> Answer:
    """Put `text` to every model and judge the `k` best films of each.

    `meant` is what the reader should have understood: it changes the marking, not the films.  Raises
    `AnswerError` for an empty sentence and for `k` outside 1 … `MAX_HITS`.
    """
    if not 1 <= k <= MAX_HITS:
        raise AnswerError(f"k must lie between 1 and {MAX_HITS}, not be {k}.")
    prompt = _read(text)
    mentions = prompt.mentions if meant is None else (Mention(*meant, span=(0, 0)),)
    marked = bool(mentions) and all(mention.polarity != "uncertain" for mention in mentions)
    judged = replace(prompt, mentions=mentions if marked else ())
    overall = Tally.of(judge(film, judged) for film in films.collection)
    columns = tuple(_column(model, films, judged, k, overall) for model in models.values())
    return Answer(prompt, mentions, len(text) > MAX_CHARACTERS, marked, overall, columns)


def _read(text: str) -> Prompt:
    # A browser may send half a surrogate pair, which neither JSON nor a tokenizer takes.
    clean = text[:MAX_CHARACTERS].encode("utf-16", "surrogatepass").decode("utf-16", "replace").strip()
    if not clean:
        raise AnswerError("Type a sentence to search for, such as “No pleural effusion”.")
    return read_prompt(clean)


def _column(model: DualEncoder, films: SearchSet, prompt: Prompt, k: int, overall: Tally) -> Column:
    hits = search(model, films.collection, prompt, k, embeddings=films.embeddings[model.tower_id])
    tally = Tally.of(hit.relevant for hit in hits)
    showing = _showing(films.collection, prompt, hits)
    return Column(model.name, tuple(hits), tally, overall.expected_in(tally.judged), showing)


def _showing(collection: Collection, prompt: Prompt, hits: Iterable[Hit]) -> int | None:
    if len(prompt.mentions) != 1 or prompt.mentions[0].finding == "normal":
        return None
    finding = prompt.mentions[0].finding
    return sum(collection.by_id(hit.id).states(finding, "present") is True for hit in hits)


def _plain(column: Column) -> dict[str, Any]:
    return {
        "hits": [asdict(hit) for hit in column.hits],
        **asdict(column.tally),
        "judged": column.tally.judged,
        "random_picks": column.random_picks,
    }
