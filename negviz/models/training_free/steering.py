"""Negation steering (arXiv 2603.20554): what the layers say, pushed towards negation.

Behind a layer, the tokens that speak for a sentence become

    x ← (1 − s) x + s ‖x‖ v

with strength s, and v the unit normal of a logistic regression, without intercept, that tells what the layer
says of negated sentences from what it says of others.  Its authors steer CLIP's end-of-text token, behind
every layer.  The tokens that speak here are those that a tower pools: CLIP's end-of-text token, SigLIP's last
position, all real tokens of a tower that takes their mean, and the first token of any other.

Hooks on a layer that threads share would steer other people's sentences.  A steered tower has layers of its
own, around the very parameters of the original, and its hooks hold nothing but v and s; which tokens speak
differs from call to call, so that is kept in a context variable, which every thread has to itself.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from negviz.language.prompt import Prompt
from negviz.models.text_tower import TextTower
from negviz.models.training_free.column import Encode, OfDenials, Vectors

PUBLISHED: Final = 0.13
_LAYER: Final = re.compile(r"(?:.*\.)?layers?\.\d+")
_AT_ONCE: Final = 64  # sentences in a batch
_SPEAKING: ContextVar[Tensor] = ContextVar("_SPEAKING")  # <bool>[n, tokens] of the call under way


@dataclass(frozen=True, eq=False)
class Steering(OfDenials):
    """A tower whose layers are steered; it makes the vectors of sentences that rule something out."""

    original: TextTower
    directions: Mapping[int, Tensor]  # by layer, unit vector float32 [width]; other layers are left alone
    strength: float = PUBLISHED

    @cached_property
    def _steered(self) -> TextTower:
        return steered(self.original, self.directions, self.strength)

    def tower(self) -> TextTower | None:
        """As of a `RivalMethod`."""
        return self._steered

    def vectors(self, prompts: Sequence[Prompt], encode: Encode) -> Vectors:
        """As of a `RivalMethod`."""
        tower, texts = self._steered, [prompt.text for prompt in prompts]
        with torch.inference_mode():
            parts = [F.normalize(part.float(), dim=-1) for part in tower.each(texts)]
        return np.asarray(torch.cat(parts).numpy())


class _WatchedTower(TextTower):
    """A tower with layers of its own around another's parameters, and something hung behind each."""

    frozen = ()

    def __init__(self, original: TextTower, hook_of: Callable[[int], Any]) -> None:
        super().__init__()
        shared = (*original.parameters(), *original.buffers(), original.tokenizer)
        self.inner = copy.deepcopy(original, {id(item): item for item in shared})
        self.tokenizer = original.tokenizer
        self.dim = original.dim
        for number, layer in enumerate(layers(self.inner)):
            if (hook := hook_of(number)) is not None:
                layer.register_forward_hook(hook)
        self.eval()

    @property
    def word_embeddings(self) -> nn.Module:
        return self.inner.word_embeddings

    def pool(self, embeddings: Tensor, attention_mask: Tensor) -> Tensor:
        before = _SPEAKING.set(self.pooled_tokens(attention_mask))
        try:
            return self.inner.pool(embeddings, attention_mask)
        finally:
            _SPEAKING.reset(before)

    def pooled_tokens(self, attention_mask: Tensor) -> Tensor:
        return self.inner.pooled_tokens(attention_mask)


def steered(original: TextTower, directions: Mapping[int, Tensor], strength: float) -> TextTower:
    """The tower that says x ← (1 − s) x + s ‖x‖ v behind the layers of `directions`."""

    def hook_of(layer: int) -> Any:
        if layer not in directions:
            return None
        direction = directions[layer]

        def hook(_: nn.Module, __: Any, said: Tensor) -> Tensor:
            pushed = (1 - strength) * said + strength * said.norm(dim=-1, keepdim=True) * direction
            return torch.where(_SPEAKING.get()[..., None], pushed, said)

        return hook

    return _WatchedTower(original, hook_of)


def activations(original: TextTower, texts: Sequence[str]) -> Tensor:
    """What each layer says of each text, its speaking tokens averaged: float32 [layers, texts, width]."""
    heard: list[Tensor] = []

    def hook(_: nn.Module, __: Any, said: Tensor) -> None:
        speak = _SPEAKING.get()[..., None]
        heard.append((said * speak).sum(1) / speak.sum(1))

    tower = _WatchedTower(original, lambda _: hook)
    batches = []
    with torch.no_grad():
        for start in range(0, len(texts), _AT_ONCE):
            heard.clear()
            tower(**tower.tokenize(texts[start : start + _AT_ONCE]))
            batches.append(torch.stack(heard))
    return torch.cat(batches, dim=1).float()


def layers(tower: TextTower) -> list[nn.Module]:
    """The layers of a BERT, CLIP or SigLIP text tower, in order."""
    return [module for name, module in tower.named_modules() if _LAYER.fullmatch(name)]
