"""The supervised probe: it finds what is there, and never scores a study it was fitted on."""

from __future__ import annotations

import numpy as np

from negviz.evaluation.ceiling import FOLDS, probe_scores, study_folds
from negviz.retrieval.metrics import auroc


def _films(
    films: int = 80, signal: float = 4.0, a_study: int = 2
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    studies = np.array([f"s{i // a_study}" for i in range(films)])
    labels = np.array([float(i // a_study % 2) for i in range(films)])
    embeddings = rng.normal(size=(films, 12)) + signal * np.outer(labels - 0.5, np.eye(12)[0])
    return embeddings, labels, studies


def test_a_probe_fitted_on_training_films_ranks_test_films() -> None:
    embeddings, labels, studies = _films()
    train, test = np.arange(40), np.arange(40, 80)
    scores = probe_scores(embeddings, labels, studies, train=train, test=test)
    assert scores is not None
    assert (auroc(labels[test], scores) or 0) > 0.8


def test_without_training_films_it_is_cross_fitted_by_study() -> None:
    """Where only the study tells (both its films look alike), a leak would show as a high AUROC."""
    _, labels, studies = _films()
    look = np.random.default_rng(1).normal(size=(40, 60))  # one look a study, unrelated to the finding
    embeddings = np.repeat(look, 2, axis=0)
    everything = np.arange(80)  # to train on the films that are evaluated would be the leak
    scores = probe_scores(embeddings, labels, studies, train=everything, test=everything)
    assert scores is not None
    assert (auroc(labels, scores) or 0) < 0.75
    signal, *_ = _films()
    found = probe_scores(signal, labels, studies, train=np.arange(0), test=everything)
    assert found is not None
    assert (auroc(labels, found) or 0) > 0.8


def test_too_few_studies_of_a_kind_give_no_probe() -> None:
    embeddings, labels, studies = _films()
    labels[:] = np.where(np.isin(studies, ["s1", "s3", "s5", "s7"]), 1.0, 0.0)  # eight films, four studies
    assert probe_scores(embeddings, labels, studies, train=np.arange(70), test=np.arange(70, 80)) is None


def test_films_that_are_not_judged_are_scored_but_not_fitted_on() -> None:
    embeddings, labels, studies = _films()
    labels[::5] = np.nan
    scores = probe_scores(embeddings, labels, studies, train=np.arange(0), test=np.arange(80))
    assert scores is not None
    assert np.isfinite(scores).all()


def test_folds_keep_studies_whole_and_share_out_the_finding() -> None:
    _, labels, studies = _films()
    fold = study_folds(labels, studies, seed=0)
    assert all(len(set(fold[studies == study])) == 1 for study in studies)
    assert [labels[fold == i].mean() for i in range(FOLDS)] == [0.5] * FOLDS
    assert (fold == study_folds(labels, studies, seed=0)).all()
