"""Metrics against hand-worked cases, scikit-learn and plain resampling; intervals against simulation."""

from __future__ import annotations

import time

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from negviz.retrieval.estimate import Estimate, auroc_estimate
from negviz.retrieval.metrics import (
    MetricError,
    Ranked,
    auroc,
    auroc_interval,
    average,
    average_precision,
    draw,
    interval,
    precision_at_k,
    unanimous_interval,
)


@pytest.mark.parametrize(
    ("relevance", "k", "expected"),
    [
        ([True, False, True, True], 2, 0.5),
        ([True, False, True, True], 3, 2 / 3),
        ([True, True], 10, 1.0),  # fewer films than k
        ([None, True, False, True], 2, 1.0),  # not judged: takes a place, is not counted
        ([None, True, False, True], 3, 0.5),
        ([float("nan"), False], 2, 0.0),
        ([None, None, True], 2, None),
        ([], 5, None),
    ],
)
def test_precision_counts_the_judged_films_of_the_first_k(
    relevance: list[bool | None], k: int, expected: float | None
) -> None:
    assert precision_at_k(relevance, k) == pytest.approx(expected)


def test_average_precision_by_hand() -> None:
    assert average_precision([True, False, True], [0.9, 0.8, 0.7]) == pytest.approx((1 + 2 / 3) / 2)
    assert average_precision([None, True, False, True], [0.95, 0.9, 0.8, 0.7]) == pytest.approx(
        (1 + 2 / 3) / 2
    )
    assert average_precision([False, True], [0.5, 0.5]) == pytest.approx(0.5)  # level films enter together
    assert average_precision([False, None], [0.5, 0.4]) is None


def test_auroc_by_hand() -> None:
    assert auroc([True, False, True, False], [4, 3, 2, 1]) == pytest.approx(3 / 4)
    assert auroc([True, False], [1, 1]) == pytest.approx(0.5)  # a tie counts half
    assert auroc([True, None, False], [1, 9, 2]) == pytest.approx(0.0)
    assert auroc([True, True], [1, 2]) is None
    assert auroc([None, None], [1, 2]) is None


@pytest.mark.parametrize("decimals", [1, 8], ids=["many ties", "no ties"])
def test_agrees_with_scikit_learn(decimals: int) -> None:
    rng = np.random.default_rng(3)
    for _ in range(40):
        truth = rng.random(30) < 0.4
        scores = (rng.normal(size=30) + truth).round(decimals)
        assert auroc(truth, scores) == pytest.approx(roc_auc_score(truth, scores))
        assert average_precision(truth, scores) == pytest.approx(average_precision_score(truth, scores))


@pytest.mark.parametrize("decimals", [1, 8], ids=["many ties", "no ties"])
def test_counting_draws_equals_ranking_the_drawn_films(decimals: int) -> None:
    rng = np.random.default_rng(4)
    relevance = rng.choice([1.0, 0.0, np.nan], size=(5, 25))
    scores = rng.normal(size=(5, 25)).round(decimals)
    counts = draw(25, times=20, seed=5)
    measured = Ranked.of(relevance, scores, None).measure(6, counts)
    for resample, drawn in enumerate(counts):
        films = np.repeat(np.arange(25), drawn)
        for prompt in range(5):
            truth, values = relevance[prompt, films], scores[prompt, films]
            best_first = truth[np.argsort(-values, kind="stable")]
            for name, expected in (
                ("p_at_k", precision_at_k(best_first, 6)),
                ("ap", average_precision(truth, values)),
                ("auroc", auroc(truth, values)),
            ):
                value = measured[name][resample, prompt]
                assert value == pytest.approx(np.nan if expected is None else expected, nan_ok=True)


def test_without_draws_a_measure_is_one_row_of_the_films_as_they_are() -> None:
    relevance = np.array([[1.0, 0.0, 1.0], [0.0, np.nan, 0.0], [0.0, 0.0, 1.0]])
    measured = Ranked.of(relevance, np.array([[3.0, 2.0, 1.0]] * 3), None).measure(2)
    by_hand = {"p_at_k": [1 / 2, 0, 0], "ap": [(1 + 2 / 3) / 2, np.nan, 1 / 3], "auroc": [1 / 2, np.nan, 0]}
    for name, expected in by_hand.items():
        np.testing.assert_allclose(measured[name], [expected])


def test_films_with_equal_scores_go_by_their_places() -> None:
    relevance, scores = np.array([[1.0, 0.0, 1.0, 0.0]]), np.array([[0.5, 0.5, 0.5, 0.9]])
    assert Ranked.of(relevance, scores, np.array([2, 0, 1, 3])).order.tolist() == [[3, 1, 2, 0]]
    assert Ranked.of(relevance, scores, None).order.tolist() == [[3, 0, 1, 2]]  # as they stand


def test_the_order_of_films_changes_no_figure_where_many_scores_are_equal() -> None:
    rng = np.random.default_rng(8)
    relevance = rng.choice([1.0, 0.0, np.nan], size=(20, 40))
    scores, places = rng.normal(size=(20, 40)).round(1), rng.permutation(40)
    counts = draw(40, times=10, seed=1)
    for moved in (rng.permutation(40) for _ in range(10)):
        before = Ranked.of(relevance, scores, places).measure(5, counts)
        after = Ranked.of(relevance[:, moved], scores[:, moved], places[moved]).measure(5, counts[:, moved])
        for name, values in before.items():
            np.testing.assert_array_equal(after[name], values)


def test_draws_are_with_replacement_and_repeat_by_seed() -> None:
    counts = draw(7, times=50, seed=1)
    assert counts.shape == (50, 7)
    assert (counts.sum(axis=1) == 7).all()
    assert counts.max() > 1
    assert (counts == draw(7, times=50, seed=1)).all()
    assert (counts != draw(7, times=50, seed=2)).any()


def test_averages_leave_out_what_was_not_measured() -> None:
    values = np.array([[0.5, np.nan, 1.0], [np.nan, np.nan, np.nan]])
    assert average(values)[0] == pytest.approx(0.75)
    assert np.isnan(average(values)[1])
    assert average(values[0], np.array([3, 5, 1])) == pytest.approx(2.5 / 4)


def test_interval_is_the_percentiles_of_what_could_be_counted() -> None:
    assert interval(np.append(np.arange(101.0), np.nan)) == pytest.approx((2.5, 97.5))
    assert interval(np.array([np.nan])) is None


def test_bad_input_is_refused() -> None:
    with pytest.raises(MetricError, match="at least 1"):
        precision_at_k([True], 0)
    with pytest.raises(MetricError, match="at least 1"):
        Ranked.of(np.ones((1, 2)), np.ones((1, 2)), None).measure(0)
    with pytest.raises(MetricError, match=r"\[prompts, films\]"):
        auroc([True, False], [1.0])
    with pytest.raises(MetricError, match=r"\[prompts, films\]"):
        average_precision([], [])
    with pytest.raises(MetricError, match="finite"):
        auroc([True, False], [float("nan"), 1.0])


def _simulate(rng: np.random.Generator, *, prompts: int, films: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores in which prompts differ in how well they separate, and films in how easily they are found."""
    truth = np.broadcast_to(np.arange(films) % 2.0, (prompts, films))
    skill, ease = rng.normal(1.0, 0.7, (prompts, 1)), rng.normal(0, 1.0, films)
    return truth, truth * skill + ease + rng.normal(0, 0.5, (prompts, films))


@pytest.mark.parametrize("metric", ["p_at_k", "ap", "auroc"])
def test_intervals_cover_the_truth(metric: str) -> None:
    """About 95 in 100 intervals must hold the expected figure of new prompts on new films."""
    size = {"prompts": 15, "films": 60}
    rng = np.random.default_rng(6)
    expected = np.mean(
        [Ranked.of(*_simulate(rng, **size), None).measure(10)[metric].mean() for _ in range(600)]
    )
    covered = 0
    for trial in range(100):
        drawn = Ranked.of(*_simulate(rng, **size), None).measure(10, draw(60, times=150, seed=trial))[metric]
        bounds = interval(average(drawn, draw(15, times=150, seed=(trial, 1))))
        assert bounds is not None
        covered += bounds[0] <= expected <= bounds[1]
    assert 88 <= covered <= 100


@pytest.mark.parametrize(("films", "seconds"), [(70, 10), (494, 60)])
def test_a_thousand_resamples_are_fast(films: int, seconds: int) -> None:
    rng = np.random.default_rng(7)
    relevance, scores = (rng.random((99, films)) < 0.5).astype(float), rng.normal(size=(99, films))
    start = time.perf_counter()
    drawn = Ranked.of(relevance, scores, None).measure(10, draw(films, times=1000, seed=0))
    interval(average(drawn["p_at_k"], draw(99, times=1000, seed=1)))
    assert time.perf_counter() - start < seconds


# The closed interval --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("area", "films", "low"),
    [
        (0.5 + 1.96 * (21 / 1200) ** 0.5, 10, 0.5),  # Mann and Whitney's standard error: √((m+n+1) / 12mn)
        (
            0.8 + 1.96 * (0.16 * (1 + 9 * (0.2 / 1.2 + 0.8 / 1.8)) / 100) ** 0.5,
            10,
            0.8,
        ),  # Hanley and McNeil's
        (0.0, 10, 0.0),
    ],
)
def test_the_ends_of_an_auroc_interval_by_hand(area: float, films: int, low: float) -> None:
    assert auroc_interval(area, films, films)[0] == pytest.approx(low, abs=1e-4)
    assert auroc_interval(1 - area, films, films)[1] == pytest.approx(1 - low, abs=1e-4)


@pytest.mark.parametrize(("satisfying", "violating", "beyond"), [(2, 2, False), (4, 4, True), (1, 50, False)])
def test_a_few_films_put_right_prove_no_more_than_a_rank_test_does(
    satisfying: int, violating: int, *, beyond: bool
) -> None:
    low, high = auroc_interval(1.0, satisfying, violating)
    assert (low > 0.5) is beyond  # z = ½ / √((m+n+1) / 12mn): 1.55, 2.31 and 1.70
    assert high == 1


def test_an_auroc_interval_holds_its_figure_and_narrows_with_films() -> None:
    few, many = auroc_interval(0.9, 8, 30), auroc_interval(0.9, 80, 300)
    assert few[0] < many[0] < 0.9 < many[1] < few[1] < 1
    assert auroc_interval(0.9, 30, 8) == few


def test_an_auroc_estimate_counts_the_judged_films_of_either_kind() -> None:
    right = auroc_estimate(np.array([1.0, 1.0, 0.0, 0.0, np.nan]), np.array([0.9, 0.4, 0.5, 0.1, 7.0]))
    assert right == Estimate(0.75, *auroc_interval(0.75, 2, 2))
    assert right.side_of(0.5) == 0
    assert auroc_estimate(np.array([1.0, 1.0]), np.array([0.1, 0.2])) is None


@pytest.mark.parametrize(("count", "low"), [(1, 0.025), (10, 0.6915), (99, 0.9634)])  # published tables
def test_all_of_so_many_have_an_exact_bound_and_some_of_them_none(count: int, low: float) -> None:
    """By Clopper and Pearson's definition: as many would be right once in forty."""
    bounds = unanimous_interval(1.0, count)
    assert bounds == pytest.approx((low, 1.0), abs=1e-4)
    assert bounds is not None
    assert bounds[0] ** count == pytest.approx(0.025)
    assert unanimous_interval(0.0, count) == pytest.approx((0.0, 1 - bounds[0]))
    assert unanimous_interval(0.5, count) is None


def test_an_estimate_that_no_resample_moves_shows_no_interval() -> None:
    unmoved, moved = Estimate.of(1.0, np.ones(50)), Estimate.of(0.5, np.array([0.4, 0.6]))
    assert (unmoved.low, unmoved.high, unmoved.shown) == (1.0, 1.0, None)
    assert moved.shown == (moved.low, moved.high)
