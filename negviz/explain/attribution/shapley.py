"""Shapley values (1953): what a word adds to the words before it, over all orders.

All sets of words are asked about where there are few; else orders are drawn, each with its reverse (Mitchell
et al. 2022), by a generator of our own: captum draws from torch's, which threads share.
"""

from __future__ import annotations

from math import comb
from typing import Final

import numpy as np

from negviz.explain.attribution.method import AttributionError, AttributionMethod
from negviz.explain.attribution.sentence import Floats, Sentence

_MOST_WORDS: Final = 32
_EXACT_WORDS: Final = 8  # 2⁸ sentences
_SENTENCES: Final = 512  # that a tower may be asked about where orders are drawn


def _scores(sentence: Sentence) -> tuple[Floats, float]:
    if len(sentence.read) > _MOST_WORDS:
        raise AttributionError(f"Shapley values take at most {_MOST_WORDS} words; choose another method.")
    return sentence.of_all(shapley(sentence)), 0.0


def shapley(sentence: Sentence) -> Floats:
    """Scores [words read]."""
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


SHAPLEY: Final = AttributionMethod("shapley", "Shapley values", _scores, quick=False)
