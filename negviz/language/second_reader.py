"""A second reader: what a sentence says of each finding, from the states of a text tower's tokens.

It was trained, where the rules were written, so the two fail differently: what both read is sure, and where
they differ a person is asked (`agree`).  It reads; it never labels a film.  Pure numpy, well under a
millisecond for each token: two layers of attention over the tokens, then one learned query a finding.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from negviz.findings import FINDINGS, Polarity
from negviz.language.prompt import Mention, Prompt

Floats = npt.NDArray[np.float32]

SAID: Final[tuple[Polarity, ...]] = ("present", "absent", "uncertain")  # the columns of what it returns …
SILENT: Final = len(SAID)  # … and the last: nothing is said
_TINY: Final = 1e-5
_SIGNS: Final = str.maketrans(  # which no tower's vocabulary tells apart
    {
        sign: f" {word} "
        for word, signs in (("yes", "✓✔✅☑👍"), ("no", "✗✘❌✖🚫👎∅⌀øØ"), ("+/-", "±"))
        for sign in signs
    }
)


def spelt(text: str) -> str:
    """A text as the tower is to be given it."""
    return text.translate(_SIGNS)


@dataclass(frozen=True)
class Doubt:
    """Below which probability of what the rules read a person is asked."""

    said: float  # of what they read, present or absent
    silent: float  # of their having read nothing, where something may be present or absent
    open: float  # of what they leave uncertain
    cue: float  # of what they read where a word negates and nothing came out absent


@dataclass(frozen=True, eq=False)
class SecondReader:
    """Weights by name, as `training.tune.second_reader` makes them, and what goes with them."""

    weights: Mapping[str, Floats]
    layers: tuple[int, ...]  # of the tower, whose states are read side by side
    heads: int
    temperature: float
    doubt: Doubt

    @classmethod
    def of(cls, weights: Mapping[str, Floats], settings: Mapping[str, Any]) -> Self:
        """From what a file holds.  Raises `KeyError`, `TypeError` or `ValueError` where that is none."""
        whole = {name: np.asarray(value, np.float32) for name, value in weights.items()}
        if whole["findings"].shape[0] != len(FINDINGS) or whole["out.weight"].shape[0] != SILENT + 1:
            raise ValueError("it reads other findings")
        heads, temperature = int(settings["heads"]), float(settings["temperature"])
        if heads < 1 or whole["findings"].shape[1] % heads or not 0 < temperature < math.inf:
            raise ValueError("its settings do not fit its weights")
        layers = tuple(int(layer) for layer in settings["layers"])
        return cls(whole, layers, heads, temperature, Doubt(**settings["doubt"]))

    def read(self, states: Floats) -> Floats:
        """Probabilities [findings, 4] of present, absent, uncertain, silent from states [tokens, width]."""
        tokens = self._norm("enter", self._linear("enter", states))
        depth = 0
        while f"{depth}.query.weight" in self.weights:
            normed = self._norm(f"{depth}.before", tokens)
            tokens = tokens + self._attend(f"{depth}", normed, normed)
            normed = self._norm(f"{depth}.after", tokens)
            tokens = tokens + self._linear(
                f"{depth}.narrow", np.maximum(self._linear(f"{depth}.widen", normed), 0)
            )
            depth += 1
        asked = self.weights["findings"]
        heard = asked + self._attend("last", asked, self._norm("last", tokens))
        hidden = np.maximum(self._linear("hidden", self._norm("heard", heard)), 0)
        logits = (self._linear("out", hidden) + self.weights["bias"]) / self.temperature
        return _softmax(logits)

    def _linear(self, name: str, values: Floats) -> Floats:
        product: Floats = values @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]
        return product

    def _norm(self, name: str, values: Floats) -> Floats:
        centred = values - values.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + _TINY)
        normed: Floats = scaled * self.weights[f"{name}_norm.weight"] + self.weights[f"{name}_norm.bias"]
        return normed

    def _attend(self, name: str, asking: Floats, offered: Floats) -> Floats:
        """[asking, dim]: what each of `asking` [asking, dim] takes from `offered` [tokens, dim]."""
        query, key, value = (
            self._linear(f"{name}.{part}", values).reshape(len(values), self.heads, -1).swapaxes(0, 1)
            for part, values in (("query", asking), ("key", offered), ("value", offered))
        )  # [heads, n, dim of a head]
        share = _softmax(query @ key.swapaxes(1, 2) / np.float32(math.sqrt(query.shape[-1])))
        taken = (share @ value).swapaxes(0, 1).reshape(len(asking), -1)
        return self._linear(f"{name}.taken", taken)


def _softmax(logits: Floats) -> Floats:
    exponentials = np.exp(logits - logits.max(-1, keepdims=True))
    shares: Floats = exponentials / exponentials.sum(-1, keepdims=True)
    return shares


# Two readers ------------------------------------------------------------------------------------


def agree(prompt: Prompt, second: Floats, doubt: Doubt) -> Prompt:
    """The prompt, to be asked about where the two readers differ.

    `prompt` is as the rules read it, `second` what `SecondReader.read` makes of the same text.
    """
    if not prompt.english:
        return prompt
    rules = {finding: [m for m in prompt.mentions if m.finding == finding] for finding in FINDINGS}
    told = {finding: _told(finding, row, prompt) for finding, row in zip(FINDINGS, second, strict=True)}
    negated = any(cue.kind == "negation" for cue in prompt.cues)
    unused = negated and not any(mention.polarity == "absent" for mention in prompt.mentions)
    contested = [
        finding
        for finding, row in zip(FINDINGS, second, strict=True)
        if _doubted(rules[finding], row, doubt, unused=unused)
        and not (finding == "normal" and _follows(prompt, row))
    ]
    if prompt.sure and not contested:
        return prompt
    return replace(prompt, suggestion=_likeliest(prompt, rules, told, contested))


def _doubted(read: list[Mention], row: Floats, doubt: Doubt, *, unused: bool) -> bool:
    """Whether the second reader gives too little for what the rules read of one finding."""
    if not read:
        return bool(row[SILENT] < doubt.silent and row.argmax() < SAID.index("uncertain"))
    polarities = {mention.polarity for mention in read}
    share = sum(row[SAID.index(polarity)] for polarity in polarities)
    if unused and polarities == {"present"}:
        return bool(share < doubt.cue)
    return bool(share < (doubt.open if polarities == {"uncertain"} else doubt.said))


def _follows(prompt: Prompt, row: Floats) -> bool:
    """Whether "not normal" is all that the second reader adds to a finding that is present."""
    present = any(mention.polarity == "present" for mention in prompt.mentions)
    return present and int(row.argmax()) == SAID.index("absent")


def _told(finding: str, row: Floats, prompt: Prompt) -> tuple[float, Mention] | None:
    """What the second reader takes a sentence to say of a finding, and how likely that is."""
    best = int(row[:SILENT].argmax())
    if row[best] < row[SILENT]:
        return None
    span = next((m.span for m in prompt.mentions if m.finding == finding), (0, len(prompt.text)))
    return float(row[best]), Mention(finding, SAID[best], span)


def _likeliest(
    prompt: Prompt,
    rules: Mapping[str, list[Mention]],
    told: Mapping[str, tuple[float, Mention] | None],
    contested: list[str],
) -> tuple[Mention, ...]:
    """Of contested findings both readings, the likelier first; of the others, the one there is."""
    order = sorted(contested, key=lambda finding: -(told[finding] or (0.0,))[0])
    asked = list(prompt.suggestion or ())
    for finding in order:
        second = told[finding]
        asked += [second[1]] if second else []
        asked += rules[finding]
    if not prompt.suggestion:
        asked += [mention for mention in prompt.mentions if mention.finding not in contested]
    kept = {(mention.finding, mention.polarity): mention for mention in reversed(asked)}
    return tuple(reversed(kept.values()))
