"""Gradient × input (Shrikumar et al. 2016): the gradient at the sentence times the word embedding."""

from __future__ import annotations

from typing import Final

import torch

from negviz.explain.attribution.method import AttributionMethod
from negviz.explain.attribution.sentence import Floats, Sentence


def _scores(sentence: Sentence) -> tuple[Floats, float]:
    embedded = sentence.embedded.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(sentence.score(embedded, sentence.mask).sum(), embedded)
    return sentence.by_word((gradient * sentence.embedded).sum(-1)[0])


GRADIENT_X_INPUT: Final = AttributionMethod("gradient_x_input", "Gradient × input", _scores)
