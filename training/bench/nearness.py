"""How soon the films nearest to a sentence are found among many, and how many of them, in three ways.

By numpy's product with every vector in memory, by comparing every film where it lies on disk, and by the
table's index, which looks into so many of its parts.  Beside the clock stands the time of processors, which
a busy machine changes less.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from negviz.common.order import top_k
from negviz.films.archive import column, open_archive
from negviz.retrieval.archived import PROBES, by_index
from training.bench.drawn import Drawn, Vectors

K: Final = 10
RANKED: Final = 1_000  # films that have a rank
LOOKED_INTO: Final = (5, 10, 20, 50, 100, 200)  # parts of the index
_DEAR: Final = 20  # questions that what takes long is timed by
_DEAREST: Final = 5  # and what takes seconds
_AT_ONCE: Final = 9  # questions compared with all films, for what is right

Found = NDArray[np.intp]  # [questions, films found] numbers of films, the nearest first
Timed = dict[str, float]
Look = Callable[[Any], Any]  # of a query, where to look


@dataclass(frozen=True, eq=False)
class Questions:
    """Sentences as each model puts them, one model after the other."""

    models: Mapping[str, Vectors]  # [sentences, dim]

    def __iter__(self) -> Iterator[Vectors]:
        return (vector for vectors in self.models.values() for vector in vectors)

    def few(self) -> list[Vectors]:
        """Some of every model's."""
        every = list(self)
        return every[:: max(1, len(every) // _DEAR)]


def measure_curve(drawn: Drawn, questions: Questions) -> dict[str, Any]:
    """Recall and time, by how many parts the index looks into, and as the page has it looked into."""
    right = nearest(drawn.vectors, list(questions), K)
    curve = [{"probes": n, **_point(drawn, questions, right, parts(n))} for n in LOOKED_INTO]
    return {"curve": curve, "used": {"probes": PROBES, **_point(drawn, questions, right, by_index)}}


def measure_growth(drawn: Drawn, questions: Questions) -> dict[str, Any]:
    """How long each way takes, and opening, over one archive."""
    vectors, few = drawn.vectors, questions.few()
    places = np.arange(len(vectors))
    found, times = timed(lambda asked: search(drawn, asked, by_index), few)
    return {
        "films": len(vectors),
        "memory": timed(lambda asked: top_k(vectors @ asked, K, places), few)[1],
        "disk": timed(lambda asked: search(drawn, asked, every), few[:_DEAREST])[1],
        "index": {"recall": recall(found, nearest(vectors, few, K)), **times},
        "indexing": drawn.indexing,
        "gigabytes": drawn.gigabytes,
        "open_s": round(timed(lambda _: open_archive(drawn.place), few[:3])[1]["median_ms"] / 1000, 2),
    }


def measure_ranks(drawn: Drawn, questions: Questions) -> dict[str, Any]:
    """Of the films that have a rank, how many the index finds, and how long that takes."""
    few = questions.few()
    found, times = timed(lambda asked: search(drawn, asked, by_index, RANKED), few)
    return {"first": RANKED, "recall": recall(found, nearest(drawn.vectors, few, RANKED)), **times}


def _point(drawn: Drawn, questions: Questions, right: Found, look: Look) -> dict[str, Any]:
    answers, times = timed(lambda asked: search(drawn, asked, look), list(questions))
    each = len(answers) // len(questions.models)
    parted = {name: slice(place * each, (place + 1) * each) for place, name in enumerate(questions.models)}
    by_model = {name: recall(answers[own], right[own]) for name, own in parted.items()}
    return {"recall": recall(answers, right), "recall_by_model": by_model, **times}


def parts(number: int) -> Look:
    """So many parts of the index, and no more."""
    return lambda query: query.nprobes(number)


def every(query: Any) -> Any:
    """All films compared."""
    return query.bypass_vector_index()


def recall(found: Sequence[Sequence[int]], right: Found) -> float:
    """Of the films that are nearest, the share that was found."""
    shares = [len(np.intersect1d(one, other)) / len(other) for one, other in zip(found, right, strict=True)]
    return round(float(np.mean(shares)), 4)


def nearest(vectors: Vectors, questions: Sequence[Vectors], k: int) -> Found:
    """The `k` films nearest to every question, by comparing all."""
    found = []
    for start in range(0, len(questions), _AT_ONCE):
        scores = np.stack(questions[start : start + _AT_ONCE]) @ vectors.T
        found.append(np.argpartition(-scores, k - 1, axis=1)[:, :k])
    return np.concatenate(found)


def search(drawn: Drawn, asked: Vectors, look: Look, k: int = K) -> list[int]:
    """The numbers of the films that the table finds, where it looks."""
    table, name = drawn.archive.table, column(drawn.tower)
    query = look(table.search(asked, vector_column_name=name).distance_type("dot").limit(k))
    return [int(id_[1:]) for id_ in query.select(["id", "_distance"]).to_arrow()["id"].to_pylist()]


def timed(ask: Callable[[Vectors], Any], questions: Sequence[Vectors]) -> tuple[list[Any], Timed]:
    """What was answered, and how long an answer took: on the clock, and of processors in all."""
    answers, clock, busy = [], [], []
    ask(questions[-1])  # the first warms up
    for question in questions:
        began, worked = time.perf_counter(), time.process_time()
        answers.append(ask(question))
        clock.append(1_000 * (time.perf_counter() - began))
        busy.append(1_000 * (time.process_time() - worked))
    told = {
        "median_ms": np.median(clock),
        "p95_ms": np.percentile(clock, 95),
        "processor_ms": np.median(busy),
    }
    return answers, {name: round(float(value), 2) for name, value in told.items()}
