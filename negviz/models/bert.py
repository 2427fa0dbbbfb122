"""BERT's encoder (Devlin et al., arXiv 1810.04805), whose weights are named as transformers names them.

It reads what all-MiniLM-L6-v2 ships.  The same class of transformers takes two seconds to import, which is a
third of the time until the app answers.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass
class BertConfig:
    """What `config.json` says of an encoder, as far as it is read; sizes in numbers a token."""

    vocab_size: int
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    max_position_embeddings: int
    type_vocab_size: int = 2
    layer_norm_eps: float = 1e-12
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1
    pad_token_id: int = 0
    _attn_implementation: str = "sdpa"  # or "eager", which keeps the weights of attention

    @classmethod
    def read(cls, path: Path) -> Self:
        """Raises `OSError`, and `ValueError` or `TypeError` where it is of another kind of encoder."""
        given = json.loads(path.read_text(encoding="utf-8"))
        kinds = {"model_type": "bert", "hidden_act": "gelu", "position_embedding_type": "absolute"}
        for name, kind in kinds.items():
            if given.get(name, kind) != kind:
                raise ValueError(f"its {name} is {given[name]!r}, not {kind!r}")
        return cls(**{each.name: given[each.name] for each in fields(cls) if each.name in given})


class Bert(nn.Module):
    """Word embeddings to what the last layer makes of every token."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.config = config
        self.embeddings = Embeddings(config)
        self.encoder = _Layers(config)

    def forward(self, words: Tensor, attention_mask: Tensor) -> Tensor:
        """[n, tokens, width] of word embeddings [n, tokens, width] and a mask [n, tokens]."""
        return self.states(words, attention_mask)[-1]

    def states(self, words: Tensor, attention_mask: Tensor) -> list[Tensor]:
        """What every layer makes of the tokens, each [n, tokens, width]; the first are the embeddings."""
        unseen = None if attention_mask.all() else hidden_from(attention_mask, words)
        states = [self.embeddings(words)]
        for layer in self.encoder.layer:
            states.append(layer(states[-1], unseen))
        return states


def hidden_from(attention_mask: Tensor, like: Tensor) -> Tensor:
    """What is added to attention so that nobody looks at padding: [n, 1, 1, tokens] of a mask [n, tokens]."""
    return (1 - attention_mask[:, None, None].to(like.dtype)) * torch.finfo(like.dtype).min


class Embeddings(nn.Module):
    """Words, their places and the one type of sentence there is."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        width = config.hidden_size
        self.word_embeddings = _table(config.vocab_size, width, padding=config.pad_token_id)
        self.position_embeddings = _table(config.max_position_embeddings, width)
        self.token_type_embeddings = _table(config.type_vocab_size, width)
        self.LayerNorm = nn.LayerNorm(width, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, words: Tensor) -> Tensor:
        """[n, tokens, width] of the same."""
        places = torch.arange(words.shape[1], device=words.device)
        placed = words + self.token_type_embeddings.weight[0] + self.position_embeddings(places)
        dropped: Tensor = self.dropout(self.LayerNorm(placed))
        return dropped


def _table(rows: int, width: int, *, padding: int | None = None) -> nn.Embedding:
    """A table still to be filled: drawing numbers that are not kept has torch import its compiler."""
    empty = torch.empty(rows, width)
    table: nn.Embedding = nn.Embedding.from_pretrained(empty, freeze=False, padding_idx=padding)
    return table


class _Layers(nn.Module):
    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.layer: nn.ModuleList = nn.ModuleList(Layer(config) for _ in range(config.num_hidden_layers))


class Layer(nn.Module):
    """Attention, then each token by itself."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.attention = Attention(config)
        self.intermediate = _Widen(config)
        self.output = _Add(config.intermediate_size, config)

    def forward(self, states: Tensor, unseen: Tensor | None) -> Tensor:
        """[n, tokens, width] of the same, and what `hidden_from` adds to attention."""
        heard = self.attention.output(self.attention.self(states, unseen)[0], states)
        added: Tensor = self.output(self.intermediate(heard), heard)
        return added


class Attention(nn.Module):
    """What tokens take from one another, and what becomes of it."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.self = SelfAttention(config)
        self.output = _Add(config.hidden_size, config)


class SelfAttention(nn.Module):
    """Scaled dot products by head."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.config = config
        width = config.hidden_size
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))

    def forward(self, states: Tensor, unseen: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """[n, tokens, width], and weights [n, heads, tokens, tokens] where `config` keeps them."""
        query, key, value = (self.by_head(part(states)) for part in (self.query, self.key, self.value))
        dropout = self.config.attention_probs_dropout_prob if self.training else 0.0
        if self.config._attn_implementation != "eager":
            heard = F.scaled_dot_product_attention(query, key, value, attn_mask=unseen, dropout_p=dropout)
            return heard.transpose(1, 2).flatten(2), None
        scores = query @ key.transpose(2, 3) * query.shape[-1] ** -0.5
        weights = F.dropout((scores if unseen is None else scores + unseen).softmax(-1), dropout)
        return (weights @ value).transpose(1, 2).flatten(2), weights

    def by_head(self, vectors: Tensor) -> Tensor:
        """[n, tokens, width] → [n, heads, tokens, width of a head]."""
        split: Tensor = vectors.unflatten(-1, (self.config.num_attention_heads, -1)).transpose(1, 2)
        return split


class _Widen(nn.Module):
    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.intermediate_size)

    def forward(self, states: Tensor) -> Tensor:
        return F.gelu(self.dense(states))


class _Add(nn.Module):
    """Add what was made of the states to them."""

    def __init__(self, width: int, config: BertConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(width, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, made: Tensor, states: Tensor) -> Tensor:
        added: Tensor = self.LayerNorm(self.dropout(self.dense(made)) + states)
        return added
