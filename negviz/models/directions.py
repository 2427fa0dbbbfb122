"""Where findings lie among a base's films, and the vector that what a sentence says composes.

    q* = unit(Σ w of findings present − Σ w of findings absent)

A finding's direction w is one that tells films with it from films without it, of unit length in each of the
image tower's branches, so that all findings, and all branches, weigh alike.  Film embeddings rank by such a
vector as by any sentence's.  What only may be there adds nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from negviz.findings import Polarity

_SHORT = 1e-6  # of a vector that has no direction
Vector = NDArray[np.float32]  # [dim]


@dataclass(frozen=True, eq=False)
class FindingDirections:
    """Unit vectors `<float32>[dim]` by finding; "normal" has one of its own."""

    of: Mapping[str, Vector]
    by_wording: tuple[str, ...] = ()  # findings that too few films show: base's vector of their name

    def compose(self, said: Iterable[tuple[str, Polarity]]) -> Vector | None:
        """The unit vector q* of these mentions; None where nothing certain is said, or all cancels out."""
        signed = [
            self.of[finding] if polarity == "present" else -self.of[finding]
            for finding, polarity in said
            if polarity != "uncertain"
        ]
        total = np.sum(signed, axis=0) if signed else np.zeros(1, np.float32)
        length = float(np.linalg.norm(total))
        return (total / length).astype(np.float32) if length > _SHORT else None


def unit_in_branches(directions: NDArray[np.float32]) -> Vector:
    """Directions `<float32>[branches, dim / branches]` set side by side, as the branches' embeddings are."""
    lengths = np.linalg.norm(directions, axis=1, keepdims=True)
    side_by_side: Vector = (directions / lengths / np.sqrt(len(directions))).reshape(-1).astype(np.float32)
    return side_by_side
