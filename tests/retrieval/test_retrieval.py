"""Search is exact, repeatable and judged against the prompt."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from negviz.films.collection import Collection, Film
from negviz.language.prompt import read_prompt
from negviz.retrieval.search import RetrievalError, cosines, in_order, rank, search

FILMS = Collection(
    "four",
    (
        Film("with", "a.png", "1", findings=frozenset({"effusion"})),
        Film("without", "b.png", "2", denied=frozenset({"effusion"})),
        Film("silent", "c.png", "3", findings=frozenset({"nodule"})),
        Film("normal", "d.png", "4", findings=frozenset({"normal"})),
    ),
)
EMBEDDINGS = np.array([[0.8, 0.6], [0.6, 0.8], [0.8, 0.6], [1.0, 0.0]], dtype=np.float32)


class OneVector:
    """A model that makes the same vector of every text."""

    name = "one"

    def encode_text(self, texts: Sequence[str]) -> np.ndarray:
        return np.array([[1.0, 0.0]] * len(texts), dtype=np.float32)


def test_ranks_all_films_best_first_with_ties_by_id() -> None:
    ranking = rank(OneVector(), FILMS, "pleural effusion", embeddings=EMBEDDINGS)  # type: ignore[arg-type]
    assert ranking.ids == ("normal", "silent", "with", "without")
    assert ranking.scores == pytest.approx([1.0, 0.8, 0.8, 0.6])


@pytest.mark.parametrize("as_read", [False, True], ids=["str", "Prompt"])
def test_hits_are_judged_against_the_prompt(as_read: bool) -> None:
    prompt = read_prompt("No pleural effusion.") if as_read else "No pleural effusion."
    hits = search(OneVector(), FILMS, prompt, k=3, embeddings=EMBEDDINGS)  # type: ignore[arg-type]
    assert [(hit.id, hit.rank, hit.relevant) for hit in hits] == [
        ("normal", 1, True),
        ("silent", 2, None),
        ("with", 3, False),
    ]
    assert hits[1].score == pytest.approx(0.8)


def test_silence_counts_as_denial_on_request() -> None:
    model, prompt = OneVector(), "No pleural effusion."
    hits = search(model, FILMS, prompt, unmentioned="absent", embeddings=EMBEDDINGS)  # type: ignore[arg-type]
    assert {hit.id: hit.relevant for hit in hits}["silent"] is True


def test_asking_for_more_than_there_is_gives_all() -> None:
    hits = search(OneVector(), FILMS, "effusion", k=99, embeddings=EMBEDDINGS)  # type: ignore[arg-type]
    assert [hit.rank for hit in hits] == [1, 2, 3, 4]


def test_a_prompt_that_says_nothing_known_is_ranked_but_not_judged() -> None:
    hits = search(OneVector(), FILMS, "qwertz", embeddings=EMBEDDINGS)  # type: ignore[arg-type]
    assert len(hits) == 4
    assert all(hit.relevant is None for hit in hits)


def test_a_film_ranks_the_same_whatever_lies_beside_it() -> None:
    films = unit_rows(301, 1)
    films[250:] = films[:51]  # films that are there twice
    names = [f"film{n}" for n in np.random.default_rng(2).permutation(301)]
    collection = Collection("many", tuple(Film(name, f"{name}.png", name) for name in names))
    embeddings, text = films, unit_rows(1, 3)[0]
    whole = dict(zip(names, cosines(embeddings, text), strict=True))
    for seed in range(20):
        generator = np.random.default_rng(seed)
        rows = generator.permutation(301)[: generator.integers(1, 302)]
        some = Collection("some", tuple(collection.films[row] for row in rows))
        ranking = in_order(some, cosines(embeddings[rows], text))
        assert list(ranking.ids) == sorted((names[row] for row in rows), key=lambda id_: (-whole[id_], id_))
        assert [whole[id_] for id_ in ranking.ids] == list(ranking.scores)


def unit_rows(number: int, seed: int) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(number, 512)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)  # type: ignore[no-any-return]


def test_bad_requests_are_refused() -> None:
    with pytest.raises(RetrievalError, match="at least 1"):
        search(OneVector(), FILMS, "effusion", k=0, embeddings=EMBEDDINGS)  # type: ignore[arg-type]
    with pytest.raises(RetrievalError, match="shape"):
        rank(OneVector(), FILMS, "effusion", embeddings=EMBEDDINGS[:3])  # type: ignore[arg-type]
