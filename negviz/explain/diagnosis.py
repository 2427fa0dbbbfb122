"""The three ways in which a model fails to understand "no", each as a number without a threshold.

*Semantic collapse* ("tells opposites apart?"): a sentence and its opposite lie close together in the text
tower, and the films' margins between the two do not tell right films from wrong ones.  *Token blindness*
("reads the “no”?"): the same films come with the cue and without it, and little of the attribution falls on
the cue.  *Visual hallucination* ("shows what you ruled out?"): the films found show the finding that was
ruled out.

`diagnose` measures one sentence; `python -m training diagnosis` measures the 99 prompts, and
`read_backgrounds` says where a sentence lies among them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from negviz.common.errors import NegvizError
from negviz.common.files import FileError
from negviz.common.read_files import read_json
from negviz.films.collection import ASSETS, Film
from negviz.models.encoder import DualEncoder
from negviz.retrieval.answer import Answer, Column
from negviz.retrieval.comparison import Comparison, Pair
from negviz.retrieval.estimate import Estimate

Signature = Literal["collapse", "blindness", "hallucination"]
KEYS: Final[dict[Signature, str]] = {"collapse": "cosine", "blindness": "stay", "hallucination": "contrary"}
SIGNATURES: Final[tuple[Signature, ...]] = ("collapse", "blindness", "hallucination")
_WITHOUT_FILMS: Final[Signature] = "collapse"  # its number is a cosine of two sentences
RESULTS: Final = ASSETS / "results" / "diagnosis.json"
_SAME: Final = 0.005  # cosines of one model on two machines differ less
_SAID: Final = ("present", "absent")


class DiagnosisError(NegvizError):
    """Signatures that cannot be measured; the message is one sentence that says what to do."""


@dataclass(frozen=True)
class SemanticCollapse:
    """Does the model tell a sentence from its opposite?"""

    cosine: float  # of the two in the text tower: 1 is the same
    separation: Estimate | None  # AUROC of the films' margins, as `negviz.retrieval.answer.Margin` gives it


@dataclass(frozen=True)
class Blindness:
    """Does the model read the cue?"""

    stays: tuple[bool, ...]  # whether each film shown, best first, is among the opposite's best as well
    by_chance: float  # films that would stay between two rankings that have nothing to do with each other
    cue_share: float | None  # of the attribution; None where it was not measured or there is no cue

    @property
    def count(self) -> int:
        return sum(self.stays)


@dataclass(frozen=True)
class Hallucination:
    """Does the model show what was ruled out?"""

    findings: tuple[str, ...]  # ruled out
    shows: tuple[bool | None, ...]  # whether each film shown, best first, has one of them; None: not known
    by_chance: float  # such films among as many known films picked at random

    @property
    def count(self) -> int:
        return self.shows.count(True)

    @property
    def judged(self) -> int:
        return len(self.shows) - self.shows.count(None)


@dataclass(frozen=True)
class Diagnosis:
    """What one model makes of one sentence; a signature is None where the sentence does not ask for it."""

    model: str
    collapse: SemanticCollapse | None
    blindness: Blindness | None
    hallucination: Hallucination | None

    def value(self, signature: Signature) -> float | None:
        """The number that places the sentence among others: cosine, or a share of the films shown."""
        if signature == "collapse":
            return None if self.collapse is None else self.collapse.cosine
        if signature == "blindness":
            return None if self.blindness is None else self.blindness.count / len(self.blindness.stays)
        seen = self.hallucination
        return None if seen is None or not seen.judged else seen.count / seen.judged


def diagnose(
    given: Answer,
    turned: Answer | None,
    *,
    cue_shares: Mapping[str, float | None] | None = None,
) -> dict[str, Diagnosis]:
    """Every model's signatures for a sentence.

    `given` and `turned` are the answers to it and to its opposite (None where it has none) over the same
    films; `cue_shares` come from `negviz.attribute`, by model.
    """
    pairs = {} if turned is None else {pair.model: pair for pair in Comparison.of(given, turned).pairs}
    return {
        column.model: Diagnosis(
            model=column.model,
            collapse=_collapse(column),
            blindness=_blindness(
                pairs.get(column.model), len(given.films), (cue_shares or {}).get(column.model)
            ),
            hallucination=_hallucination(given, column),
        )
        for column in given.columns
    }


def _collapse(column: Column) -> SemanticCollapse | None:
    if column.alike is None or column.margin is None:
        return None
    return SemanticCollapse(column.alike, column.margin.separation)


def _blindness(pair: Pair | None, films: int, cue_share: float | None) -> Blindness | None:
    if pair is None or not pair.first.hits:
        return None
    stays = tuple(hit.id in pair.stay for hit in pair.first.hits)
    return Blindness(stays, len(stays) * len(pair.second.hits) / films, cue_share)


def _hallucination(given: Answer, column: Column) -> Hallucination | None:
    ruled_out, films = _ruled_out(given), given.films.collection
    if not ruled_out:
        return None
    known = [verdict for film in films if (verdict := _shows(film, ruled_out)) is not None]
    shows = tuple(_shows(films.by_id(hit.id), ruled_out) for hit in column.hits)
    share = sum(known) / len(known) if known else 0.0
    return Hallucination(ruled_out, shows, share * (len(shows) - shows.count(None)))


def _ruled_out(given: Answer) -> tuple[str, ...]:
    """The findings a sentence denies and does not affirm as well; a normal film is not ruled out so."""
    if not given.marked:
        return ()
    said = {polarity: [m.finding for m in given.mentions if m.polarity == polarity] for polarity in _SAID}
    return tuple(name for name in said["absent"] if name != "normal" and name not in said["present"])


def _shows(film: Film, findings: tuple[str, ...]) -> bool | None:
    """Whether a film shows any of the findings; None where that is not known."""
    verdicts = [film.states(finding, "present") for finding in findings]
    if True in verdicts:
        return True
    return None if None in verdicts else False


# The 99 prompts -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Background:
    """One model's signatures over the 99 prompts, as `python -m training diagnosis` measured them."""

    values: Mapping[Signature, tuple[float, ...]]  # a prompt each, as `Diagnosis.value` gives them
    means: Mapping[Signature, Estimate]
    separation: Estimate | None
    cue_share: Estimate | None
    cosines: tuple[float, ...]  # quantiles of the cosines of two of the prompts, evenly apart
    films: str = ""  # hash of the films that were searched
    family: Mapping[str, str] = field(default_factory=dict)  # hashes of the weights

    def over(self, films: str) -> Background:
        """What holds of the films of that hash: all of it, or only what the sentences alone decide."""
        if films == self.films:
            return self
        return replace(
            self,
            values={_WITHOUT_FILMS: self.values.get(_WITHOUT_FILMS, ())},
            means={key: mean for key, mean in self.means.items() if key == _WITHOUT_FILMS},
            separation=None,
            cue_share=None,
        )

    @property
    def bulk(self) -> tuple[float, float]:
        """Between which cosines nine in ten pairs of the prompts lie."""
        low, high = np.quantile(self.cosines, (0.05, 0.95))
        return float(low), float(high)

    def alike(self, cosine: float) -> float:
        """Share of pairs of the 99 prompts that are less alike than this."""
        return float(np.interp(cosine, self.cosines, np.linspace(0, 1, len(self.cosines)), 0.0, 1.0))


def read_backgrounds(models: Mapping[str, DualEncoder], path: Path = RESULTS) -> dict[str, Background]:
    """By model, of those models that the file was measured with; empty where there is no such file."""
    try:
        results = read_json(path, FileError)
        return {
            name: _background(results, name)
            for name, model in models.items()
            if name in results["signatures"] and _measured_with(model, results["prompts"][name])
        }
    except (FileError, ValueError, LookupError, TypeError, AttributeError):
        return {}  # it only adds to what is measured here


def _measured_with(model: DualEncoder, rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a model gives the first of its recorded prompts the recorded cosine again."""
    first = [row for row in rows if row["cosine"] is not None][0]  # noqa: RUF015 - an IndexError where none
    texts = model.encode_text([first["prompt"], first["opposite"]])
    return abs(float(texts[0] @ texts[1]) - float(first["cosine"])) < _SAME


def _background(results: Mapping[str, Any], name: str) -> Background:
    figures, rows = results["signatures"][name], results["prompts"][name]
    values = {
        signature: tuple(float(row[key]) for row in rows if row[key] is not None)
        for signature, key in KEYS.items()
    }
    means = {signature: _estimate(figures[signature], key) for signature, key in KEYS.items()}
    return Background(
        values=values,
        means={signature: mean for signature, mean in means.items() if mean is not None},
        separation=_estimate(figures["collapse"], "separation"),
        cue_share=_estimate(figures["blindness"], "cue_share"),
        cosines=tuple(map(float, results["pairs"][name]["quantiles"])),
        films=str(results["data"]["collection_hash"]),
        family=results["data"]["family"],
    )


def _estimate(record: Mapping[str, Any], key: str) -> Estimate | None:
    value = record.get(key)
    return None if value is None else Estimate(float(value), *(record.get(f"{key}_ci") or ()))
