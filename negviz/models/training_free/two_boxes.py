"""Two sentences in place of one: films near to what is wanted and far from what is not.

    score = cos(film, show) − λ · cos(film, but not)

What people ask of search tools that do not mind a "no".  λ is that of `Arithmetic`, which was chosen by
cross-validation on training studies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Final

import numpy as np

from negviz.language.prompt import clean
from negviz.models.encoder import DualEncoder
from negviz.models.text_tower import TextTower
from negviz.models.training_free.arithmetic import Arithmetic, less
from negviz.models.training_free.column import TrainingFree, Vectors

TWO_BOXES: Final = "two-boxes"  # the column's name


@dataclass(frozen=True, eq=False)
class TwoBoxes(DualEncoder):
    """A column that ranks by its own two sentences, whatever else is asked."""

    show: str = field(kw_only=True)
    but_not: str = field(kw_only=True)
    weight: float = field(kw_only=True)  # λ

    @classmethod
    def of(cls, base: DualEncoder, show: str, but_not: str, weight: float) -> TwoBoxes:
        """Two sentences, as they were typed, as `base` encodes them."""
        facts = {each.name: getattr(base, each.name) for each in fields(DualEncoder)}
        return cls(**(facts | {"name": TWO_BOXES}), show=clean(show), but_not=clean(but_not), weight=weight)

    def tower_for(self, text: str) -> TextTower | None:
        """As of a `DualEncoder`."""
        return None

    def encode_text(self, texts: Sequence[str]) -> Vectors:
        """As of a `DualEncoder`: the same vector for every text."""
        both = super().encode_text([self.show, self.but_not])
        return np.repeat(less(both[:1], both[1:], self.weight), len(texts), axis=0)


def arithmetic_of(models: Sequence[DualEncoder]) -> Arithmetic | None:
    """The rival whose λ was chosen for the base of these models, if there is one."""
    methods = (model.method for model in models if isinstance(model, TrainingFree))
    return next((method for method in methods if isinstance(method, Arithmetic)), None)
