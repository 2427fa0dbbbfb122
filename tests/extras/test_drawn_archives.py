"""Archives of drawn films, and how the search over them is measured, on an engine of an optional extra."""

from __future__ import annotations

import numpy as np
import pytest

from negviz.common.shipped import COMPACT
from negviz.films.collection import PHANTOMS
from negviz.models.encoder import DualEncoder
from negviz.models.family import load_models
from training.bench import nearness
from training.bench.drawn import Drawn, Shipped, likeness

pytestmark = pytest.mark.extra
pytest.importorskip("lancedb", reason="an optional extra: pip install 'lancedb==0.40.0' 'ray[data]==2.60.0'")

FILMS = 3_000  # in three parts


@pytest.fixture(scope="module")
def base() -> DualEncoder:
    return load_models(COMPACT, read_twice=False)["base"]


@pytest.fixture(scope="module")
def shipped(base: DualEncoder) -> Shipped:
    return Shipped.of(base, (PHANTOMS,))


@pytest.fixture(scope="module")
def drawn(shipped: Shipped, tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    return Drawn.of(tmp_path_factory.mktemp("drawn") / "archive", shipped, FILMS)


@pytest.fixture(scope="module")
def questions(base: DualEncoder) -> nearness.Questions:
    texts = ["No pleural effusion.", "Pleural effusion.", "Normal chest.", "A large heart."]
    return nearness.Questions({"base": base.encode_text(texts)})


def test_drawn_films_are_as_far_apart_as_shipped_ones_and_lie_as_they_do(
    shipped: Shipped, drawn: Drawn
) -> None:
    told = likeness(shipped, drawn.vectors)
    assert told["covariance_differs_by"] < 0.1
    _, median, _ = told["nearest"]["shipped"]
    _, as_many, _ = told["nearest"]["as_many_drawn"]
    assert as_many == pytest.approx(median, rel=0.3)
    assert np.allclose(np.linalg.norm(drawn.vectors, axis=1), 1, atol=1e-5)


def test_fewer_drawn_films_are_the_first_of_more(shipped: Shipped, drawn: Drawn) -> None:
    around, vectors = map(np.concatenate, zip(*shipped.draw(100), strict=True))
    assert np.allclose(vectors, drawn.vectors[:100], atol=1e-6)
    film = drawn.archive.by_id("d0000042")
    assert film.findings == shipped.films[around[42]].findings


def test_an_archive_that_is_there_is_not_written_again(shipped: Shipped, drawn: Drawn) -> None:
    again = Drawn.of(drawn.place, shipped, FILMS)
    assert again.indexing == drawn.indexing
    assert again.archive.total == FILMS


def test_an_index_finds_more_the_more_it_looks_into_and_comparing_all_finds_all(drawn: Drawn) -> None:
    one, other = drawn.vectors[:60], drawn.vectors[60:120]
    halfway = (one + other) / np.linalg.norm(one + other, axis=1, keepdims=True)
    questions = nearness.Questions({"base": halfway})  # many, since an index is cut up at random
    right = nearness.nearest(drawn.vectors, list(questions), nearness.K)
    scores = np.stack(list(questions)) @ drawn.vectors.T
    assert [set(row) for row in right] == [set(np.argsort(-row)[: nearness.K]) for row in scores]

    def share(look: nearness.Look) -> float:
        return nearness.recall([nearness.search(drawn, asked, look) for asked in questions], right)

    assert share(nearness.every) == share(nearness.parts(3)) == 1.0
    assert share(nearness.parts(1)) < 1.0


def test_every_way_of_searching_is_timed(drawn: Drawn, questions: nearness.Questions) -> None:
    grown = nearness.measure_growth(drawn, questions)
    assert grown["films"] == FILMS
    assert all(0 < grown[way]["median_ms"] <= grown[way]["p95_ms"] for way in ("memory", "disk", "index"))
    curve = nearness.measure_curve(drawn, questions)
    assert [point["probes"] for point in curve["curve"]] == list(nearness.LOOKED_INTO)
    assert curve["used"]["recall_by_model"] == {"base": 1.0}
