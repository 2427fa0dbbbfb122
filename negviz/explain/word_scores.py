"""How much of a sentence's score each of its words made: the methods behind `negviz.explain.attribution`.

A method takes a `Sentence` and returns a score for every token (the two that follow gradients) or for every
word (the two that ask the tower about the sentence with words missing).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from negviz.language.prompt import Prompt, Word
from negviz.models.text_tower import Piece, TextTower

Floats = npt.NDArray[np.float64]
Kept = npt.NDArray[np.bool_]  # [sentences, words]: which words are left

MOST_WORDS: Final = 32  # that Shapley values are worked out for
_STEPS: Final = 20  # Gauss–Legendre: on these towers its convergence delta is that of 50
_EXACT_WORDS: Final = 8  # 2⁸ sentences
_SENTENCES: Final = 512  # that sampled Shapley values may ask a tower about
_AT_ONCE: Final = 64  # sentences in a batch


@dataclass(frozen=True, eq=False)
class Sentence:
    """One sentence as its tower takes it, the baseline, and the direction it is scored by."""

    tower: TextTower
    direction: Tensor  # <float32>[dim]
    embedded: Tensor  # <float32>[1, tokens, width]
    baseline: Tensor  # <float32>[1, tokens, width], the words padded
    mask: Tensor  # <int64>[1, tokens]
    word_of: tuple[int | None, ...]  # [tokens], None for special tokens
    words: int  # in the sentence

    @classmethod
    def of(cls, tower: TextTower, prompt: Prompt, direction: Tensor) -> Sentence:
        tokens = tower.tokenize([prompt.text])
        ids = tokens["input_ids"]
        word_of = words_of(tower.pieces(prompt.text), prompt.words)
        is_word = torch.tensor([word is not None for word in word_of])
        return cls(
            tower=tower,
            direction=direction,
            embedded=tower.embed_words(ids),
            baseline=tower.embed_words(torch.where(is_word, tower.pad_id, ids)),
            mask=tokens.get("attention_mask", torch.ones_like(ids)),
            word_of=word_of,
            words=len(prompt.words),
        )

    @property
    def read(self) -> list[int]:
        """The words that have tokens: not those beyond the tower's length limit."""
        return sorted({word for word in self.word_of if word is not None})

    def score(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        """Cosines [n] with the direction, of word embeddings [n, tokens, width] and masks [n, tokens]."""
        return self.tower.forward_from_embeddings(embeddings, mask) @ self.direction

    def ends(self) -> tuple[float, float]:
        """The score of the sentence and of the baseline."""
        whole, blank = self.values(np.array([[True], [False]]).repeat(len(self.read), axis=1))
        return float(whole), float(blank)

    def values(self, kept: Kept) -> Floats:
        """Scores [sentences] with only some words left: `kept` [sentences, words read], the others padded."""
        place = {word: column for column, word in enumerate(self.read)}
        columns = [len(place) if word is None else place[word] for word in self.word_of]
        stays = torch.from_numpy(np.pad(kept, ((0, 0), (0, 1)), constant_values=True)[:, columns, None])
        with torch.no_grad():
            parts = [
                self.score(torch.where(part, self.embedded, self.baseline), self.mask.expand(len(part), -1))
                for part in stays.split(_AT_ONCE)
            ]
        return torch.cat(parts).double().numpy()

    def by_word(self, tokens: Tensor) -> tuple[Floats, float]:
        """Scores [tokens] added up by word, [words], and over the special tokens."""
        slots = [self.words if word is None else word for word in self.word_of]
        added = np.zeros(self.words + 1)
        np.add.at(added, slots, tokens.double().numpy())
        return added[:-1], float(added[-1])

    def of_all(self, values: Floats) -> Floats:
        """Scores [words read] as scores [words]: those that were not read did nothing."""
        scores = np.zeros(self.words)
        scores[self.read] = values
        return scores


def words_of(pieces: Sequence[Piece], words: Sequence[Word]) -> tuple[int | None, ...]:
    """The word each piece belongs to, None for special tokens.

    A piece over several words belongs to the first, and one over none (a space) to the next.
    """
    return tuple(None if piece.span is None else _word_at(piece.span[0], words) for piece in pieces)


def _word_at(start: int, words: Sequence[Word]) -> int:
    return next((i for i, word in enumerate(words) if word.span[1] > start), len(words) - 1)


def integrated_gradients(sentence: Sentence) -> Tensor:
    """[tokens] by the path from the baseline to the sentence (Sundararajan et al. 2017), in one batch."""
    from captum.attr import IntegratedGradients  # with matplotlib in its train: not before it is needed

    given: Tensor = IntegratedGradients(sentence.score).attribute(
        sentence.embedded,
        sentence.baseline,
        additional_forward_args=(sentence.mask,),
        n_steps=_STEPS,
        method="gausslegendre",
    )
    return given.sum(-1)[0].detach()


def gradient_x_input(sentence: Sentence) -> Tensor:
    """[tokens] by the gradient at the sentence times the word embedding (Shrikumar et al. 2016)."""
    embedded = sentence.embedded.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(sentence.score(embedded, sentence.mask).sum(), embedded)
    return (gradient * sentence.embedded).sum(-1)[0]


def occlusion(sentence: Sentence) -> Floats:
    """[words read] by how much the score falls with that word padded."""
    words = len(sentence.read)
    whole, *without = sentence.values(np.vstack((np.ones((1, words), bool), ~np.eye(words, dtype=bool))))
    return np.asarray(whole - np.array(without))


def shapley(sentence: Sentence) -> Floats:
    """[words read] by what a word adds to the words before it, over all orders (Shapley 1953).

    All sets of words are asked about where there are few; else orders are drawn, each with its reverse
    (Mitchell et al. 2022), by a generator of our own: captum draws from torch's, which threads share.
    """
    return _exact(sentence) if len(sentence.read) <= _EXACT_WORDS else _sampled(sentence)


def _exact(sentence: Sentence) -> Floats:
    words = len(sentence.read)
    sets = (np.arange(2**words)[:, None] >> np.arange(words)) & 1 == 1  # [sets, words]
    values = sentence.values(sets)
    weight = np.array([1 / (words * comb(words - 1, size)) for size in range(words)])  # of a set without it
    numbers = np.arange(len(sets))
    without = [numbers[~sets[:, word]] for word in range(words)]
    return np.array(
        [
            (weight[sets[rest].sum(1)] * (values[rest | 1 << word] - values[rest])).sum()
            for word, rest in enumerate(without)
        ]
    )


def _sampled(sentence: Sentence) -> Floats:
    words = len(sentence.read)
    generator = np.random.default_rng(0)
    drawn = [generator.permutation(words) for _ in range(_SENTENCES // (2 * words))]
    orders = [order for one in drawn for order in (one, one[::-1])]
    kept = np.concatenate([np.argsort(order) < np.arange(words + 1)[:, None] for order in orders])
    values = sentence.values(kept).reshape(len(orders), words + 1)
    gains = np.zeros((len(orders), words))
    for row, order in enumerate(orders):
        gains[row, order] = np.diff(values[row])
    return np.asarray(gains.mean(0))
