"""Where each finding lies among a base's films: from its own classifiers, or by logistic regression."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file
from sklearn.linear_model import LogisticRegression
from tqdm import tqdm

from negviz.films.collection import Film
from negviz.findings import BY_NAME, FINDINGS
from negviz.models.directions import FindingDirections, unit_in_branches
from negviz.models.encoder import DualEncoder

HEADS_FILE: Final = "findings.safetensors"  # the classifier that hung on the embedding of the compact base
FEWEST: Final = 20  # films with a finding, or without, below which no direction is fitted


def find_directions(
    base: DualEncoder, vectors: NDArray[np.float32], films: Sequence[Film], *, family: Path | None = None
) -> FindingDirections:
    """Directions of all findings, for where base's film embeddings tell them apart.

    The compact base, in its `family`'s folder, brings classifiers along; for any other they are fitted on
    training films, whose embeddings are `vectors` `<float32>[n, dim]`.
    """
    heads = None if family is None else family / "base" / HEADS_FILE
    if heads is not None and heads.is_file():
        rows = load_file(heads)["directions"]  # [branches, findings, dim / branches]
        own = {name: unit_in_branches(rows[:, at]) for at, name in enumerate(FINDINGS)}
        return FindingDirections(own)
    centred = vectors - vectors.mean(axis=0)
    found, by_wording = {}, []
    for finding in tqdm(FINDINGS, desc="directions", unit="finding", leave=False, disable=None):
        truth = [film.states(finding, "present") for film in films]
        known = [row for row, is_there in enumerate(truth) if is_there is not None]
        shown = np.array([truth[row] for row in known], dtype=bool)
        if min(shown.sum(), (~shown).sum()) < FEWEST:
            by_wording.append(finding)
            found[finding] = base.encode_text([" ".join(filter(None, BY_NAME[finding].said))])[0]
            continue
        probe = LogisticRegression(max_iter=2000, class_weight="balanced").fit(centred[known], shown)
        found[finding] = unit_in_branches(probe.coef_.astype(np.float32))
    return FindingDirections(found, tuple(by_wording))
