"""Occlusion: how much the score falls with one word padded."""

from __future__ import annotations

from typing import Final

import numpy as np

from negviz.explain.attribution.method import AttributionMethod
from negviz.explain.attribution.sentence import Floats, Sentence


def _scores(sentence: Sentence) -> tuple[Floats, float]:
    words = len(sentence.read)
    whole, *without = sentence.values(np.vstack((np.ones((1, words), bool), ~np.eye(words, dtype=bool))))
    return sentence.of_all(np.asarray(whole - np.array(without))), 0.0


OCCLUSION: Final = AttributionMethod("occlusion", "Leave a word out", _scores)
