"""What a sentence says, composed of where its findings lie among base's films: `negviz.models.directions`.

No word is encoded: reading alone makes the vector, so affirmations are changed as denials are.  Where the
readers are not sure, what they take to be likeliest of each finding is composed.  A sentence of which nothing
certain is read stays base's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from negviz.language.prompt import Prompt
from negviz.models.directions import FindingDirections, Vector
from negviz.models.text_tower import TextTower
from negviz.models.training_free.column import Encode, Vectors


@dataclass(frozen=True)
class ComposedDirections:
    """The sum of the directions of findings present, less those of findings absent."""

    directions: FindingDirections

    def takes(self, prompt: Prompt) -> bool:
        """As of a `RivalMethod`: what says something certain, whatever it affirms or denies."""
        return self._vector(prompt) is not None

    def vectors(self, prompts: Sequence[Prompt], encode: Encode) -> Vectors:
        """As of a `RivalMethod`."""
        return np.stack([vector for prompt in prompts if (vector := self._vector(prompt)) is not None])

    def tower(self) -> TextTower | None:
        """As of a `RivalMethod`: no tower makes the vector."""
        return None

    def _vector(self, prompt: Prompt) -> Vector | None:
        if prompt.suggestion is None:
            return self.directions.compose((mention.finding, mention.polarity) for mention in prompt.mentions)
        likeliest = {mention.finding: mention.polarity for mention in reversed(prompt.suggestion)}
        return self.directions.compose(likeliest.items())
