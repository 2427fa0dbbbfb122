"""What a method of attribution is, and what it may say instead of an attribution."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from negviz.common.errors import NegvizError
from negviz.explain.attribution.sentence import Floats, Sentence


class AttributionError(NegvizError):
    """An attribution that cannot be made; the message is one sentence that says what to do."""


@dataclass(frozen=True)
class AttributionMethod:
    """A way to say how much of a sentence's score each of its words made."""

    name: str  # as `attribute` takes it
    title: str  # as the page offers it
    scores: Callable[[Sentence], tuple[Floats, float]]  # [words], and what all special tokens did
    quick: bool = True  # enough to be measured over all prompts
