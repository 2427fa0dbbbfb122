"""Plain arithmetic: unit(scene − λ · concept), as word vectors were once added and subtracted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from negviz.language.prompt import Prompt
from negviz.models.text_tower import TextTower
from negviz.models.training_free.column import Encode, OfDenials, Vectors, unit
from negviz.models.training_free.wording import Wording


@dataclass(frozen=True)
class Arithmetic(OfDenials):
    """The scene less a multiple of what is ruled out."""

    wording: Wording = field(default_factory=Wording)
    weight: float = 1.0  # λ

    def vectors(self, prompts: Sequence[Prompt], encode: Encode) -> Vectors:
        """As of a `RivalMethod`."""
        scenes, concepts = self.wording.parts(prompts, encode)
        return less(scenes, concepts, self.weight)

    def tower(self) -> TextTower | None:
        """As of a `RivalMethod`: the vector is made from two other sentences."""
        return None


def less(wanted: Vectors, unwanted: Vectors, weight: float) -> Vectors:
    """unit(wanted − weight · unwanted), unit vectors [n, dim]; `wanted` itself where nothing is left.

    Films rank by it as by cos(film, wanted) − weight · cos(film, unwanted), of which it is a multiple.
    """
    return unit(wanted - weight * unwanted, wanted)
