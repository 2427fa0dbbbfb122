"""One sentence put to every model: what each found, how much of it is right, and what chance would give.

    sets = search_sets(models, collection)          # once, at start: embeddings stay in memory
    answer(models, sets[0], "No pleural effusion")  # for every sentence

The page, its endpoint and anything else that shows an answer render an `Answer`; none of them counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from negviz.common.errors import NegvizError
from negviz.common.order import rank_of, top_k
from negviz.films.collection import Collection, Film, judge
from negviz.findings import Polarity
from negviz.language.normalise import normalise
from negviz.language.opposite import CONTRARY, canonical
from negviz.language.prompt import MAX_CHARACTERS, Mention, Prompt, Unclear, read_prompt, unclear
from negviz.language.reader import read
from negviz.models.encoder import DualEncoder, reads_of
from negviz.retrieval.answer_types import Answer, Column, Margin, Query, Tally, Unmarked
from negviz.retrieval.calibration import Calibration, Certainty, Seen
from negviz.retrieval.estimate import auroc_estimate
from negviz.retrieval.search import Hit, Vectors, cosines
from negviz.retrieval.sets import SearchSet, search_sets

MAX_HITS: Final = 100

__all__ = [
    "MAX_HITS",
    "Answer",
    "AnswerError",
    "Column",
    "Margin",
    "SearchSet",
    "Tally",
    "Unmarked",
    "answer",
    "probabilities",
    "ranks",
    "search_sets",
    "unjudged",
]


class AnswerError(NegvizError):
    """A question that cannot be put to the models; the message is one sentence that says what to do."""


def answer(
    models: Mapping[str, DualEncoder],
    films: SearchSet,
    text: str,
    *,
    k: int = 10,
    meant: tuple[str, Polarity] | None = None,
    opposite: str = "",
    calibrations: Mapping[str, Calibration] | None = None,
) -> Answer:
    """Put `text` to every model and judge the `k` best films of each, of the list of what it is about.

    `meant` is what the reader should have understood: it changes the marking and the list, not the order.
    `opposite` words the contrary sentence where ours will not do.  `calibrations`, by model, say how sure
    each may be.
    Raises `AnswerError` for an empty sentence and for `k` outside 1 … `MAX_HITS`.
    """
    if not 1 <= k <= MAX_HITS:
        raise AnswerError(f"k must lie between 1 and {MAX_HITS}, not be {k}.")
    prompt = _read(text, models)
    mentions = prompt.mentions if meant is None else (Mention(*meant, span=(0, 0)),)
    searched = films.listed(prompt.finding if meant is None else meant[0])
    unread = _unread(prompt) if meant is None else None
    unmarked = unread or unjudged(mentions, searched.collection)
    judged = replace(prompt, mentions=() if unmarked else mentions)
    against = _read(opposite, models) if opposite.strip() else _opposite(prompt, meant)
    question, known = _Question(judged, against, searched), calibrations or {}
    return Answer(
        prompt=prompt,
        mentions=mentions,
        cut=len(text) > MAX_CHARACTERS,
        unmarked=unmarked,
        tally=question.tally,
        columns=tuple(_column(model, question, k, known.get(name)) for name, model in models.items()),
        films=searched,
        opposite=against,
        scopes=_scopes(prompt.text),
        read_twice=reads_of(models) is not read_prompt,
        by_side=searched.collection.knows_sides,
    )


def unjudged(mentions: Sequence[Mention], films: Collection) -> Unclear | Literal["side"] | None:
    """Why no film is right or wrong for what was read; None where one may be.

    As `unclear`, or one side is denied where films do not record sides.
    """
    one_sided = any(mention.side and mention.polarity == "absent" for mention in mentions)
    return unclear(mentions) or ("side" if one_sided and not films.knows_sides else None)


def ranks(answer: Answer, film_id: str) -> dict[str, Hit]:
    """Where every model ranks one of the films searched.  Raises `CollectionError` for any other."""
    films = answer.films
    film = films.collection.by_id(film_id)
    (row,), relevant = films.collection.rows([film]), answer.judge(film)
    found = {}
    for column in answer.columns:
        scores, _ = _similarities(films, column.query)
        rank = rank_of(row, scores, films.collection.places_by_id)
        found[column.model] = Hit(film_id, rank, float(scores[row]), relevant)
    return found


def probabilities(answer: Answer, film_id: str) -> dict[str, float]:
    """By model, of one of the films searched satisfying the sentence, where that is known.

    Raises `CollectionError` for any other film.
    """
    films = answer.films
    (row,) = films.collection.rows([films.collection.by_id(film_id)])
    question = _Question(answer.judged, answer.opposite, films)
    found = {}
    for column in answer.columns:
        certainty = _certainty(question, column.query, *_similarities(films, column.query))
        if certainty is not None and certainty.probabilities is not None:
            found[column.model] = float(certainty.probabilities[row])
    return found


def _read(text: str, models: Mapping[str, DualEncoder]) -> Prompt:
    # A browser may send half a surrogate pair, which neither JSON nor a tokenizer takes.
    clean = text[:MAX_CHARACTERS].encode("utf-16", "surrogatepass").decode("utf-16", "replace").strip()
    if not clean:
        raise AnswerError("Type a sentence to search for, such as “No pleural effusion”.")
    return reads_of(models)(clean)


def _unread(prompt: Prompt) -> Unmarked | None:
    """What has to be asked is not guessed."""
    if not prompt.english:
        return "language"
    return None if prompt.sure else "ask"


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


@dataclass(frozen=True, eq=False)
class _Question:
    """What every model is asked."""

    prompt: Prompt  # with what films are judged by
    against: Prompt | None  # the opposite
    films: SearchSet

    @cached_property
    def verdicts(self) -> tuple[bool | None, ...]:
        return tuple(judge(film, self.prompt) for film in self.films.collection)

    @cached_property
    def normal(self) -> float:
        """The share of films that are known to be normal."""
        films = self.films.collection
        return sum(film.states("normal", "present") is True for film in films) / max(len(films), 1)

    @cached_property
    def tally(self) -> Tally:
        return Tally.of(self.verdicts)

    @cached_property
    def satisfied(self) -> npt.NDArray[np.float64]:
        return np.array(self.verdicts, np.float64)

    @cached_property
    def told_apart(self) -> npt.NDArray[np.float64]:
        """`satisfied`, nan where a film is as right, or as wrong, for the opposite: it belongs to neither.

        So two wordings of one thing have no film to be told apart by.
        """
        if self.against is None:
            return self.satisfied
        other = np.array([judge(film, self.against) for film in self.films.collection], np.float64)
        return np.where(self.satisfied == other, np.nan, self.satisfied)


def _column(model: DualEncoder, question: _Question, k: int, calibration: Calibration | None) -> Column:
    films, prompt, against = question.films, question.prompt, question.against
    vectors = model.encode_text([prompt.text, *([against.text] if against else [])])
    query = Query(model.tower_id, vectors, calibration)
    scores, margins = _similarities(films, query)
    first = top_k(scores, k, films.collection.places_by_id)
    best = [films.collection.films[row] for row in first]
    hits = tuple(
        Hit(film.id, place, float(score), judge(film, prompt))
        for place, (film, score) in enumerate(zip(best, scores[first], strict=True), start=1)
    )
    tally = Tally.of(hit.relevant for hit in hits)
    certainty = _certainty(question, query, scores, margins)
    return Column(
        model=model.name,
        query=query,
        hits=hits,
        tally=tally,
        random_picks=question.tally.expected_in(tally.judged),
        showing=_showing(prompt, best),
        margin=None if margins is None else _margin(question, margins, first),
        alike=float(vectors[0] @ vectors[1]) if against else None,
        normal=sum(film.states("normal", "present") is True for film in best) if question.normal else None,
        normal_by_chance=question.normal * len(best) if question.normal else None,
        certainty=None if certainty is None else certainty.of(first),
    )


def _similarities(films: SearchSet, query: Query) -> tuple[Vectors, Vectors | None]:
    """Of each film, [films], with the sentence, and how much less with the opposite, if there is one."""
    embeddings, (own, *opposed) = films.embeddings[query.tower_id], query.vectors
    scores = cosines(embeddings, own)
    return scores, scores - cosines(embeddings, opposed[0]) if opposed else None


def _certainty(
    question: _Question, query: Query, scores: Vectors, margins: Vectors | None
) -> Certainty | None:
    """Of all films, from their `scores` and `margins` [films]."""
    if query.calibration is None or margins is None:
        return None
    mentions = question.prompt.mentions
    places = question.films.collection.places_by_id
    seen = Seen(scores.astype(np.float64), margins.astype(np.float64), question.satisfied, places)
    return query.calibration.certainty(seen, mentions[0].finding if len(mentions) == 1 else None)


def _margin(question: _Question, margins: Vectors, hits: npt.NDArray[np.intp]) -> Margin:
    """`margins` [films] in the collection's order, and the rows of the hits."""
    return Margin(
        float(margins[hits].mean()), auroc_estimate(question.told_apart, margins.astype(np.float64))
    )


def _showing(prompt: Prompt, films: Iterable[Film]) -> int | None:
    if len(prompt.mentions) != 1 or prompt.mentions[0].finding == "normal" or prompt.mentions[0].side:
        return None  # films that show it on the other side are right
    finding = prompt.mentions[0].finding
    return sum(film.states(finding, "present") is True for film in films)
