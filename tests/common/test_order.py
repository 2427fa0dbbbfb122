"""Films rank by score and then by id, wherever they are ranked: how a collection orders them has no say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pytest

from negviz.common.order import best_first, places_by_id, rank_of, top_k
from negviz.evaluation import cells as figures
from negviz.evaluation.prompts import PromptRow
from negviz.films.collection import Collection, Film
from negviz.findings import Polarity
from negviz.language.prompt import Mention, read_prompt
from negviz.models.encoder import DualEncoder
from negviz.retrieval.answer import answer
from negviz.retrieval.calibration import STATISTICS, Calibration, Seen, statistic
from negviz.retrieval.own_films import OwnFilm, best, nearest
from negviz.retrieval.search import rank
from negviz.retrieval.sets import SearchSet, search_sets
from training.measure import conditions, diagnosis
from training.measure.calibration import held_out as certainty
from training.measure.experiments.cells import Sampled
from training.measure.questions import Question

Vectors = npt.NDArray[np.float32]
K = 10
SENTENCES: tuple[tuple[str, Polarity], ...] = (
    ("pleural effusion", "present"),
    ("small left pleural effusion", "present"),
    ("no pleural effusion", "absent"),
    ("pleural effusion is absent", "absent"),
)
ROWS = tuple(
    PromptRow(text, "effusion", polarity, ("structured", "natural")[number % 2], {})
    for number, (text, polarity) in enumerate(SENTENCES)
)


def test_equal_scores_go_by_id() -> None:
    places = places_by_id(["c", "a", "d", "b"])
    assert places.tolist() == [2, 0, 3, 1]
    assert best_first(np.array([0.5, 0.5, 0.9, 0.5]), places).tolist() == [2, 1, 3, 0]
    rows = best_first(np.array([[0.5, 0.5, 0.9, 0.5], [1.0, 1.0, 1.0, 1.0]]), places)
    assert rows.tolist() == [[2, 1, 3, 0], [1, 3, 0, 2]]


@pytest.mark.parametrize("k", [1, 7, 499, 500, 800])
def test_the_first_are_the_head_of_the_whole_order(k: int) -> None:
    generator = np.random.default_rng(0)
    scores, places = generator.normal(size=500).round(1), generator.permutation(500)  # many ties
    by_place = np.argsort(places)
    expected = by_place[np.argsort(-scores[by_place], kind="stable")]
    assert best_first(scores, places).tolist() == expected.tolist()
    assert top_k(scores, k, places).tolist() == expected[:k].tolist()
    assert [rank_of(int(row), scores, places) for row in expected] == list(range(1, 501))


# Every place where films are ranked -----------------------------------------------------------


def _collection(seed: int) -> tuple[Collection, Vectors]:
    """90 films of seven embeddings, right and wrong ones among the films of each; test films in any order.

    Training films stay: a probe is fitted on them, and sums that run in another order round otherwise.
    """
    generator = np.random.default_rng(0)
    kinds: tuple[dict[str, Any], ...] = (
        {"findings": frozenset({"effusion"})},
        {"denied": frozenset({"effusion"})},
        {},
    )
    names = [f"film{number:02}" for number in generator.permutation(90)]
    films = [
        Film(
            name,
            f"{name}.png",
            f"study-{name}",
            split="train" if number % 2 else "test",
            **kinds[generator.choice(3, p=(0.4, 0.4, 0.2))],
        )
        for number, name in enumerate(names)
    ]
    looks = generator.normal(size=(7, 16)).astype(np.float32)
    looks /= np.linalg.norm(looks, axis=1, keepdims=True)
    vectors = looks[generator.integers(7, size=90)]
    order = np.arange(90)
    order[::2] = np.random.default_rng(seed).permutation(order[::2])
    return Collection("drawn", tuple(films[row] for row in order)), vectors[order]


def _galleries(model: DualEncoder, films: Collection, vectors: Vectors) -> Any:
    return [rank(model, films, text, embeddings=vectors).ids for text, _ in SENTENCES]


def _answers(model: DualEncoder, films: Collection, vectors: Vectors) -> Any:
    told = Calibration("margin", ((-1.0, -1.0), (1.0, 1.0)), ("effusion",), "lift", 0.0)
    searched = SearchSet("drawn/all", films, {model.tower_id: vectors})
    given = [answer({"m": model}, searched, text, calibrations={"m": told}) for text, _ in SENTENCES]
    return [(one.plain(), one.columns[0].abstains) for one in given]


def _evaluation(model: DualEncoder, films: Collection, vectors: Vectors) -> Any:
    task = figures.make_task(ROWS, films, split="test", k=K, unmentioned="unknown", bootstrap=5, seed=0)
    return figures.measure_models(task, {"m": model})


def _experiments(model: DualEncoder, films: Collection, vectors: Vectors) -> Any:
    task = figures.make_task(ROWS, films, split="all", k=K, unmentioned="unknown", bootstrap=5, seed=0)
    texts = model.encode_text([row.prompt for row in ROWS])
    return {name: values.tolist() for name, values in Sampled.of(task, [(texts, vectors)]).seeds.items()}


def _conditions(model: DualEncoder, films: Collection, vectors: Vectors) -> Any:
    questions = [Question(row, "p", (Mention(row.finding, row.polarity, (0, 0)),)) for row in ROWS]
    asked = conditions.ask(questions, films, k=K, bootstrap=5)
    probed = conditions.Probed.of(
        ["effusion"], films, vectors, train=films.select("train"), test=films.select("test")
    )
    reach = conditions.ceiling(replace(asked, films=probed.films, relevance=_judged(probed.films)), probed)
    measured = conditions.measure(asked, model, vectors).point
    return [{name: values.round(6).tolist() for name, values in each.items()} for each in (measured, reach)]


def _judged(films: Collection) -> npt.NDArray[np.float64]:
    return np.array([[film.states(row.finding, row.polarity) for film in films] for row in ROWS], np.float64)


def _diagnosis(model: DualEncoder, films: Collection, vectors: Vectors) -> Any:
    judged = [[film.states(row.finding, row.polarity) for film in films] for row in ROWS]
    task = diagnosis.make_task(ROWS, judged, films.places_by_id, k=K, bootstrap=5)
    return diagnosis.measure(task, {"m": model}, {model.tower_id: vectors})


def _certainty(model: DualEncoder, films: Collection, vectors: Vectors) -> Any:
    seen = certainty.seen_by(model, vectors, certainty.PromptedFilms(films, ROWS))
    told = Calibration("margin", ((-1.0, -1.0), (1.0, 1.0)), ("effusion",), "lift", 0.0)
    return (
        [[round(statistic(name, each), 9) for name in STATISTICS] for each in seen],
        certainty.coverage(told, seen, 5),
        certainty.reliability(told, seen, ROWS, 5),
    )


def _fair_part(model: DualEncoder, films: Collection, vectors: Vectors) -> Any:
    untold = Collection("drawn", tuple(replace(film, split="train") for film in films))
    return sorted(film.id for film in search_sets({"m": model}, untold)[0].collection)


def _own_films(model: DualEncoder, films: Collection, vectors: Vectors) -> Any:
    own = [
        OwnFilm(film.id, film.id, b"", {model.tower_id: row})
        for film, row in zip(films, vectors, strict=True)
    ]
    film = next(each for each in own if each.key == "film07")
    searched = SearchSet("drawn/all", films, {model.tower_id: vectors})
    likest = [hit.id for found in nearest(film.vectors, searched, {"m": model}) for hit in found.hits]
    return [[hit.film.key for hit in best(own, model, text)] for text, _ in SENTENCES], likest


@pytest.mark.parametrize(
    "ranked",
    [
        _galleries,
        _answers,
        _evaluation,
        _experiments,
        _conditions,
        _diagnosis,
        _certainty,
        _fair_part,
        _own_films,
    ],
)
def test_the_order_of_films_changes_no_ranking_and_no_figure(
    ranked: Callable[[DualEncoder, Collection, Vectors], Any],
    models: dict[str, DualEncoder],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def measured(seed: int) -> Any:
        films, vectors = _collection(seed)
        for module in ("negviz.evaluation.cells", "negviz.retrieval.sets"):
            monkeypatch.setattr(f"{module}.film_embeddings", lambda *_, **__: vectors)
        return _without_intervals(ranked(models["con2"], films, vectors))

    first = measured(1)
    for seed in range(2, 8):
        assert measured(seed) == first


def _without_intervals(value: Any) -> Any:
    """Resamples draw films by where they stand, so the ends of an interval are others of the same kind."""
    if isinstance(value, dict):
        return {key: _without_intervals(part) for key, part in value.items() if not key.endswith("_ci")}
    if isinstance(value, list | tuple):
        return [_without_intervals(part) for part in value]
    return value


class Level:
    """Puts all films level for an affirmation and tells them apart for a denial."""

    name, tower_id = "level", "tower"
    reads = staticmethod(read_prompt)

    def encode_text(self, texts: list[str]) -> Vectors:
        return np.array([[0, 1] if "no" in text.split() else [1, 0] for text in texts], np.float32)


def test_which_films_stay_is_counted_among_those_that_are_shown() -> None:
    names = [f"film{number:02}" for number in range(20)]
    models = {"m": cast("DualEncoder", Level())}
    vectors = np.array([[0.6, 0.8 if number % 4 else -0.8] for number in range(20)], np.float32)
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(20)
        films = Collection("level", tuple(Film(names[row], f"{row}.png", names[row]) for row in order))
        searched = SearchSet("level/all", films, {"tower": vectors[order]})
        sentences = ("pleural effusion", "no pleural effusion")
        given, turned = (answer(models, searched, text) for text in sentences)
        stay = {hit.id for hit in given.columns[0].hits} & {hit.id for hit in turned.columns[0].hits}
        task = diagnosis.make_task(ROWS[:2], [[True] * 20] * 2, films.places_by_id, k=K, bootstrap=2)
        found = diagnosis.measure(task, models, {"tower": vectors[order]})
        assert found["prompts"]["m"][0]["stay"] == len(stay) / K == 0.7


def test_the_hits_whose_margin_counts_are_those_that_are_shown() -> None:
    similarities, margins = np.full(20, 0.5), np.arange(20.0)
    for seed in range(5):
        places = np.random.default_rng(seed).permutation(20)
        seen = Seen(similarities, margins[places], np.ones(20), places)
        assert statistic("hits' margin", seen) == margins[:10].mean()
