"""A second reader: what a sentence says of each finding, from the states of a text tower's tokens.

It was trained, where the rules were written, so the two fail differently: what both read is sure, and where
they differ a person is asked (`agree`).  It reads; it never labels a film.  Pure numpy, well under a
millisecond for each token: two layers of attention over the tokens, then one learned query a finding, in
several networks whose probabilities are averaged.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from negviz.findings import FINDINGS, Polarity
from negviz.language.prompt import Mention, Prompt, unclear

Floats = npt.NDArray[np.float32]
Places = npt.NDArray[np.intp]

SAID: Final[tuple[Polarity, ...]] = ("present", "absent", "uncertain")  # the columns of what it returns …
SILENT: Final = len(SAID)  # … and the last: nothing is said
_NORMAL: Final = FINDINGS.index("normal")
_TINY: Final = 1e-5
_SIGNS: Final = str.maketrans(  # which no tower's vocabulary tells apart
    {
        sign: f" {word} "
        for word, signs in (("yes", "✓✔✅☑👍⊕"), ("no", "✗✘❌✖🚫👎∅⌀øØ⊖⊝"), ("+/-", "±"))
        for sign in signs
    }
)


def spelt(text: str) -> str:
    """A text as the tower is to be given it."""
    return text.translate(_SIGNS)


@dataclass(frozen=True, eq=False)
class Doubt:
    """How far either reader is to be believed, and how much doubt is a question."""

    errors: Floats  # [situations, findings, 4, 4]: how likely the rules read a column where a row is said
    marked: float  # a reading by which films would be marked is asked about where it is as likely wrong …
    unmarked: float  # … and one by which none would


@dataclass(frozen=True, eq=False)
class SecondReader:
    """Some networks, as `training.tune.second_reader` makes them, and what goes with them."""

    networks: tuple[Mapping[str, Floats], ...]  # weights by name
    layers: tuple[int, ...]  # of the tower, whose states are read side by side
    heads: int
    temperature: float
    doubt: Doubt

    @classmethod
    def of(cls, weights: Mapping[str, Floats], settings: Mapping[str, Any]) -> Self:
        """From what a file holds.  Raises `KeyError`, `TypeError` or `ValueError` where that is none."""
        whole = {name: np.asarray(value, np.float32) for name, value in weights.items()}
        errors = whole.pop("errors")
        numbers = sorted({name.partition("/")[0] for name in whole})
        networks = tuple(
            {name.partition("/")[2]: value for name, value in whole.items() if name.startswith(f"{number}/")}
            for number in numbers
        )
        heads, temperature = int(settings["heads"]), float(settings["temperature"])
        if not networks or heads < 1 or not 0 < temperature < math.inf:
            raise ValueError("its settings do not fit its weights")
        if errors.shape != (len(SITUATIONS), len(FINDINGS), SILENT + 1, SILENT + 1):
            raise ValueError("it reads other findings")
        for network in networks:
            if network["findings"].shape[0] != len(FINDINGS) or network["out.weight"].shape[0] != SILENT + 1:
                raise ValueError("it reads other findings")
            if network["findings"].shape[1] % heads:
                raise ValueError("its settings do not fit its weights")
        layers = tuple(int(layer) for layer in settings["layers"])
        doubt = Doubt(errors, **{name: float(value) for name, value in settings["doubt"].items()})
        return cls(networks, layers, heads, temperature, doubt)

    def read(self, states: Floats) -> Floats:
        """Probabilities [findings, 4] of present, absent, uncertain, silent from states [tokens, width]."""
        every = [self._read(_Weights(weights), states) for weights in self.networks]
        mean: Floats = np.mean(every, axis=0)
        return mean

    def _read(self, weights: _Weights, states: Floats) -> Floats:
        """What one of the networks reads."""
        tokens = weights.norm("enter", weights.linear("enter", states))
        depth = 0
        while f"{depth}.query.weight" in weights.by_name:
            normed = weights.norm(f"{depth}.before", tokens)
            tokens = tokens + weights.attend(f"{depth}", normed, normed, self.heads)
            normed = weights.norm(f"{depth}.after", tokens)
            wide = np.maximum(weights.linear(f"{depth}.widen", normed), 0)
            tokens = tokens + weights.linear(f"{depth}.narrow", wide)
            depth += 1
        asked = weights.by_name["findings"]
        heard = asked + weights.attend("last", asked, weights.norm("last", tokens), self.heads)
        hidden = np.maximum(weights.linear("hidden", weights.norm("heard", heard)), 0)
        logits = (weights.linear("out", hidden) + weights.by_name["bias"]) / self.temperature
        return _softmax(logits)


@dataclass(frozen=True, eq=False)
class _Weights:
    """The layers of one network."""

    by_name: Mapping[str, Floats]

    def linear(self, name: str, values: Floats) -> Floats:
        product: Floats = values @ self.by_name[f"{name}.weight"].T + self.by_name[f"{name}.bias"]
        return product

    def norm(self, name: str, values: Floats) -> Floats:
        centred = values - values.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + _TINY)
        normed: Floats = scaled * self.by_name[f"{name}_norm.weight"] + self.by_name[f"{name}_norm.bias"]
        return normed

    def attend(self, name: str, asking: Floats, offered: Floats, heads: int) -> Floats:
        """[asking, dim]: what each of `asking` [asking, dim] takes from `offered` [tokens, dim]."""
        query, key, value = (
            self.linear(f"{name}.{part}", values).reshape(len(values), heads, -1).swapaxes(0, 1)
            for part, values in (("query", asking), ("key", offered), ("value", offered))
        )  # [heads, n, dim of a head]
        share = _softmax(query @ key.swapaxes(1, 2) / np.float32(math.sqrt(query.shape[-1])))
        taken = (share @ value).swapaxes(0, 1).reshape(len(asking), -1)
        return self.linear(f"{name}.taken", taken)


def _softmax(logits: Floats) -> Floats:
    exponentials = np.exp(logits - logits.max(-1, keepdims=True))
    shares: Floats = exponentials / exponentials.sum(-1, keepdims=True)
    return shares


# Two readers ------------------------------------------------------------------------------------

# How often the rules err depends on what they made of the sentence as a whole.
SITUATIONS: Final = (
    "usual",
    "a word negates and nothing came out absent",
    "nothing is read",
    "no word negates or doubts",
)
_HEDGED: Final = SAID.index("uncertain")
_MISSED_HEDGE: Final = 0.2  # of any other error
_MOST_OFFERED: Final = 3  # readings, beside the likeliest of each finding and what nobody contests
_OFFERED: Final = 0.1  # a reading that is less likely is not offered, unless it is that of the rules


def agree(prompt: Prompt, second: Floats, doubt: Doubt) -> Prompt:
    """The prompt, to be asked about where its reading is not likely enough.

    `prompt` is as the rules read it, `second` what `SecondReader.read` makes of the same text.  What is said
    of each finding follows from both as from two witnesses: how likely the second reader takes it to be, and
    how often the rules read what they did where it is so.
    """
    if not prompt.english:
        return prompt
    most = doubt.unmarked if unclear(prompt.mentions) else doubt.marked
    return prompt if doubted(prompt, second, doubt.errors) <= most else ask(prompt, second, doubt.errors)


def doubted(prompt: Prompt, second: Floats, errors: Floats) -> float:
    """How likely what the rules read is wrong."""
    wrong = _wrong(prompt, weigh(prompt, second, errors))
    return float(1 - (1 - wrong).prod())


def ask(prompt: Prompt, second: Floats, errors: Floats) -> Prompt:
    """The prompt, to be asked about."""
    told = weigh(prompt, second, errors)
    wrong = _wrong(prompt, told)
    contested = np.flatnonzero(wrong >= wrong.max() / 2)
    open_to = {FINDINGS[row] for row in contested}
    said = prompt.besides if prompt.suggestion else prompt.mentions
    besides = tuple(mention for mention in said if mention.finding not in open_to)
    may_be = _likeliest(prompt, told, contested[np.argsort(-wrong[contested])])
    return replace(prompt, suggestion=(*may_be, *besides), besides=besides)


def _wrong(prompt: Prompt, told: Floats) -> Floats:
    """[findings] how likely what the rules read of each is seriously wrong; 0 where no film is judged by it.

    A film that shows a finding is no wrong answer to who asked for it hesitantly, so a hedge that was missed
    counts for little; and a film with a finding is not normal, whether that is said or not.
    """
    read = as_read(prompt)
    likely = told[np.arange(len(FINDINGS)), read]
    hedged = np.where(read == _HEDGED, 0, told[:, _HEDGED])
    wrong: Floats = np.where(read >= 0, 1 - likely - (1 - _MISSED_HEDGE) * hedged, 0)
    if read[_NORMAL] != SAID.index("present") and (np.delete(read, _NORMAL) == SAID.index("present")).any():
        wrong[_NORMAL] = 0
    return wrong


def as_read(prompt: Prompt) -> Places:
    """[findings] what the rules read of each: a place in `SAID`, `SILENT`, or -1 where it is two things."""
    places = np.full(len(FINDINGS), SILENT)
    for mention in prompt.mentions:
        row, said = FINDINGS.index(mention.finding), SAID.index(mention.polarity)
        places[row] = said if places[row] in (SILENT, said) else -1
    return places


def situation(prompt: Prompt) -> int:
    """A place in `SITUATIONS`."""
    if not prompt.mentions:
        return 2
    kinds = {cue.kind for cue in prompt.cues}
    if kinds.isdisjoint({"negation", "uncertainty"}):
        return 3
    return int("negation" in kinds and not any(mention.polarity == "absent" for mention in prompt.mentions))


def weigh(prompt: Prompt, second: Floats, errors: Floats) -> Floats:
    """[findings, 4] how likely a sentence says what of each finding, from what both readers make of it."""
    read = as_read(prompt)
    heard = errors[situation(prompt), np.arange(len(FINDINGS)), :, np.maximum(read, 0)]
    joint = second * np.where(read[:, None] >= 0, heard, 1)
    told: Floats = joint / joint.sum(-1, keepdims=True)
    return told


def _likeliest(prompt: Prompt, told: Floats, contested: Places) -> tuple[Mention, ...]:
    """Of contested findings what they may be, the likelier first, behind what the rules ask of."""
    asked = list(prompt.asked)
    spare = max(0, _MOST_OFFERED - len(asked) - len(contested))
    for row in contested:
        finding = FINDINGS[row]
        read = [mention for mention in prompt.mentions if mention.finding == finding]
        span = read[0].span if read else (0, len(prompt.text))
        best = int(told[row, :SILENT].argmax())
        either = {place for place in range(SILENT) if told[row, place] >= _OFFERED or place == best}
        either |= {SAID.index(mention.polarity) for mention in read}
        for number, place in enumerate(sorted(either, key=lambda place: -told[row, place])):
            if number and not spare:
                break
            spare -= bool(number)
            known = next((mention for mention in read if mention.polarity == SAID[place]), None)
            asked.append(known or Mention(finding, SAID[place], span))
    kept = {(mention.finding, mention.polarity): mention for mention in reversed(asked)}
    return tuple(reversed(kept.values()))
