"""A model whose weights are base's, with a method that changes the vectors of some sentences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from negviz.language.prompt import Prompt
from negviz.models.encoder import DualEncoder
from negviz.models.text_tower import TextTower

Vectors = NDArray[np.float32]  # [n, dim], unit-norm
Encode = Callable[[Sequence[str]], Vectors]  # as base encodes


class RivalMethod(Protocol):
    """What is done about some sentences, most often those that rule something out."""

    def takes(self, prompt: Prompt) -> bool:
        """The gate: whether a sentence is one of these; base encodes the others."""
        ...

    def vectors(self, prompts: Sequence[Prompt], encode: Encode) -> Vectors:
        """Unit vectors [n, dim] of such sentences; `encode` gives what base makes of any sentence."""
        ...

    def tower(self) -> TextTower | None:
        """The tower that makes these vectors; None where they are made from other sentences."""
        ...


@dataclass(frozen=True, eq=False)
class TrainingFree(DualEncoder):
    """Base behind a gate: what its method does not take is encoded by base, bit for bit.

    Holds no state between calls, so threads may share one.
    """

    method: RivalMethod = field(kw_only=True)

    def encode_text(self, texts: Sequence[str]) -> Vectors:
        """As of a `DualEncoder`."""
        encode, prompts = super().encode_text, [self.reads(text) for text in texts]
        plain = np.zeros((len(texts), self.dim), np.float32)
        kept = [row for row, prompt in enumerate(prompts) if not self.method.takes(prompt)]
        plain[kept] = encode([texts[row] for row in kept])
        return rewritten(self.method, prompts, plain, encode)

    def tower_for(self, text: str) -> TextTower | None:
        """As of a `DualEncoder`."""
        return self.method.tower() if self.method.takes(self.reads(text)) else self.text


class OfDenials:
    """A method's gate, where only what rules something out is changed."""

    def takes(self, prompt: Prompt) -> bool:
        """As of a `RivalMethod`."""
        return rules_out(prompt)


def rules_out(prompt: Prompt) -> bool:
    """Whether a sentence was read to deny any finding.  What is only uncertain is not denied."""
    return any(mention.polarity == "absent" for mention in prompt.mentions)


def rewritten(method: RivalMethod, prompts: Sequence[Prompt], vectors: Vectors, encode: Encode) -> Vectors:
    """Base's `vectors` [n, dim] of `prompts`, with the method's in place of those that pass the gate."""
    rows = [row for row, prompt in enumerate(prompts) if method.takes(prompt)]
    if not rows:
        return vectors
    changed = vectors.copy()
    changed[rows] = method.vectors([prompts[row] for row in rows], encode)
    return changed


def unit(vectors: Vectors, otherwise: Vectors) -> Vectors:
    """Rows of `vectors` [n, dim] at length 1; those of `otherwise` where a row has no direction."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    has_direction = lengths > 1e-6
    return np.where(has_direction, vectors / np.where(has_direction, lengths, 1), otherwise).astype(
        np.float32
    )
