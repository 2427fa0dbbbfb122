"""What each attention head of a text tower does: what is lost without it, and what it looks at.

    effects = head_effects(models["con2"], "No pleural effusion", hits=embeddings_of_the_hits)
    effects.drops                                    # <float32>[layers, heads]

A head is taken out in front of its layer's output projection, where the heads still lie side by side, by
putting zeros (or what the head says on average) in its place.  transformers ignores `head_mask`, so that
takes a hook, and a hook on a shared model would reach into other people's searches: everything here works
on a private copy that is thrown away, so threads may use one model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from negviz.common.errors import NegvizError
from negviz.explain.attribution import Vectors, contrast
from negviz.explain.attribution.sentence import words_of
from negviz.language.prompt import Prompt, Word, read_prompt
from negviz.models.encoder import DualEncoder
from negviz.models.text_tower import TextTower

_PROJECTIONS: Final = ("attention.output.dense", "self_attn.out_proj")  # BERT; CLIP and SigLIP
_ATTENTIONS: Final = ("attention.self", "self_attn")
_AT_ONCE: Final = 96  # sentences in a batch


class HeadsError(NegvizError):
    """Heads that cannot be looked at; the message is one sentence that says what to do."""


@dataclass(frozen=True, eq=False)
class HeadEffects:
    """How far a model prefers a sentence to its opposite, and how much of that each head carries."""

    margin: float  # cosine of the sentence less that of its opposite
    drops: npt.NDArray[np.float32]  # [layers, heads] by how much the margin falls without the head

    @property
    def strengths(self) -> npt.NDArray[np.float32]:
        """|drops|, 1 for the strongest head: [layers, heads]."""
        sizes = np.abs(self.drops)
        return np.asarray(sizes / (sizes.max() or 1.0))

    @property
    def left(self) -> float:
        """The margin without its strongest head."""
        return self.margin - float(self.drops.max())

    @property
    def strongest(self) -> tuple[int, int]:
        """Layer and head whose loss costs most, counted from 0."""
        layer, head = np.unravel_index(int(self.drops.argmax()), self.drops.shape)
        return int(layer), int(head)


@dataclass(frozen=True)
class WordAttention:
    """What a word looks at."""

    word: str
    at: tuple[tuple[str, float], ...]  # word ("" for all special tokens together) and share, largest first


@dataclass(frozen=True, eq=False)
class Attention:
    """What one head looks at."""

    tokens: tuple[str, ...]
    weights: npt.NDArray[np.float32]  # [tokens, tokens] from row to column; rows add up to 1
    words: tuple[Word, ...]
    by_word: npt.NDArray[np.float32]  # [words, words + 1] the same by word, then special tokens

    def looks(self, most: int = 3) -> tuple[WordAttention, ...]:
        """The `most` largest shares of every word, those that round to 0 % left out."""
        names = [*(word.text for word in self.words), ""]
        return tuple(
            WordAttention(name, tuple((names[i], float(row[i])) for i in _largest(row, most)))
            for name, row in zip(names, self.by_word, strict=False)
        )

    @property
    def on_average(self) -> tuple[tuple[str, float], ...]:
        """Every word and the mean share that the words give it; last, named "", the special tokens."""
        names = [*(word.text for word in self.words), ""]
        return tuple(zip(names, self.by_word.mean(0).tolist(), strict=True))


def head_effects(
    model: DualEncoder,
    prompt: Prompt | str,
    *,
    hits: Vectors | None = None,
    opposite: Prompt | None = None,
) -> HeadEffects:
    """Take out every head in turn.

    The margin is measured with the films whose embeddings are `hits` [k, dim], as their mean similarity to
    the prompt less that to its opposite (or to `opposite`); without them, along the unit vector between the
    two sentences.
    Raises `HeadsError` where the prompt has no opposite, the tower's heads cannot be found, or something
    else than they makes the vector of either sentence.
    """
    read = read_prompt(prompt) if isinstance(prompt, str) else prompt
    against = opposite or read.opposite
    if against is None:
        raise HeadsError("This sentence has no opposite, so there is no margin that a head could carry.")
    _refuse_other_towers(model, read, against)
    direction = contrast(model, read, against) if hits is None else np.asarray(hits, np.float32).mean(0)
    switch = HeadSwitch(model.text)
    vectors = switch.vectors([read.text, against.text], switch.one_out())  # [1 + layers * heads, 2, dim]
    margins = (vectors[:, 0] - vectors[:, 1]) @ direction
    drops = (margins[0] - margins[1:]).reshape(switch.layers, switch.heads)
    return HeadEffects(float(margins[0]), drops.astype(np.float32))


class HeadSwitch:
    """A private copy of a tower whose heads can be taken out.  For one thread: it notes what is out."""

    def __init__(self, tower: TextTower, *, instead: npt.NDArray[np.float32] | None = None) -> None:
        """`instead` [layers, width] is what stands in for heads taken out (see `means`); else zeros."""
        self._tower = tower.private_copy()
        projections = _modules(self._tower, _PROJECTIONS)
        self.layers, self.heads = len(projections), _config(self._tower).num_attention_heads
        self._kept: Tensor | None = None  # <float32>[sentences, layers, heads]
        self._instead = torch.zeros(self.layers, 1) if instead is None else torch.from_numpy(instead)
        self._seen: list[Tensor] = []
        for layer, projection in enumerate(projections):
            projection.register_forward_pre_hook(self._blend(layer))

    def one_out(self) -> npt.NDArray[np.bool_]:
        """[1 + layers * heads, layers, heads]: all kept, then each head out in turn."""
        heads = self.layers * self.heads
        kept = np.vstack((np.ones((1, heads), bool), ~np.eye(heads, dtype=bool)))
        return kept.reshape(-1, self.layers, self.heads)

    def vectors(self, texts: Sequence[str], kept: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
        """Unit vectors float32 [n, texts, dim] with only the heads of `kept` [n, layers, heads] at work."""
        sets = torch.from_numpy(kept).float()
        tokens = self._tower.tokenize(texts)
        ids = tokens["input_ids"]
        mask = tokens.get("attention_mask", torch.ones_like(ids))
        which, text = (grid.flatten() for grid in torch.meshgrid(_range(sets), _range(ids), indexing="ij"))
        parts = []
        with torch.inference_mode():
            for some in torch.arange(len(which)).split(_AT_ONCE):
                self._kept = sets[which[some]]
                row = text[some]
                parts.append(self._tower(input_ids=ids[row], attention_mask=mask[row]))
        self._kept = None
        return torch.cat(parts).numpy().reshape(len(sets), len(texts), -1)

    def means(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """What the heads say on average over the real tokens of `texts`: [layers, width]."""
        total, count = torch.zeros(()), 0
        for text in texts:  # one at a time, so that there is no padding to leave out
            self._seen = []
            self._tower(**self._tower.tokenize([text]))
            seen = torch.cat(self._seen).detach()  # [layers, tokens, width]
            total, count = total + seen.sum(1), count + seen.shape[1]
        return np.asarray((total / count).numpy())

    def _blend(self, layer: int) -> Any:
        def hook(_: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            (said,) = inputs  # [sentences, tokens, width], a slice of the width a head
            if self._kept is None:
                self._seen.append(said)
                return inputs
            kept = self._kept[:, layer].repeat_interleave(said.shape[-1] // self.heads, dim=-1)[:, None]
            return (said * kept + self._instead[layer] * (1 - kept),)

        return hook


def attention(model: DualEncoder, prompt: Prompt | str, layer: int, head: int) -> Attention:
    """What a head, counted from 0, looks at in `prompt`.

    Raises `HeadsError` for one that is not there, or where something else than heads makes the vector.
    """
    read = read_prompt(prompt) if isinstance(prompt, str) else prompt
    _refuse_other_towers(model, read)
    tower = model.text.private_copy()
    attentions = _modules(tower, _ATTENTIONS)
    heads = _config(tower).num_attention_heads
    if not (0 <= layer < len(attentions) and 0 <= head < heads):
        raise HeadsError(f"{model.name} has {len(attentions)} layers of {heads} heads, counted from 0.")
    for config in {id(config): config for config in _configs(tower)}.values():
        config._attn_implementation = "eager"  # the fast kernels keep no weights
    kept: list[Tensor] = []
    attentions[layer].register_forward_hook(lambda _, __, output: kept.append(output[1]))
    with torch.inference_mode():
        tower(**tower.tokenize([read.text]))
    weights = kept[0][0, head].numpy()
    pieces = tower.pieces(read.text)
    by_word = _by_word(weights, words_of(pieces, read.words), len(read.words))
    return Attention(tuple(piece.text for piece in pieces), weights, read.words, by_word)


def _refuse_other_towers(model: DualEncoder, *prompts: Prompt) -> None:
    if any(model.tower_for(prompt.text) is not model.text for prompt in prompts):
        raise HeadsError("This column has no heads of its own: they are those of Base, beside it.")


def _largest(row: npt.NDArray[np.float32], most: int) -> list[int]:
    return [int(i) for i in np.argsort(-row, kind="stable")[:most] if row[i] >= 0.005]


def _by_word(
    weights: npt.NDArray[np.float32], word_of: Sequence[int | None], words: int
) -> npt.NDArray[np.float32]:
    """A word looks as its tokens do on average, and at a word as much as at all its tokens together."""
    member = np.zeros((len(word_of), words + 1), np.float32)  # [tokens, words and special tokens]
    member[np.arange(len(word_of)), [words if word is None else word for word in word_of]] = 1
    sizes = np.maximum(member.sum(0), 1)
    return np.asarray(((member / sizes).T @ weights @ member)[:-1])


def _modules(tower: TextTower, endings: tuple[str, ...]) -> list[nn.Module]:
    """One module a layer, in order."""
    found = [module for name, module in tower.named_modules() if name.endswith(endings)]
    if not found:
        raise HeadsError("Heads can be looked at in BERT, CLIP and SigLIP text towers, not in this one.")
    return found


def _configs(tower: TextTower) -> Iterator[Any]:
    return (module.config for module in tower.modules() if hasattr(module, "config"))


def _config(tower: TextTower) -> Any:
    return next(_configs(tower))


def _range(rows: Tensor) -> Tensor:
    return torch.arange(len(rows))
