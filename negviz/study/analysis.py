"""What readers' decisions say: which model they preferred, how surely, how fast, and whether they agree.

A *win rate* counts a tie as half a win; its 95 % interval resamples readers and sentences at once (the
pigeonhole bootstrap of `metrics`), as decisions of one reader, or about one sentence, are no independent
evidence.  Beside it stands the rate without ties and its Wilson interval, which takes decisions as
independent but, unlike the other, says something where all went one way.  With few readers neither says what
other readers would do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from negviz.retrieval.estimate import RESAMPLES, Estimate
from negviz.retrieval.metrics import Floats, draw
from negviz.study.design import Design
from negviz.study.judged import JudgedTrial
from negviz.study.records import Reader, Record, reader_name
from negviz.study.statistics import cohen, cohen_resampled, krippendorff, mean, median, wilson

_SAID: Final = {True: "matches", False: "contradicts", None: "not stated"}


def analyse(
    design: Design, records: Sequence[Record], readers: Sequence[Reader] = (), *, seed: int = 0
) -> dict[str, Any]:
    """Everything, as a results file holds it; figures are None where there is nothing to count."""
    judged = [JudgedTrial.of(record, design) for record in records]
    resample = Resample(judged, len(design.sentences), seed)
    pairs = list(dict.fromkeys(item.models for item in design.items))
    alike = {(first, second): left_out for first, second, left_out in design.alike}
    return {
        "pairs": {
            f"{pair[1]} over {pair[0]}": {
                "sentences left out, ranked alike": alike.get(pair, 0),
                **_cells(judged, pair, resample),
            }
            for pair in pairs
        },
        "time": {
            name: _time(part, resample)
            for name, part in _by_polarity(judged)
            if any(each.timed for each in part)
        },
        "sides": _sides(judged, resample),
        "agreement": _agreement(design, judged, seed),
        "films": _films(design, judged, resample),
        "readers": [_reader(reader, judged) for reader in readers],
    }


# Resamples ------------------------------------------------------------------------------------


class Resample:
    """Readers and sentences, both drawn again; one reader alone is not resampled."""

    def __init__(self, judged: Iterable[JudgedTrial], sentences: int, seed: int) -> None:
        numbers = sorted({each.record.reader for each in judged})
        self._row = {number: row for row, number in enumerate(numbers)}
        self._readers = draw(max(1, len(numbers)), times=RESAMPLES, seed=(seed, 0))
        self._sentences = draw(sentences, times=RESAMPLES, seed=(seed, 1))

    def weights(self, judged: Sequence[JudgedTrial]) -> Floats:
        """How often each decision was drawn, [times, decisions]."""
        readers = self._readers[:, [self._row[each.record.reader] for each in judged]]
        return np.asarray(readers * self._sentences[:, [each.sentence for each in judged]], np.float64)

    def estimate(
        self,
        judged: Sequence[JudgedTrial],
        values: Sequence[float],
        statistic: Callable[[Floats, Floats], Floats],
    ) -> Estimate:
        """`statistic(values [n], weights [times, n])` → [times], with its interval."""
        given = np.asarray(values, np.float64)
        (value,) = statistic(given, np.ones((1, len(given))))
        return Estimate.of(value, statistic(given, self.weights(judged)))


def _share(name: str, wins: int, of: int) -> dict[str, Any]:
    ends = wilson(wins, of)
    if ends is None:
        return {name: None, f"{name}_ci": None}
    return Estimate(wins / of, *ends).record(name)


# Preference, side and time --------------------------------------------------------------------


def _by_polarity(judged: Sequence[JudgedTrial]) -> list[tuple[str, list[JudgedTrial]]]:
    """All of them, then those of each polarity."""
    names = sorted({each.polarity for each in judged} - {""}, reverse=True)
    return [
        ("all", [*judged]),
        *((name, [each for each in judged if each.polarity == name]) for name in names),
    ]


def _cells(judged: Sequence[JudgedTrial], pair: tuple[str, str], resample: Resample) -> dict[str, Any]:
    of_pair = [each for each in judged if each.models == pair]
    return {name: _preference(part, pair, resample) for name, part in _by_polarity(of_pair) if part}


def _preference(judged: Sequence[JudgedTrial], pair: tuple[str, str], resample: Resample) -> dict[str, Any]:
    lost, won = (sum(each.winner == model for each in judged) for model in pair)
    return {
        "decisions": len(judged),
        "better": won,
        "worse": lost,
        "same": len(judged) - won - lost,
        **resample.estimate(judged, [each.points for each in judged], mean).record("win_rate"),
        **_share("win_rate_without_ties", won, won + lost),
    }


def _sides(judged: Sequence[JudgedTrial], resample: Resample) -> dict[str, Any]:
    """How often the left side was preferred: half of the time, where sides do not matter."""
    decided = [each for each in judged if each.choice != "same"]
    left = [float(each.choice == "left") for each in decided]
    rate = resample.estimate(decided, left, mean).record("left_preferred") if decided else {}
    alone = _share("left_preferred_if_independent", int(sum(left)), len(left))
    return {"decisions without ties": len(decided), **rate, **alone}


def _time(judged: Sequence[JudgedTrial], resample: Resample) -> dict[str, Any]:
    timed = [each for each in judged if each.timed]
    times = [each.record.decision.times for each in judged]
    return {
        "decisions": len(timed),
        "not timed": len(judged) - len(timed),
        **resample.estimate(timed, [each.seconds for each in timed], median).record("median_seconds"),
        "paused in": sum(time.paused_ms > 0 for time in times),
        "paused seconds": round(sum(time.paused_ms for time in times) / 1000, 1),
    }


def _reader(reader: Reader, judged: Sequence[JudgedTrial]) -> dict[str, Any]:
    own = [each for each in judged if each.record.reader == reader.number]
    seconds = [each.seconds for each in own if each.timed]
    return {
        "reader": reader_name(reader.number),
        "background": reader.background,
        "planned": reader.planned,
        "decided": reader.decided,
        "same": sum(each.choice == "same" for each in own),
        "median_seconds": round(float(np.median(seconds)), 3) if seconds else None,
        **_share(
            "left_preferred",
            sum(each.choice == "left" for each in own),
            sum(each.choice != "same" for each in own),
        ),
    }


# Films marked wrong ---------------------------------------------------------------------------


def _films(design: Design, judged: Sequence[JudgedTrial], resample: Resample) -> dict[str, Any]:
    """How many of a model's films were marked wrong, and what reports say of those that were."""
    by_model = {}
    for model in design.models:
        of_model = [each for each in judged if model in each.models]
        if of_model:
            wrong = [_wrong(design, each, model) for each in of_model]
            by_model[model] = {
                "galleries": len(of_model),
                **resample.estimate(of_model, wrong, mean).record("marked_wrong_of_ten"),
            }
    return {"by model": by_model, "by report": _against_reports(design, judged, resample)}


def _wrong(design: Design, judged: JudgedTrial, model: str) -> float:
    """Of ten, where a gallery holds fewer."""
    films = design.items[judged.record.trial.item].of(model)
    marked = sum(film.id in judged.record.decision.wrong for film in films)
    return 10 * marked / len(films)


def _against_reports(design: Design, judged: Sequence[JudgedTrial], resample: Resample) -> dict[str, Any]:
    found: dict[bool | None, tuple[list[JudgedTrial], list[float]]] = {said: ([], []) for said in _SAID}
    for each in judged:
        item = design.items[each.record.trial.item]
        for film in dict.fromkeys((*item.films[0], *item.films[1])):  # a film of both sides is one film
            found[film.relevant][0].append(each)
            found[film.relevant][1].append(float(film.id in each.record.decision.wrong))
    return {
        _SAID[said]: {
            "films": len(marked),
            **resample.estimate(of, marked, mean).record("marked_wrong"),
        }
        for said, (of, marked) in found.items()
        if marked
    }


# Agreement ------------------------------------------------------------------------------------


def _agreement(design: Design, judged: Sequence[JudgedTrial], seed: int) -> dict[str, Any]:
    """Over what was preferred, not over sides: two readers saw the same pair on different sides."""
    answers: dict[int, dict[int, int]] = {}  # by reader and item: 0, 1 (which model) or 2 (same)
    for each in judged:
        own = answers.setdefault(each.record.reader, {})
        own[each.record.trial.item] = 2 if each.winner is None else each.models.index(each.winner)
    counts = np.zeros((len(design.items), 3))
    for own in answers.values():
        counts[[*own], [*own.values()]] += 1
    drawn = draw(len(design.sentences), times=RESAMPLES, seed=(seed, 2))
    weights = drawn[:, [item.sentence for item in design.items]]
    (alpha,) = krippendorff(counts)
    shared = int((counts.sum(axis=1) >= 2).sum())
    whole = Estimate.of(alpha, krippendorff(counts, weights)) if shared and not np.isnan(alpha) else None
    return {
        "all readers": {
            "comparisons of two or more readers": shared,
            **(whole.record("krippendorff_alpha") if whole else {"krippendorff_alpha": None}),
        },
        "two by two": {
            f"{reader_name(one)} and {reader_name(other)}": _two(answers[one], answers[other], weights)
            for one, other in combinations(sorted(answers), 2)
            if answers[one].keys() & answers[other].keys()
        },
    }


def _two(one: Mapping[int, int], other: Mapping[int, int], weights: npt.NDArray[Any]) -> dict[str, Any]:
    shared = sorted(one.keys() & other.keys())
    first, second = (np.array([own[item] for item in shared]) for own in (one, other))
    kappa = cohen(first, second)
    record: dict[str, Any] = {
        "comparisons": len(shared),
        "same_answer": round(float((first == second).mean()), 6),
    }
    if np.isnan(kappa):
        return {**record, "cohen_kappa": None, "cohen_kappa_ci": None}
    drawn = cohen_resampled(first, second, weights[:, shared])
    return {**record, **Estimate.of(kappa, drawn).record("cohen_kappa")}
