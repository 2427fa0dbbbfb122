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
from negviz.common.order import FilmPlaces
from negviz.films.collection import Collection, Film, judge, judge_all
from negviz.findings import Polarity
from negviz.language.normalise import normalise
from negviz.language.opposite import CONTRARY, canonical
from negviz.language.prompt import MAX_CHARACTERS, Mention, Prompt, Unclear, clean, read_prompt, unclear
from negviz.language.reader import read
from negviz.models.encoder import DualEncoder, reads_of
from negviz.models.training_free import TwoBoxes
from negviz.retrieval.answer_types import Answer, Column, Margin, Query, Standing, Tally, Unmarked
from negviz.retrieval.calibration import Calibration, Certainty, Seen
from negviz.retrieval.estimate import auroc_estimate
from negviz.retrieval.metrics import Floats
from negviz.retrieval.search import Hit, Vectors, cosines
from negviz.retrieval.sets import SearchSet, search_sets

MAX_HITS: Final = 100
Similarities = tuple[Vectors, Vectors | None]  # with a sentence, and less those with its opposite

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
    alone: bool = False,
    opposite: str = "",
    calibrations: Mapping[str, Calibration] | None = None,
) -> Answer:
    """Put `text` to every model and judge the `k` best films of each, of the list of what it is about.

    `meant` is what the reader should have understood: it changes the marking and the list, not the order.
    Where that answers what the reader asks, what is said besides still holds, unless it is meant `alone`.
    `opposite` words the contrary sentence where ours will not do.  `calibrations`, by model, say how sure
    each may be.
    Raises `AnswerError` for an empty sentence and for `k` outside 1 … `MAX_HITS`.
    """
    if not 1 <= k <= MAX_HITS:
        raise AnswerError(f"k must lie between 1 and {MAX_HITS}, not be {k}.")
    prompt = _read(text, models)
    mentions = prompt.mentions if meant is None else _meant(prompt, meant, alone=alone)
    searched = films.listed(prompt.about if meant is None else meant[0])
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


def ranks(answer: Answer, film_id: str) -> dict[str, Standing]:
    """Where every model ranks one of the films searched.  Raises `CollectionError` for any other."""
    relevant = answer.judge(answer.films.collection.by_id(film_id))
    found = {}
    for column in answer.columns:
        rank, score = answer.films.rank(film_id, column.query.tower_id, column.query.vectors[0])
        found[column.model] = Standing(film_id, rank, score, relevant)
    return found


def probabilities(answer: Answer, film_id: str) -> dict[str, float]:
    """By model, of one of the films searched satisfying the sentence, where that is known.

    Raises `CollectionError` for any other film.
    """
    films = answer.films
    films.collection.by_id(film_id)
    question = _Question(answer.judged, answer.opposite, films)
    found = {}
    for column in answer.columns:
        asked = films.vector(film_id, column.query.tower_id)[None]
        seen = _similarities(films.embeddings[column.query.tower_id], column.query)
        certainty = _certainty(question, column.query, seen, _similarities(asked, column.query))
        if certainty is not None and certainty.probabilities is not None:
            found[column.model] = float(certainty.probabilities[0])
    return found


def _read(text: str, models: Mapping[str, DualEncoder]) -> Prompt:
    cleaned = clean(text)
    if not cleaned:
        raise AnswerError("Type a sentence to search for, such as “No pleural effusion”.")
    return reads_of(models)(cleaned)


def _unread(prompt: Prompt) -> Unmarked | None:
    """What has to be asked is not guessed."""
    if not prompt.english:
        return "language"
    return None if prompt.sure else "ask"


def _meant(prompt: Prompt, meant: tuple[str, Polarity], *, alone: bool) -> tuple[Mention, ...]:
    """What a visitor says was meant and, where that is an answer to what was asked, what is said besides."""
    offered = {(mention.finding, mention.polarity) for mention in prompt.asked}
    return Mention(*meant, span=(0, 0)), *(prompt.besides if meant in offered and not alone else ())


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
        return tuple(judge_all(self.films.collection, self.prompt))

    @cached_property
    def tally(self) -> Tally:
        return Tally(*self.films.counts(self.prompt, self.verdicts))

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
        other = np.array(judge_all(self.films.collection, self.against), np.float64)
        return np.where(self.satisfied == other, np.nan, self.satisfied)


def _column(model: DualEncoder, question: _Question, k: int, calibration: Calibration | None) -> Column:
    films, prompt = question.films, question.prompt
    against = None if isinstance(model, TwoBoxes) else question.against  # it reads neither sentence
    vectors = model.encode_text([prompt.text, *([against.text] if against else [])])
    query = Query(model.tower_id, vectors, calibration)
    seen = _similarities(films.embeddings[query.tower_id], query)
    found = films.nearest(query.tower_id, vectors[0], k, seen[0])
    hits = tuple(
        Hit(film.id, place, float(score), judge(film, prompt))
        for place, (film, score) in enumerate(zip(found.films, found.scores, strict=True), start=1)
    )
    tally = Tally.of(hit.relevant for hit in hits)
    of_hits = _similarities(found.vectors, query)
    return Column(
        model=model.name,
        query=query,
        hits=hits,
        tally=tally,
        random_picks=question.tally.expected_in(tally.judged),
        showing=_showing(prompt, found.films),
        margin=_margin(question, seen[1], of_hits[1]),
        alike=float(vectors[0] @ vectors[1]) if against else None,
        normal=sum(film.states("normal", "present") is True for film in found.films)
        if films.normal
        else None,
        normal_by_chance=films.normal * len(hits) if films.normal else None,
        certainty=_certainty(question, query, seen, of_hits),
    )


def _similarities(embeddings: Vectors, query: Query) -> Similarities:
    """Of each film, [films], with the sentence, and how much less with the opposite, if there is one."""
    own, *opposed = query.vectors
    scores = cosines(embeddings, own)
    return scores, scores - cosines(embeddings, opposed[0]) if opposed else None


def _certainty(
    question: _Question, query: Query, seen: Similarities, asked: Similarities
) -> Certainty | None:
    """Of films that are `asked` about, among all those `seen`."""
    if query.calibration is None or seen[1] is None or asked[1] is None:
        return None
    mentions = question.prompt.mentions
    among = _seen(seen[0], seen[1], question.satisfied, question.films.collection.places_by_id)
    unjudged, in_order = np.full(len(asked[0]), np.nan), np.arange(len(asked[0]))
    of = _seen(asked[0], asked[1], unjudged, in_order)
    return query.calibration.certainty(among, mentions[0].finding if len(mentions) == 1 else None, of)


def _seen(scores: Vectors, margins: Vectors, satisfied: Floats, places: FilmPlaces) -> Seen:
    return Seen(scores.astype(np.float64), margins.astype(np.float64), satisfied, places)


def _margin(question: _Question, seen: Vectors | None, hits: Vectors | None) -> Margin | None:
    """From margins of the films seen and of the hits; None where the sentence has no opposite."""
    if seen is None or hits is None:
        return None
    return Margin(float(hits.mean()), auroc_estimate(question.told_apart, seen.astype(np.float64)))


def _showing(prompt: Prompt, films: Iterable[Film]) -> int | None:
    if len(prompt.mentions) != 1 or prompt.mentions[0].finding == "normal" or prompt.mentions[0].side:
        return None  # films that show it on the other side are right
    finding = prompt.mentions[0].finding
    return sum(film.states(finding, "present") is True for film in films)
