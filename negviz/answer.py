"""One sentence put to every model: what each found, how much of it is right, and what chance would give.

    sets = search_sets(models, collection)          # once, at start: embeddings stay in memory
    answer(models, sets[0], "No pleural effusion")  # for every sentence

The page, its endpoint and anything else that shows an answer render an `Answer`; none of them counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from negviz.collection import Film, judge
from negviz.findings import Polarity
from negviz.metrics import draw, interval
from negviz.model import DualEncoder
from negviz.normal import normalise
from negviz.opposite import CONTRARY, canonical
from negviz.prompt import MAX_CHARACTERS, Mention, Prompt, read_prompt
from negviz.reading import read
from negviz.retrieval import Hit, Ranking, Vectors, in_order
from negviz.search_set import SearchSet, search_sets

MAX_HITS: Final = 100
_RESAMPLES: Final = 1_000

__all__ = [
    "MAX_HITS",
    "Answer",
    "AnswerError",
    "Column",
    "Margin",
    "SearchSet",
    "Tally",
    "answer",
    "ranks",
    "search_sets",
]


class AnswerError(ValueError):
    """A question that cannot be put to the models; the message is one sentence that says what to do."""


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
class Margin:
    """By how much the hits are nearer to a sentence than to its opposite.

    `value` is the mean over the hits of cos(film, sentence) − cos(film, opposite); `low` and `high` bound
    95 % of its values over hits drawn with replacement.
    """

    value: float
    low: float
    high: float

    @property
    def separates(self) -> bool:
        """Whether zero lies outside the interval: the model tells the two sentences apart."""
        return not self.low <= 0 <= self.high

    @classmethod
    def of(cls, differences: npt.NDArray[np.floating[Any]]) -> Margin:
        """From the difference of the two similarities of each hit, [hits]."""
        resampled = draw(len(differences), times=_RESAMPLES, seed=0) @ differences / len(differences)
        low, high = interval(resampled) or (0.0, 0.0)
        return cls(float(differences.mean()), low, high)


@dataclass(frozen=True)
class Column:
    """What one model answers."""

    model: str
    hits: tuple[Hit, ...]
    tally: Tally  # of the hits
    random_picks: float | None  # matches to expect among the judged hits by chance
    showing: int | None  # hits whose film has the one finding asked about; None where that is not one
    margin: Margin | None = None  # None where the sentence has no opposite
    ranking: Ranking | None = field(default=None, compare=False, repr=False)  # of all films searched


@dataclass(frozen=True)
class Answer:
    """What every model answers to one sentence, in column order."""

    prompt: Prompt
    mentions: tuple[Mention, ...]  # what the films are judged by: as read, or as the visitor meant it
    cut: bool  # the sentence went on beyond MAX_CHARACTERS
    marked: bool  # hits are judged: something was recognised, and no part of it is uncertain
    tally: Tally  # of all films searched
    columns: tuple[Column, ...]
    opposite: Prompt | None = None  # as read, or as the visitor worded it
    scopes: tuple[tuple[int, int], ...] = ()  # character offsets that the cues of the sentence reach over

    def judge(self, film: Film) -> bool | None:
        """Whether a film is right for the sentence; None where it does not say, or nothing is marked."""
        return judge(film, self.judged)

    @property
    def judged(self) -> Prompt:
        """The prompt with what films are judged by in place of what was read."""
        return replace(self.prompt, mentions=self.mentions if self.marked else ())

    def plain(self) -> dict[str, Any]:
        """The answer as JSON."""
        return {
            "prompt": self.prompt.text,
            "finding": self.prompt.finding,
            "polarity": self.prompt.polarity,
            "mentions": [asdict(mention) for mention in self.mentions],
            "marked": self.marked,
            "opposite": self.opposite.text if self.opposite else None,
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
    opposite: str = "",
) -> Answer:
    """Put `text` to every model and judge the `k` best films of each.

    `meant` is what the reader should have understood: it changes the marking, not the films.  `opposite`
    words the contrary sentence where ours will not do.  Raises `AnswerError` for an empty sentence and for
    `k` outside 1 … `MAX_HITS`.
    """
    if not 1 <= k <= MAX_HITS:
        raise AnswerError(f"k must lie between 1 and {MAX_HITS}, not be {k}.")
    prompt = _read(text)
    mentions = prompt.mentions if meant is None else (Mention(*meant, span=(0, 0)),)
    marked = bool(mentions) and all(mention.polarity != "uncertain" for mention in mentions)
    judged = replace(prompt, mentions=mentions if marked else ())
    overall = Tally.of(judge(film, judged) for film in films.collection)
    against = _read(opposite) if opposite.strip() else _opposite(prompt, meant)
    return Answer(
        prompt=prompt,
        mentions=mentions,
        cut=len(text) > MAX_CHARACTERS,
        marked=marked,
        tally=overall,
        columns=tuple(_column(model, films, judged, against, k, overall) for model in models.values()),
        opposite=against,
        scopes=_scopes(prompt.text),
    )


def ranks(answer: Answer, films: SearchSet, film_id: str) -> dict[str, Hit]:
    """Where every model ranks one of the films searched.  Raises `CollectionError` for any other."""
    relevant = answer.judge(films.collection.by_id(film_id))
    found = {}
    for column in answer.columns:
        if column.ranking is not None:
            place = column.ranking.ids.index(film_id)
            found[column.model] = Hit(film_id, place + 1, float(column.ranking.scores[place]), relevant)
    return found


def _read(text: str) -> Prompt:
    # A browser may send half a surrogate pair, which neither JSON nor a tokenizer takes.
    clean = text[:MAX_CHARACTERS].encode("utf-16", "surrogatepass").decode("utf-16", "replace").strip()
    if not clean:
        raise AnswerError("Type a sentence to search for, such as “No pleural effusion”.")
    return read_prompt(clean)


def _opposite(prompt: Prompt, meant: tuple[str, Polarity] | None) -> Prompt | None:
    """The contrary of what was read or, where the visitor says it was something else, of that."""
    if meant is None:
        return prompt.opposite
    finding, polarity = meant
    if polarity == "uncertain":
        return None
    reworded, wanted = prompt.opposite, (finding, CONTRARY[polarity])
    if reworded is not None and (reworded.finding, reworded.polarity) == wanted:
        return reworded
    return read_prompt(canonical(*wanted))


def _scopes(text: str) -> tuple[tuple[int, int], ...]:
    """What the cues of a text govern, in its own characters, cues themselves left out."""
    normal = normalise(text)
    scopes = []
    for cue in read(normal.text)[1]:
        start, end = cue.scope
        stretch = normal.text[start:end]
        if cue.kind in ("negation", "uncertainty") and stretch.strip():
            start += len(stretch) - len(stretch.lstrip())
            scopes.append(normal.origin(start, start + len(stretch.strip())))
    return tuple(scopes)


def _column(
    model: DualEncoder, films: SearchSet, prompt: Prompt, against: Prompt | None, k: int, overall: Tally
) -> Column:
    vectors = films.embeddings[model.tower_id]
    own, *opposed = model.encode_text([prompt.text, *([against.text] if against else [])])  # in one pass
    ranking = in_order(films.collection, vectors @ own)
    best = [films.collection.by_id(id_) for id_ in ranking.ids[:k]]
    hits = tuple(
        Hit(film.id, place, float(score), judge(film, prompt))
        for place, (film, score) in enumerate(zip(best, ranking.scores[:k], strict=True), start=1)
    )
    tally = Tally.of(hit.relevant for hit in hits)
    return Column(
        model=model.name,
        hits=hits,
        tally=tally,
        random_picks=overall.expected_in(tally.judged),
        showing=_showing(prompt, best),
        margin=_margin(vectors[films.collection.rows(best)], own, *opposed),
        ranking=ranking,
    )


def _margin(films: Vectors, own: Vectors, opposed: Vectors | None = None) -> Margin | None:
    """`films` [hits, dim]; the sentence and its opposite [dim]."""
    return None if opposed is None else Margin.of(films @ own - films @ opposed)


def _showing(prompt: Prompt, films: Iterable[Film]) -> int | None:
    if len(prompt.mentions) != 1 or prompt.mentions[0].finding == "normal":
        return None
    finding = prompt.mentions[0].finding
    return sum(film.states(finding, "present") is True for film in films)


def _plain(column: Column) -> dict[str, Any]:
    margin = column.margin
    return {
        "hits": [asdict(hit) for hit in column.hits],
        **asdict(column.tally),
        "judged": column.tally.judged,
        "random_picks": column.random_picks,
        "margin": asdict(margin) | {"separates": margin.separates} if margin else None,
    }
