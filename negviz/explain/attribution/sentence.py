"""A sentence as methods of attribution ask a tower about it: with some words left, or from its embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from negviz.language.prompt import Prompt, Word
from negviz.models.text_tower import Piece, TextTower

Floats = npt.NDArray[np.float64]
Kept = npt.NDArray[np.bool_]  # [sentences, words]: which words are left

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
