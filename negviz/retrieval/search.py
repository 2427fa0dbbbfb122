"""The films of a collection that a model puts nearest to a prompt.

Exact search: with unit vectors the cosine is the dot product, and below some 200,000 films no index is
faster.  A film's score does not depend on the films beside it, and equal scores go by film id, so a ranking
is the same on every call and in any order of the films.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from negviz.common.errors import NegvizError
from negviz.common.order import best_first, top_k
from negviz.films.archive import Archive
from negviz.films.collection import Collection, Film, Unmentioned, judge
from negviz.language.prompt import Prompt, read_prompt
from negviz.retrieval.archived import nearest
from negviz.retrieval.cosine import Vectors, cosines
from negviz.retrieval.embeddings import film_embeddings

if TYPE_CHECKING:
    from negviz.models.encoder import DualEncoder

__all__ = ["Hit", "Ranking", "RetrievalError", "Vectors", "cosines", "in_order", "rank", "search"]


class RetrievalError(NegvizError):
    """A search that cannot be made; the message is one sentence that says what to do."""


@dataclass(frozen=True)
class Hit:
    """One film a search returned."""

    id: str
    rank: int  # 1 is best
    score: float  # cosine of prompt and film
    relevant: bool | None  # does the film satisfy the prompt; None where that is not judged


@dataclass(frozen=True)
class Ranking:
    """Every film of a collection, best first."""

    ids: tuple[str, ...]
    scores: npt.NDArray[np.floating[Any]]  # [films] cosine


def rank(
    model: DualEncoder, collection: Collection, prompt: Prompt | str, *, embeddings: Vectors | None = None
) -> Ranking:
    """Rank all films for a prompt.  `embeddings` [films, dim] replace those of `film_embeddings`.

    Raises `RetrievalError` where the embeddings do not fit the model and the collection, and for an archive
    of more films than its sample.
    """
    if isinstance(collection, Archive) and collection.total > len(collection):
        raise RetrievalError(
            f"{collection.name} has {collection.total:,} films, too many to rank; use search."
        )
    return in_order(collection, _scores(model, collection, prompt, embeddings))


def in_order(collection: Collection, scores: npt.NDArray[np.floating[Any]]) -> Ranking:
    """The films of a collection by their `scores` [films], best first."""
    order = best_first(scores, collection.places_by_id)
    return Ranking(tuple(collection.films[i].id for i in order), scores[order])


def search(
    model: DualEncoder,
    collection: Collection,
    prompt: Prompt | str,
    k: int = 10,
    *,
    unmentioned: Unmentioned = "unknown",
    embeddings: Vectors | None = None,
) -> list[Hit]:
    """The `k` best films for a prompt (all of them where there are fewer), each judged against it.

    Raises `RetrievalError` as `rank` does, and for `k` below 1.
    """
    if k < 1:
        raise RetrievalError(f"k must be at least 1, not {k}.")
    read = read_prompt(prompt) if isinstance(prompt, str) else prompt
    found = _best(model, collection, read, k, embeddings)
    return [
        Hit(film.id, place, score, judge(film, read, unmentioned))
        for place, (film, score) in enumerate(found, start=1)
    ]


def _best(
    model: DualEncoder, collection: Collection, prompt: Prompt, k: int, embeddings: Vectors | None
) -> list[tuple[Film, float]]:
    if isinstance(collection, Archive) and embeddings is None:
        found = nearest(collection, model.tower_id, model.encode_text([prompt.text])[0], k)
        return list(zip(found.films, found.scores.tolist(), strict=True))
    scores = _scores(model, collection, prompt, embeddings)
    rows = top_k(scores, k, collection.places_by_id)
    return [(collection.films[row], float(scores[row])) for row in rows]


def _scores(
    model: DualEncoder, collection: Collection, prompt: Prompt | str, embeddings: Vectors | None
) -> npt.NDArray[np.floating[Any]]:
    text = prompt if isinstance(prompt, str) else prompt.text
    films = film_embeddings(model, collection) if embeddings is None else embeddings
    vector = model.encode_text([text])[0]
    if films.shape != (len(collection), len(vector)):
        raise RetrievalError(
            f"{collection.name} and {model.name} need embeddings of shape {(len(collection), len(vector))}, "
            f"not {films.shape}; compute them with this model for these films."
        )
    return cosines(films, vector)
