"""Whether a model encodes at all: asked once where it is opened, before anybody reads a ranking of it.

Weights may be whole, of the right shape and finite, and still make vectors of no length, or the same one of
everything: all zeros, all as large as they can be, or the words of a tokenizer that knows none.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from negviz.common.tensor_files import CheckpointError
from negviz.models.encoder import DualEncoder

_SENTENCES: Final = ("no effusion", "enlarged heart")  # few and short: every start waits for them
_OF_ONE_LENGTH: Final = ("no effusion is seen", "an effusion is seen", "on effusion is seen")  # word by word
_UNIT: Final = 1e-3  # how far a vector's length may lie from 1
_SAME: Final = 3e-7  # coordinates that lie no further apart differ by rounding only


def check_text(model: DualEncoder, where: object) -> None:
    """Refuse a model whose sentences have no vectors, or all the same.  Raises `CheckpointError`."""
    vectors = model.encode_text(_SENTENCES)
    _check_lengths(vectors, where, "sentences")
    _check_apart(vectors, where, "sentences")


def check_rewritten(model: DualEncoder, where: object) -> None:
    """Refuse a column whose sentences have no vectors; two that it rewrites alike may share one.

    Raises `CheckpointError`.
    """
    _check_lengths(model.encode_text(_SENTENCES), where, "sentences")


def check_words(model: DualEncoder, where: object) -> None:
    """Refuse a model whose tokenizer takes one word for another.  Raises `CheckpointError`."""
    ids = {tuple(model.text.tokenize([text])["input_ids"][0].tolist()) for text in _OF_ONE_LENGTH}
    if len(ids) < len(_OF_ONE_LENGTH):
        raise CheckpointError(
            f"{where} cannot tell words apart; the files of its tokenizer are missing, so fetch it anew."
        )


def check_images(model: DualEncoder, where: object) -> None:
    """Refuse a model whose films have no vectors, or all the same.  Raises `CheckpointError`."""
    films = [Image.linear_gradient("L"), Image.radial_gradient("L")]
    vectors = model.encode_images(films)
    _check_lengths(vectors, where, "films")
    _check_apart(vectors, where, "films")


def _check_lengths(vectors: NDArray[np.float32], where: object, what: str) -> None:
    lengths = np.linalg.norm(vectors, axis=1)
    if not np.isfinite(lengths).all() or (np.abs(lengths - 1) > _UNIT).any():
        raise CheckpointError(
            f"{where} makes no vectors of {what}; its weights are of no use, train it anew."
        )


def _check_apart(vectors: NDArray[np.float32], where: object, what: str) -> None:
    if np.abs(vectors[1:] - vectors[0]).max(axis=1).min() < _SAME:
        raise CheckpointError(f"{where} makes the same vector of different {what}; train it anew.")
