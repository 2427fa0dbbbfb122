"""Integrated gradients (Sundararajan et al. 2017): straight from the baseline to the sentence."""

from __future__ import annotations

from typing import Final

from torch import Tensor

from negviz.explain.attribution.method import AttributionMethod
from negviz.explain.attribution.sentence import Floats, Sentence

_STEPS: Final = 20  # Gauss–Legendre: on these towers its convergence delta is that of 50


def _scores(sentence: Sentence) -> tuple[Floats, float]:
    from captum.attr import IntegratedGradients  # with matplotlib in its train: not before it is needed

    given: Tensor = IntegratedGradients(sentence.score).attribute(
        sentence.embedded,
        sentence.baseline,
        additional_forward_args=(sentence.mask,),
        n_steps=_STEPS,  # in one batch
        method="gausslegendre",
    )
    return sentence.by_word(given.sum(-1)[0].detach())


INTEGRATED_GRADIENTS: Final = AttributionMethod("ig", "Integrated gradients", _scores)
