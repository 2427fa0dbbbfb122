"""The upper layers of a compact text tower, tuned over what the lower ones make of sentences, once each."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from negviz.models.text_tower import CompactTextTower
from training.tune.devices import CPU


class LowerLayers:
    """What the first layers of a tower make of every token, worked out once a sentence."""

    def __init__(self, tower: CompactTextTower, count: int) -> None:
        self.count = count
        self._tower = tower
        self._known: dict[str, Tensor] = {}  # <float16>[tokens, width]

    def of(self, texts: Sequence[str]) -> list[Tensor]:
        """States `<float16>[tokens, width]` of each sentence."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            tokens = self._tower.tokenize(new)
            with torch.inference_mode(), CPU.autocast():
                states = self._tower.below(tokens["input_ids"], tokens["attention_mask"], self.count)
            for text, state, mask in zip(new, states.half(), tokens["attention_mask"].bool(), strict=True):
                self._known[text] = state[mask].clone()
        return [self._known[text] for text in texts]


@lru_cache(maxsize=1)
def lower_layers(tower: CompactTextTower, count: int) -> LowerLayers:
    """The same for run after run, so that none encodes again what one before it did."""
    return LowerLayers(tower, count)


class UpperLayers(nn.Module):
    """A tower that goes on from there: `tokenize` and `forward` as a text tower's, in parts of a batch."""

    def __init__(self, tower: CompactTextTower, lower: LowerLayers) -> None:
        super().__init__()
        self.tower = tower
        self._lower = lower

    def tokenize(self, texts: Sequence[str]) -> dict[str, Tensor]:
        """States `<float32>[n, tokens, width]` and their mask."""
        states = self._lower.of(texts)
        known = [torch.ones(len(state), dtype=torch.long) for state in states]
        return {
            "states": pad_sequence(states, batch_first=True).float(),
            "attention_mask": pad_sequence(known, batch_first=True),
        }

    def forward(self, states: Tensor, attention_mask: Tensor) -> Tensor:
        return self.tower.above(states, attention_mask, self._lower.count)


__all__ = ["UpperLayers", "lower_layers"]
