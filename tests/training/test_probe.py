"""How the image tower is measured: which films count, and what the figures are."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from negviz.films.collection import Collection, Film
from negviz.findings import FINDINGS
from training.measure.probe import MANY, ProbeScores, measure

EFFUSION = FINDINGS.index("effusion")


@pytest.fixture(scope="module")
def scores() -> ProbeScores:
    """120 films, a third silent about effusion, whose embeddings and classifier tell it, with noise."""
    random = np.random.default_rng(0)
    known = [("findings", "effusion"), ("denied", "effusion"), ("denied", "fracture")]
    films = tuple(
        Film(str(n), "", str(n // 2), split="train" if n < 60 else "test", **{name: frozenset({finding})})  # type: ignore[arg-type]
        for n in range(120)
        for name, finding in [known[n % 3]]
    )
    has = np.array([film.states("effusion", "present") is True for film in films], np.float32)
    embeddings = random.normal(size=(120, 8)).astype(np.float32)
    embeddings[:, 0] += 2 * has
    classifier = random.normal(size=(120, len(FINDINGS))).astype(np.float32)
    classifier[:, EFFUSION] += has
    return ProbeScores(Collection("drawn", films), embeddings, classifier)


def test_only_films_that_state_or_deny_a_finding_count(scores: ProbeScores) -> None:
    test, train = scores.collection.select("test"), scores.collection.select("train")
    effusion = measure(scores, test, train)["findings"]["effusion"]
    assert (effusion["positives"], effusion["negatives"]) == (20, 20)
    judged = [n for n in range(60, 120) if n % 3 != 2]
    labels = [n % 3 == 0 for n in judged]
    expected = roc_auc_score(labels, scores.classifier[judged, EFFUSION])
    assert effusion["classifier_auroc"] == pytest.approx(expected)
    low, high = effusion["classifier_auroc_ci"]
    assert low < expected < high
    assert effusion["probe_auroc"] > 0.8


def test_findings_with_few_films_are_left_out_and_means_take_many(scores: ProbeScores) -> None:
    test, train = scores.collection.select("test"), scores.collection.select("train")
    few = measure(scores, test, train)
    assert set(few["findings"]) == {"effusion"}
    assert "mean_over" not in few  # 20 positives are under MANY
    everything = measure(scores, scores.collection, scores.collection.where(lambda _: False))
    assert everything["findings"]["effusion"]["positives"] == 40 > MANY
    assert everything["mean_over"] == ["effusion"]
    assert everything["mean_probe_auroc"] == pytest.approx(everything["findings"]["effusion"]["probe_auroc"])


def test_nothing_to_measure_is_an_empty_table(scores: ProbeScores) -> None:
    nothing = scores.collection.where(lambda _: False)
    assert measure(scores, nothing, scores.collection) == {"films": 0, "findings": {}}
