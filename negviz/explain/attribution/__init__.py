"""What each word of a sentence did to how close a model puts it to something.

    attribute(models["con2"], "No pleural effusion.", method="ig").cue_share

A sentence is scored by its cosine with a fixed *direction*:

- target "hits": the mean embedding of the films a model shows for it, so the score is its mean similarity
  to them.
- target "contrast": the unit vector from the sentence's opposite to the sentence, so the score says how far
  it lies to its own side.  This is what Yin & Neubig (2022, arXiv 2202.10419) call a contrastive
  explanation: the logit of what was said less the logit of what might have been, both fixed in advance.
- or any vector.

Every method (whatever `AttributionMethod` a module here defines: a new one needs no list) compares the
sentence with a *baseline* in which special tokens stay and each word's tokens are padding.  Nothing hooks
into a model and its weights carry no gradient, so threads may share one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import torch

from negviz.explain.attribution.method import AttributionError, AttributionMethod
from negviz.explain.attribution.sentence import Sentence
from negviz.language.prompt import Prompt, Word, read_prompt
from negviz.models.encoder import DualEncoder

__all__ = [
    "METHODS",
    "Attribution",
    "AttributionError",
    "NotFromWordsError",
    "Vectors",
    "attribute",
    "contrast",
    "strengths",
]

Vectors = npt.NDArray[np.floating[Any]]

_DEFAULT: Final = "ig"
_FOUND: Final = [
    method
    for module in iter_modules(__path__)
    for method in vars(import_module(f"{__name__}.{module.name}")).values()
    if isinstance(method, AttributionMethod)
]
METHODS: Final[Mapping[str, AttributionMethod]] = {  # the default first
    method.name: method for method in sorted(_FOUND, key=lambda method: method.name != _DEFAULT)
}


class NotFromWordsError(AttributionError):
    """A model that does not make this sentence's vector from its words, so that none of them did anything."""


@dataclass(frozen=True)
class Attribution:
    """What each word did to one score of one sentence.  Scores are signed, in units of cosine."""

    words: tuple[Word, ...]
    scores: tuple[float, ...]  # a word's tokens added up; 0 where the tower's length limit cut the word off
    special: float  # what all special tokens did together, which is none of the words'
    score: float  # the sentence's cosine with the direction
    delta: float  # all scores together, less the difference between sentence and baseline: 0 is exact
    target: str  # "contrast", "hits" or "vector"
    method: str
    unread: int  # words beyond the tower's length limit

    @property
    def cue_share(self) -> float | None:
        """Σ|cue words| / Σ|words|; None where the sentence has no cue, or no word did anything."""
        total = sum(map(abs, self.scores))
        on_cue = [abs(score) for word, score in zip(self.words, self.scores, strict=True) if word.is_cue]
        return sum(on_cue) / total if on_cue and total else None

    @property
    def even_share(self) -> float | None:
        """The cue share if every word counted alike."""
        cues = sum(word.is_cue for word in self.words)
        return cues / len(self.words) if cues else None

    @property
    def cue(self) -> str | None:
        """The words of the cue."""
        return " ".join(word.text for word in self.words if word.is_cue) or None

    def plain(self) -> dict[str, Any]:
        """The attribution as JSON."""
        words = [
            {**asdict(word), "score": score} for word, score in zip(self.words, self.scores, strict=True)
        ]
        values = {name: getattr(self, name) for name in ("special", "score", "delta", "unread")}
        return {"words": words, "cue_share": self.cue_share, "even_share": self.even_share, **values}


def attribute(
    model: DualEncoder,
    prompt: Prompt | str,
    *,
    target: Literal["contrast", "hits"] | Vectors = "contrast",
    method: str = _DEFAULT,
    hits: Vectors | None = None,
    opposite: Prompt | None = None,
) -> Attribution:
    """Say what each word of `prompt` did.

    `hits` float32 [k, dim] are the embeddings of the films that target "hits" means; `opposite` stands in
    for the prompt's own where a person has worded another.

    `method` is one of `METHODS`.  Raises `AttributionError` where there is no word, no opposite to contrast
    with, or no such method or direction, and `NotFromWordsError` where the model makes the vector in another
    way (`DualEncoder.tower_for`).
    """
    read = read_prompt(prompt) if isinstance(prompt, str) else prompt
    if method not in METHODS:
        raise AttributionError(f"There is no method {method!r}; use one of {', '.join(METHODS)}.")
    if not read.words:
        raise AttributionError("There are no words to attribute anything to; type a sentence.")
    name = target if isinstance(target, str) else "vector"
    direction = _direction(model, read, target, hits, opposite)
    tower = model.tower_for(read.text)
    if tower is None:
        raise NotFromWordsError(
            "This column does not encode these words: its vector comes from what they were read to say."
        )
    sentence = Sentence.of(tower, read, torch.from_numpy(direction))
    scores, special = METHODS[method].scores(sentence)
    score, blank = sentence.ends()
    return Attribution(
        words=read.words,
        scores=tuple(scores.tolist()),
        special=special,
        score=score,
        delta=float(scores.sum()) + special - (score - blank),
        target=name,
        method=method,
        unread=len(read.words) - len(sentence.read),
    )


def strengths(attributions: Sequence[Attribution]) -> list[tuple[float, ...]]:
    """|score| of every word, 1 for the strongest of all attributions: lengths of bars that compare."""
    largest = max((abs(score) for given in attributions for score in given.scores), default=0.0) or 1.0
    return [tuple(abs(score) / largest for score in given.scores) for given in attributions]


def _direction(
    model: DualEncoder,
    prompt: Prompt,
    target: str | Vectors,
    hits: Vectors | None,
    opposite: Prompt | None,
) -> npt.NDArray[np.float32]:
    if not isinstance(target, str):
        vector = np.asarray(target, np.float32)
    elif target == "contrast":
        vector = contrast(model, prompt, opposite)
    elif target == "hits" and hits is not None and len(hits):
        vector = np.asarray(hits, np.float32).mean(0)
    elif target == "hits":
        raise AttributionError("Target “hits” needs the embeddings of the hits; give them as hits=….")
    else:
        raise AttributionError(f"There is no target {target!r}; use contrast, hits or a vector.")
    if vector.shape != (model.dim,) or not np.isfinite(vector).all():
        raise AttributionError(f"A target for {model.name} has {model.dim} finite numbers; give such a one.")
    return vector


def contrast(model: DualEncoder, prompt: Prompt, opposite: Prompt | None = None) -> npt.NDArray[np.float32]:
    """Unit vector float32 [dim] from the opposite to the prompt; zero where the model cannot tell them apart.

    Raises `AttributionError` where there is no opposite.
    """
    against = opposite or prompt.opposite
    if against is None:
        raise AttributionError("This sentence has no opposite to contrast it with; choose the hits instead.")
    said, contrary = model.encode_text([prompt.text, against.text])
    difference = said - contrary
    length = np.linalg.norm(difference)
    return np.asarray(difference / length if length else difference)
