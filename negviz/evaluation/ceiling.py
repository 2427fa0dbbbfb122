"""What a supervised probe on the same embeddings reaches: how much the image tower would let a prompt find.

The probe is a logistic regression on standardised embeddings, one a finding, its strength of
regularisation chosen by cross-validation among the films it is fitted on.  It is a yardstick, not a
bound: a prompt may beat it.  Folds are by study, so no study is ever on both sides.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from negviz.retrieval.metrics import Floats

FOLDS: Final = 5
FEWEST: Final = 5  # studies of each kind without which no probe is fitted
STRENGTHS: Final = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)  # inverse regularisation, scikit-learn's C

Indices = npt.NDArray[np.intp]


def probe_scores(
    embeddings: npt.NDArray[Any],
    labels: Floats,
    studies: npt.NDArray[np.str_],
    *,
    train: Indices,
    test: Indices,
    seed: int = 0,
) -> Floats | None:
    """How surely each `test` film shows the finding, or None where too few films show or lack it.

    `embeddings` [films, dim]; `labels` [films] 1, 0 or nan (not judged); `studies` [films].  Fitted on the
    `train` films; where there are none, or they are evaluated themselves, each of five folds of the
    `test` films is scored by a probe fitted on the other four.
    """
    if len(train) and not np.intersect1d(train, test).size:
        return _fit_and_score(embeddings, labels, studies, train, test, seed)
    scores = np.empty(len(test))
    fold = study_folds(labels[test], studies[test], seed)
    for held_out in range(FOLDS):
        inside = fold == held_out
        part = _fit_and_score(embeddings, labels, studies, test[~inside], test[inside], seed)
        if part is None:
            return None
        scores[inside] = part
    return scores


def study_folds(labels: Floats, studies: npt.NDArray[np.str_], seed: int) -> npt.NDArray[np.intp]:
    """A fold a film, whole studies together, each fold with its share of studies that show the finding."""
    names, study = np.unique(studies, return_inverse=True)
    shows = np.full(len(names), -1.0)  # 1 some film shows it, 0 none does, -1 not judged
    np.maximum.at(shows, study, np.nan_to_num(labels, nan=-1.0))
    by_kind = np.lexsort((np.random.default_rng(seed).permutation(len(names)), shows))
    fold = np.empty(len(names), dtype=np.intp)
    fold[by_kind] = np.arange(len(names)) % FOLDS
    return fold[study]


def _fit_and_score(
    embeddings: npt.NDArray[Any],
    labels: Floats,
    studies: npt.NDArray[np.str_],
    train: Indices,
    test: Indices,
    seed: int,
) -> Floats | None:
    # scikit-learn takes 2 s to import, and only those evaluations need it that say how high a probe reaches
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    known = train[~np.isnan(labels[train])]
    truth, groups = labels[known], studies[known]
    positive = np.unique(groups[truth == 1])
    if min(len(positive), len(np.setdiff1d(groups, positive))) < FEWEST:
        return None
    fold = study_folds(truth, groups, seed)
    splits = [(np.flatnonzero(fold != i), np.flatnonzero(fold == i)) for i in range(FOLDS)]
    # not lbfgs, scikit-learn's default: it gives up where embeddings are nearly collinear
    regression = LogisticRegression(solver="newton-cholesky", max_iter=2000)
    probe = GridSearchCV(
        make_pipeline(StandardScaler(), regression),
        {"logisticregression__C": STRENGTHS},
        scoring="roc_auc",
        cv=splits,
        error_score="raise",
    )
    probe.fit(embeddings[known], truth)
    scaler, chosen = probe.best_estimator_.named_steps.values()
    # one dot product a film, as in `negviz.retrieval.search.cosines`: films that are alike score alike
    fitted, scores = (np.vecdot(scaler.transform(embeddings[of]), chosen.coef_[0]) for of in (known, test))
    # folds may differ in regularisation, so in scale: only so are their scores ranked together fairly
    standardised: Floats = (scores - fitted.mean()) / (fitted.std() or 1.0)
    return standardised
